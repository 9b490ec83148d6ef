"""The model that every contender asks: small, always the same, and fast enough not to be what is measured.

Each prompt gets an answer that repeats it, so that a wrong hit can be told from a right one by its text. The time it takes is set from
outside, and so is refusing: while it refuses, nothing that misses can be answered, hence nothing new can be stored.

    POST /v1/chat/completions     plain answers only
    GET  /v1/models               the one model
    PUT  /control?delay=0.02&refuse=1
    GET  /control                 {"completions": n}
"""

import argparse
import asyncio
import json
import urllib.parse

try:
    import uvloop
except ImportError:
    uvloop = None

MODEL = "gpt-4o-mini"
ANSWER = "Open the sign-in page, choose the entry that fits, and follow the link that arrives by e-mail. " * 3


class State:
    delay = 0.0
    refuse = False
    completions = 0


def completion(prompt):
    return json.dumps({
        "id": "chatcmpl-peers", "object": "chat.completion", "created": 1790000000, "model": MODEL, "choices": [{
            "index": 0, "message": {"role": "assistant", "content": f"[{prompt}] {ANSWER}", "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 72, "total_tokens": 86}})


class Exchange(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, which is all that the contenders send."""

    def connection_made(self, transport):
        self.transport, self.waiting = transport, b""

    def data_received(self, data):
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].decode("latin-1")
            length = next((int(line.split(":", 1)[1]) for line in head.split("\r\n")[1:] if line.lower().startswith("content-length:")), 0)
            if len(self.waiting) < end + 4 + length:
                return
            body, self.waiting = self.waiting[end + 4:end + 4 + length], self.waiting[end + 4 + length:]
            method, target = head.split(" ", 2)[:2]
            self.answer(method, urllib.parse.urlsplit(target), body)

    def answer(self, method, target, body):
        if target.path == "/control":
            if method == "PUT":
                wish = urllib.parse.parse_qs(target.query)
                State.delay, State.refuse = float(wish["delay"][0]), wish["refuse"][0] == "1"
            return self.send(200, json.dumps({"completions": State.completions}))
        if target.path.endswith("/models"):
            return self.send(200, json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "peers"}]}))
        if not target.path.endswith("/chat/completions"):
            return self.send(404, '{"error": {"message": "not here", "type": "invalid_request_error", "param": null, "code": null}}')
        State.completions += 1
        if State.refuse:
            return self.send(400, '{"error": {"message": "refusing", "type": "invalid_request_error", "param": null, "code": null}}')
        text = completion(json.loads(body)["messages"][-1]["content"])
        if State.delay:
            asyncio.get_running_loop().call_later(State.delay, self.send, 200, text)
        else:
            self.send(200, text)

    def send(self, status, text):
        if not self.transport.is_closing():
            self.transport.write(
                f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Type: application/json\r\nContent-Length: {len(text.encode())}\r\n\r\n{text}".encode())


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server = await asyncio.get_running_loop().create_server(Exchange, "127.0.0.1", parser.parse_args().port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        (uvloop.run if uvloop else asyncio.run)(main())
    except KeyboardInterrupt:
        pass
