import Forwarding
import Proxy
import SemanticCache
import Settings

extension Composition {
    /// Who may ask and who shares, after the settings.
    static func accessRules(_ loaded: LoadedSettings) -> AccessRules {
        let settings = loaded.settings
        var rules = AccessRules()
        rules.isOpen = settings.server.listensOnLoopback || settings.auth.open
        rules.sharing = sharing(settings.tenancy.sharing)
        for namespace in settings.tenancy.namespaces { rules.sharingByNamespace[namespace.name] = sharing(namespace.sharing) }
        rules.hidesPoolHits = settings.tenancy.hidePoolHits
        for client in settings.auth.clients {
            let patterns = client.models.map { NamePattern($0) }
            let allows: @Sendable (String) -> Bool = { model in patterns.isEmpty || patterns.contains { $0.matches(model) } }
            let limit = client.requestsPerMinute > 0 ? client.requestsPerMinute : nil
            // A client without patterns may also send what names no model.
            let known = AccessRules.Client(name: client.name, allowsModel: patterns.isEmpty ? nil : allows, requestsPerMinute: limit)
            if let hash = client.keyHash.flatMap({ Digest256(hexadecimal: $0) }) { rules.add(known, keyHash: hash) }
            if let key = loaded.secrets.clientKeys[client.name] { rules.add(known, key: key.reveal()) }
        }
        return rules
    }

    private static func sharing(_ sharing: Settings.Sharing) -> TenantResolver.Sharing { sharing == .pool ? .pool : .tenant }
}
