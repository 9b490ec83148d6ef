/// Where the frames of one side of a WebSocket end (RFC 6455, section 5.2). A pure machine, which looks at the first bytes of each frame alone.
struct WebSocketFrames {
    /// A server's close frame with the code 1001: going away.
    static let goingAway: [UInt8] = [0x88, 0x02, 0x03, 0xE9]

    /// The first bytes of a frame, as long as it is not known how long it is.
    private var start: [UInt8] = []
    /// What is to come of the frame.
    private var left: UInt64 = 0

    /// Whether the last frame is whole.
    var isAtBorder: Bool { start.isEmpty && left == 0 }

    /// Takes the next bytes.
    mutating func take(_ bytes: some RandomAccessCollection<UInt8>) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(takeToBorder(rest)) }
    }

    /// Takes bytes as far as the frame goes that is underway, or begins with them; how many these were.
    mutating func takeToBorder(_ bytes: some RandomAccessCollection<UInt8>) -> Int {
        var taken = 0
        for byte in bytes {
            guard left == 0 else { break }
            start.append(byte)
            taken += 1
            guard let length = Self.length(start) else { continue }
            start = []
            left = length
            if length == 0 { return taken }
        }
        let more = Int(min(left, UInt64(bytes.count - taken)))
        left -= UInt64(more)
        return taken + more
    }

    /// The bytes that follow the start of a frame; `nil` while the start is not whole.
    private static func length(_ start: [UInt8]) -> UInt64? {
        guard start.count >= 2 else { return nil }
        let (short, isMasked) = (start[1] & 0x7F, start[1] & 0x80 != 0)
        let count = short == 127 ? 8 : short == 126 ? 2 : 0
        guard start.count >= 2 + count else { return nil }
        let length = count == 0 ? UInt64(short) : start[2..<2 + count].reduce(0) { $0 << 8 | UInt64($1) }
        return length.addingReportingOverflow(isMasked ? 4 : 0).partialValue
    }
}
