import ArgumentParser

/// How the requests of a stream follow each other when they go through the whole proxy: `--live`.
enum LivePace: ExpressibleByArgument, Equatable {
    /// The next comes when everything that the last one left behind is done.
    case settled
    /// So many at once, each followed by the next.
    case fast(connections: Int)
    /// So many a second, whether the proxy keeps up or not.
    case rate(Double)

    init?(argument: String) {
        switch argument {
        case "settled": self = .settled
        case "fast": self = .fast(connections: 8)
        default:
            guard let rate = Double(argument), rate > 0, rate <= 10_000 else { return nil }
            self = .rate(rate)
        }
    }

    static var allValueStrings: [String] { ["settled", "fast", "a number of requests a second"] }

    var words: String {
        switch self {
        case .settled: "one after the other"
        case .fast(let connections): "as fast as \(connections) connections go"
        case .rate(let rate): "\(rate) requests a second"
        }
    }
}
