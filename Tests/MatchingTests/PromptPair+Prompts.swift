@testable import Matching
import SemanticCache

extension PromptPair {
    /// Two prompts as texts: the asked one, then the cached one.
    init(_ asked: String, _ cached: String) throws {
        self.init(asked: try PromptTokens(asked), cached: try PromptTokens(cached))
    }
}

extension HardGuard {
    /// What the guard says of two prompts, both ways round; the two must agree in whether it fires.
    func findings(_ a: String, _ b: String) throws -> (String?, String?) {
        (finding(in: try PromptPair(a, b)), finding(in: try PromptPair(b, a)))
    }

    func fires(_ a: String, _ b: String) throws -> Bool {
        let (first, second) = try findings(a, b)
        guard (first == nil) == (second == nil) else { throw Asymmetry(guardName: name, a: a, b: b) }
        return first != nil
    }
}

/// A guard that fired one way round only.
struct Asymmetry: Error {
    let guardName: String
    let a: String
    let b: String
}
