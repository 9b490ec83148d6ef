import Embedding
import SemanticCache
import Settings

/// One line about the verifier for `reprise check`.
func describeVerifier(_ loaded: LoadedSettings) -> String {
    guard loaded.settings.embedder.kind == .local, loaded.settings.matching.verifier == .on else { return "verifier: off" }
    do throws(ModelError) {
        let model = try VerifierModel(folder: loaded.paths.model)
        return "verifier: \(model.name), serves from a logit of \(model.dayOneCut) on"
    } catch {
        return "verifier: \(error.description)"
    }
}

/// Whether the embedding model is complete, and one line saying so for `reprise check`.
func describeModel(_ loaded: LoadedSettings) -> (ok: Bool, line: String) {
    guard loaded.settings.embedder.kind == .local else { return (true, "model: off, exact matches only") }
    do throws(ModelError) {
        let folder = try ModelFolder(path: loaded.paths.model)
        return (true, "model: \(folder.name), \(folder.dimension) dimensions, in \(folder.path)")
    } catch {
        return (false, "model: \(error.description)")
    }
}
