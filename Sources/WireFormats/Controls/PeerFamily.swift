/// A program whose names for cache controls are understood here, so that its clients can stay as they are.
package enum PeerFamily: String, CaseIterable, Sendable {
    case bifrost, cloudflare, helicone, liteLLM, openRouter, portkey
}
