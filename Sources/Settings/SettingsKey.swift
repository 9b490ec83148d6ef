import Yams

/// One key of `config.yaml` within its section.
typealias SettingsKey = RecordKey<Settings>

/// One section of `config.yaml`.
struct SettingsSection: Sendable {
    let name: String
    let documentation: String
    let keys: [SettingsKey]
    /// A section that is one value rather than a map of known keys.
    let whole: SettingsKey?

    init(_ name: String, _ documentation: String, _ keys: [SettingsKey]) {
        self.name = name
        self.documentation = documentation
        self.keys = keys
        whole = nil
    }

    init(whole key: SettingsKey) {
        name = key.name
        documentation = key.documentation
        keys = []
        whole = key
    }
}
