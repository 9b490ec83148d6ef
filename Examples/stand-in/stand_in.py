#!/usr/bin/env python3
"""A small stand-in for a model: an OpenAI-compatible server that needs no key and nothing but Python.

Every prompt gets an answer of its own, always the same one. Markers in the last user message make it misbehave, for tests:

    [status 429]      answer with this error status        [half]        break off in the middle of the body
    [wait 2.5]        wait so many seconds first            [slow 0.05]   wait so long between two tokens
    [tool]            call a tool                           [length]      stop at the length limit
    [error-event]     an error inside the stream            [no-done]     leave out the closing [DONE]
    [tokens 500]      an answer of so many tokens           [no-usage]    leave usage out

`GET /stand-in/requests` tells how many requests came and shows the last ones; `DELETE` forgets them. `POST /v1/echo` returns what came in.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import re
import sys

WORDS = "the answer to this is that one can do it in a few steps first open the page then choose the entry and confirm it at the end".split()


class Server:
    def __init__(self, delay, token_delay):
        self.delay = delay
        self.token_delay = token_delay
        self.count = 0
        self.last = []
        self.left = 0

    async def serve(self, reader, writer):
        try:
            while True:
                request = await self.read_request(reader)
                if request is None:
                    break
                keep = await self.answer(request, writer)
                if not keep:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def read_request(reader):
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = raw.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]
        find = {name.lower(): value for name, value in headers}
        body = b""
        if "chunked" in find.get("transfer-encoding", "").lower():
            while True:
                size = int((await reader.readline()).split(b";")[0], 16)
                body += await reader.readexactly(size)
                await reader.readline()
                if size == 0:
                    break
        elif "content-length" in find:
            body = await reader.readexactly(int(find["content-length"]))
        return {"method": method, "target": target, "headers": headers, "find": find, "body": body}

    async def answer(self, request, writer):
        path = request["target"].split("?")[0]
        if path == "/stand-in/requests":
            if request["method"] == "DELETE":
                self.count, self.last, self.left = 0, [], 0
            return await self.send_json(writer, 200, {"count": self.count, "clients_left": self.left, "last": self.last})
        self.count += 1
        self.last = (self.last + [{
            "method": request["method"], "target": request["target"], "headers": request["headers"],
            "sha256": hashlib.sha256(request["body"]).hexdigest(), "length": len(request["body"]),
            "body": request["body"][:4096].decode("utf-8", "replace"),
        }])[-20:]
        if path == "/v1/models":
            return await self.send_json(writer, 200, {"object": "list", "data": [{"id": "stand-in", "object": "model", "created": 0, "owned_by": "reprise"}]})
        if path == "/v1/chat/completions":
            return await self.chat(request, writer)
        if path == "/v1/events":
            return await self.events(writer)
        return await self.echo(request, writer)

    async def echo(self, request, writer):
        """Says what came, byte for byte."""
        self.head(writer, 200, "application/json", {"X-Stand-In": "echo", "Set-Cookie": "a=1"}, chunked=True)
        text = json.dumps({
            "method": request["method"], "target": request["target"], "headers": request["headers"],
            "body_base64": base64.b64encode(request["body"]).decode(), "sha256": hashlib.sha256(request["body"]).hexdigest(),
        }).encode()
        for start in range(0, len(text), 1000):
            await self.chunk(writer, text[start:start + 1000])
        await self.chunk(writer, b"")
        return True

    async def events(self, writer):
        self.head(writer, 200, "text/event-stream", {}, chunked=True)
        for number in range(5):
            await self.chunk(writer, f": comment\nevent: tick\nid: {number}\ndata: {number}\n\n".encode())
            await asyncio.sleep(0.02)
        await self.chunk(writer, b"")
        return True

    async def chat(self, request, writer):
        try:
            body = json.loads(request["body"])
            messages = body["messages"]
        except (ValueError, KeyError, TypeError):
            return await self.send_json(writer, 400, {"error": {"message": "stand-in: bad body", "type": "invalid_request_error", "param": None, "code": None}})
        prompt = text_of(messages)
        mark = lambda name: re.search(r"\[" + name + r"(?: ([\d.]+))?\]", prompt)
        if body.get("messages") == []:
            return await self.send_json(writer, 400, {"error": {"message": "[] is too short - 'messages'", "type": "invalid_request_error", "param": "messages", "code": None}})
        if body.get("model") == "no-such-model":
            return await self.send_json(writer, 404, {"error": {"message": "The model 'no-such-model' does not exist", "type": "invalid_request_error", "param": None, "code": "model_not_found"}})
        if (found := mark("status")):
            return await self.send_json(writer, int(found[1]), {"error": {"message": "stand-in: as you wish", "type": "stand_in", "param": None, "code": found[1]}}, {"Retry-After": "7"})
        await asyncio.sleep(float(found[1]) if (found := mark("wait")) else self.delay)
        reply = Reply(request["body"], body, messages, prompt, mark)
        if body.get("stream"):
            return await self.stream(reply, body, mark, writer)
        text = json.dumps(reply.message()).encode()
        if mark("half"):
            self.head(writer, 200, "application/json", {}, length=len(text))
            writer.write(text[: len(text) // 2])
            await writer.drain()
            return False
        self.head(writer, 200, "application/json", {"openai-version": "2020-10-01", "x-ratelimit-remaining-requests": "99"}, length=len(text))
        writer.write(text)
        await writer.drain()
        return True

    async def stream(self, reply, body, mark, writer):
        delay = float(found[1]) if (found := mark("slow")) else self.token_delay
        self.head(writer, 200, "text/event-stream; charset=utf-8", {"openai-version": "2020-10-01"}, chunked=True)
        usage = (body.get("stream_options") or {}).get("include_usage") and not mark("no-usage")
        events = list(reply.chunks(usage))
        try:
            for number, event in enumerate(events):
                if mark("half") and number == len(events) // 2:
                    return False
                if mark("error-event") and number == len(events) // 2:
                    event = {"error": {"message": "stand-in: broken inside", "type": "server_error", "param": None, "code": None}}
                await self.chunk(writer, b"data: " + json.dumps(event).encode() + b"\n\n")
                if "error" in event:
                    break
                if delay:
                    await asyncio.sleep(delay)
            if not mark("no-done"):
                await self.chunk(writer, b"data: [DONE]\n\n")
            await self.chunk(writer, b"")
        except ConnectionError:
            self.left += 1
            raise
        return True

    async def send_json(self, writer, status, value, extra=None):
        text = json.dumps(value).encode()
        self.head(writer, status, "application/json", extra or {}, length=len(text))
        writer.write(text)
        await writer.drain()
        return True

    @staticmethod
    def head(writer, status, kind, extra, length=None, chunked=False):
        lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}", f"Content-Type: {kind}"]
        lines += [f"{name}: {value}" for name, value in extra.items()]
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    @staticmethod
    async def chunk(writer, data):
        if writer.transport.is_closing():
            raise ConnectionResetError
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await writer.drain()


class Reply:
    """An answer that depends on the whole request and on nothing else."""

    def __init__(self, raw, body, messages, prompt, mark):
        digest = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        self.id = "chatcmpl-" + digest[:12]
        self.model = body.get("model", "stand-in")
        self.count = int(body.get("n") or 1)
        # Once the tool has answered, the model answers in words, so that an agent's loop ends.
        self.tool = bool(mark("tool")) and bool(body.get("tools")) and messages[-1].get("role") != "tool"
        self.finish = "tool_calls" if self.tool else "length" if mark("length") else "stop"
        total = int(float(found[1])) if (found := mark("tokens")) else 12
        offset = int(digest[:4], 16)
        self.words = [f"({digest[:6]})"] + [WORDS[(offset + step) % len(WORDS)] for step in range(total - 1)]
        tokens = max(1, len(prompt.split()))
        self.usage = None if mark("no-usage") else {"prompt_tokens": tokens, "completion_tokens": total * self.count, "total_tokens": tokens + total * self.count}

    def call(self):
        return {"id": "call_" + self.id[-8:], "type": "function", "function": {"name": "look_up", "arguments": json.dumps({"id": self.id})}}

    def message(self):
        choices = []
        for index in range(self.count):
            message = {"role": "assistant", "content": None if self.tool else " ".join(self.words + ([str(index)] if index else [])), "refusal": None}
            if self.tool:
                message["tool_calls"] = [self.call()]
            choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": self.finish})
        value = {"id": self.id, "object": "chat.completion", "created": 1790000000, "model": self.model, "system_fingerprint": "fp_stand_in", "choices": choices}
        if self.usage:
            value["usage"] = self.usage
        return value

    def chunks(self, with_usage):
        def event(choices, **more):
            return {"id": self.id, "object": "chat.completion.chunk", "created": 1790000000, "model": self.model, "system_fingerprint": "fp_stand_in", "choices": choices, **more}

        def one(index, delta, finish=None):
            return event([{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}], **({"usage": None} if with_usage else {}))

        for index in range(self.count):
            yield one(index, {"role": "assistant", "content": None if self.tool else ""})
        if self.tool:
            call = self.call()
            arguments = call["function"].pop("arguments")
            yield one(0, {"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]})
            for start in range(0, len(arguments), 5):
                yield one(0, {"tool_calls": [{"index": 0, "function": {"arguments": arguments[start:start + 5]}}]})
        else:
            for number, word in enumerate(self.words):
                for index in range(self.count):
                    yield one(index, {"content": word if number == 0 else " " + word})
            for index in range(1, self.count):
                yield one(index, {"content": f" {index}"})
        for index in range(self.count):
            yield one(index, {}, self.finish)
        if with_usage:
            yield event([], usage=self.usage)


def text_of(messages):
    """The text of the last user message."""
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or [])
    return ""


async def main():
    parser = argparse.ArgumentParser(description="A stand-in for a model.")
    parser.add_argument("--port", type=int, default=9100, help="0 takes any free one")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--token-delay", type=float, default=0.0, help="seconds between two tokens of a stream")
    options = parser.parse_args()
    server = Server(options.delay, options.token_delay)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", options.port, limit=1 << 26, backlog=1024)
    print(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1", flush=True)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
