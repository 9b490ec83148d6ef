/// The live screen of `reprise stats --watch`: what happened since it was opened, drawn from one statistics answer after another.
///
/// Pure: times and sizes come in, lines go out.
struct StatsScreen {
    /// One answer and when it came, in seconds on any clock.
    private struct Sample {
        var time: Double
        var total: Int
        var lookedUp: Int
        var hits: Int
    }

    /// What the terminal can show.
    struct Style {
        var bold: (String) -> String = { $0 }
        var dim: (String) -> String = { $0 }
        var good: (String) -> String = { $0 }
        var bad: (String) -> String = { $0 }
    }

    private static let kept = 120
    private static let bars = Array("▁▂▃▄▅▆▇█")
    private var samples: [Sample] = []
    private var latest: Statistics?
    private let server: String

    init(server: String) { self.server = server }

    /// Takes the next answer. A proxy that was started anew counts from nothing, and so does the screen then.
    mutating func add(_ statistics: Statistics, at time: Double) {
        let requests = statistics.requests
        if let last = samples.last, requests.total < last.total { samples = [] }
        samples.append(
            Sample(
                time: time, total: requests.total, lookedUp: requests.total - requests.bypassed,
                hits: requests.exactHits + requests.semanticHits))
        samples = samples.suffix(Self.kept)
        latest = statistics
    }

    /// At most `height` lines of at most `width` characters; `trouble` is why the latest numbers are old.
    func lines(width: Int, height: Int, trouble: String? = nil, style: Style = Style()) -> [String] {
        guard let latest else { return [trouble.map(style.bad) ?? "waiting for \(server)"] }
        let requests = latest.requests
        // Cut before it is coloured: escape sequences take no room.
        func fit(_ text: String) -> String { shortened(text, to: width) }
        var lines = [
            style.bold(fit("Reprise \(printable(latest.version)) at \(server), up \(spokenTime(latest.uptimeSeconds))")),
            trouble.map { style.bad(fit(printable($0))) } ?? style.dim(fit("Ctrl-C ends")),
            fit(row("requests", "\(requests.total)", rates.last.map { "\(oneDigit($0))/s" } ?? "", spark(rates, width: width))),
            style.good(
                fit(
                    row(
                        "hit ratio", latest.hitRatio.map { "\(oneDigit($0 * 100)) %" } ?? "-",
                        recentRatio.map { "now \(oneDigit($0 * 100)) %" } ?? "",
                        spark(ratios, of: 1, width: width)))),
            "",
            fit(
                facts([
                    ("exact hits", requests.exactHits), ("semantic hits", requests.semanticHits), ("misses", requests.misses),
                    ("bypassed", requests.bypassed),
                ])),
            fit(facts([("coalesced", requests.coalesced), ("stale", requests.stale), ("upstream errors", requests.upstreamErrors)])),
            fit("saved     " + savings(latest.saved)),
            fit("cache     " + cache(latest)),
        ]
        if let shared = latest.shared {
            let line = fit("shared    " + sharedTier(shared))
            lines.append(shared.state == "works" ? line : style.bad(line))
        }
        lines.append("")
        let room = height - lines.count - 1
        if room > 2 {
            // The same tables as `reprise stats`, as far as they fit.
            let whole = latest.lines()
            let start = whole.firstIndex { $0.contains("Milliseconds") } ?? whole.endIndex
            lines += whole[start...].prefix(room).map(fit)
        }
        return Array(lines.prefix(max(1, height - 1)))
    }

    /// Requests a second between neighbouring answers.
    private var rates: [Double] {
        zip(samples, samples.dropFirst()).map { former, later in Double(later.total - former.total) / max(0.001, later.time - former.time) }
    }

    /// Hit ratios between neighbouring answers; nothing looked up keeps the former one.
    private var ratios: [Double] {
        var last = 0.0
        return zip(samples, samples.dropFirst()).map { former, later in
            let asked = later.lookedUp - former.lookedUp
            if asked > 0 { last = min(1, Double(later.hits - former.hits) / Double(asked)) }
            return last
        }
    }

    /// The hit ratio of what the screen has seen in the last ten answers.
    private var recentRatio: Double? {
        guard let last = samples.last, let first = samples.suffix(11).first, last.lookedUp > first.lookedUp else { return nil }
        return Double(last.hits - first.hits) / Double(last.lookedUp - first.lookedUp)
    }

    private func spark(_ values: [Double], of most: Double? = nil, width: Int) -> String {
        let shown = values.suffix(max(0, min(60, width - 42)))
        let top = most ?? max(shown.max() ?? 0, 0.001)
        return String(shown.map { Self.bars[min(Self.bars.count - 1, max(0, Int($0 / top * Double(Self.bars.count - 1) + 0.5)))] })
    }

    private func row(_ name: String, _ value: String, _ now: String, _ picture: String) -> String {
        pad(name, 10) + pad(value, 12) + pad(now, 14) + picture
    }

    private func facts(_ facts: [(String, Int?)]) -> String {
        facts.compactMap { name, count in count.map { "\(name) \($0)" } }.joined(separator: "   ")
    }

    private func savings(_ saved: Statistics.Savings?) -> String {
        let parts = [
            saved?.upstreamCalls.map { "\($0) calls" }, saved.map { "\(($0.promptTokens ?? 0) + ($0.completionTokens ?? 0)) tokens" },
            saved?.usd.map { "$\(spokenDollars($0))" }, saved?.seconds.map { "\(spokenTime($0)) of waiting" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    private func cache(_ statistics: Statistics) -> String {
        let parts = [
            "\(statistics.entries) entries", statistics.memoryBytes.map { "\(spokenSize($0)) in memory" },
            statistics.diskBytes.map { "\(spokenSize($0)) on disk" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    private func sharedTier(_ shared: Statistics.Shared) -> String {
        let counts = facts([
            ("hits", (shared.exactHits ?? 0) + (shared.semanticHits ?? 0)), ("misses", shared.misses), ("late", shared.late),
            ("errors", shared.errors),
            ("waiting", shared.waiting),
        ])
        return shared.condition + "   " + counts
    }

    private func pad(_ text: String, _ length: Int) -> String { text + String(repeating: " ", count: max(1, length - text.count)) }
    private func oneDigit(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }
}
