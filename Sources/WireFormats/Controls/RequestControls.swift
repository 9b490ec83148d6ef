package import HTTPTypes
import SemanticCache

/// What a client's header fields ask of the cache: the directives of RFC 9111 that mean something to a request, and the `X-Cache-*` fields.
///
/// Unknown `Cache-Control` directives are passed over, as RFC 9111 says; anything else that cannot be understood is an error that names its header.
package struct RequestControls: Hashable, Sendable {
    /// How far the cache may go for one request.
    package enum Mode: String, CaseIterable, Sendable {
        /// Word-for-word repeats only.
        case exact
        /// Rewordings too, which is also what no mode means.
        case semantic
        /// Ask the model and store its answer, as `no-cache`.
        case refresh
        /// Touch the cache in no way, as `no-store`.
        case off
    }

    package var noCache = false
    package var noStore = false
    package var onlyIfCached = false
    /// No older answer than this.
    package var maxAge: Duration?
    /// How long after its expiry an answer may stand in for a failing upstream; ``unlimited`` when the directive names no time.
    package var staleIfError: Duration?
    /// How long to keep the answer.
    package var ttl: Duration?
    /// Visible ASCII, 1 to 128 characters.
    package var namespace: String?
    /// At most 32 tags of at most 128 characters, in order, without repeats.
    package var tags: [String] = []
    /// Cosine similarity in 0...1, below which no entry answers.
    package var threshold: Float?
    package var mode: Mode?
    /// An answer may be taken from the cache, but none is added to it.
    package var isReadOnly = false
    /// The peers in whose words the client spoke; each is answered in its own.
    package var families: Set<PeerFamily> = []

    /// This program's own fields, which are not forwarded. `Cache-Control` and the peers' fields are not among them: see ``strip(_:)``.
    package static let fieldNames: [HTTPField.Name] = [.cacheTTL, .cacheNamespace, .cacheTags, .cacheThreshold, .cacheMode]
    /// Whether nothing cached may answer.
    package var wantsFresh: Bool { noCache || mode == .refresh }
    /// Whether the answer is not to be kept, though one that is there may answer.
    package var forbidsStoring: Bool { isReadOnly || ttl.map { $0 <= .zero } ?? false }

    /// Longer than anyone means, and safe to add to a moment.
    package static let unlimited = Duration.seconds(100 * 365 * 86_400)

    /// The names of all fields that say something to the cache.
    private static let spoken = FieldNames(fieldNames + [.cacheControl] + PeerField.all.map(\.name))

    package init() {}

    /// Reads the controls among `fields`.
    package init(_ fields: HTTPFields) throws(RequestError) {
        // Most requests say nothing to the cache: one pass tells.
        guard fields.contains(where: { Self.spoken.contains($0.name) }) else { return }
        for value in fields[values: .cacheControl] { try readDirectives(value) }
        if let value = try Self.single(.cacheTTL, in: fields) {
            guard let time = Self.timeToLive(value) else {
                throw .header(.cacheTTL, "whole seconds or a duration such as 250ms, 30s, 5m, 24h or 7d", value)
            }
            ttl = time
        }
        if let value = try Self.single(.cacheNamespace, in: fields) {
            guard Self.isNamespace(value) else {
                throw .header(.cacheNamespace, "1 to 128 visible ASCII characters without spaces", value)
            }
            namespace = value
        }
        for value in fields[values: .cacheTags] { try readTags(value) }
        if let value = try Self.single(.cacheThreshold, in: fields) {
            guard let number = Self.decimal(value), (0...1).contains(number) else { throw .header(.cacheThreshold, "a number from 0 to 1", value) }
            threshold = number
        }
        if let value = try Self.single(.cacheMode, in: fields) {
            guard let mode = Mode(rawValue: value.lowercased()) else { throw .header(.cacheMode, "exact, semantic, refresh or off", value) }
            self.mode = mode
        }
        if let peers = try Self.peers(in: fields) { self = merging(peers) }
    }

    /// Takes out of `fields` what was meant for a cache alone, by whichever peer's name.
    ///
    /// `Cache-Control` goes as well: a provider is no cache, its directives were obeyed here, and `only-if-cached` or `max-age` would ask of any
    /// further cache on the way what this one has just decided.
    package static func strip(_ fields: inout HTTPFields) {
        for name in fieldNames { fields[name] = nil }
        fields[.cacheControl] = nil
        for name in PeerField.names(in: fields) { fields[name] = nil }
    }

    /// Whether this can name a namespace: 1 to 128 visible ASCII characters.
    package static func isNamespace(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// The value of a field that may stand once; `nil` when it does not stand.
    static func single(_ name: HTTPField.Name, in fields: HTTPFields) throws(RequestError) -> String? {
        let values = fields[values: name]
        guard values.count <= 1 else { throw .header(name, "one value", values.joined(separator: ", ")) }
        return values.first?.trimmingSpace
    }

    /// Whole seconds or a duration with its unit.
    static func timeToLive(_ value: String) -> Duration? {
        deltaSeconds(value) ?? (try? Duration.parse(value)).map { min($0, unlimited) }
    }

    private mutating func readTags(_ value: String) throws(RequestError) {
        for part in value.split(separator: ",") {
            let tag = String(part).trimmingSpace
            guard !tag.isEmpty, !tags.contains(tag) else { continue }
            guard tag.count <= 128 else { throw .header(.cacheTags, "tags of at most 128 characters", tag) }
            guard tags.count < 32 else { throw .header(.cacheTags, "at most 32 tags", value) }
            tags.append(tag)
        }
    }

    private mutating func readDirectives(_ value: String) throws(RequestError) {
        for part in Self.directives(of: value) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0).trimmingSpace }
            guard let name = pair.first?.lowercased() else { continue }
            let argument = pair.count > 1 ? pair[1].trimmingQuotes : nil
            switch name {
            case "no-cache": noCache = true
            case "no-store": noStore = true
            case "only-if-cached": onlyIfCached = true
            case "max-age":
                guard let argument, let age = Self.deltaSeconds(argument) else { throw .header(.cacheControl, "max-age=SECONDS", part) }
                maxAge = min(maxAge ?? age, age)
            case "stale-if-error":
                guard let argument else {
                    staleIfError = Self.unlimited
                    continue
                }
                guard let time = Self.deltaSeconds(argument) else { throw .header(.cacheControl, "stale-if-error=SECONDS", part) }
                staleIfError = min(staleIfError ?? time, time)
            default: continue
            }
        }
    }

    /// Splits at commas that do not stand within quotes.
    private static func directives(of value: String) -> [String] {
        var parts: [String] = [""]
        var isQuoted = false
        for character in value {
            if character == "\"" { isQuoted.toggle() }
            if character == ",", !isQuoted {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts.map(\.trimmingSpace).filter { !$0.isEmpty }
    }

    /// Whole seconds in digits; a number beyond any use counts as ``unlimited`` (RFC 9111, section 1.2.2).
    static func deltaSeconds(_ text: String) -> Duration? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int64(text).map { min(.seconds($0), unlimited) } ?? unlimited
    }

    /// A plain decimal number; not the `nan`, `inf` and hexadecimal forms that `Float` would take.
    static func decimal(_ text: String) -> Float? {
        guard text.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") }) else { return nil }
        return Float(text)
    }
}

extension RequestError {
    static func header(_ name: HTTPField.Name, _ expected: String, _ value: String) -> RequestError {
        RequestError("\(name.rawName) must be \(expected), got '\(value.prefix(200))'.", param: name.rawName)
    }
}

extension HTTPField.Name {
    // Each is a valid token, so the initialiser cannot fail.
    package static let cacheTTL = HTTPField.Name("X-Cache-TTL")!
    package static let cacheNamespace = HTTPField.Name("X-Cache-Namespace")!
    package static let cacheTags = HTTPField.Name("X-Cache-Tags")!
    package static let cacheThreshold = HTTPField.Name("X-Cache-Threshold")!
    package static let cacheMode = HTTPField.Name("X-Cache-Mode")!
}

extension String {
    fileprivate var trimmingSpace: String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        guard let first = first, let last = last, isSpace(first) || isSpace(last) else { return self }
        let head = drop(while: isSpace)
        return String(head[..<(head.lastIndex { !isSpace($0) }.map { head.index(after: $0) } ?? head.startIndex)])
    }

    fileprivate var trimmingQuotes: String {
        count >= 2 && hasPrefix("\"") && hasSuffix("\"") ? String(dropFirst().dropLast()) : self
    }
}
