import SemanticCache
import Yams

/// Collects values and problems while a configuration is read.
struct SettingsReader {
    private(set) var problems: [SettingsErrors.Problem] = []
    var settings = Settings()
    private let file: String
    /// Where each key's value stands, by `section.key`.
    private var marks: [String: Mark] = [:]

    init(file: String) { self.file = file }

    /// The problems sorted by their place in the file; those outside the file last.
    var problemsInOrder: [SettingsErrors.Problem] {
        func rank(_ problem: SettingsErrors.Problem) -> (Int, Int) {
            if case .file(_, let line, let column) = problem.place { (line, column) } else { (.max, 0) }
        }
        return problems.enumerated().sorted { a, b in
            let (first, second) = (rank(a.element), rank(b.element))
            return first == second ? a.offset < b.offset : first < second
        }.map(\.element)
    }

    private mutating func note(_ message: String, at mark: Mark?) {
        problems.append(.init(place: mark.map { .file(file, line: $0.line, column: $0.column) } ?? .wholeFile(file), message: message))
    }

    // MARK: The file

    mutating func read(_ text: String) {
        let document: YAMLDocument
        do { document = try YAMLDocument(text) } catch {
            problems.append(.init(place: .file(file, line: error.line, column: error.column), message: error.message))
            return
        }
        guard let root = document.root, !isNull(root) else { return }
        guard case .mapping = root else {
            let names = SettingsCatalogue.sections.map(\.name).joined(separator: ", ")
            return note("expected a map of the sections \(names); found \(found(in: root))", at: root.mark)
        }
        eachKey(of: root, in: document, within: nil, valid: SettingsCatalogue.sections.map(\.name)) { reader, name, node in
            guard let section = SettingsCatalogue.section(name) else { return }
            reader.read(section, from: node, in: document)
        }
    }

    private mutating func read(_ section: SettingsSection, from node: Node, in document: YAMLDocument) {
        // A section whose keys are all commented out is an empty one.
        if isNull(node) { return }
        if let whole = section.whole {
            marks[section.name] = node.mark
            do throws(ValueFaults) { try whole.read(node, &settings) } catch {
                for fault in error.faults { note("\(section.name): \(fault.message)", at: fault.mark ?? node.mark) }
            }
            return
        }
        let names = section.keys.map(\.name)
        guard case .mapping = node else {
            return note("\(section.name): expected a map of the keys \(names.joined(separator: ", ")); found \(found(in: node))", at: node.mark)
        }
        eachKey(of: node, in: document, within: section.name, valid: names) { reader, name, value in
            guard let key = section.keys.first(where: { $0.name == name }) else { return }
            reader.marks["\(section.name).\(name)"] = value.mark
            do throws(ValueFaults) { try key.read(value, &reader.settings) } catch {
                for fault in error.faults { reader.note("\(section.name).\(name): \(fault.message)", at: fault.mark ?? value.mark) }
            }
        }
    }

    /// Calls `body` for each key of the map that is valid, and notes the others and the repeated ones.
    private mutating func eachKey(
        of node: Node, in document: YAMLDocument, within section: String?, valid: [String], body: (inout Self, String, Node) -> Void
    ) {
        guard case .mapping(let mapping) = node else { return }
        var repeated: [String: Int] = [:]
        for (key, value) in mapping {
            guard let (name, isRepeated) = document.name(of: key) else {
                note("expected a key\(section.map { " of '\($0)'" } ?? ""); found \(found(in: key))", at: key.mark)
                continue
            }
            let full = section.map { "\($0).\(name)" } ?? name
            if let line = repeated[name] { note("'\(full)' is given more than once; it first stands on line \(line)", at: key.mark) }
            if isRepeated { repeated[name] = repeated[name] ?? key.mark?.line ?? 0 }
            if valid.contains(name) {
                body(&self, name, value)
            } else {
                note(unknown(name, within: section, valid: valid), at: key.mark)
            }
        }
    }

    private func unknown(_ name: String, within section: String?, valid: [String]) -> String {
        let shown = name.count > 60 ? "\(name.prefix(60))..." : name
        let message = "unknown \(section == nil ? "section" : "key") '\(shown)'\(section.map { " in '\($0)'" } ?? "")"
        if let nearest = nearestName(to: name, among: valid) { return "\(message); did you mean '\(nearest)'?" }
        let elsewhere = SettingsCatalogue.sections.filter { $0.keys.contains { $0.name == name } }.map { "'\($0.name).\(name)'" }
        if !elsewhere.isEmpty { return "\(message); did you mean \(elsewhere.joined(separator: " or "))?" }
        return "\(message); known are \(valid.joined(separator: ", "))"
    }

