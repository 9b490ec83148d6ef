import Yams

/// One key of `config.yaml` within its section, with what a change of it does to a proxy that runs.
struct SettingsKey: Sendable {
    let effect: SettingsEffect
    private let key: RecordKey<Settings>

    init(_ key: RecordKey<Settings>, _ effect: SettingsEffect) {
        self.key = key
        self.effect = effect
    }

    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ kind: ValueKind<Value>, _ effect: SettingsEffect,
        _ documentation: String
    ) {
        self.init(RecordKey<Settings>(name, path, kind, documentation), effect)
    }

    var name: String { key.name }

    /// Lines of plain text, shown as comments above the key.
    var documentation: String { key.documentation }

    /// Reads the node into the settings, or gives the faults and changes nothing.
    func read(_ node: Node, _ settings: inout Settings) throws(ValueFaults) { try key.read(node, &settings) }

    /// The value as YAML.
    func write(_ settings: Settings) -> String { key.write(settings) }

    /// Gives `target` the value that `source` has.
    func transfer(_ source: Settings, _ target: inout Settings) { key.transfer(source, &target) }
}

/// When a changed value takes effect in a proxy that runs and reads its configuration again (SIGHUP).
enum SettingsEffect: Sendable {
    /// Says of the configuration with which the proxy started, and of a new one.
    typealias Condition = @Sendable (_ running: Settings, _ new: Settings) -> Bool

    case atOnce
    /// At the next start.
    case atStart
    /// At once, or at the next start where the condition holds.
    case atOnceUnless(Condition)

    /// Whether the new value waits for the next start.
    func waits(_ running: Settings, _ new: Settings) -> Bool {
        switch self {
        case .atOnce: false
        case .atStart: true
        case .atOnceUnless(let condition): condition(running, new)
        }
    }
}

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

    /// Every key with its full name, `section.key`; a section that is one value under its own name.
    var named: [(name: String, key: SettingsKey)] {
        if let whole { return [(name: name, key: whole)] }
        return keys.map { (name: "\(name).\($0.name)", key: $0) }
    }
}
