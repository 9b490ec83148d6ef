/// What should not lie about in a cache, by the kinds that can be looked for.
package enum SensitiveKind: String, Choice {
    /// API keys by the forms that their issuers gave them, private keys in PEM, signed tokens (JWT).
    case keys
    /// 13 to 19 digits, perhaps in groups, whose check digit is right (Luhn).
    case cards
    case emails
}
