import HTTPTypes

/// The `traceparent` field of W3C Trace Context. It is passed on to the upstream as it came; only its trace is read, for the log.
enum TraceParent {
    /// The trace id of a field such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; `nil` for a field that is not valid.
    static func traceID(_ field: String?) -> String? {
        guard let field else { return nil }
        let parts = field.split(separator: "-", omittingEmptySubsequences: false)
        func isHexadecimal(_ part: Substring, _ count: Int) -> Bool {
            part.utf8.count == count && part.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
        }
        func isZero(_ part: Substring) -> Bool { part.utf8.allSatisfy { $0 == 0x30 } }
        // Versions to come may add parts behind the four of version 00.
        guard parts.count == 4 || (parts.count > 4 && parts[0] != "00"), isHexadecimal(parts[0], 2), parts[0] != "ff",
            isHexadecimal(parts[1], 32), !isZero(parts[1]), isHexadecimal(parts[2], 16), !isZero(parts[2]), isHexadecimal(parts[3], 2)
        else { return nil }
        return String(parts[1])
    }
}

extension HTTPField.Name {
    // The name is a valid token, so it cannot fail to be made.
    static let traceParent = Self("traceparent")!
}
