/// One line saying how far a long run is.
struct ProgressLine {
    /// Records done in this run.
    var records: Int
    /// Bytes done of all, at the run's start and now; `total` is `nil` for standard input.
    var start: Int
    var bytes: Int
    var total: Int?
    /// Seconds since the run began.
    var elapsed: Double

    /// `[#########-----------]  45 %  1200 records  300/s  12s left`
    func bar(width: Int) -> String {
        guard let share else { return facts.joined(separator: "  ") }
        let tail = "  \(percent)  " + facts.joined(separator: "  ")
        let room = min(40, width - tail.count - 3)
        guard room >= 5 else { return shortened(String(tail.dropFirst(2)), to: max(width - 1, 1)) }
        let full = Int(share * Double(room))
        return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: room - full) + "]" + tail
    }

    /// The same without a bar, for a log.
    var plain: String { ((share == nil ? [] : [percent]) + facts).joined(separator: ", ") }

    private var share: Double? { total.map { $0 > 0 ? min(1, Double(bytes) / Double($0)) : 1 } }
    private var percent: String { share.map { "\(Int($0 * 100)) %" } ?? "" }

    private var facts: [String] {
        let rate = elapsed > 0 ? Double(records) / elapsed : 0
        var facts = ["\(records) records", rate < 10 ? "\((rate * 10).rounded() / 10)/s" : "\(Int(rate))/s"]
        if let total, bytes > start, elapsed > 0 { facts.append("\(spokenTime(Double(total - bytes) / (Double(bytes - start) / elapsed))) left") }
        return facts
    }
}
