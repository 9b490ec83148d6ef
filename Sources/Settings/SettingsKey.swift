import Yams

/// One key of `config.yaml`: its place, its kind, and what an operator should know about it.
struct SettingsKey: Sendable {
    let name: String
    /// Lines of plain text, shown as comments above the key.
    let documentation: String
    /// Reads the node into the settings, or gives the faults and changes nothing.
    let read: @Sendable (Node, inout Settings) throws(ValueFaults) -> Void
    /// The value as YAML.
    let write: @Sendable (Settings) -> String

    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ kind: ValueKind<Value>, _ documentation: String
    ) {
        self.name = name
        self.documentation = documentation
        self.read = { node, settings throws(ValueFaults) in settings[keyPath: path] = try kind.read(node) }
        self.write = { kind.write($0[keyPath: path]) }
    }
}

/// One section of `config.yaml`.
struct SettingsSection: Sendable {
    let name: String
    let documentation: String
    let keys: [SettingsKey]

    init(_ name: String, _ documentation: String, _ keys: [SettingsKey]) {
        self.name = name
        self.documentation = documentation
        self.keys = keys
    }
}
