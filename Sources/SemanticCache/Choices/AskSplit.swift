/// What of the last user message is looked up by meaning.
package enum AskSplit: String, Choice {
    /// The ask; what it is asked about (contexts, code, tables, labelled fields) must be equal.
    case auto
    /// The whole message.
    case whole
}
