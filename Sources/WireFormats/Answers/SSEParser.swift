/// One server-sent event.
package struct SSEEvent: Hashable, Sendable {
    /// The `event` field; empty where the stream named none, which means `message`.
    package var name: String
    /// The `data` lines, joined by line feeds.
    package var data: [UInt8]
    /// The `id` field of this event, if it had one.
    package var id: String?
    /// Where the event ends, as a count of bytes from the stream's beginning: after the first byte of the line end that dispatched it, so that it does
    /// not depend on whether the LF of a CRLF has come.
    package var end: Int
}

/// Bytes, split anywhere, to server-sent events: WHATWG HTML, section 9.2.6. A pure machine, linear in the bytes.
///
/// Lines end with LF, CR or CRLF; a byte order mark at the beginning, comments and unknown fields are passed over; `retry` is kept in ``retry``. As the
/// standard says, an event without data is dropped, and so is one whose blank line never comes; ``finish()`` gives the latter to those who
/// know better.
package struct SSEParser: Sendable {
    /// An event grew beyond the limit given.
    package struct EventTooLarge: Error, Hashable, Sendable {
        /// The limit, in bytes of one event's lines.
        package let limit: Int
    }

    /// The reconnection time that the stream last asked for, in milliseconds.
    package private(set) var retry: Int?

    private let limit: Int
    /// The line so far, its end still to come.
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var id: String?
    private var hasData = false
    private var position = 0
    /// Whether the last byte was a CR, whose LF may follow.
    private var endedWithCR = false
    private var isFirstLine = true

    /// - Parameter limit: the most bytes that one event's data and current line may hold.
    package init(limit: Int = 16 << 20) { self.limit = limit }

    /// Takes the next bytes and gives the events that they complete.
    package mutating func append(_ bytes: some Sequence<UInt8>) throws(EventTooLarge) -> [SSEEvent] {
        var events: [SSEEvent] = []
        let whole = bytes.withContiguousStorageIfAvailable { buffer -> Result<[SSEEvent], EventTooLarge> in
            do throws(EventTooLarge) {
                try read(buffer, into: &events)
                return .success(events)
            } catch {
                return .failure(error)
            }
        }
        if let whole { return try whole.get() }
        return try append(Array(bytes))
    }

    /// Ends the stream. Returns what stood there without a blank line after it, or `nil` when nothing did.
    package mutating func finish() -> SSEEvent? {
        if !line.isEmpty {
            let last = line
            line = []
            last.withUnsafeBufferPointer { interpret($0) }
        }
        return hasData ? take() : nil
    }

    /// Whether bytes came after the last event that are no whole event yet (comments aside).
    package var isWithinEvent: Bool { hasData || !line.isEmpty || !name.isEmpty }

    private mutating func read(_ buffer: UnsafeBufferPointer<UInt8>, into events: inout [SSEEvent]) throws(EventTooLarge) {
        var start = 0
        var index = 0
        if endedWithCR, let first = buffer.first {
            endedWithCR = false
            if first == 0x0A {
                start = 1
                index = 1
            }
        }
        while index < buffer.count {
            let byte = buffer[index]
            guard byte == 0x0A || byte == 0x0D else {
                index += 1
                continue
            }
            var next = index + 1
            if byte == 0x0D {
                if next == buffer.count {
                    endedWithCR = true
                } else if buffer[next] == 0x0A {
                    next += 1
                }
            }
            try endLine(UnsafeBufferPointer(rebasing: buffer[start..<index]), at: position + index + 1, into: &events)
            index = next
            start = next
        }
        guard line.count + data.count + buffer.count - start <= limit else { throw EventTooLarge(limit: limit) }
        line.append(contentsOf: buffer[start...])
        position += buffer.count
    }

    private mutating func endLine(_ rest: UnsafeBufferPointer<UInt8>, at end: Int, into events: inout [SSEEvent]) throws(EventTooLarge) {
        guard line.count + data.count + rest.count <= limit else { throw EventTooLarge(limit: limit) }
        if line.isEmpty {
            if rest.isEmpty {
                if hasData {
                    var event = take()
                    event.end = end
                    events.append(event)
                } else {
                    name = ""
                }
                isFirstLine = false
                return
            }
            interpret(rest)
        } else {
            line.append(contentsOf: rest)
            let whole = line
            line.removeAll(keepingCapacity: true)
            whole.withUnsafeBufferPointer { interpret($0) }
        }
    }

    /// The event so far, which is then forgotten.
    private mutating func take() -> SSEEvent {
        defer {
            name = ""
            data = []
            id = nil
            hasData = false
        }
        return SSEEvent(name: name, data: data, id: id, end: position)
    }

    private mutating func interpret(_ whole: UnsafeBufferPointer<UInt8>) {
        var line = whole[...]
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        guard colon > line.startIndex else { return }  // A comment, or nothing but a byte order mark.
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == 0x20 { value = value.dropFirst() }
        let field = UnsafeBufferPointer(rebasing: line[..<colon])
        if ("data" as StaticString).isEqual(to: field) {
            if hasData { data.append(0x0A) }
            hasData = true
            data.append(contentsOf: value)
        } else if ("event" as StaticString).isEqual(to: field) {
            name = String(decoding: value, as: UTF8.self)
        } else if ("id" as StaticString).isEqual(to: field) {
            if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        } else if ("retry" as StaticString).isEqual(to: field) {
            if value.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let milliseconds = Int(String(decoding: value, as: UTF8.self)) { retry = milliseconds }
        }
    }
}
