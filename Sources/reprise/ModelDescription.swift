import Embedding
import SemanticCache
import Settings

/// Whether the embedding model is complete, and one line saying so for `reprise check`.
func describeModel(_ loaded: LoadedSettings) -> (ok: Bool, line: String) {
    guard loaded.settings.embedder.kind == .local else { return (true, "model: off, exact matches only") }
    do throws(EmbedderError) {
        let folder = try ModelFolder(path: loaded.paths.model)
        return (true, "model: \(folder.name), \(folder.dimension) dimensions, in \(folder.path)")
    } catch {
        return (false, "model: \(error.description)")
    }
}
