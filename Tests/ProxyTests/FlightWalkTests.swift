import HTTPTypes
@testable import Proxy
import SemanticCache
import TestSupport
import Testing

/// Random events against a flight, held against the plainest description of what it promises.
struct FlightWalkTests {
    @Test(arguments: 1...150)
    func everyWalkKeepsThePromises(seed: Int) {
        var walk = Walk(seed: UInt64(seed))
        for _ in 0..<250 where walk.fault == nil { walk.step() }
        if walk.fault == nil { walk.end() }
        #expect(walk.fault == nil, "seed \(seed): \(walk.story.suffix(30).joined(separator: "; "))")
    }

    /// What was brought, who has read how much of it, and who waits for an answer.
    private struct Walk {
        private enum Waiter: Equatable {
            case head(Int)
            case chunk(Int)
            case pump
        }

        private enum End {
            case clean
            case broken
        }

        private let window: Int
        private let limit: Int
        private var machine: FlightMachine<Int, Int, Int>
        private var random: SeededGenerator
        private var brought: [[UInt8]] = []
        /// How many chunks each reader has read that has not left.
        private var positions: [Int: Int] = [:]
        private var waiting: [Int: Waiter] = [:]
        private var nextWaiter = 0
        private var joined = 0
        private var hasHead = false
        private var isJoinable = true
        private var ending: End?
        private var isAbandoned = false
        private var isHeld = false
        private(set) var story: [String] = []
        private(set) var fault: String?

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            window = Int.random(in: 5...40, using: &random)
            limit = Int.random(in: window...200, using: &random)
            machine = FlightMachine(window: window, limit: limit)
            subscribe()
        }

        private var isUnderway: Bool { ending == nil && !isAbandoned }

        mutating func step() {
            let someone = Int.random(in: 1...max(1, joined), using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<6: subscribe()
            case 6..<8: resolve(Int.random(in: 0..<8, using: &random) > 0)
            case 8..<38: bring()
            case 38..<80: read(someone)
            case 80..<90: ask(someone)
            case 90..<96: leave(someone)
            case 96: isHeld ? release() : hold()
            case 97: finish(Bool.random(using: &random) ? .clean : .broken)
            default: for reader in positions.keys.sorted() { read(reader) }
            }
            inspect()
        }

        /// Ends the answer, lets half of the readers read to the end and the others leave: nothing is kept.
        mutating func end() {
            finish(.clean)
            for reader in positions.keys.sorted() {
                if reader.isMultiple(of: 2) { leave(reader) } else { while fault == nil, read(reader) {} }
                inspect()
            }
            claim(waiting.isEmpty, "nobody waits any more: \(waiting)")
            claim(machine.bytesHeld == 0, "nothing is kept")
        }

        // MARK: Events

        private mutating func subscribe() {
            let id = machine.subscribe()
            story.append("subscribe \(id ?? 0)")
            claim((id != nil) == (isJoinable && isUnderway), "one can join as long as every byte is there")
            guard let id else { return }
            claim(id > joined, "a new reader")
            joined = id
            positions[id] = 0
        }

        private mutating func resolve(_ isSuccess: Bool) {
            story.append("resolve \(isSuccess)")
            let told = machine.resolve(isSuccess ? .success(Flight.Head(status: .ok, fields: [:])) : .failure(.closed))
            claim(!hasHead || told.isEmpty, "the first head counts")
            answer(told) { if case .head = $0 { true } else { false } }
            if !hasHead, !isSuccess { isJoinable = false }
            hasHead = true
        }

