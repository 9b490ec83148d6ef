/// What happens after an exact key was not found.
package enum MatchingMode: String, Choice {
    /// Exact repeats only.
    case exact
    /// Rewordings above the threshold that pass the guards are served.
    case threshold
    /// Rewordings are served where what was learned keeps wrong answers within the error bound.
    case calibrated
    /// Rewordings are judged as in `calibrated` and logged, never served.
    case shadow
}
