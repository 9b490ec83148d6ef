/// What happens with prompts that speak of a moment (`today`, `latest`).
package enum TimeSensitiveUse: String, Choice {
    /// Exact repeats only, for a short time.
    case exact
    /// Like any other prompt.
    case match
}
