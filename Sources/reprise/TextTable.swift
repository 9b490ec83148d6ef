/// Rows of cells as aligned text columns.
struct TextTable {
    enum Alignment { case left, right }

    struct Column {
        var title: String
        var alignment = Alignment.left
    }

    var columns: [Column]
    var rows: [[String]] = []

    /// The lines, the titles first. The last column is cut so that lines fit `width`; other columns are as wide as they must be.
    func lines(width: Int) -> [String] {
        let cells = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            let padded = row.enumerated().map { column, text in
                let blanks = String(repeating: " ", count: widths[column] - text.count)
                if columns[column].alignment == .right { return blanks + text }
                return column == columns.count - 1 ? text : text + blanks
            }
            return shortened(padded.joined(separator: "  "), to: max(width, 20))
        }
    }
}

/// The text, cut to `length` characters with an ellipsis where it is longer.
func shortened(_ text: String, to length: Int) -> String {
    text.count <= length ? text : text.prefix(max(length - 1, 0)) + "…"
}

/// `812` as `13m 32s`: the two largest units of a time in seconds.
func spokenTime(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e15 else { return "-" }
    if seconds < 0 { return "-" + spokenTime(-seconds) }
    if seconds < 10 { return "\((seconds * 10).rounded() / 10)s" }
    var rest = Int(seconds)
    var parts: [String] = []
    for (name, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] where rest >= length || !parts.isEmpty {
        parts.append("\(rest / length)\(name)")
        rest %= length
    }
    return parts.prefix(2).joined(separator: " ")
}

/// Dollars with at least two digits behind the point: at most four from a cent on, else six, since one short answer of a small model costs less
/// than a hundredth of a cent.
func spokenDollars(_ dollars: Double) -> String {
    guard dollars.isFinite, abs(dollars) < 1e12 else { return "-" }
    let step = abs(dollars) >= 0.01 ? 100 : 1
    let millionths = Int((abs(dollars) * 1_000_000 / Double(step)).rounded()) * step
    var fraction = String(1_000_000 + millionths % 1_000_000).dropFirst()
    while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
    let sign = dollars < 0 && millionths > 0 ? "-" : ""
    return "\(sign)\(millionths / 1_000_000).\(fraction)"
}

/// `40960` as `40.0 KiB`.
func spokenSize(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024 { return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)" }
        value /= 1024
    }
    return "\((value * 10).rounded() / 10) TiB"
}
