import Settings

/// Loads a text as `config.yaml`.
func load(_ text: String, _ overrides: Overrides = Overrides(), environment: [String: String] = [:]) throws(SettingsErrors) -> LoadedSettings {
    try Settings.load(text: text, file: "config.yaml", overrides: overrides, environment: { environment[$0] })
}

/// The problems of a text, one string each; empty when it loads.
func problems(in text: String, _ overrides: Overrides = Overrides(), environment: [String: String] = [:]) -> [String] {
    do throws(SettingsErrors) {
        _ = try load(text, overrides, environment: environment)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}