    // MARK: Flags and the environment

    mutating func apply(_ overrides: Overrides) {
        for (flag, section, name, text) in overrides.given {
            guard let key = SettingsCatalogue.section(section)?.keys.first(where: { $0.name == name }) else { continue }
            // Quoted, as a shell knows no types: `--store 2024` is a path.
            let style: Node.Scalar.Style = name == "port" ? .plain : .doubleQuoted
            do throws(ValueFaults) { try key.read(.scalar(.init(text, .implicit, style)), &settings) } catch {
                problems += error.faults.map { .init(place: .flag(flag), message: $0.message) }
            }
            marks["\(section).\(name)"] = nil
        }
    }

    /// Looks up each variable that a key names.
    mutating func resolveSecrets(_ environment: (String) -> String?, needed: Bool) -> LoadedSettings.Secrets {
        var secrets = LoadedSettings.Secrets()
        func secret(_ variable: String?, _ key: String, _ reader: inout Self) -> Secret? {
            guard let variable else { return nil }
            let value = environment(variable)
            if let value, !value.isEmpty { return Secret(value) }
            guard needed else { return nil }
            // A name that long is rather the secret itself, pasted in the wrong place.
            let shown = variable.count > 40 ? "a variable (not shown, as it may be a secret)" : variable
            let state = value == nil ? "not set" : "empty"
            reader.note("\(key) names the environment variable \(shown), which is \(state)", at: reader.marks[key])
            return nil
        }
        secrets.upstreamAPIKey = secret(settings.upstream.apiKeyEnv, "upstream.api_key_env", &self)
        for header in settings.upstream.headersEnv {
            guard let value = secret(header.value, "upstream.headers_env", &self) else { continue }
            secrets.upstreamHeaders.append(.init(name: header.name, value: value))
        }
        for route in settings.upstreams {
            var found = LoadedSettings.UpstreamSecrets()
            found.apiKey = secret(route.upstream.apiKeyEnv, "upstreams.\(route.name).api_key_env", &self)
            for header in route.upstream.headersEnv {
                guard let value = secret(header.value, "upstreams.\(route.name).headers_env", &self) else { continue }
                found.headers.append(.init(name: header.name, value: value))
            }
            secrets.upstreams[route.name] = found
        }
        for client in settings.auth.clients {
            secrets.clientKeys[client.name] = secret(client.keyEnv, "auth.clients.\(client.name).key_env", &self)
        }
        secrets.encryptionKey = secret(settings.store.encryptionKeyEnv, "store.encryption_key_env", &self)
        if let key = secrets.encryptionKey, key.reveal().utf8.count < 16 {
            note("store.encryption_key_env: the variable holds fewer than 16 characters", at: marks["store.encryption_key_env"])
        }
        secrets.formerKeys = settings.store.formerKeysEnv.compactMap { secret($0, "store.former_keys_env", &self) }
        secrets.sharedURL = sharedURL { secret($0, "shared.url_env", &$1) }
        secrets.tenancyKey = secret(settings.tenancy.keyEnv, "tenancy.key_env", &self)
        secrets.adminToken = secret(settings.admin.tokenEnv, "admin.token_env", &self)
        return secrets
    }

    // MARK: Keys that depend on each other

    mutating func checkRelations() {
        if settings.cache.ttl > settings.cache.maxTTL {
            let (ttl, most) = (settings.cache.ttl.unitText, settings.cache.maxTTL.unitText)
            note("cache.ttl: expected at most cache.max_ttl, which is \(most); found \(ttl)", at: marks["cache.ttl"] ?? marks["cache.max_ttl"])
        }
        check(settings.upstream, named: "upstream", at: marks["upstream.headers_env"] ?? marks["upstream.fallback"])
        for route in settings.upstreams { check(route.upstream, named: "upstreams.\(route.name)", at: marks["upstreams"]) }
        checkFallbacks()
        checkAccess()
        checkShared()
        if (settings.server.tlsCertificate == nil) != (settings.server.tlsKey == nil) {
            note("server: tls_certificate and tls_key go together", at: marks["server.tls_certificate"] ?? marks["server.tls_key"])
        }
    }

    private mutating func checkAccess() {
        for client in settings.auth.clients where (client.keyHash == nil) == (client.keyEnv == nil) {
            note("auth.clients.\(client.name): expected exactly one of key_hash and key_env", at: marks["auth.clients"])
        }
        let hashes = settings.auth.clients.compactMap(\.keyHash)
        if Set(hashes).count < hashes.count { note("auth.clients: two clients have the same key", at: marks["auth.clients"]) }
        let pools = settings.tenancy.sharing == .pool || settings.tenancy.namespaces.contains { $0.sharing == .pool }
        if pools, !settings.server.listensOnLoopback, settings.auth.clients.isEmpty, !settings.auth.open {
            note(
                "tenancy: a pool that the network can reach needs 'auth.clients', or 'auth.open: true' where everybody on the network may read it",
                at: marks["tenancy.sharing"] ?? marks["tenancy.namespaces"])
        }
    }

