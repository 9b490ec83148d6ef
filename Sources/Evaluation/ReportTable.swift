/// A report as text for people.
package enum ReportTable {
    /// The tables of all files.
    package static func text(_ report: EvaluationReport) -> String {
        var lines = [
            "embedder  \(report.embedder)", "verifier  \(report.verifier.isEmpty ? "none" : report.verifier)",
            "prior     \(report.hasPrior ? "shipped" : "none: starts shut")",
        ]
        for pairs in report.pairs {
            lines += ["", "\(pairs.file): \(pairs.pairs) pairs, each in a cache of its own", ""]
            lines += table(
                ["rule", "should-hits served", "traps answered"],
                pairs.rows.map { [$0.rule, shown($0.served), shown($0.trapped)] })
            for row in pairs.rows where row.rule.hasPrefix("calibrated") {
                lines += parts("kind", row.byKind, of: row) + parts("language", row.byLanguage, of: row)
            }
        }
        for stream in report.streams {
            lines += ["", "\(stream.file): \(stream.prompts) prompts, \(stream.rows.first?.seeds ?? 0) shuffles", ""]
            lines += table(
                ["rule", "hits", "wrong of hits", "2nd half", "wrong", "wrong of all", "seeds", "first", "explored", "judged"],
                stream.rows.map { row in
                    [
                        row.rule, percent(row.hitRate.share), shown(row.wrongPerHit), percent(row.secondHalfHitRate.share),
                        percent(row.secondHalfWrongPerHit.share), percent(row.wrongPerRequest.share),
                        "\(percent(row.hitRateBySeed.min() ?? 0)) to \(percent(row.hitRateBySeed.max() ?? 0))", row.firstHit.map { "\($0)" } ?? "-",
                        percent(row.explored.share), percent(row.judgeCallsPerRequest),
                    ]
                })
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A row's pairs part by part: counts, because the parts are small.
    private static func parts(_ name: String, _ parts: [String: EvaluationReport.PairRow.Shares], of row: EvaluationReport.PairRow) -> [String] {
        guard parts.count > 1 else { return [] }
        func counted(_ proportion: Proportion) -> String { proportion.total > 0 ? "\(proportion.count) of \(proportion.total)" : "-" }
        return [""]
            + table(
                ["\(row.rule), by \(name)", "should-hits served", "traps answered"],
                parts.sorted { $0.key < $1.key }.map { [$0.key, counted($0.value.served), counted($0.value.trapped)] })
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
        }
    }

    /// "51.3 % (43.5 to 59.0)", the brackets holding the 95 % interval.
    package static func shown(_ proportion: Proportion) -> String {
        guard proportion.total > 0 else { return "-" }
        return "\(percent(proportion.share)) (\(number(proportion.interval.lowerBound)) to \(number(proportion.interval.upperBound)))"
    }

    private static func percent(_ share: Double) -> String { number(share) + " %" }

    /// A share as percent with two decimals below ten, else with one.
    static func number(_ share: Double) -> String {
        let scale = share < 0.1 ? 100.0 : 10.0
        let value = Int((share * 100 * scale).rounded())
        let digits = String(value % Int(scale))
        return "\(value / Int(scale))." + String(repeating: "0", count: (scale == 100 ? 2 : 1) - digits.count) + digits
    }
}
