/// Controls that peers of this program take in the request's body, so that clients written for them need no change: LiteLLM's `cache` and `caching`,
/// TensorZero's `cache_options` and `tensorzero::cache_options`.
extension RequestControls {
    /// Reads the controls among the members of a body. Members within them that are not known are passed over.
    init(body root: JSONNode) throws(RequestError) {
        self.init()
        // Members of these names and other types are not controls: see RequestReader.control.
        if let cache = root["cache"], !cache.isNull {
            families.insert(.liteLLM)
            for (name, value) in cache.members where !value.isNull {
                let param = "cache.\(name.string ?? "")"
                switch name.string {
                case "no-cache": noCache = try Self.flag(value, param)
                case "no-store": noStore = try Self.flag(value, param)
                case "ttl": ttl = try Self.seconds(value, param)
                case "s-maxage", "s-max-age": maxAge = try Self.seconds(value, param)
                case "namespace":
                    guard let text = value.string, Self.isNamespace(text) else {
                        throw RequestError("'\(param)' must be 1 to 128 visible ASCII characters without spaces.", param: param)
                    }
                    namespace = text
                default: continue
                }
            }
        }
        if let caching = root["caching"]?.bool {
            families.insert(.liteLLM)
            if !caching { mode = .off }
        }
        for name in ["cache_options", "tensorzero::cache_options"] as [StaticString] {
            if let options = root[name] { try readOptions(options, "\(name)") }
        }
    }

    /// TensorZero's options; its own endpoints and its OpenAI-compatible one give them different names.
    private mutating func readOptions(_ options: JSONNode, _ param: String) throws(RequestError) {
        if let age = options["max_age_s"], !age.isNull { maxAge = try Self.seconds(age, "\(param).max_age_s") }
        guard let enabled = options["enabled"], !enabled.isNull else { return }
        switch enabled.string {
        case "on": break
        case "off": mode = .off
        case "read_only": isReadOnly = true
        case "write_only": mode = .refresh
        default: throw RequestError("'\(param).enabled' must be on, off, read_only or write_only.", param: "\(param).enabled")
        }
    }

    /// These controls with `other` where they say nothing. A prohibition or a limit in either one holds.
    package func merging(_ other: RequestControls) -> RequestControls {
        var result = self
        result.noCache = noCache || other.noCache
        result.noStore = noStore || other.noStore
        result.onlyIfCached = onlyIfCached || other.onlyIfCached
        result.maxAge = [maxAge, other.maxAge].compactMap { $0 }.min()
        result.staleIfError = staleIfError ?? other.staleIfError
        result.ttl = ttl ?? other.ttl
        result.namespace = namespace ?? other.namespace
        result.tags = tags.isEmpty ? other.tags : tags
        result.threshold = [threshold, other.threshold].compactMap { $0 }.max()
        result.mode = mode == .off || other.mode == .off ? .off : mode ?? other.mode
        result.isReadOnly = isReadOnly || other.isReadOnly
        result.families.formUnion(other.families)
        return result
    }

    private static func flag(_ node: JSONNode, _ param: String) throws(RequestError) -> Bool {
        guard let flag = node.bool else { throw RequestError.wrongType(param, "a boolean", node) }
        return flag
    }

    /// Seconds as a number, to the millisecond.
    private static func seconds(_ node: JSONNode, _ param: String) throws(RequestError) -> Duration {
        guard node.kind == .number, let seconds = Double(String(decoding: node.source, as: UTF8.self)), seconds >= 0 else {
            throw RequestError("'\(param)' must be a number of seconds, zero or more.", param: param)
        }
        let longest = Double(unlimited.wholeSeconds)
        return .milliseconds(Int64((min(seconds, longest) * 1000).rounded()))
    }
}

extension Duration {
    fileprivate var wholeSeconds: Int64 { components.seconds }
}
