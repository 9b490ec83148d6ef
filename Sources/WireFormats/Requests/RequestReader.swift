package import SemanticCache

/// What a body of a cached endpoint turned out to be.
package enum RequestReading: Sendable {
    case cacheable(CacheableRequest)
    /// To be forwarded as it came.
    case bypass(BypassReason)
    /// Not of the form that this program knows of the endpoint, and forwarded as it came (``BypassReason/unreadableBody``): other servers take more than
    /// the endpoint's first one, and whoever is asked says best what is wrong. What was expected and what came is for those who write records.
    case unreadable(RequestError)
    /// Says something to this cache that cannot be understood: to be answered with 400.
    case invalid(RequestError)
}

/// Reads the bodies of requests to the cached endpoints.
package enum RequestReader {
    /// Members that cannot change the answer, in OpenAI's APIs and Anthropic's.
    static let excluded: [StaticString] = excludedButStore + ["store"]
    /// The same where a later request may build on the answer, which it can only if the provider was told to store it.
    static let excludedButStore: [StaticString] = [
        "stream", "stream_options", "user", "metadata", "service_tier", "prompt_cache_key", "safety_identifier",
    ]
    /// The name under which a member speaks to the cache rather than to the model, as peers of this program let requests do; `nil` for any other
    /// member, also for one of such a name whose value is not of the peer's form: that one is the upstream's.
    static func control(_ name: JSONNode, _ value: JSONNode) -> StaticString? {
        if name.isString("caching") { return value.bool != nil || value.isNull ? "caching" : nil }
        guard value.kind == .object || value.isNull else { return nil }
        let names: [StaticString] = ["cache", "cache_options", "tensorzero::cache_options"]
        return names.first { name.isString($0) }
    }

    /// Reads one body.
    ///
    /// Unknown members, roles and part types are part of key and scope. What is not of the endpoint's form (text that is not JSON, a body that is no
    /// object, members of another type than every provider agreed on) is no request that could have a key, and passes through. So does a body in
    /// which an object repeats a name: which of the two counts is the server's to decide, so no key could be right. Only a word to this cache that
    /// cannot be understood is refused.
    ///
    /// - Complexity: O(n) in the body, sorting of member names aside.
    ///
    /// - Parameters:
    ///   - target: what the request's path says.
    ///   - document: the body, where somebody has read it already.
    package static func read(_ target: WireTarget, body: [UInt8], document: JSONDocument? = nil) -> RequestReading {
        do throws(RequestError) {
            return try reading(target, body: body, known: document)
        } catch {
            return .unreadable(error)
        }
    }

    /// The same for a path, with its query or without.
    package static func read(path: Substring, body: [UInt8], document: JSONDocument? = nil) -> RequestReading {
        guard let target = WireTarget(path: path) else { return .bypass(.path) }
        return read(target, body: body, document: document)
    }

    /// The same at the endpoint's own path.
    package static func read(endpoint: Endpoint, body: [UInt8], document: JSONDocument? = nil) -> RequestReading {
        read(WireTarget(format: endpoint.format), body: body, document: document)
    }

    private static func reading(_ target: WireTarget, body: [UInt8], known: JSONDocument?) throws(RequestError) -> RequestReading {
        let root = if let known { known.root } else { try document(body).root }
        guard root.kind == .object else { throw RequestError("The request body must be a JSON object, got \(root.kind.article).") }

        let format = target.format
        let fields = try RequestFields(root)
        let prompt = try format.findQuery(in: root)
        if let reason = format.bypass(root) { return .bypass(reason) }

        // Most bodies speak to the model alone, and every hit is read here: no list is made for them.
        let excluded = fields.controls.isEmpty ? format.excludedMembers : format.excludedMembers + fields.controls
        let (canonical, items) = format.canonical(root, excluding: excluded, marking: prompt.texts)
        guard !canonical.hasRepeatedNames else { return .bypass(.unreadableBody) }

        var bodyControls = RequestControls()
        if !fields.controls.isEmpty {
            do throws(RequestError) { bodyControls = try RequestControls(body: root) } catch { return .invalid(error) }
        }
        let wantsStream = format.hasStreams && target.streams ?? fields.stream
        var instructions = InstructionsDigest()
        format.addInstructions(of: root, to: &instructions)
        let query = prompt.query
        return .cacheable(
            CacheableRequest(
                format: format, model: target.model ?? fields.model, wantsStream: wantsStream,
                wantsUsage: fields.includesUsage || !wantsStream || format.streamsTellUsage,
                hasTools: fields.hasTools,
                asksForSearch: format.answersInWords && (fields.asksForSearch || SearchSigns.isSearching(model: target.model ?? fields.model)),
                routingTags: fields.routingTags, query: query, noScopeReason: query == nil ? prompt.noQueryReason : nil,
                controlFields: fields.controls.map(\.description),
                bodyControls: bodyControls, strippedBody: fields.controls.isEmpty ? nil : stripped(root),
                choiceCount: format.choiceCount(of: root) ?? fields.choiceCount, canonical: canonical.output,
                queryRanges: canonical.markedRanges, items: items, instructions: instructions.hash))
    }

    private static func document(_ body: [UInt8]) throws(RequestError) -> JSONDocument {
        do throws(JSONError) { return try JSONDocument(body) } catch { throw RequestError("The request body is not valid JSON: \(error).") }
    }

    /// The body without its control members, every other byte as it came: providers keep what they have computed for a beginning that they know.
    private static func stripped(_ root: JSONNode) -> [UInt8] {
        let members = root.members.map { (start: $0.sourceRange.lowerBound, end: $1.sourceRange.upperBound, isControl: control($0, $1) != nil) }
        let bytes = root.document.bytes
        var result: [UInt8] = []
        var position = 0
        var next = 0
        while let first = members[next...].firstIndex(where: \.isControl) {
            next = members[first...].firstIndex { !$0.isControl } ?? members.count
            // The comma that goes is the one behind, or before the last member.
            let isLast = next == members.count
            result += bytes[position..<(isLast && first > 0 ? members[first - 1].end : members[first].start)]
            position = isLast ? members[next - 1].end : members[next].start
        }
        return result + bytes[position...]
    }
}

