import HTTPTypes
import SemanticCache

extension TenantResolver {
    /// Whose entries a request may use in `namespace`; `nil` when it may use none, because nothing vouches for its caller.
    ///
    /// Off loopback, a caller is vouched for by a key that this proxy gave out, or, for its own entries alone, by having a credential at all.
    func tenant(of fields: HTTPFields, caller: AccessRules.Caller, namespace: String, under rules: AccessRules) -> TenantID? {
        switch (caller, rules.sharing(in: namespace)) {
        case (.client, .pool): return pool
        case (.client(let client), .tenant): return tenant(client: client.name)
        case (.anyone, .pool): return rules.isOpen ? pool : nil
        case (.anyone, .tenant): return rules.isOpen || AccessRules.key(in: fields) != nil ? tenant(of: fields) : nil
        }
    }

    /// On whose behalf the upstream is asked: the tenant, and in a pool whoever's credential goes out.
    ///
    /// What the provider says to one credential (that it is none, that it asks too often) it does not say to another. Where hits are hidden, nobody may
    /// learn either that somebody else asks the same at the moment.
    func principal(of inquiry: Inquiry) -> TenantID {
        guard inquiry.tenant == pool else { return inquiry.tenant }
        if inquiry.options.access.hidesPoolHits, case .client(let client) = inquiry.caller { return tenant(client: client.name) }
        return tenant(of: inquiry.request.callerFields)
    }

    /// Whether the response may not show that it came from a pool.
    func hides(_ inquiry: Inquiry) -> Bool { inquiry.options.access.hidesPoolHits && inquiry.tenant == pool }
}
