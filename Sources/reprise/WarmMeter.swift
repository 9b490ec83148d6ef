import Foundation

/// Counts a warm-up and shows how far it is: a bar on a terminal, a line now and then elsewhere.
struct WarmMeter {
    private(set) var totals = WarmTotals()
    /// Good records read so far.
    private(set) var accepted = 0

    private let console: Console
    private let sizes: [String: Int]
    /// Bytes of all files, where all sizes are known.
    private let total: Int?
    /// Bytes of the files before the current one, and of what a former run had done.
    private var before = 0
    private var skipped = 0
    private var done = 0
    private var isBarShown = false
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant
    private var lastSaved: ContinuousClock.Instant

    init(files: [String], console: Console) {
        self.console = console
        var sizes: [String: Int] = [:]
        for file in files where file != "-" {
            sizes[file] = ((try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? NSNumber)?.intValue ?? 0
        }
        self.sizes = sizes
        total = files.contains("-") ? nil : sizes.values.reduce(0, +)
        began = clock.now
        lastShown = began
        lastSaved = began
    }

    func size(of file: String) -> Int { sizes[file] ?? .max }

    mutating func beginFile(_ file: String, at bytes: Int) { skipped += bytes }

    mutating func endFile(_ file: String) { before += sizes[file] ?? 0 }

    mutating func accept(_ record: CheckedRecord, end: Int) {
        accepted += 1
        if record.hasAnswer { totals.withAnswer += 1 } else { totals.withoutAnswer += 1 }
    }

    /// Reports a record that is skipped.
    mutating func refuse(_ message: String) {
        totals.bad += 1
        erase()
        console.error(message)
    }

    mutating func add(_ answer: WarmAnswer, for batch: WarmBatch, of name: String) {
        totals.imported += answer.imported
        totals.asked += answer.asked
        totals.already += answer.already
        totals.failed += answer.failed
        done += batch.records.count
        for failure in answer.errors ?? [] {
            erase()
            let line = batch.lines.indices.contains(failure.line - 1) ? batch.lines[failure.line - 1] : batch.lines.first ?? 0
            console.error("\(name):\(line): \(printable(failure.message))")
        }
    }

    func note(_ message: String) { console.error(message) }

    /// Whether a second passed since progress was last written down.
    mutating func isTimeToSave() -> Bool {
        guard clock.now - lastSaved >= .seconds(1) else { return false }
        lastSaved = clock.now
        return true
    }

    /// Shows the state, at most ten times a second on a terminal and every ten seconds elsewhere.
    mutating func show(bytes: Int) {
        let now = clock.now
        guard now - lastShown >= (console.errorDraws ? .milliseconds(100) : .seconds(10)) else { return }
        lastShown = now
        let line = ProgressLine(
            records: done, start: skipped, bytes: before + bytes, total: total, elapsed: (now - began) / .seconds(1))
        guard console.errorDraws else { return console.error(line.plain) }
        console.writeError("\r" + line.bar(width: console.width) + "\u{1B}[K")
        isBarShown = true
    }

    /// Takes the bar away, so that a message has the line for itself.
    mutating func erase() {
        if isBarShown { console.writeError("\r\u{1B}[K") }
        isBarShown = false
    }
}