/// The members that all endpoints share, typed.
private struct RequestFields {
    var model = ""
    var stream = false
    var includesUsage = false
    var hasTools = false
    var asksForSearch = false
    /// The tags by which LiteLLM's router chooses who answers, in canonical form.
    var routingTags: [UInt8] = []
    var choiceCount = 1
    var controls: [StaticString] = []

    /// One pass over the members of the body.
    init(_ root: JSONNode) throws(RequestError) {
        for (name, value) in root.members {
            if name.isString("model") {
                guard let model = value.string else { throw RequestError.wrongType("model", "a string", value) }
                self.model = model
            } else if name.isString("stream") {
                guard let stream = value.bool ?? (value.isNull ? false : nil) else { throw RequestError.wrongType("stream", "a boolean", value) }
                self.stream = stream
            } else if name.isString("stream_options") {
                guard value.kind == .object || value.isNull else { throw RequestError.wrongType("stream_options", "an object", value) }
                guard let usage = value["include_usage"], !usage.isNull else { continue }
                guard let includes = usage.bool else { throw RequestError.wrongType("stream_options.include_usage", "a boolean", usage) }
                includesUsage = includes
            } else if name.isString("tools") || name.isString("functions") {
                guard value.kind == .array || value.isNull else { throw RequestError.wrongType(name.string ?? "", "an array", value) }
                hasTools = hasTools || value.count > 0
                asksForSearch = asksForSearch || SearchSigns.isOffered(in: value)
            } else if name.isString("metadata") {
                guard let tags = value["tags"], !tags.isNull, tags.kind == .string || tags.count > 0 else { continue }
                var canonical = CanonicalJSON()
                canonical.append(tags)
                routingTags = canonical.output
            } else if name.isString("n") {
                guard value.kind == .number || value.isNull else { throw RequestError.wrongType("n", "an integer", value) }
                choiceCount = value.int ?? 1
            } else if let control = RequestReader.control(name, value) {
                controls.append(control)
            } else {
                asksForSearch = asksForSearch || SearchSigns.isWish(name, value)
            }
        }
    }
}

extension RequestError {
    static func wrongType(_ param: String, _ expected: String, _ value: JSONNode) -> RequestError {
        RequestError("'\(param)' must be \(expected), got \(value.kind.article).", param: param)
    }
}

extension JSONDocument.Kind {
    /// The kind with its article, for messages.
    var article: String {
        switch self {
        case .null: "null"
        case .false, .true: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
