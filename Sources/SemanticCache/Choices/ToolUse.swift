/// What happens with requests that carry tools.
package enum ToolUse: String, Choice {
    /// Served and stored by exact key.
    case exact
    /// Never looked up.
    case off
}
