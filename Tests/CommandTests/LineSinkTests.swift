import Foundation
@testable import reprise
import Testing

struct LineSinkTests {
    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private func isOpen(_ path: String) -> Bool {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.contains { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path }
    }

    /// A file that is moved away is let go of when no line comes, too; the next lines are in the new one.
    @Test(.timeLimit(.minutes(1))) func aFileThatIsMovedIsLetGo() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reprise-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, moved) = (folder + "/access.log", folder + "/access.log.1")
        let sink = try LineSink(.file(path), watch: .milliseconds(5))
        sink.add(Array("one\n".utf8))
        while text(path) != "one\n" { try await Task.sleep(for: .milliseconds(5)) }
        try FileManager.default.moveItem(atPath: path, toPath: moved)
        while isOpen(moved) || !isOpen(path) { try await Task.sleep(for: .milliseconds(5)) }
        sink.add(Array("two\n".utf8))
        await sink.close()
        #expect(text(moved) == "one\n" && text(path) == "two\n")
        #expect(sink.dropped == 0)
    }
}
