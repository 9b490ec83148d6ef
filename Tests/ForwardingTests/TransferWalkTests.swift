@testable import Forwarding
import HTTPTypes
import SemanticCache
import TestSupport
import Testing

/// Random events against a transfer, held against the plainest description of what it promises.
struct TransferWalkTests {
    @Test(arguments: 1...150)
    func everyWalkKeepsThePromises(seed: Int) {
        var walk = Walk(seed: UInt64(seed))
        for _ in 0..<250 where walk.fault == nil { walk.step() }
        if walk.fault == nil { walk.end() }
        #expect(walk.fault == nil, "seed \(seed): \(walk.story.suffix(30).joined(separator: "; "))")
    }

    /// The bytes that went in at one side and came out at the other, and who waits for an answer.
    private struct Walk {
        private enum Waiter: Equatable {
            case head
            case chunk
            case feeder
        }

        private let high: Int
        private let low: Int
        private var machine: TransferMachine<Int, Int, Int>
        private var random: SeededGenerator
        private var received: [UInt8] = []
        private var read = 0
        private var fed: [UInt8] = []
        private var sent = 0
        private var waiting: [Int: Waiter] = [:]
        private var nextWaiter = 0
        private var hasHead = false
        private var ending: Bool?
        private var isSupplied = false
        private(set) var story: [String] = []
        private(set) var fault: String?

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            high = Int.random(in: 10...60, using: &random)
            low = Int.random(in: 1..<high, using: &random)
            machine = TransferMachine(highWater: high, lowWater: low)
        }

        mutating func step() {
            switch Int.random(in: 0..<200, using: &random) {
            case 0..<10: ask()
            case 10..<14: resolve()
            case 14..<60: receive()
            case 60..<110: readOne()
            case 110..<150: feed()
            case 150..<196: send()
            case 196..<198: endSupply()
            case 198: finish(Bool.random(using: &random))
            default: while fault == nil, readOne() {}
            }
            inspect()
        }

        /// Ends the exchange and reads to the end: nobody waits, no byte is missing.
        mutating func end() {
            finish(true)
            while fault == nil, readOne() {}
            inspect()
            claim(waiting.isEmpty, "nobody waits any more: \(waiting)")
            claim(read == received.count, "every byte was read")
            if case .fail = machine.send(atMost: 1) {} else { claim(false, "nothing is kept to send") }
        }

        // MARK: Events

        private mutating func ask() {
            guard !waiting.values.contains(.head) else { return }
            story.append("ask")
            nextWaiter += 1
            switch machine.awaitHead(nextWaiter) {
            case .tell: claim(hasHead || ending != nil, "a head that is known")
            case .wait:
                claim(!hasHead && ending == nil, "one waits only for what is not known")
                waiting[nextWaiter] = .head
            }
        }

        private mutating func resolve() {
            story.append("resolve")
            let waiter = machine.resolve(.success((.ok, [:])))
            claim(waiter == nil || !hasHead && ending == nil, "the first head counts")
            answer(waiter, .head)
            hasHead = true
        }