        private mutating func bring() {
            // The pump brings nothing while it waits.
            guard !waiting.values.contains(.pump) else { return }
            let chunk = (0..<Int.random(in: 1...window + 5, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            story.append("bring \(chunk.count)")
            let action = machine.bring(chunk)
            if isUnderway {
                brought.append(chunk)
                // Whether one can join depends on the sum of all that came: as long as one can, nothing is let go.
                if held > limit { isJoinable = false }
                for waiter in action.readers {
                    guard case .chunk(let reader)? = waiting[waiter] else { return claim(false, "\(waiter) did not wait for a chunk") }
                    waiting[waiter] = nil
                    claim(positions[reader] == brought.count - 1, "who waits has read all that came before")
                    positions[reader, default: 0] += 1
                }
                claim(action.pumpMayGoOn == hasRoom, "the pump goes on where there is room")
            } else {
                claim(action.readers.isEmpty && action.pumpMayGoOn, "after the end nothing comes")
            }
            guard !action.pumpMayGoOn else { return }
            nextWaiter += 1
            claim(machine.awaitRoom(nextWaiter), "there was no room just now")
            waiting[nextWaiter] = .pump
        }

        @discardableResult
        private mutating func read(_ reader: Int) -> Bool {
            guard !waiting.values.contains(.chunk(reader)) else { return false }
            story.append("read \(reader)")
            nextWaiter += 1
            switch machine.read(reader, nextWaiter) {
            case .chunk(let chunk, let pump):
                guard let position = positions[reader], position < brought.count else {
                    claim(false, "a chunk for a reader who is there and has not read all")
                    return false
                }
                claim(chunk == brought[position], "the chunk that is next")
                positions[reader] = position + 1
                if let pump { answer([pump]) { $0 == .pump } }
                return true
            case .end(.broken(is CancellationError)): claim(positions[reader] == nil, "only who has left is cancelled")
            case .end(.clean): claim(ending == .clean && positions[reader] == brought.count, "the end comes after every byte")
            case .end(.broken): claim(ending == .broken && positions[reader] == brought.count, "the break comes after every byte")
            case .wait:
                claim(ending == nil && positions[reader] == brought.count, "one waits only where all was read")
                waiting[nextWaiter] = .chunk(reader)
            }
            return false
        }

        private mutating func ask(_ reader: Int) {
            guard !waiting.values.contains(.head(reader)) else { return }
            story.append("ask \(reader)")
            nextWaiter += 1
            switch machine.awaitHead(reader, nextWaiter) {
            case .tell(.failure(.cancelled)): claim(hasHead || positions[reader] == nil, "who is there and asks for the head waits for it")
            case .tell: claim(hasHead, "a head that is known")
            case .wait:
                claim(!hasHead && positions[reader] != nil, "one waits only for what is not known")
                waiting[nextWaiter] = .head(reader)
            }
        }

        private mutating func leave(_ reader: Int) {
            story.append("leave \(reader)")
            let action = machine.leave(reader)
            let wasThere = positions.removeValue(forKey: reader) != nil
            let cancels = wasThere && positions.isEmpty && isUnderway && !isHeld
            claim(action.cancelsPump == cancels, "the last who leaves cancels the pump")
            if cancels { isAbandoned = true }
            if let head = action.head { answer([head]) { $0 == .head(reader) } }
            if let chunk = action.reader { answer([chunk]) { $0 == .chunk(reader) } }
            if let pump = action.pump { answer([pump]) { $0 == .pump } }
        }

        private mutating func hold() {
            story.append("hold")
            machine.hold()
            isHeld = isUnderway
        }

        private mutating func release() {
            story.append("release")
            let cancels = machine.release()
            claim(cancels == (isUnderway && positions.isEmpty), "the pump is cancelled where nobody reads any more")
            isHeld = false
            if cancels { isAbandoned = true }
        }

        private mutating func finish(_ end: End) {
            story.append("finish \(end)")
            struct Break: Error {}
            let action = machine.finish(end == .clean ? .clean : .broken(Break()))
            if isUnderway {
                ending = end
                isJoinable = false
                hasHead = true
            }
            answer(action.heads) { if case .head = $0 { true } else { false } }
            answer(action.readers) { if case .chunk = $0 { true } else { false } }
            if let pump = action.pump { answer([pump]) { $0 == .pump } }
        }

        // MARK: Promises

        /// Whoever is answered waited, and does so no more.
        private mutating func answer(_ waiters: [Int], _ isKind: (Waiter) -> Bool) {
            for waiter in waiters {
                guard let known = waiting.removeValue(forKey: waiter) else { return claim(false, "\(waiter) did not wait") }
                claim(isKind(known), "\(waiter) waited for something else")
            }
        }

        private var held: Int {
            if isAbandoned { return 0 }
            let first = isJoinable ? 0 : positions.values.min() ?? brought.count
            return brought[first...].reduce(0) { $0 + $1.count }
        }

        private var hasRoom: Bool {
            if isHeld, positions.isEmpty { return true }
            let furthest = positions.values.max() ?? 0
            return brought[furthest...].reduce(0) { $0 + $1.count } < window && (isJoinable || held < limit)
        }

        private mutating func inspect() {
            claim(machine.bytesHeld == held, "it holds what somebody may still read, and no more: \(machine.bytesHeld), expected \(held)")
            claim(machine.isAbandoned == isAbandoned, "abandoned or not")
            for waiter in waiting.values {
                switch waiter {
                case .pump: claim(isUnderway && !hasRoom, "the pump waits only without room")
                case .head(let reader): claim(!hasHead && positions[reader] != nil, "the head is told to who is there")
                case .chunk(let reader):
                    claim(isUnderway && positions[reader] == brought.count, "no byte waits for one who waits for bytes")
                }
            }
        }

        private mutating func claim(_ holds: Bool, _ text: String) {
            guard !holds, fault == nil else { return }
            fault = text
            story.append("broken: \(text)")
        }
    }
}
