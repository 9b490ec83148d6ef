/// The part of the URL space that is forwarded.
package enum ProxyPath {
    /// Paths that begin with this and a slash are the upstream's.
    package static let prefix = "/v1"

    /// Whether a path stays below the upstream's base URL: no dot segments, plain or encoded, no backslash, no control characters.
    package static func isSafe(_ path: Substring) -> Bool {
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { return false }
        guard path.utf8.contains(UInt8(ascii: ".")) || path.utf8.contains(UInt8(ascii: "%")) else { return true }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
            let plain = segment.lowercased().replacing("%2e", with: ".")
            return plain != "." && plain != ".." && !plain.contains("%2f") && !plain.contains("%5c") && !plain.contains("%00")
        }
    }
}
