import SemanticCache
import Synchronization
import Testing

@Suite struct BytePipeTests {
    @Test func givesWhatHasPiledUpAtOnce() async throws {
        let pipe = BytePipe()
        #expect(pipe.write([1, 2]) && pipe.write([3]))
        #expect(try await pipe.next() == [1, 2, 3])
        async let waiting = pipe.next()
        // Whether the reader is there first or the bytes are, it gets them.
        #expect(pipe.write([4]))
        #expect(try await waiting == [4])
    }

    @Test func endsBehindWhatWasWritten() async throws {
        let pipe = BytePipe()
        _ = pipe.write([1])
        pipe.finish()
        pipe.finish(.failure(CancellationError()))
        _ = pipe.write([2])
        #expect(try await pipe.next() == [1])
        #expect(try await pipe.next() == nil)
        #expect(try await pipe.next() == nil)
    }

    @Test func saysWhenThereIsNoRoomAndWhenThereIsAgain() async throws {
        let pipe = BytePipe(limit: 3)
        let rooms = Mutex(0)
        pipe.onRoom { rooms.withLock { $0 += 1 } }
        #expect(pipe.write([1, 2, 3]))
        #expect(!pipe.write([4]))
        #expect(rooms.withLock { $0 } == 0)
        #expect(try await pipe.next() == [1, 2, 3, 4])
        #expect(rooms.withLock { $0 } == 1)
        #expect(pipe.write([5]))
        #expect(try await pipe.next() == [5])
        #expect(rooms.withLock { $0 } == 1)
    }

    @Test func breaksForTheReader() async {
        let pipe = BytePipe()
        let waiting = Task { try await pipe.next() }
        pipe.finish(.failure(UpstreamError.broken("x")))
        await #expect(throws: UpstreamError.self) { try await waiting.value }
    }

    @Test func aReaderThatIsCancelledWaitsNoLonger() async {
        let pipe = BytePipe()
        let reader = Task { try await pipe.next() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
    }
}
