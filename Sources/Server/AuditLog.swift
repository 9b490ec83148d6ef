import Logging
import SemanticCache
import Synchronization

/// Writes down who changed what. Texts that may be prompts stay out.
struct AuditLog: Sendable {
    /// Who made a change.
    enum Author: String {
        /// Whoever has the admin token.
        case token = "admin token"
        /// A program of this machine, while no token is set.
        case loopback
        /// An application, through a call of its own.
        case client
    }

    let logger: Logger

    func write(_ action: String, by author: Author, _ facts: Logger.Metadata) {
        var facts = facts
        facts["action"] = "\(action)"
        facts["by"] = "\(author.rawValue)"
        logger.notice("audit", metadata: facts)
    }
}

/// What one request changes, gathered by whoever changes it and written down when the request has ended, however it ends.
final class AuditNote: Sendable {
    private let note = Mutex<Logger.Metadata?>([:])

    /// `nil` when the request only looked.
    var facts: Logger.Metadata? { note.withLock { $0 } }

    func add(_ facts: Logger.Metadata) { note.withLock { $0?.merge(facts) { _, new in new } } }

    /// Says that the request, though of a kind that changes something, only looks.
    func dismiss() { note.withLock { $0 = nil } }
}

extension EntrySelector {
    /// The conditions as one line, without the texts that are compared with prompts.
    var auditText: String {
        var parts: [String] = []
        if all { parts.append("all") }
        if let id { parts.append("id=\(id)") }
        for (name, value) in [("tenant", tenant), ("namespace", namespace), ("model", model), ("tag", tag)] {
            if let value { parts.append("\(name)=\(value)") }
        }
        if let olderThan { parts.append("older_than=\(olderThan.text)") }
        if matching != nil { parts.append("matching") }
        if similarTo != nil { parts.append("similar_to") }
        return parts.joined(separator: " ")
    }
}
