import SemanticCache

/// A place among the keys in the order of their digits, and how far to look from there at once.
///
/// The digits are a hash's: as many entries stand in any part as its width says. So a page needs no sorting in the engine, and nothing that comes or
/// goes moves what stands elsewhere.
struct RedisPlace {
    private static let end: UInt64 = 1 << UInt64(RedisEntry.positionBits)
    private static let digits = RedisEntry.positionBits / 4

    /// Keys from here on, in hexadecimal.
    private(set) var from: String
    private var width: UInt64

    /// `nil` for a cursor that was not made here.
    init?(_ cursor: SharedCursor?) {
        guard let cursor else {
            (from, width) = (String(repeating: "0", count: Self.digits), Self.end >> 4)
            return
        }
        let parts = cursor.text.split(separator: " ")
        guard parts.count == 2, parts[0].utf8.count >= Self.digits, UInt64(parts[0].prefix(Self.digits), radix: 16) != nil,
            let width = UInt64(parts[1]), width > 0, width <= Self.end
        else { return nil }
        (from, self.width) = (String(parts[0]), width)
    }

    /// `nil` at the end.
    var cursor: SharedCursor? { isEnd ? nil : SharedCursor("\(from) \(width)") }

    private var position: UInt64 { UInt64(from.prefix(Self.digits), radix: 16) ?? Self.end }

    private(set) var isEnd = false

    /// Where to look now.
    var window: (from: UInt64, below: UInt64) { (position, min(Self.end, position + width)) }

    /// Looks at a quarter of it; `false` where that cannot be.
    mutating func narrow() -> Bool {
        guard width > 1 else { return false }
        width = max(1, width / 4)
        return true
    }

    /// Goes on behind a key.
    mutating func move(behind key: String) { from = key + "-" }

    /// Goes on behind the window.
    mutating func moveOn(wider: Bool) {
        let next = window.below
        guard next < Self.end else {
            isEnd = true
            return
        }
        from = String(Hexadecimal.digits(next).suffix(Self.digits))
        if wider { width = min(Self.end, width * 4) }
    }
}
