extension Settings {
    /// The whole configuration as YAML that `load` reads back to the same value. Holds no secret: those are only ever named.
    package var effectiveYAML: String { yaml(commented: false) }

    /// The same with each key's documentation above it; for `Settings()` this is the project's `config.yaml`.
    package var commentedYAML: String { fileHead + yaml(commented: true) }

    private func yaml(commented: Bool) -> String {
        var lines: [String] = []
        for section in SettingsCatalogue.sections {
            if commented { lines += [""] + section.documentation.split(separator: "\n").map { "# \($0)" } }
            if let whole = section.whole {
                // Written for a key within a section, which stands two places further in.
                let value = whole.write(self)
                lines.append("\(section.name):" + (value.hasPrefix("\n") ? value.replacing("\n  ", with: "\n") : " " + value))
                continue
            }
            lines.append("\(section.name):")
            for (position, key) in section.keys.enumerated() {
                if commented {
                    if position > 0 { lines.append("") }
                    lines += key.documentation.split(separator: "\n").map { "  # \($0)" }
                    if case .atStart = key.effect { lines.append("  # Takes effect at the next start.") }
                }
                let value = key.write(self)
                lines.append("  \(key.name):" + (value.hasPrefix("\n") ? value : " " + value))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

private let fileHead = """
    # Configuration of Reprise: every key with its default. Copy what you change; a key left out has the value shown here.
    #
    # Durations are written 250ms, 30s, 5m, 24h or 7d; sizes 64KiB, 32MiB, 1GiB, 5MB or plain bytes. Secrets never stand here: keys that end
    # in _env name an environment variable that holds one. Values are taken as they stand: ${VAR} is not expanded. Unknown keys are errors.
    # `reprise check` validates this file and prints what is in effect; `reprise check --defaults` prints this file. Flags of
    # `reprise serve` go before the file. On SIGHUP a running proxy reads the file again: what does not say that it takes effect at the next
    # start takes effect at once.

    """
