import Logging
import Matching
import SemanticCache
import Synchronization

/// What was learned, in the store: a list of the populations, each under its own name, and the aliases.
extension MatchLearner {
    private static let listName = "matching/populations"
    private static let aliasName = "matching/aliases"
    private static func name(of key: String) -> String { "matching/population/\(key)" }
    private static let globalName = "global"

    /// Takes up what an earlier run learned with the same embedder and verifier. Whatever cannot be read is begun anew.
    package func restore() async {
        guard let list = try? await store.state(named: Self.listName) else { return }
        let lines = String(decoding: list, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.first == fingerprint else {
            logger.notice("what was learned belongs to another embedder or verifier and is begun anew")
            let keys = lines.dropFirst().compactMap { PopulationKey($0.prefix { $0 != "\t" }) }
            state.withLock { state in
                state.forgotten.formUnion(keys)
                // Replaced with the list that names them, or the next start would take them for this embedder's.
                state.isGlobalChanged = true
                state.groups.keepAgain()
            }
            return
        }
        for entry in lines.dropFirst() where !entry.isEmpty {
            // The key, and after a tab what it is called; earlier programs wrote the key alone.
            let parts = entry.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            let line = String(parts[0])
            let name = parts.count > 1 ? PopulationName(line: parts[1]) : nil
            guard let bytes = try? await store.state(named: Self.name(of: line)) else { continue }
            do throws(PopulationState.Failure) {
                var population = try PopulationState.decode(bytes)
                population.settle(bound: options.errorBound)
                state.withLock { state in
                    if line == Self.globalName {
                        state.global = population
                    } else if let key = PopulationKey(line) {
                        state.populations[key] = population
                        if let name, name.key == key { state.names[key] = name }
                        Self.noteLearning(of: key, &state)
                    }
                }
            } catch {
                logger.warning("a population could not be read and is begun anew", metadata: ["reason": "\(error)"])
            }
        }
        if let bytes = try? await store.state(named: Self.aliasName) {
            state.withLock { $0.groups.restore(Self.pairs(bytes)) }
        }
    }

    /// Keeps what changed since the last time. A store that fails is tried again at the next.
    func save() async {
        struct Change {
            var populations: [(PopulationKey, Population)] = []
            var global: Population?
            var list: [String] = []
            var aliases: [(alias: EntryID, answer: EntryID)]?
            var forgotten: Set<PopulationKey> = []
        }
        let change = state.withLock { state -> Change in
            var change = Change()
            for key in state.changed { if let population = state.populations[key] { change.populations.append((key, population)) } }
            state.changed = []
            if state.isGlobalChanged { change.global = state.global }
            state.isGlobalChanged = false
            change.list =
                [Self.globalName]
                + state.populations.keys.map { key in key.description + (state.names[key].map { "\t" + $0.line } ?? "") }.sorted()
            if state.groups.isChanged { change.aliases = state.groups.takePairs() }
            change.forgotten = state.forgotten
            state.forgotten = []
            return change
        }
        guard !change.populations.isEmpty || change.global != nil || change.aliases != nil || !change.forgotten.isEmpty else { return }
        do throws(StoreError) {
            for (key, population) in change.populations {
                try await store.setState(PopulationState.encode(population), named: Self.name(of: key.description))
            }
            if let global = change.global { try await store.setState(PopulationState.encode(global), named: Self.name(of: Self.globalName)) }
            if let aliases = change.aliases { try await store.setState(Self.bytes(aliases), named: Self.aliasName) }
            try await store.setState(Array(([fingerprint] + change.list).joined(separator: "\n").utf8), named: Self.listName)
            // After the list, which does not name them any more.
            for key in change.forgotten { try await store.setState(nil, named: Self.name(of: key.description)) }
        } catch {
            logger.warning("what was learned could not be kept", metadata: ["reason": "\(error)"])
            state.withLock { state in
                for (key, _) in change.populations { state.changed.insert(key) }
                if change.global != nil { state.isGlobalChanged = true }
                if change.aliases != nil { state.groups.keepAgain() }
                for key in change.forgotten where state.populations[key] == nil { state.forgotten.insert(key) }
            }
        }
    }

    /// Sixteen bytes a pair, big-endian.
    private static func bytes(_ pairs: [(alias: EntryID, answer: EntryID)]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pairs.count * 16)
        for pair in pairs {
            for value in [pair.alias.rawValue, pair.answer.rawValue] {
                for shift in stride(from: Int64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
            }
        }
        return bytes
    }

    private static func pairs(_ bytes: [UInt8]) -> [(alias: EntryID, answer: EntryID)] {
        func id(_ offset: Int) -> EntryID { EntryID(rawValue: bytes[offset..<(offset + 8)].reduce(0) { $0 << 8 | Int64($1) }) }
        return stride(from: 0, to: bytes.count - bytes.count % 16, by: 16).map { (id($0), id($0 + 8)) }
    }
}
