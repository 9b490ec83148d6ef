import Foundation
import Matching
package import SemanticCache
package import WireFormats

/// What of a request may be worded otherwise: the ask, without what it is asked about, and the scope in which it is looked up.
///
/// The ask is what is embedded, guarded, verified and stored as the entry's query. Its frame is in the scope, so that questions about other texts
/// never meet, however long those are; a message that is its own ask has the scope that it had before there were frames.
package struct Asked: Sendable {
    package let query: String
    /// Whether the message holds more than the query.
    let isFramed: Bool
    package let scope: Scope
    private let readFacts = Once<StatedFacts>()
    private let readText = Once<TextClass?>()

    /// `nil` where nothing of the request may be worded otherwise.
    ///
    /// - Parameter turns: earlier turns that count as worded otherwise.
    /// - Complexity: O(n) in the body.
    package init?(
        _ content: CacheableRequest, splitting: AskSplit, tenant: TenantID, namespace: String, pathAndQuery: String,
        rewording turns: [RewordedTurn] = []
    ) {
        guard let message = content.query else { return nil }
        let split = splitting == .auto ? FramedAsk(message) : nil
        let frame = split?.frame
        let scope =
            if let frame {
                content.scope(tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery, rewording: turns) { take in
                    frame.forEachCanonicalPiece(composed: { $0.precomposedStringWithCanonicalMapping }, take)
                }
            } else {
                content.scope(tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery, rewording: turns)
            }
        guard let scope else { return nil }
        query = frame == nil ? message : split?.ask ?? message
        isFramed = frame != nil
        self.scope = scope
    }

    /// What the query states.
    var facts: StatedFacts { readFacts.value { StatedFacts(query) } }

    /// The class of text that the query is of; `nil` where it is too long to be compared.
    var text: TextClass? { readText.value { (try? PromptTokens(query))?.textClass } }
}
