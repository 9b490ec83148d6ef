import Crypto
package import HTTPTypes

/// One header field by which a peer of this program lets a request speak to its cache.
///
/// Each is mapped to what this program has. A field that would let two different requests share an answer (a cache key of the client's making) only
/// ever keeps them apart: it names a namespace.
package struct PeerField: Sendable {
    package let name: HTTPField.Name
    package let family: PeerFamily
    let read: @Sendable (String, inout RequestControls) throws(Misread) -> Void

    /// What would have been understood: the error names the field beside it.
    struct Misread: Error { let expected: String }

    private init(_ name: String, _ family: PeerFamily, _ read: @escaping @Sendable (String, inout RequestControls) throws(Misread) -> Void) {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a name in the list below is no token") }
        self.name = name
        self.family = family
        self.read = read
    }

    /// All of them; `docs/controls.md` has the same table for people.
    package static let all: [PeerField] = [
        PeerField("Helicone-Cache-Enabled", .helicone) { value, controls throws(Misread) in if try !flag(value) { controls.mode = .off } },
        PeerField("Helicone-Cache-Seed", .helicone) { value, controls in controls.namespace = namespace(value) },
        // More than one answer to one request would mean answering by chance: one is kept, whatever the bucket's size.
        PeerField("Helicone-Cache-Bucket-Max-Size", .helicone) { value, _ throws(Misread) in
            guard let size = Int(value), size > 0 else { throw Misread(expected: "a whole number from 1") }
        },
        PeerField("cf-aig-cache-ttl", .cloudflare) { value, controls throws(Misread) in controls.ttl = try seconds(value) },
        PeerField("cf-aig-skip-cache", .cloudflare) { value, controls throws(Misread) in if try flag(value) { controls.mode = .off } },
        PeerField("cf-aig-cache-key", .cloudflare) { value, controls in controls.namespace = namespace(value) },
        PeerField("X-OpenRouter-Cache", .openRouter) { value, controls throws(Misread) in if try !flag(value) { controls.mode = .off } },
        PeerField("X-OpenRouter-Cache-TTL", .openRouter) { value, controls throws(Misread) in controls.ttl = try seconds(value) },
        PeerField("X-OpenRouter-Cache-Clear", .openRouter) { value, controls throws(Misread) in if try flag(value) { controls.noCache = true } },
        PeerField("x-portkey-cache-namespace", .portkey) { value, controls in controls.namespace = namespace(value) },
        PeerField("x-portkey-cache-force-refresh", .portkey) { value, controls throws(Misread) in if try flag(value) { controls.noCache = true } },
        PeerField("x-bf-cache-key", .bifrost) { value, controls in controls.namespace = namespace(value) },
        PeerField("x-bf-cache-ttl", .bifrost) { value, controls throws(Misread) in controls.ttl = try duration(value) },
        PeerField("x-bf-cache-threshold", .bifrost) { value, controls throws(Misread) in
            guard let number = RequestControls.decimal(value), (0...1).contains(number) else { throw Misread(expected: "a number from 0 to 1") }
            controls.threshold = number
        },
        PeerField("x-bf-cache-type", .bifrost) { value, controls throws(Misread) in
            switch value.lowercased() {
            case "direct": controls.mode = .exact
            case "semantic": controls.mode = .semantic
            default: throw Misread(expected: "direct or semantic")
            }
        },
        PeerField("x-bf-cache-no-store", .bifrost) { value, controls throws(Misread) in if try flag(value) { controls.isReadOnly = true } },
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name.canonicalName, $0) })

    /// Those that stand among `fields`, each once.
    static func present(in fields: HTTPFields) -> [PeerField] {
        var found: [PeerField] = []
        for field in fields {
            if let peer = byName[field.name.canonicalName], !found.contains(where: { $0.name == peer.name }) { found.append(peer) }
        }
        return found
    }

    /// The names of those that stand among `fields`.
    static func names(in fields: HTTPFields) -> [HTTPField.Name] { present(in: fields).map(\.name) }

    // MARK: - Values

    private static func flag(_ value: String) throws(Misread) -> Bool {
        switch value.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: throw Misread(expected: "true or false")
        }
    }

    private static func seconds(_ value: String) throws(Misread) -> Duration {
        guard let seconds = RequestControls.deltaSeconds(value) else { throw Misread(expected: "whole seconds") }
        return seconds
    }

    private static func duration(_ value: String) throws(Misread) -> Duration {
        guard let duration = RequestControls.timeToLive(value) else { throw Misread(expected: "whole seconds or a duration such as 30s or 5m") }
        return duration
    }

    /// The text as a namespace. Peers allow any text where this program wants visible ASCII of at most 128 characters; another one is named by its hash.
    private static func namespace(_ value: String) -> String? {
        if value.isEmpty { return nil }
        return RequestControls.isNamespace(value) ? value : hashed([value])
    }

    /// A namespace of these texts together.
    static func hashed(_ texts: [String]) -> String {
        let digits = SHA256.hash(data: Array(texts.joined(separator: "\u{0}").utf8)).prefix(16)
        return "sha256-" + digits.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension PeerFamily {
    /// The families by whose header fields a request speaks to its cache.
    package static func present(in fields: HTTPFields) -> Set<PeerFamily> { Set(PeerField.present(in: fields).map(\.family)) }
}

extension RequestControls {
    /// What the peers' fields ask for; `nil` when there are none. Namespaces of several are one of their own together, so that each keeps apart.
    static func peers(in fields: HTTPFields) throws(RequestError) -> RequestControls? {
        var result: RequestControls?
        var namespaces: [String] = []
        for peer in PeerField.present(in: fields) {
            guard let value = try single(peer.name, in: fields) else { continue }
            var controls = RequestControls()
            controls.families = [peer.family]
            do throws(PeerField.Misread) { try peer.read(value, &controls) } catch {
                throw .header(peer.name, error.expected, value)
            }
            if let namespace = controls.namespace { namespaces.append(namespace) }
            result = result?.merging(controls) ?? controls
        }
        if namespaces.count > 1 { result?.namespace = PeerField.hashed(namespaces) }
        return result
    }
}
