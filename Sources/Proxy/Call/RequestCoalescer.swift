import SemanticCache
import Synchronization

/// Brings equal requests that are in flight at the same time together in one upstream call.
final class RequestCoalescer: Sendable {
    /// What must be equal to share a call: beside the key, the form of the answer, on whose behalf the call is made, and which page is to read it.
    struct Key: Hashable, Sendable {
        let key: CacheKey
        let principal: TenantID
        let wantsStream: Bool
        let wantsUsage: Bool
        let origin: String?
    }

    /// A place in a flight.
    enum Place {
        /// The caller makes the call for all.
        case leader(Flight, Flight.Subscription)
        /// Somebody else made it.
        case follower(Flight.Subscription)
    }

    private let flights = Mutex<[Key: Flight]>([:])

    /// The calls in flight.
    var count: Int { flights.withLock { $0.count } }

    /// Joins the flight of an equal request, or opens one.
    ///
    /// - Parameter limit: how much of an answer a new flight holds for joiners, in bytes.
    func join(_ key: Key, limit: Int) -> Place {
        flights.withLock { flights in
            if let subscription = flights[key]?.subscribe() { return .follower(subscription) }
            let flight = Flight(limit: limit)
            flights[key] = flight
            return .leader(flight, Self.first(of: flight))
        }
    }

    /// A flight that nobody else can join, for requests that insist on a call of their own.
    func alone(limit: Int) -> (Flight, Flight.Subscription) {
        let flight = Flight(limit: limit)
        return (flight, Self.first(of: flight))
    }

    /// The flight is over: later requests look into the cache, or open one of their own.
    func close(_ key: Key, _ flight: Flight) {
        flights.withLock { flights in
            if flights[key] === flight { flights[key] = nil }
        }
    }

    private static func first(of flight: Flight) -> Flight.Subscription {
        guard let subscription = flight.subscribe() else { preconditionFailure("a new flight can be joined") }
        return subscription
    }
}
