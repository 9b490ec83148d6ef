import Cache
import Embedding
import Logging
import Proxy
import Sealing
import SemanticCache
import Server
import Settings
import Storage

extension Composition {
    /// The store of the settings; one in memory when it cannot be opened, which is said and costs no request.
    static func openStore(_ loaded: LoadedSettings, readiness: Readiness, logger: Logger) -> any CacheStore {
        let path = loaded.paths.store
        guard path != ":memory:" else {
            readiness.set("store", .ready)
            return MemoryStore(keepsRecords: false)
        }
        do throws(StoreError) {
            let opened = try SQLiteStore.open(path: path, now: SystemClock().now(), cipher: cipher(loaded)) { reason, aside in
                logger.error("the store is damaged; it was set aside and a new one begun", metadata: ["reason": "\(reason)", "kept": "\(aside)"])
                readiness.remember("store", "a damaged store was set aside as \(aside)")
            }
            if let aside = opened.setAside {
                logger.error("the store was damaged; it was set aside and a new one begun", metadata: ["kept": "\(aside)"])
                readiness.remember("store", "a damaged store was set aside as \(aside)")
            } else {
                readiness.set("store", .ready)
            }
            return opened.store
        } catch {
            logger.error("the store cannot be used; entries live in memory and are lost at the end", metadata: ["reason": "\(error)"])
            readiness.set("store", .degraded("in memory only: \(error)"))
            return MemoryStore(keepsRecords: false)
        }
    }

    /// What keeps the index over restarts; `nil` where nothing is to be kept, or nothing is embedded.
    static func makeSnapshots(
        _ loaded: LoadedSettings, index: any SnapshotIndex, cache: AnswerCache, store: any CacheStore, embedder: OnnxEmbedder?,
        readiness: Readiness, logger: Logger
    ) -> IndexSnapshots? {
        let interval = loaded.settings.store.snapshotInterval
        // One that is never written again would keep room, and tell of what was flushed since.
        if interval == .zero, store is SQLiteStore { SnapshotFile.remove(beside: loaded.paths.store) }
        guard let embedder, store is SQLiteStore, interval > .zero else { return nil }
        readiness.set("snapshot", .ready)
        return IndexSnapshots(
            index: index, cache: cache, store: store, snapshots: SnapshotFile(beside: loaded.paths.store, cipher: cipher(loaded)),
            fingerprint: embedder.fingerprint, interval: interval, logger: logger,
            onFault: { fault in
                readiness.set("snapshot", fault.map { .degraded("the index is not kept, a start takes longer: \($0)") } ?? .ready)
            })
    }

    private static func cipher(_ loaded: LoadedSettings) -> RowCipher? {
        loaded.secrets.encryptionKey.map { RowCipher(secret: $0.reveal(), former: loaded.secrets.formerKeys.map { $0.reveal() }) }
    }

    /// The verifier of the settings; `nil` when there is none, which leaves the decision to what was learned and the guards.
    static func loadVerifier(_ loaded: LoadedSettings, embedder: OnnxEmbedder, readiness: Readiness, logger: Logger) -> OnnxVerifier? {
        guard loaded.settings.matching.verifier == .on else { return nil }
        // What is wrong with the folder as a whole was said when the embedder was loaded.
        guard let folder = try? ModelFolder(path: loaded.paths.model) else { return nil }
        do throws(ModelError) {
            let verifier = try OnnxVerifier(
                folder, VerifierModel(folder: folder.path), embedder: embedder, threads: loaded.settings.embedder.threads)
            readiness.set("verifier", .ready)
            return verifier
        } catch {
            logger.warning("the verifier cannot be used; rewordings are judged without it", metadata: ["reason": "\(error)"])
            readiness.set("verifier", .degraded(error.description))
            return nil
        }
    }

    /// The embedder of the settings and a line about it; `nil` when there is none, which leaves exact repeats.
    static func loadEmbedder(_ loaded: LoadedSettings, readiness: Readiness, logger: Logger) throws(StartError) -> (OnnxEmbedder?, String) {
        guard loaded.settings.embedder.kind == .local, loaded.settings.matching.judgesRewordings else {
            if loaded.settings.matching.requireModel { throw .modelRequired("embedder.kind is off, or matching.mode is exact") }
            return (nil, "off: exact repeats only")
        }
        do throws(ModelError) {
            let folder = try ModelFolder(path: loaded.paths.model)
            let matching = loaded.settings.matching
            let embedder = try OnnxEmbedder(
                folder, threads: loaded.settings.embedder.threads, statesMemory: matching.verifier == .on ? matching.verifierMemory.bytes : 0)
            readiness.set("embedder", .ready)
            return (embedder, "\(folder.name), \(embedder.dimension) dimensions, ONNX Runtime \(embedder.runtimeVersion)")
        } catch {
            if loaded.settings.matching.requireModel { throw .modelRequired(error.description) }
            logger.warning("the embedding model cannot be used; only exact repeats are served", metadata: ["reason": "\(error)"])
            readiness.set("embedder", .degraded(error.description))
            return (nil, "none: exact repeats only (\(error))")
        }
    }
}
