"""A scripted provider: the endpoints of OpenAI, Anthropic and Google as their clients expect them, in this process, with everything that came in kept.

Markers in the last user message choose the answer: [tool] two calls of a tool, [json] an object, [think] reasoning before the text. Any other text is
answered with words of its own, always the same ones.
"""

import base64
import hashlib
import http.server
import json
import struct
import threading


def words(text):
    digest = hashlib.sha256(text.encode()).hexdigest()
    return [f"Answer {digest[:8]}:", " one", " two", " “three”", " 四\n", " \"five\"."]


def vector(item, dimensions):
    """The same numbers for the same input, all of them exact in 32 bits."""
    seed = hashlib.sha256(json.dumps(item).encode()).digest()
    return [(seed[i % 32] - 128) / 128 + i / 1024 for i in range(dimensions)]


class Provider:
    def __init__(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with provider.lock:
                    provider.requests.append({"path": self.path, "headers": dict(self.headers.items()), "body": body})
                path, _, query = self.path.partition("?")
                if ":" in path:
                    answer = getattr(provider, "google_" + path.rpartition(":")[2])(body)
                else:
                    answer = getattr(provider, path.removeprefix("/v1/").replace("/", "_"))(body)
                if ":stream" in path and "alt=sse" not in query:
                    # Without events, Google streams one array.
                    answer = [("," if place else "[") + json.dumps(chunk) for place, chunk in enumerate(answer)] + ["]"]
                    kind = "application/json"
                elif ":stream" in path:
                    answer, kind = [f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in answer], "text/event-stream"
                else:
                    kind = "text/event-stream; charset=utf-8"
                if isinstance(answer, list):
                    self.send_response(200)
                    self.send_header("Content-Type", kind)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for event in answer:
                        data = event.encode()
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                        self.wfile.flush()
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    data = json.dumps(answer).encode()
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

        self.lock = threading.Lock()
        self.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A client that is gone before it was accepted must not leave the server waiting for the next one.
        self.server.socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        threading.Thread(target=self.server.shutdown, daemon=True).start()
        self.server.server_close()

    @property
    def count(self):
        return len(self.requests)

    @staticmethod
    def asked(content):
        return content if isinstance(content, str) else "\n".join(part["text"] for part in content or [] if "text" in part)

    # The answers

    def chat_completions(self, body):
        prompt = self.asked(body["messages"][-1].get("content"))
        base = {"id": "chatcmpl-" + hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:8], "created": 1790000000,
                "model": body.get("model", "m"), "system_fingerprint": "fp_1", "service_tier": "default"}
        usage = {"prompt_tokens": len(prompt), "completion_tokens": 6, "total_tokens": len(prompt) + 6,
                 "completion_tokens_details": {"reasoning_tokens": 2}, "prompt_tokens_details": {"cached_tokens": 0}}
        message, finish = {"role": "assistant", "content": None, "refusal": None, "annotations": []}, "stop"
        pieces = []
        if "[tool]" in prompt:
            finish, name = "tool_calls", body["tools"][0]["function"]["name"]
            message["tool_calls"] = [
                {"id": f"call_{city}", "type": "function", "function": {"name": name, "arguments": json.dumps({"city": city})}} for city in ("Paris", "Oslo")]
        elif "[json]" in prompt or body.get("response_format", {}).get("type") == "json_schema":
            pieces = ['{"city":', ' "Paris",', ' "days": 3}']
        else:
            pieces = words(prompt)
        if pieces:
            message["content"] = "".join(pieces)
        if "[think]" in prompt:
            message["reasoning_content"] = "Let me think."
        if not body.get("stream"):
            choices = [{"index": index, "message": message, "logprobs": None, "finish_reason": finish} for index in range(body.get("n") or 1)]
            return {**base, "object": "chat.completion", "choices": choices, "usage": usage}
        asks_usage = (body.get("stream_options") or {}).get("include_usage")
        events = []

        def chunk(index, delta, reason=None):
            event = {**base, "object": "chat.completion.chunk", "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}]}
            events.append({**event, "usage": None} if asks_usage else event)

        for index in range(body.get("n") or 1):
            chunk(index, {"role": "assistant", "content": None if "tool_calls" in message else "", "refusal": None})
            if "reasoning_content" in message:
                chunk(index, {"reasoning_content": "Let me "})
                chunk(index, {"reasoning_content": "think."})
            for piece in pieces:
                chunk(index, {"content": piece})
            for place, call in enumerate(message.get("tool_calls", [])):
                chunk(index, {"tool_calls": [{"index": place, **call, "function": {"name": call["function"]["name"], "arguments": ""}}]})
                arguments = call["function"]["arguments"]
                for piece in (arguments[:5], arguments[5:]):
                    chunk(index, {"tool_calls": [{"index": place, "function": {"arguments": piece}}]})
            chunk(index, {}, finish)
        if asks_usage:
            events.append({**base, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        return [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]

    def completions(self, body):
        base = {"id": "cmpl-1", "object": "text_completion", "created": 1790000000, "model": body.get("model", "m")}
        pieces = words(str(body["prompt"]))
        usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
        if not body.get("stream"):
            return {**base, "choices": [{"index": 0, "text": "".join(pieces), "logprobs": None, "finish_reason": "stop"}], "usage": usage}
        events = [{**base, "choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": None}]} for piece in pieces]
        events.append({**base, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})
        return [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]

    def responses(self, body):
        source = body["input"] if isinstance(body["input"], str) else self.asked(body["input"][-1].get("content"))
        pieces = ['{"city": "Paris",', ' "days": 3}'] if "[json]" in source or "format" in (body.get("text") or {}) else words(source)
        item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "".join(pieces), "annotations": [], "logprobs": []}]}
        if "[tool]" in source:
            item = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": body["tools"][0]["name"], "arguments": '{"city":"Paris"}'}
        done = {"id": "resp_" + hashlib.sha256(source.encode()).hexdigest()[:8], "object": "response", "created_at": 1790000000.0, "status": "completed",
                "background": False, "error": None, "incomplete_details": None, "instructions": body.get("instructions"), "max_output_tokens": None,
                "model": body.get("model", "m"), "output": [item], "parallel_tool_calls": True, "previous_response_id": None, "reasoning": {"effort": None, "summary": None},
                "store": True, "temperature": 1.0, "text": body.get("text") or {"format": {"type": "text"}}, "tool_choice": "auto", "tools": body.get("tools") or [], "top_p": 1.0,
                "truncation": "disabled", "user": None, "metadata": {},
                "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 6, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}}
        if not body.get("stream"):
            return done
        events = []

        def event(kind, **more):
            events.append(f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': len(events), **more})}\n\n")

        begun = {**done, "status": "in_progress", "output": [], "usage": None}
        event("response.created", response=begun)
        event("response.in_progress", response=begun)
        place = {"item_id": item["id"], "output_index": 0}
        if item["type"] == "message":
            event("response.output_item.added", output_index=0, item={**item, "status": "in_progress", "content": []})
            event("response.content_part.added", **place, content_index=0, part={"type": "output_text", "text": "", "annotations": [], "logprobs": []})
            for piece in pieces:
                event("response.output_text.delta", **place, content_index=0, delta=piece, logprobs=[])
            event("response.output_text.done", **place, content_index=0, text="".join(pieces), logprobs=[])
            event("response.content_part.done", **place, content_index=0, part=item["content"][0])
        else:
            event("response.output_item.added", output_index=0, item={**item, "status": "in_progress", "arguments": ""})
            event("response.function_call_arguments.delta", **place, delta='{"city":')
            event("response.function_call_arguments.delta", **place, delta='"Paris"}')
            event("response.function_call_arguments.done", **place, name=item["name"], arguments=item["arguments"])
        event("response.vendor.note", **place, note="an event of a kind that nobody knows")
        event("response.output_item.done", output_index=0, item=item)
        event("response.completed", response=done)
        return events

    def messages(self, body):
        prompt = self.asked(body["messages"][-1]["content"])
        blocks, reason = [{"type": "text", "text": "".join(words(prompt))}], "end_turn"
        if "[think]" in prompt:
            blocks.insert(0, {"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmF0dXJl"})
        if "[tool]" in prompt:
            blocks += [{"type": "tool_use", "id": f"toolu_{city}", "name": body["tools"][0]["name"], "input": {"city": city}} for city in ("Paris", "Oslo")]
            reason = "tool_use"
        usage = {"input_tokens": len(prompt), "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 6, "service_tier": "standard"}
        message = {"id": "msg_" + hashlib.sha256(prompt.encode()).hexdigest()[:8], "type": "message", "role": "assistant", "model": body["model"], "content": blocks,
                   "stop_reason": reason, "stop_sequence": None, "usage": usage}
        if not body.get("stream"):
            return message
        events = []

        def event(kind, **more):
            events.append(f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n")

        event("message_start", message={**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}})
        event("ping")
        for index, block in enumerate(blocks):
            if block["type"] == "text":
                event("content_block_start", index=index, content_block={"type": "text", "text": ""})
                for piece in words(prompt):
                    event("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
            elif block["type"] == "thinking":
                event("content_block_start", index=index, content_block={"type": "thinking", "thinking": "", "signature": ""})
                event("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": "Let me "})
                event("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": "think."})
                event("content_block_delta", index=index, delta={"type": "signature_delta", "signature": block["signature"]})
            else:
                event("content_block_start", index=index, content_block={**block, "input": {}})
                text = json.dumps(block["input"])
                event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": ""})
                for piece in (text[:7], text[7:]):
                    event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece})
            event("content_block_stop", index=index)
        event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 6})
        event("message_stop")
        return events

    def embeddings(self, body):
        items = body["input"]
        if isinstance(items, str) or (items and isinstance(items[0], int)):
            items = [items]
        dimensions = body.get("dimensions") or 8
        data = []
        for index, item in enumerate(items):
            numbers = vector(item, dimensions)
            encoded = base64.b64encode(struct.pack(f"<{dimensions}f", *numbers)).decode() if body.get("encoding_format") == "base64" else numbers
            data.append({"object": "embedding", "index": index, "embedding": encoded})
        tokens = sum(len(item) for item in items)
        return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def google_chunks(self, body):
        """What a model says, as the chunks of a stream. [blocked] in the prompt blocks it, [filter] cuts the answer."""
        prompt = self.asked(body["contents"][-1]["parts"])
        base = {"modelVersion": "gemini-test", "responseId": "r-" + hashlib.sha256(prompt.encode()).hexdigest()[:8]}
        count = (body.get("generationConfig") or {}).get("candidateCount") or 1
        usage = {"promptTokenCount": len(prompt), "candidatesTokenCount": 6, "totalTokenCount": len(prompt) + 6}
        if "[blocked]" in prompt:
            return [{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": len(prompt), "totalTokenCount": len(prompt)}, **base}]
        if "[tool]" in prompt:
            name = body["tools"][0]["functionDeclarations"][0]["name"]
            pieces = [{"functionCall": {"name": name, "args": {"city": city}}} for city in ("Paris", "Oslo")]
            pieces[0]["thoughtSignature"] = "c2lnbmF0dXJl"
        elif "[json]" in prompt:
            pieces = [{"text": piece} for piece in ('{"city":', ' "Paris",', ' "days": 3}')]
        elif "[picture]" in prompt:
            pieces = [{"text": "Here."}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]
        else:
            pieces = [{"text": piece} for piece in words(prompt)]
        if "[think]" in prompt:
            pieces = [{"text": "Let me ", "thought": True}, {"text": "think.", "thought": True}, *pieces]
        chunks = []
        for index in range(count):
            for piece in pieces:
                chunks.append({"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": index}], "usageMetadata": {**usage, "candidatesTokenCount": 1}, **base})
            chunks[-1]["candidates"][0]["finishReason"] = "SAFETY" if "[filter]" in prompt else "STOP"
        chunks[-1]["usageMetadata"] = usage
        return chunks

    google_streamGenerateContent = google_chunks

    def google_generateContent(self, body):
        chunks = self.google_chunks(body)
        if "candidates" not in chunks[0]:
            return chunks[0]
        candidates = {}
        for chunk in chunks:
            for candidate in chunk["candidates"]:
                known = candidates.setdefault(candidate["index"], {"content": {"parts": [], "role": "model"}, "index": candidate["index"]})
                for part in candidate["content"]["parts"]:
                    last = (known["content"]["parts"] or [{}])[-1]
                    if set(part) <= {"text", "thought"} and set(last) == set(part):
                        last["text"] += part["text"]
                    else:
                        known["content"]["parts"].append(dict(part))
                known["finishReason"] = candidate.get("finishReason")
        return {**chunks[-1], "candidates": list(candidates.values())}

    def google_embedContent(self, body):
        return {"embedding": {"values": vector(body["content"], body.get("outputDimensionality") or 8)}}

    def google_batchEmbedContents(self, body):
        return {"embeddings": [{"values": vector(each["content"], each.get("outputDimensionality") or 8)} for each in body["requests"]]}

    def google_countTokens(self, body):
        return {"totalTokens": len(self.asked(body["contents"][-1]["parts"]))}
