/// How entries are shared between callers.
package enum Sharing: String, Choice {
    /// Each credential has its own entries.
    case tenant
    /// All callers share one pool.
    case pool
}
