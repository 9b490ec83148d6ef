import Logging
import SemanticCache

extension AdminRoutes {
    /// Writes down who changed what on the admin surface. Every route that changes something calls it; texts that may be prompts stay out.
    func audit(_ action: String, _ facts: Logger.Metadata) {
        var facts = facts
        facts["action"] = "\(action)"
        facts["by"] = gate.usesAuthorization ? "admin token" : "loopback"
        logger.notice("audit", metadata: facts)
    }
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
