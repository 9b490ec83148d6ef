/// Why a model gave nothing for one input.
package enum ModelRefusal: Error, Hashable, Sendable {
    /// More tokens than the model's window (`limit`, special tokens included).
    case tooLong(tokens: Int, limit: Int)
    /// Nothing is left of a text after normalisation.
    case empty
    /// The model gave a number that is not finite, or a vector without a length.
    case notFinite
}

/// A fault of a model as a whole.
package enum ModelError: Error, Sendable, CustomStringConvertible {
    /// A file that the model needs is not there.
    case missing(path: String, hint: String)
    /// A file is there, but is not what was expected.
    case damaged(path: String, expected: String, found: String)
    /// The runtime refused or failed, or the call was cancelled.
    case runtime(String)

    package var description: String {
        switch self {
        case .missing(let path, let hint): "\(path) is missing: \(hint)"
        case .damaged(let path, let expected, let found): "\(path) is damaged: expected \(expected), found \(found)"
        case .runtime(let message): "the model's runtime failed: \(message)"
        }
    }
}
