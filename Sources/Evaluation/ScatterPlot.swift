import Foundation

/// Draws wrong answers per hit against hit rate, one panel a stream, as SVG.
package enum ScatterPlot {
    private static let width = 460.0
    private static let height = 340.0
    private static let left = 62.0
    private static let bottom = 46.0
    private static let top = 34.0
    private static let right = 16.0
    /// The wrong share is drawn on a logarithmic scale between these.
    private static let lowest = 0.0005
    private static let highest = 0.5

    /// The picture of all streams of a report.
    package static func svg(_ report: EvaluationReport) -> String {
        let columns = min(2, max(1, report.streams.count))
        let rows = (report.streams.count + columns - 1) / max(columns, 1)
        let legendHeight = 34.0
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width) * columns) \(Int(height * Double(max(rows, 1)) + legendHeight))\" "
                + "font-family=\"system-ui, sans-serif\" font-size=\"12\">",
            "<style>text{fill:#333}.a{stroke:#999;fill:none}.g{stroke:#e3e3e3;fill:none}rect.b{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}rect.b{fill:#1b1b1b}}</style>",
            "<rect class=\"b\" width=\"100%\" height=\"100%\"/>",
        ]
        for (index, stream) in report.streams.enumerated() {
            parts.append("<g transform=\"translate(\(width * Double(index % columns)) \(height * Double(index / columns)))\">")
            parts += panel(stream)
            parts.append("</g>")
        }
        var x = left
        for kind in Kind.allCases {
            let y = height * Double(max(rows, 1)) + 16
            parts.append(mark(kind, x, y) + "<text x=\"\(x + 10)\" y=\"\(y + 4)\">\(kind.rawValue)</text>")
            x += Double(kind.rawValue.count) * 7 + 34
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private enum Kind: String, CaseIterable {
        case calibrated, vCache, cosine
        case guarded = "cosine and guards"

        init?(_ rule: String) {
            if rule.hasPrefix("calibrated") {
                self = .calibrated
            } else if rule.hasPrefix("vCache") {
                self = .vCache
            } else if rule.hasPrefix("cosine") {
                self = rule.hasSuffix("guards") ? .guarded : .cosine
            } else {
                return nil
            }
        }

        var colour: String {
            switch self {
            case .calibrated: "#0a7d4f"
            case .vCache: "#8a4fbf"
            case .cosine: "#c0392b"
            case .guarded: "#d98a1f"
            }
        }
    }

    private static func panel(_ stream: EvaluationReport.Stream) -> [String] {
        var parts = ["<text x=\"\(left)\" y=\"20\" font-weight=\"600\">\(escaped(stream.file))</text>"]
        for tick in stride(from: 0.0, through: 1, by: 0.2) {
            let x = x(tick)
            parts.append("<line class=\"g\" x1=\"\(x)\" y1=\"\(top)\" x2=\"\(x)\" y2=\"\(height - bottom)\"/>")
            parts.append("<text x=\"\(x)\" y=\"\(height - bottom + 16)\" text-anchor=\"middle\">\(Int((tick * 100).rounded())) %</text>")
        }
        for tick in [0.001, 0.01, 0.1] {
            let y = y(tick)
            parts.append("<line class=\"g\" x1=\"\(left)\" y1=\"\(y)\" x2=\"\(width - right)\" y2=\"\(y)\"/>")
            parts.append("<text x=\"\(left - 6)\" y=\"\(y + 4)\" text-anchor=\"end\">\(ReportTable.number(tick)) %</text>")
        }
        parts.append("<text x=\"\((left + width - right) / 2)\" y=\"\(height - 12)\" text-anchor=\"middle\">requests answered from the cache</text>")
        parts.append(
            "<text transform=\"translate(14 \((top + height - bottom) / 2)) rotate(-90)\" text-anchor=\"middle\">wrong, of those answered</text>")
        for kind in [Kind.cosine, .guarded] {
            let points = stream.rows.filter { Kind($0.rule) == kind && $0.hitRate.count > 0 }.map {
                "\(x($0.hitRate.share)),\(y($0.wrongPerHit.share))"
            }
            parts.append("<polyline fill=\"none\" stroke=\"\(kind.colour)\" stroke-opacity=\".4\" points=\"\(points.joined(separator: " "))\"/>")
        }
        for row in stream.rows where row.hitRate.count > 0 {
            guard let kind = Kind(row.rule) else { continue }
            let interval = row.wrongPerHit.interval
            let x = x(row.hitRate.share)
            parts.append(
                "<line stroke=\"\(kind.colour)\" stroke-opacity=\".5\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(y(interval.lowerBound))\" y2=\"\(y(interval.upperBound))\"/>"
            )
            parts.append("<g>" + mark(kind, x, y(row.wrongPerHit.share)) + "<title>\(escaped(row.rule))</title></g>")
        }
        return parts
    }

    private static func mark(_ kind: Kind, _ x: Double, _ y: Double) -> String {
        kind == .calibrated
            ? "<rect x=\"\(x - 4.5)\" y=\"\(y - 4.5)\" width=\"9\" height=\"9\" fill=\"\(kind.colour)\"/>"
            : "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"4\" fill=\"\(kind.colour)\"/>"
    }

    private static func x(_ share: Double) -> Double { rounded(left + share * (width - left - right)) }

    private static func y(_ share: Double) -> Double {
        let place = log(min(max(share, lowest), highest) / lowest) / log(highest / lowest)
        return rounded(height - bottom - place * (height - bottom - top))
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
