import HTTPTypes
import SemanticCache
import Testing

@testable import WireFormats

/// Which answers are whole by what they say of their end, in every format and both forms, and which have nothing in them.
struct FinishReasonTests {
    private func record(_ body: String, _ endpoint: Endpoint, events: Bool) throws -> (reason: NotStoredReason?, unknown: String?) {
        let request = try WireFormatsTests.request(
            #"{"messages":[{"role":"user","content":"q"}],"input":"q","prompt":"q","contents":[{"parts":[{"text":"q"}]}],"stream":\#(events)}"#,
            endpoint: endpoint)
        var recorder = AnswerRecorder(
            request: request, status: 200, fields: [.contentType: events ? "text/event-stream" : "application/json"], limit: 1 << 20)
        for byte in body.utf8 { recorder.append([byte], milliseconds: 0) }
        switch recorder.finish() {
        case .success: return (nil, recorder.unknownFinish)
        case .failure(let reason): return (reason, recorder.unknownFinish)
        }
    }

    /// An answer that says a text and ends so, plain and as a stream, in one format.
    private static func answers(_ endpoint: Endpoint, ending reason: String) -> (plain: String, stream: String) {
        switch endpoint {
        case .messages:
            let text = #"{"type":"text","text":"hi"}"#
            let events = [
                #"{"type":"message_start","message":{"content":[]}}"#, #"{"type":"content_block_start","index":0,"content_block":\#(text)}"#,
                #"{"type":"content_block_stop","index":0}"#, #"{"type":"message_delta","delta":{"stop_reason":\#(reason)}}"#,
                #"{"type":"message_stop"}"#,
            ]
            return (#"{"content":[\#(text)],"stop_reason":\#(reason)}"#, stream(events, isDone: false))
        case .responses:
            let response =
                #"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]}],"status":\#(reason)}"#
            return (response, stream([#"{"type":"response.completed","response":\#(response)}"#], isDone: false))
        case .generateContent:
            let candidate = #"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":\#(reason)}]}"#
            return (candidate, stream([candidate], isDone: false))
        case .completions:
            let choice = #"{"choices":[{"index":0,"text":"hi","finish_reason":\#(reason)}]}"#
            return (choice, stream([choice]))
        default:
            func choice(_ name: String) -> String {
                #"{"choices":[{"index":0,"\#(name)":{"role":"assistant","content":"hi"},"finish_reason":\#(reason)}]}"#
            }
            return (choice("message"), stream([choice("delta")]))
        }
    }

    private static func stream(_ events: [String], isDone: Bool = true) -> String {
        (events + (isDone ? ["[DONE]"] : [])).map { "data: \($0)\n\n" }.joined()
    }

    @Test(arguments: [
        (Endpoint.chatCompletions, ["stop", "tool_calls", "function_call", "STOP", "COMPLETE", "eos", "eos_token"]),
        (.chatCompletions, ["stop_sequence", "end_turn", "tool_use", "normal"]),
        (.completions, ["stop", "eos_token", "STOP_SEQUENCE", "endoftext", "FINISH"]), (.messages, ["end_turn", "tool_use", "stop_sequence"]),
        (.responses, ["completed"]), (.generateContent, ["STOP"]),
    ])
    func whatMeansAWholeAnswerIsKept(endpoint: Endpoint, words: [String]) throws {
        for word in words {
            let (plain, stream) = Self.answers(endpoint, ending: "\"\(word)\"")
            #expect(try record(plain, endpoint, events: false) == (nil, nil), "\(word)")
            #expect(try record(stream, endpoint, events: true) == (nil, nil), "\(word)")
        }
    }

    @Test(arguments: [
        (Endpoint.chatCompletions, "length", NotStoredReason.lengthLimit), (.chatCompletions, "model_length", .lengthLimit),
        (.chatCompletions, "MAX_TOKENS", .lengthLimit), (.completions, "max_length", .lengthLimit),
        (.chatCompletions, "content_filter: RECITATION", .contentFilter),
        (.chatCompletions, "sensitive", .contentFilter), (.chatCompletions, "function_call_filter: UNEXPECTED_TOOL_CALL", .truncated),
        (.chatCompletions, "insufficient_system_resource", .truncated), (.chatCompletions, "network_error", .truncated),
        (.chatCompletions, "abort", .truncated),
        (.messages, "max_tokens", .lengthLimit), (.messages, "refusal", .contentFilter), (.messages, "pause_turn", .truncated),
        (.messages, "model_context_window_exceeded", .lengthLimit), (.responses, "in_progress", .truncated), (.responses, "failed", .errorStatus),
        (.generateContent, "MAX_TOKENS", .lengthLimit), (.generateContent, "SPII", .contentFilter), (.generateContent, "IMAGE_OTHER", .contentFilter),
        (.generateContent, "MALFORMED_FUNCTION_CALL", .truncated), (.generateContent, "OTHER", .truncated),
    ])
    func whatIsKnownToCutIsNot(endpoint: Endpoint, word: String, reason: NotStoredReason) throws {
        let (plain, stream) = Self.answers(endpoint, ending: "\"\(word)\"")
        #expect(try record(plain, endpoint, events: false) == (reason, nil))
        #expect(try record(stream, endpoint, events: true) == (reason, nil))
    }

    /// Words of another format are as unknown as those of nobody; so is what is no word.
    @Test(arguments: [
        (Endpoint.chatCompletions, #""repetition""#, "repetition"), (.chatCompletions, #""Odd: 17 of 20""#, "Odd"), (.chatCompletions, "7", "7"),
        (.completions, #""load""#, "load"), (.messages, #""compaction""#, "compaction"), (.messages, #""stop""#, "stop"),
        (.responses, #""paused""#, "paused"), (.generateContent, #""TOO_CLEVER""#, "TOO_CLEVER"), (.generateContent, #""end_turn""#, "end_turn"),
    ])
    func whatIsUnknownIsNotKeptAndNamed(endpoint: Endpoint, reason: String, word: String) throws {
        let (plain, stream) = Self.answers(endpoint, ending: reason)
        #expect(try record(plain, endpoint, events: false) == (.unknownFinish, word))
        #expect(try record(stream, endpoint, events: true) == (.unknownFinish, word))
    }

    /// Some servers leave the reason out of plain answers; a stream without one may have been cut anywhere, however cleanly it ended.
    @Test(arguments: ["\"\"", "null", "\"null\""])
    func aReasonThatSaysNothingEndsNoStream(reason: String) throws {
        let chat = Self.answers(.chatCompletions, ending: reason)
        #expect(try record(chat.plain, .chatCompletions, events: false) == (nil, nil))
        #expect(try record(chat.stream, .chatCompletions, events: true) == (.truncated, nil))
        #expect(try record(chat.stream.replacing("data: [DONE]\n\n", with: ""), .chatCompletions, events: true) == (.truncated, nil))
        #expect(try record(Self.answers(.generateContent, ending: reason).stream, .generateContent, events: true) == (.truncated, nil))
    }

    // MARK: - Nothing in it

    @Test(arguments: [
        (Endpoint.chatCompletions, #"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[],"refusal":null},"finish_reason":"stop"}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":[{"type":"text","text":""}],"name":"Bot","reasoning_content":""}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":"a"}},{"index":1,"message":{"content":""}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":"half"},"error":{"code":502,"message":"gone"},"finish_reason":"error"}]}"#),
        (.chatCompletions, #"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"not authorised"}}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"base_resp":{"status_code":"1027","status_msg":"x"}}"#),
        (.completions, #"{"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}"#),
        (.messages, #"{"type":"message","role":"assistant","content":[],"stop_reason":"end_turn"}"#),
        (.messages, #"{"content":[{"type":"text","text":"","citations":null}],"stop_reason":"end_turn"}"#),
        (.responses, #"{"status":"completed","output":[]}"#),
        (.responses, #"{"output":[{"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":""}]}]}"#),
        (.generateContent, #"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP","index":0}]}"#),
        (.generateContent, #"{"candidates":[{"content":{"parts":[{"text":"","thought":true}]},"finishReason":"STOP"}]}"#),
        (.embeddings, #"{"data":[{"object":"embedding","index":0,"embedding":[]}]}"#),
        (.embeddings, #"{"data":[{"embedding":[0.5]},{"embedding":null}]}"#),
        (.embeddings, #"{"data":null,"base_resp":{"status_code":1002}}"#), (.embedContent, #"{"embedding":{"values":[]}}"#),
    ])
    func aPlainAnswerWithNothingInItIsNotKept(endpoint: Endpoint, body: String) throws {
        #expect(try record(body, endpoint, events: false).reason == .emptyAnswer)
    }

    @Test(arguments: [
        (
            Endpoint.chatCompletions,
            [
                #"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                "[DONE]",
            ]
        ),
        (
            .chatCompletions,
            [#"{"choices":[{"delta":{"content":"hi"}}]}"#, #"{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502}}]}"#]
        ),
        (.chatCompletions, [#"{"choices":[],"base_resp":{"status_code":1013,"status_msg":"busy"}}"#, "[DONE]"]),
        (.completions, [#"{"choices":[{"text":"","finish_reason":null}]}"#, #"{"choices":[{"text":"","finish_reason":"stop"}]}"#]),
        (
            .messages,
            [
                #"{"type":"message_start","message":{"id":"m","role":"assistant","content":[]}}"#,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#, #"{"type":"message_stop"}"#,
            ]
        ), (.responses, [#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#]),
        (.generateContent, [#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#]),
    ])
    func aStreamWithNothingInItIsNotKept(endpoint: Endpoint, events: [String]) throws {
        #expect(try record(Self.stream(events, isDone: false), endpoint, events: true).reason == .emptyAnswer)
    }

    /// Whatever is said beside an empty text is an answer.
    @Test(arguments: [
        (Endpoint.chatCompletions, #"{"choices":[{"message":{"content":"","reasoning_content":"hm"}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":null,"refusal":"no"}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":""}}]}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":"","audio":{"id":"a","data":"AAAA"}}}]}"#),
        (.chatCompletions, #"{"choices":[{"message":{"content":{"answer":0}}}],"base_resp":{"status_code":0,"status_msg":"success"}}"#),
        (.completions, #"{"choices":[{"text":"","logprobs":{"tokens":["a"]}}]}"#), (.completions, #"{"choices":[{"text":" ","error":null}]}"#),
        (.messages, #"{"content":[{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"tool_use"}"#),
        (.responses, #"{"output":[{"type":"reasoning","summary":[],"encrypted_content":"x"}]}"#),
        (.generateContent, #"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]}"#),
        (.embeddings, #"{"data":[{"embedding":"AACAPw=="}]}"#),
    ])
    func whatSaysAnythingElseIsKept(endpoint: Endpoint, body: String) throws {
        #expect(try record(body, endpoint, events: false) == (nil, nil))
    }

    /// The closing event of some servers has no items: those that came before it count.
    @Test func itemsThatCameBeforeTheClosingEventCount() throws {
        let item = #"{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"hi"}]}}"#
        let end = #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#
        #expect(try record(Self.stream([item, end], isDone: false), .responses, events: true) == (nil, nil))
    }
}
