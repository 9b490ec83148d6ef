/// What a stream of `/v1/responses` tells of an output item between `response.output_item.added` and `response.output_item.done`.
///
/// A table of what OpenAI documents and its clients read, with what vLLM adds; an item of a type that is not in it is added and done whole.
struct ResponseItemEvents {
    /// The states in front of what comes in pieces, and behind it, each an event `response.TYPE.STATE`. `completed` is told of items that did
    /// complete.
    var before: [String] = []
    var after: [String] = []
    /// Whether `response.TYPE.failed` stands in place of `completed` where the item failed.
    var fails = false
    var members: [Member] = []
    /// Begins the ids of such items.
    var idPrefix = "item_"

    /// A member that the item is added without.
    struct Member {
        /// Where in the item it is.
        let path: [StaticString]
        let form: Form
    }

    /// How the pieces of a member come.
    enum Form {
        /// A text: `NAME.delta`, then `NAME.done` with the whole under the member's own name.
        case text(String)
        /// A list of texts, each with `NAME.added` in front of it, by `index` in the list. The whole stands under `member`.
        case texts(String, index: String, member: String)
        /// A list of parts by `index`, each of one of these kinds.
        case parts(index: String, [Part])
        /// A list of objects by `index`: `NAME.delta` with an object of one of these texts, then `NAME.done` with a list of the one under the
        /// member's own name.
        case objects(String, index: String, texts: [StaticString])
        /// It comes with `output_item.done`; until then there is an empty value of its kind.
        case atTheEnd
        /// The same, with a null until then.
        case nullUntilTheEnd
    }

    /// A kind of part.
    struct Part {
        /// Its `type`; `nil` where all of the list are of this kind.
        let type: String?
        /// The member in which its text is.
        var text: StaticString = "text"
        /// The text's events are `NAME.delta` and `NAME.done`.
        let name: String
        /// The part's own events are `FRAME.added` and `FRAME.done`.
        var frames = ["response.content_part"]
        /// Whether the text's events have log probabilities, be they none.
        var hasLogprobs = false
    }

    private static let contentParts = [
        Part(type: "output_text", name: "response.output_text", hasLogprobs: true),
        Part(type: "refusal", text: "refusal", name: "response.refusal"),
        reasoningPart(type: "reasoning_text"),
    ]

    private static func reasoningPart(type: String?) -> Part {
        Part(type: type, name: "response.reasoning_text", frames: ["response.content_part", "response.reasoning_part"])
    }

    private static let summaryPart = Part(type: nil, name: "response.reasoning_summary_text", frames: ["response.reasoning_summary_part"])

    private static let table: [String: ResponseItemEvents] = [
        "message": ResponseItemEvents(
            members: [Member(path: ["content"], form: .parts(index: "content_index", contentParts))], idPrefix: "msg_"),
        "reasoning": ResponseItemEvents(
            members: [
                Member(path: ["summary"], form: .parts(index: "summary_index", [summaryPart])),
                Member(path: ["content"], form: .parts(index: "content_index", [reasoningPart(type: nil)])),
            ], idPrefix: "rs_"),
        "function_call": ResponseItemEvents(
            members: [Member(path: ["arguments"], form: .text("response.function_call_arguments"))], idPrefix: "fc_"),
        "custom_tool_call": ResponseItemEvents(
            members: [Member(path: ["input"], form: .text("response.custom_tool_call_input"))], idPrefix: "ctc_"),
        "mcp_call": ResponseItemEvents(
            before: ["in_progress"], after: ["completed"], fails: true,
            members: [Member(path: ["arguments"], form: .text("response.mcp_call_arguments"))], idPrefix: "mcp_"),
        "mcp_list_tools": ResponseItemEvents(before: ["in_progress"], after: ["completed"], fails: true, idPrefix: "mcpl_"),
        "code_interpreter_call": ResponseItemEvents(
            before: ["in_progress"], after: ["interpreting", "completed"],
            members: [Member(path: ["code"], form: .text("response.code_interpreter_call_code"))], idPrefix: "ci_"),
        "apply_patch_call": ResponseItemEvents(
            members: [Member(path: ["operation", "diff"], form: .text("response.apply_patch_call_operation_diff"))], idPrefix: "apc_"),
        "shell_call": ResponseItemEvents(
            members: [
                Member(path: ["action", "commands"], form: .texts("response.shell_call_command", index: "command_index", member: "command"))
            ], idPrefix: "sh_"),
        "shell_call_output": ResponseItemEvents(
            members: [
                Member(
                    path: ["output"],
                    form: .objects("response.shell_call_output_content", index: "command_index", texts: ["stdout", "stderr"]))
            ], idPrefix: "sho_"),
        "tool_search_call": ResponseItemEvents(members: [Member(path: ["arguments"], form: .atTheEnd)], idPrefix: "tsc_"),
        "web_search_call": ResponseItemEvents(before: ["in_progress", "searching", "completed"], idPrefix: "ws_"),
        "file_search_call": ResponseItemEvents(before: ["in_progress", "searching", "completed"], idPrefix: "fs_"),
        "image_generation_call": ResponseItemEvents(
            before: ["in_progress", "generating", "completed"], members: [Member(path: ["result"], form: .nullUntilTheEnd)], idPrefix: "ig_"),
        "compaction": ResponseItemEvents(before: ["compacting"], idPrefix: "cmp_"),
    ]

    /// What is told of an item.
    static func of(_ item: JSONNode) -> ResponseItemEvents { item["type"]?.string.flatMap { table[$0] } ?? ResponseItemEvents() }

    /// The kind that a part of a list is of; `nil` for one that comes whole.
    static func kind(of part: JSONNode, among kinds: [Part]) -> Part? {
        let type = part["type"]?.string
        return kinds.first { ($0.type == nil || $0.type == type) && part[$0.text]?.kind == .string }
    }
}

extension JSONNode {
    /// What is at the end of a path of members.
    func member(at path: [StaticString]) -> JSONNode? { path.reduce(self as JSONNode?) { $0?[$1] } }
}
