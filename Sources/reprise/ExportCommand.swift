import ArgumentParser
import Foundation
import HTTPTypes

/// Writes the cache to a file.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the cache of a running proxy to a file, one entry a line (JSONL).",
        discussion: """
            Conditions combine with AND; without any, everything is written. Prompts and
            answers stand in the file as they are: protect it. What several proxies share is
            written whole, and not gone on with by --resume.

            Example:
              reprise export cache.jsonl
              reprise export --model gpt-4o-mini - | gzip > cache.jsonl.gz
            """)

    @Argument(help: ArgumentHelp("File to write; - is standard output.", valueName: "file"))
    var file: String

    @OptionGroup var selector: SelectorOptions

    @Flag(help: "Only what this proxy has itself, where several share what they have.")
    var local = false

    @Flag(help: "Go on at the end of a file that a broken run left.")
    var resume = false

    @Flag(help: "Say how many entries were written as JSON, on standard error.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if resume, file == "-" { throw ValidationError("--resume needs a file") }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            var output: FileHandle? = file == "-" ? .standardOutput : nil
            var after: String?
            var written = 0
            if resume { (after, written) = try ExportedFile.cut(file) }
            defer { if file != "-" { try? output?.close() } }
            let (isFresh, former) = (after == nil, written)
            var meter = TransferMeter(console: console, total: nil, start: written)
            let query = selector.members + (after.map { [("after", $0)] } ?? []) + (local ? [("local", "true")] : [])
            try await server.client().stream("/cache/export", query: query) { (fields: HTTPFields) in
                // Not before the proxy has answered: a former export must not be lost to a proxy that is not there.
                if output == nil { output = try ExportedFile.open(file, isFresh: isFresh) }
                for field in fields where field.name.canonicalName == "x-cache-entries" { meter.total = Int(field.value).map { $0 + former } }
            } onChunk: { chunk in
                do { try output?.write(contentsOf: chunk) } catch {
                    throw CommandFailure(.cannotCreate, "\(file) cannot be written: \((error as NSError).localizedDescription)")
                }
                written += chunk.count { $0 == UInt8(ascii: "\n") }
                meter.show(written)
            }
            meter.erase()
            console.error(json ? "{\"exported\":\(written)}" : "\(written) entries exported")
        }
    }
}

/// The file that an export writes.
enum ExportedFile {
    /// Opens it for writing at its end, readable by its owner only when it is new.
    static func open(_ path: String, isFresh: Bool) throws -> FileHandle {
        let manager = FileManager.default
        if isFresh { try? manager.removeItem(atPath: path) }
        if !manager.fileExists(atPath: path) { _ = manager.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) }
        guard let handle = FileHandle(forWritingAtPath: path) else { throw CommandFailure(.cannotCreate, "\(path) cannot be written") }
        try handle.seekToEnd()
        return handle
    }

    /// Cuts off a last line that is not complete; the id in the line before, and how many lines there are.
    static func cut(_ path: String) throws -> (after: String?, lines: Int) {
        guard let handle = FileHandle(forUpdatingAtPath: path) else { return (nil, 0) }
        defer { try? handle.close() }
        var lines = 0
        var end: UInt64 = 0
        var offset: UInt64 = 0
        var last: (start: UInt64, end: UInt64) = (0, 0)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            for (index, byte) in piece.enumerated() where byte == UInt8(ascii: "\n") {
                lines += 1
                last = (end, offset + UInt64(index))
                end = offset + UInt64(index) + 1
            }
            offset += UInt64(piece.count)
        }
        try handle.truncate(atOffset: end)
        guard lines > 0 else { return (nil, 0) }
        try handle.seek(toOffset: last.start)
        let line = try handle.read(upToCount: Int(last.end - last.start)) ?? Data()
        struct Line: Decodable { var id: String }
        guard let id = try? JSONDecoder().decode(Line.self, from: line).id else {
            throw CommandFailure(.badData, "\(path) is not a file that an export wrote: export anew, without --resume")
        }
        return (id, lines)
    }
}

/// Shows how many records a transfer has moved.
struct TransferMeter {
    let console: Console
    /// All records, where known.
    var total: Int?
    private let start: Int
    private let began = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private var isBarShown = false

    init(console: Console, total: Int?, start: Int) {
        self.console = console
        self.total = total
        self.start = start
    }

    /// At most ten times a second on a terminal, every ten seconds elsewhere.
    mutating func show(_ done: Int) {
        let now = ContinuousClock.now
        guard now - lastShown >= (console.errorDraws ? .milliseconds(100) : .seconds(10)) else { return }
        lastShown = now
        let line = ProgressLine(records: done - start, start: start, bytes: done, total: total, elapsed: (now - began) / .seconds(1))
        guard console.errorDraws else { return console.error(line.plain) }
        console.writeError("\r" + line.bar(width: console.width) + "\u{1B}[K")
        isBarShown = true
    }

    mutating func erase() {
        if isBarShown { console.writeError("\r\u{1B}[K") }
        isBarShown = false
    }
}
