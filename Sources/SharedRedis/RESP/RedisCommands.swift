import NIOCore

/// Commands that go out together and are answered in order: one round trip.
struct RedisCommands: Sendable {
    /// One word of a command: text or any bytes.
    enum Word: Sendable, ExpressibleByStringInterpolation {
        case text(String)
        case bytes([UInt8])

        init(stringLiteral value: String) { self = .text(value) }
    }

    private(set) var bytes = ByteBuffer()
    private(set) var count = 0

    init(_ commands: [Word]...) {
        for command in commands { append(command) }
    }

    mutating func append(_ command: [Word]) {
        write(command)
        count += 1
    }

    /// A command that is answered by a push.
    mutating func appendUnanswered(_ command: [Word]) { write(command) }

    private mutating func write(_ command: [Word]) {
        bytes.writeString("*\(command.count)\r\n")
        for word in command {
            switch word {
            case .text(let text):
                bytes.writeString("$\(text.utf8.count)\r\n")
                bytes.writeString(text)
            case .bytes(let word):
                bytes.writeString("$\(word.count)\r\n")
                bytes.writeBytes(word)
            }
            bytes.writeString("\r\n")
        }
    }
}

extension RedisCommands.Word {
    static func number(_ number: some BinaryInteger) -> Self { .text(String(number)) }
}
