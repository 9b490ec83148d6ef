import WireFormats

/// The part of the URL space that is forwarded.
package enum ProxyPath {
    /// What the upstream's base URL stands for, up to and with the version. Any other path begins at its host's root.
    static let base = "/v1"

    /// Whether a path is the upstream's: it is if it belongs to an API that a format knows.
    package static func isForwarded(_ path: some StringProtocol) -> Bool { KnownFormats.hasRoot(of: path) }

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
