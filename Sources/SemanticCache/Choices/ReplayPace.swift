/// How fast a recorded stream is replayed.
package enum ReplayPace: String, Choice {
    /// All at once.
    case immediate
    /// With the pauses that the upstream made.
    case recorded
}
