import Testing

@testable import Server

@Suite struct WebSocketFramesTests {
    /// The bytes of a frame, and nothing of its content.
    private func frame(length: Int, isMasked: Bool = false) -> [UInt8] {
        let mask: UInt8 = isMasked ? 0x80 : 0
        let start: [UInt8] =
            switch length {
            case 126...65535: [0x82, mask | 126, UInt8(length >> 8), UInt8(length & 255)]
            case 65536...: [0x82, mask | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
            default: [0x82, mask | UInt8(length)]
            }
        return start + [UInt8](repeating: 0x88, count: length + (isMasked ? 4 : 0))
    }

    /// Cut anywhere, a border is found where one is, and nowhere else.
    @Test func bordersAreFoundHoweverTheBytesCome() {
        let frames = [frame(length: 0), frame(length: 5), frame(length: 0, isMasked: true), frame(length: 125), frame(length: 126, isMasked: true)]
        let bytes = frames.flatMap { $0 }
        let borders = frames.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        for length in 1...bytes.count {
            var machine = WebSocketFrames()
            var position = 0
            while position < bytes.count {
                let end = min(position + length, bytes.count)
                machine.take(bytes[position..<end])
                position = end
                #expect(machine.isAtBorder == borders.contains(position), "\(length) bytes at a time, at \(position)")
            }
        }
    }

    @Test(arguments: [0, 1, 125, 126, 65535, 65536, 70000])
    func stopsAtTheNextBorder(length: Int) {
        let (one, two) = (frame(length: length), frame(length: 3))
        for cut in [1, 2, 3, 9, one.count - 1] where cut < one.count {
            var machine = WebSocketFrames()
            machine.take(one[..<cut])
            #expect(!machine.isAtBorder)
            #expect(machine.takeToBorder(one[cut...] + two) == one.count - cut)
            #expect(machine.isAtBorder)
        }
    }

    /// A length that no frame has neither traps nor ends.
    @Test func takesAnyLength() {
        var machine = WebSocketFrames()
        machine.take([0x82, 0xFF] + [UInt8](repeating: 0xFF, count: 300))
        machine.take(WebSocketFrames.goingAway)
    }
}