    /// What a shared tier needs, as far as the file tells.
    private mutating func checkShared() {
        let shared = settings.shared
        guard shared.kind != .none else { return }
        if shared.kind == .milvus {
            return note("shared.kind: this version has no milvus yet; known are none, redis and postgres", at: marks["shared.kind"])
        }
        switch (shared.url, shared.urlEnv) {
        case (nil, nil): note("shared.kind: \(shared.kind.rawValue) needs shared.url or shared.url_env", at: marks["shared.kind"])
        case (_?, _?): note("shared.url_env: expected either url or url_env; both are given", at: marks["shared.url_env"])
        case (let url?, nil): checkAddress(url, at: marks["shared.url"], named: "shared.url")
        case (nil, _?): break
        }
        if settings.tenancy.keyEnv == nil {
            note(
                "tenancy.key_env: a shared tier needs it, with the same key on every proxy, so that they agree on tenants",
                at: marks["tenancy.key_env"] ?? marks["shared.kind"])
        }
    }

    /// The engine's URL, from the file or from the variable; that of the variable is held against the rest of the settings here.
    private mutating func sharedURL(_ secret: (String, inout Self) -> Secret?) -> Secret? {
        let shared = settings.shared
        guard shared.kind != .none, shared.kind != .milvus else { return nil }
        guard shared.url == nil else { return shared.url.map { Secret($0) } }
        guard let variable = shared.urlEnv, let found = secret(variable, &self) else { return nil }
        checkAddress(found.reveal(), at: marks["shared.url_env"], named: "shared.url_env")
        return found
    }

    /// What stands in a variable is not shown: it may hold a password.
    private mutating func checkAddress(_ url: String, at mark: Mark?, named key: String) {
        let kind = settings.shared.kind
        guard let address = SharedAddress(url) else {
            return note("\(key): expected a URL such as \(SharedAddress.example(of: kind)); the variable holds something else", at: mark)
        }
        guard SharedAddress.schemes(of: kind).contains(address.scheme) else {
            let wanted = SharedAddress.schemes(of: kind).map { "\($0)://" }.joined(separator: " or ")
            return note("\(key): expected \(wanted) for kind \(kind.rawValue); found \(address.scheme)://", at: mark)
        }
        if settings.store.encryptionKeyEnv == nil, !address.isLocal, !address.isEncrypted, !settings.shared.allowPlain {
            note(
                "\(key): an engine that is reached over the network needs TLS (\(SharedAddress.tls(of: kind))) or 'store.encryption_key_env'; "
                    + "or 'shared.allow_plain: true' where prompts and answers may be read on the way",
                at: mark)
        }
    }

    private mutating func check(_ upstream: Settings.Upstream, named name: String, at mark: Mark?) {
        let plain = Set(upstream.headers.map { $0.name.lowercased() })
        for header in upstream.headersEnv where plain.contains(header.name.lowercased()) {
            note("\(name).headers_env: the header '\(header.name)' also stands under 'headers'", at: mark)
        }
        if upstream.retryDelay > upstream.retryMaxDelay {
            note("\(name).retry_delay: expected at most retry_max_delay, which is \(upstream.retryMaxDelay.unitText)", at: mark)
        }
    }

    /// Every fallback is there, and following them ends.
    private mutating func checkFallbacks() {
        let known = Dictionary(settings.upstreams.map { ($0.name, $0.upstream) }, uniquingKeysWith: { first, _ in first })
        let all = [("upstream", settings.upstream)] + settings.upstreams.map { ("upstreams.\($0.name)", $0.upstream) }
        for (name, upstream) in all {
            var seen: Set<String> = []
            var next = upstream.fallback
            while let fallback = next {
                let mark = marks["\(name).fallback"] ?? marks["upstreams"]
                guard let target = known[fallback] else {
                    let hint = nearestName(to: fallback, among: Array(known.keys)).map { "; did you mean '\($0)'?" } ?? ""
                    note("\(name).fallback: there is no '\(fallback)' under 'upstreams'\(hint)", at: mark)
                    break
                }
                guard seen.insert(fallback).inserted, name != "upstreams.\(fallback)" else {
                    note("\(name).fallback: the fallbacks go round in a circle through '\(fallback)'", at: mark)
                    break
                }
                next = target.fallback
            }
        }
    }
}
