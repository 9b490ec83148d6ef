import Embedding
import Logging
import SemanticCache
import Server
import Settings
import Sharing

/// What `reprise check` says of the shared tier.
struct SharedReport {
    let line: String
    /// Whether somebody must do something: a fault that does not pass by itself.
    let isRefused: Bool
    let isReached: Bool
}

/// Reaches for the engine of the settings, as a proxy would at its start; `nil` where they name none.
func describeShared(_ loaded: LoadedSettings) async -> SharedReport? {
    let kind = loaded.settings.shared.kind.rawValue
    func fault(_ text: String, isRefused: Bool) -> SharedReport {
        SharedReport(line: "shared tier: \(kind) \(text)", isRefused: isRefused, isReached: false)
    }
    let engine: SharedEngine
    do throws(StartError) {
        guard let named = try SharedEngine(loaded) else { return nil }
        engine = named
    } catch {
        return fault(error.reason, isRefused: true)
    }
    // The engine holds the dimension of the vectors against that of others.
    var quiet = Logger(label: "check")
    quiet.logLevel = .critical
    let embedder = try? Composition.loadEmbedder(loaded, readiness: Readiness(), logger: quiet).0
    let report: SharedReport
    do throws(SharedTierError) {
        _ = try await engine.tier.open(SharedSealing(loaded).identity(of: embedder))
        report = SharedReport(try await engine.tier.describe(), at: engine.place)
    } catch {
        report = fault("at \(engine.place) \(error)", isRefused: !error.isPassing)
    }
    await engine.tier.close()
    await embedder?.close()
    return report
}

extension SharedReport {
    /// Clocks further apart than this are worth a word.
    private static let skewLimit = Duration.seconds(2)

    init(_ found: SharedDescription, at place: String) {
        var facts = ["\(found.entries) \(found.entries == 1 ? "entry" : "entries")", "\(found.searchable) found by rewordings"]
        if let bytes = found.bytes { facts.append(spokenSize(bytes)) }
        if found.clockSkew > Self.skewLimit || found.clockSkew < .zero - Self.skewLimit {
            let side = found.clockSkew > .zero ? "ahead of" : "behind"
            let apart = found.clockSkew > .zero ? found.clockSkew : .zero - found.clockSkew
            facts.append("its clock is \(spokenTime(apart.inSeconds)) \(side) this machine's: set both by NTP")
        }
        line = "shared tier: \(found.engine) at \(place), \(facts.joined(separator: ", "))"
        (isRefused, isReached) = (false, true)
    }
}
