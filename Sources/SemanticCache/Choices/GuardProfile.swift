/// Which hard guards stand before the cache.
package enum GuardProfile: String, Choice {
    /// Numbers, signs and polarity: for a fixed set of questions without names.
    case faq
    /// All guards but the one for a single replaced word.
    case `default`
    /// All guards.
    case strict
}
