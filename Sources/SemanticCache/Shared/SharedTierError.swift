/// A fault of a shared tier, or of what it was asked. None ever fails a request.
package enum SharedTierError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No connection, or it broke.
    case unreachable(String)
    /// The deadline came first; whether the call was carried out is not known.
    case timedOut
    /// The engine is there and not ready: it reads its files, or is being started.
    case starting(String)
    /// It does not let this user in, or not do that.
    case refused(String)
    /// It cannot search vectors.
    case noSearch(String)
    /// Its vectors have another dimension.
    case wrongDimension(found: Int, expected: Int)
    /// It was laid out by another version, or not by this program.
    case wrongLayout(found: String, expected: String)
    /// Other proxies use it with another key; the name of the setting that differs.
    case otherKey(setting: String)
    /// It takes no writes: a replica.
    case readOnly(String)
    /// It has no room, in memory or on its disk.
    case full(String)
    /// What it says cannot be understood.
    case garbled(String)
    /// Any other fault of the engine, in its words.
    case engine(String)

    package var description: String {
        switch self {
        case .unreachable(let reason): "cannot be reached: \(reason)"
        case .timedOut: "did not answer in time"
        case .starting(let reason): "is starting: \(reason)"
        case .refused(let reason): "refuses: \(reason)"
        case .noSearch(let reason): "cannot search vectors: \(reason)"
        case .wrongDimension(let found, let expected): "holds vectors of \(found) components, this proxy's embedder makes \(expected)"
        case .wrongLayout(let found, let expected): "has layout \(found), this version reads \(expected)"
        case .otherKey(let setting): "is used by proxies whose \(setting) is another one"
        case .readOnly(let reason): "takes no writes: \(reason)"
        case .full(let reason): "is full: \(reason)"
        case .garbled(let reason): "gave an answer that cannot be read: \(reason)"
        case .engine(let message): "failed: \(message)"
        }
    }

    /// Whether it passes without anybody's doing, so that it is worth trying again.
    package var isPassing: Bool {
        switch self {
        case .unreachable, .timedOut, .starting, .full, .garbled, .engine: true
        case .refused, .noSearch, .wrongDimension, .wrongLayout, .otherKey, .readOnly: false
        }
    }
}
