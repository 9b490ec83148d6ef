package import Proxy
import SemanticCache
package import Settings

extension AccessRules {
    /// Who may ask and who shares, after the settings.
    package init(_ loaded: LoadedSettings) {
        let settings = loaded.settings
        self.init(
            isOpen: settings.server.listensOnLoopback || settings.auth.open, sharing: settings.tenancy.sharing,
            sharingByNamespace: Dictionary(settings.tenancy.namespaces.map { ($0.name, $0.sharing) }) { _, last in last },
            hidesPoolHits: settings.tenancy.hidePoolHits)
        for client in settings.auth.clients {
            let patterns = client.models.map { NamePattern($0) }
            let allows: @Sendable (String) -> Bool = { model in patterns.isEmpty || patterns.contains { $0.matches(model) } }
            let limit = client.requestsPerMinute > 0 ? client.requestsPerMinute : nil
            // A client without patterns may also send what names no model.
            let known = AccessRules.Client(name: client.name, allowsModel: patterns.isEmpty ? nil : allows, requestsPerMinute: limit)
            if let hash = client.keyHash.flatMap({ Digest256(hexadecimal: $0) }) { add(known, keyHash: hash) }
            if let key = loaded.secrets.clientKeys[client.name] { add(known, key: key.reveal()) }
        }
    }
}