        private mutating func receive() {
            let chunk = (0..<Int.random(in: 1...high, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            story.append("receive \(chunk.count)")
            let queued = received.count - read
            let isReaderWaiting = waiting.values.contains(.chunk)
            switch machine.receive(chunk) {
            case .deliver(let reader):
                claim(queued == 0, "who waits has read all that came before")
                answer(reader, .chunk)
                received += chunk
                read += chunk.count
            case .taken:
                claim(ending != nil || queued < high && !isReaderWaiting, "a chunk is queued where there is room and nobody waits for it")
                if ending == nil { received += chunk }
            case .pause: claim(ending == nil && queued >= high && machine.isPaused, "a pause where the reader is too far behind")
            }
        }

        @discardableResult
        private mutating func readOne() -> Bool {
            guard !waiting.values.contains(.chunk) else { return false }
            let waits = Bool.random(using: &random)
            story.append(waits ? "read" : "look")
            nextWaiter += 1
            let wasPaused = machine.isPaused
            switch waits ? machine.read(nextWaiter) : machine.read() {
            case .chunk(let chunk, let resumes):
                claim(received[read...].starts(with: chunk), "the bytes that are next")
                read += chunk.count
                let mayGoOn = wasPaused && received.count - read < low
                claim(resumes == mayGoOn, "a paused transfer goes on below the low-water mark")
                return true
            case .end(let end):
                claim(read == received.count, "the end comes after every byte")
                if case .success = end { claim(ending == true, "a clean end") } else { claim(ending == false, "a break") }
            case .wait:
                claim(read == received.count && ending == nil, "one waits only where all was read")
                if waits { waiting[nextWaiter] = .chunk }
            }
            return false
        }

        private mutating func feed() {
            // The feeder brings nothing while it waits, and nothing after the last piece.
            guard !waiting.values.contains(.feeder), !isSupplied else { return }
            let piece = (0..<Int.random(in: 0...high, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            story.append("feed \(piece.count)")
            let wasStarved = machine.isStarved
            let (action, wakes) = machine.feed(piece)
            claim(wakes == (wasStarved && !piece.isEmpty), "a starved thread is woken for a piece")
            if ending == nil { fed += piece }
            switch action {
            case .goOn: claim(ending == nil && (fed.count - sent < high || piece.isEmpty), "the feeder goes on where there is room")
            case .stop: claim(ending != nil, "the feeder stops at the end")
            case .wait:
                claim(ending == nil && fed.count - sent >= high, "the feeder waits where there is none")
                nextWaiter += 1
                if case .wait = machine.awaitRoom(nextWaiter) { waiting[nextWaiter] = .feeder } else { claim(false, "there was no room just now") }
            }
        }

        private mutating func send() {
            let limit = Int.random(in: 1...high, using: &random)
            story.append("send \(limit)")
            switch machine.send(atMost: limit) {
            case .bytes(let bytes, let feeder):
                claim(ending == nil && !bytes.isEmpty && bytes.count <= limit, "as much as fits")
                claim(fed[sent...].starts(with: bytes), "the bytes that are next")
                sent += bytes.count
                let mayGoOn = waiting.values.contains(.feeder) && fed.count - sent < low
                claim((feeder != nil) == mayGoOn, "the feeder goes on below the low-water mark")
                answer(feeder, .feeder)
            case .wait: claim(ending == nil && sent == fed.count && !isSupplied && machine.isStarved, "the thread waits where all was sent")
            case .end: claim(ending == nil && sent == fed.count && isSupplied, "the end comes after every byte")
            case .fail: claim(ending != nil, "nothing is sent after the end")
            }
        }

        private mutating func endSupply() {
            guard !waiting.values.contains(.feeder) else { return }
            story.append("end of supply")
            let wakes = machine.endSupply(.success(()))
            claim(wakes == (ending == nil && !isSupplied), "the thread is told of the first end")
            isSupplied = true
        }

        private mutating func finish(_ isClean: Bool) {
            story.append("finish \(isClean)")
            let action = machine.finish(isClean ? .success(()) : .failure(.broken("reset")))
            claim((action != nil) == (ending == nil), "only the first end counts")
            ending = ending ?? isClean
            answer(action?.head?.waiter, .head)
            answer(action?.reader, .chunk)
            answer(action?.feeder, .feeder)
        }

        // MARK: Promises

        /// Whoever is answered waited, and does so no more.
        private mutating func answer(_ waiter: Int?, _ kind: Waiter) {
            guard let waiter else { return }
            let known = waiting.removeValue(forKey: waiter)
            claim(known == kind, "\(waiter) is told of \(kind), waited for \(String(describing: known))")
        }

        private mutating func inspect() {
            claim(machine.hasEnded == (ending != nil), "ended or not")
            claim(!machine.isPaused || received.count - read >= low, "nobody waits for a reader who has caught up")
            claim(!machine.isStarved || sent == fed.count && !isSupplied, "nobody waits for bytes that are there")
            for waiter in waiting.values {
                switch waiter {
                case .head: claim(!hasHead, "the head is told")
                case .chunk: claim(read == received.count, "no byte waits for one who waits for bytes")
                case .feeder: claim(fed.count - sent >= low, "the feeder waits only above the low-water mark")
                }
                claim(ending == nil, "nobody waits after the end")
            }
        }

        private mutating func claim(_ holds: Bool, _ text: String) {
            guard !holds, fault == nil else { return }
            fault = text
            story.append("broken: \(text)")
        }
    }
}
