// WireFormats turns bytes into meaning and back, for each provider API whose answers are cached. Everything here is a pure function or a pure
// state machine: no I/O, no clock, no chance. From the outside in:
//
//   KnownFormats       the formats, one a folder of Formats; WireTarget says whose a path is
//   RequestReader      path and body -> CacheableRequest (key, scope, query), or why not
//   RequestControls    header fields -> what the client wants of the cache
//   SSEParser          bytes -> server-sent events
//   AnswerRecorder     response -> Recording, or why it may not be kept
//   AnswerRenderer     Recording -> body or events, whichever the next client asks for
//   ErrorBody          error -> the provider's own error form
//   WarmRecord         a line of JSONL -> a request and perhaps its answer
//
// Invariants: two requests that differ in anything which a server may see differently never share a key, nor a scope, the text of the query aside. A
// recording is kept byte for byte in the form in which it came; the other form is made from it on demand, and what this program does not
// know is carried along, not dropped.
//
// Left out: transport, policy (which tier may serve tools), storage. The path of an exact hit allocates a handful of buffers and uses no Foundation.
//
// Sources: the OpenAI and Anthropic API references, RFC 8259 (JSON), RFC 8785 (canonical form), RFC 9111 (cache directives) and the WHATWG HTML
// standard, section 9.2 (server-sent events).

package import SemanticCache

/// One provider API whose answers are cached: how its requests are read and its answers written.
///
/// Formats are stateless values; ``KnownFormats`` lists them. Everything that differs between two of them is asked for here, so nothing else compares
/// or switches over endpoints. What a format leaves to the defaults below is the same for most of them.
package protocol WireFormat: Sendable {
    /// The name by which entries, statistics and logs know the format.
    var endpoint: Endpoint { get }

    /// Where the paths of the provider's API begin. What begins so is forwarded, and what goes wrong on the way is told in this format, also where
    /// no answer is cached.
    var roots: [String] { get }

    /// What a path asks for; `nil` when it is none of this format's.
    func target(at path: RequestPath) -> WireTarget?

    /// The path by which a client asks this model for a plain answer.
    func path(model: String) -> String

    // MARK: Requests

    /// What of path and query belongs to key and scope. A format whose path says whether to stream leaves that out, as `stream` is left out of
    /// bodies.
    func keyed(_ pathAndQuery: String) -> String

    /// Whether answers come as streams where the request asks for one. Else `stream` is passed over.
    var hasStreams: Bool { get }

    /// Whether a stream says what it cost to clients that did not ask for `stream_options.include_usage`, too.
    var streamsTellUsage: Bool { get }

    /// Whether answers are said rather than counted: a model that says something may have looked it up.
    var answersInWords: Bool { get }

    /// Members of a body that cannot change the answer, and are in neither key nor scope.
    var excludedMembers: [StaticString] { get }

    /// Why a request is forwarded unread; `nil` for one that may be looked up.
    func bypass(_ root: JSONNode) -> BypassReason?

    /// Finds the text that may be worded otherwise, and refuses what every provider of the format would.
    func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder

    /// The conversation that a body continues; `nil` where it has none.
    func conversation(in root: JSONNode) -> Conversation?

    /// What an element of a conversation's history says, where it is the model's; `nil` for others.
    func said(_ element: JSONNode) -> String?

    /// How many answers to its question a body asks for; `nil` where it says so as OpenAI's does, by `n`.
    func choiceCount(of root: JSONNode) -> Int?

    /// Takes what tells the model who it is, apart from the conversation.
    func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest)

    /// What key and scope are made of: the canonical body less `excluded` members, and the inputs that have answers of their own.
    func canonical(_ root: JSONNode, excluding excluded: [StaticString], marking texts: [JSONNode]) -> (CanonicalJSON, [EmbeddingItem])

    // MARK: Answers

    /// The words in which answers say why they ended; `nil` where they do not.
    var finishReasons: FinishReasons? { get }

    /// Refuses a plain answer that may not be kept: one that is not of the format's form, was cut short, or has nothing in it.
    func check(_ message: JSONNode) throws(NotStoredReason)

    /// What a plain answer says that the call cost.
    func usage(of message: JSONNode) -> TokenUsage?

    /// What a stream says of its own end, before its first event; `nil` where the format has no streams.
    func progress() -> (any StreamProgress)?

    /// The plain answer that a stream's events amount to; `nil` when they are not of the format's form.
    func message(from events: [SSEEvent]) -> [UInt8]?

    /// The events of the stream that a plain answer would have been; `nil` where the format has no streams.
    /// - Parameter includesUsage: whether to end with a chunk of usage, where that is the client's choice.
    func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]?

    /// A whole plain answer that says this text; `nil` where answers say no texts, or none is made up.
    /// - Parameters:
    ///   - text: a JSON string.
    ///   - id: names the answer.
    ///   - created: in seconds since 1970.
    func message(saying text: JSONNode, id: String, model: String, created: Int) -> [UInt8]?

    /// What a plain answer says, for people.
    func text(of message: JSONNode) -> String

    // MARK: Errors

    /// The body of an error of this program's making, in the form that the format's clients read.
    func error(_ error: WireError) -> [UInt8]
}

extension WireFormat {
    package var roots: [String] { ["/v1/", "/openai/"] }
    package func path(model: String) -> String { endpoint.path }
    package func choiceCount(of root: JSONNode) -> Int? { nil }
    package func keyed(_ pathAndQuery: String) -> String { pathAndQuery }
    package var hasStreams: Bool { true }
    package var finishReasons: FinishReasons? { nil }
    package var streamsTellUsage: Bool { true }
    package var answersInWords: Bool { !Endpoint.ofVectors.contains(endpoint) }
    package var excludedMembers: [StaticString] { RequestReader.excluded }
    package func bypass(_ root: JSONNode) -> BypassReason? { nil }
    package func addInstructions(of root: JSONNode, to digest: inout InstructionsDigest) {}

    package func conversation(in root: JSONNode) -> Conversation? { nil }
    package func said(_ element: JSONNode) -> String? { nil }

    package func canonical(_ root: JSONNode, excluding excluded: [StaticString], marking texts: [JSONNode]) -> (CanonicalJSON, [EmbeddingItem]) {
        var canonical = CanonicalJSON()
        canonical.append(root, excluding: excluded, marking: texts.map(\.index))
        return (canonical, [])
    }

    package func usage(of message: JSONNode) -> TokenUsage? { message["usage"].flatMap { TokenUsage($0) } }
    package func message(saying text: JSONNode, id: String, model: String, created: Int) -> [UInt8]? { nil }
    package func error(_ error: WireError) -> [UInt8] { error.openAI }

    /// The endpoint at its own path, or at Azure's for it; for formats whose paths say nothing else.
    func fixedTarget(at path: RequestPath) -> WireTarget? { path.isStandard(endpoint.path) ? WireTarget(format: self) : nil }
}
