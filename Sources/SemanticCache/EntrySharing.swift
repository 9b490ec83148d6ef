/// What the shared tier has of an entry, as far as this proxy knows. The numbers stand in the store's rows and are never changed.
package enum EntrySharing: UInt8, Sendable {
    /// Made here; the engine has not taken it, or not as it is now.
    case waiting = 0
    /// Made here, and taken by the engine.
    case taken = 1
    /// Another proxy's, and come from there.
    case fetched = 2
}
