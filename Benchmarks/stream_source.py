"""An upstream that streams as many tokens as it is asked for, `[tokens N]`, an event a write; `[at once]` gives all in one. For the stream benchmarks."""

import json
import re
import socket
import threading


def event(choices, **more):
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "gpt-4o-mini", "choices": choices, **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def events(count, usage=False):
    yield event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    for number in range(count):
        yield event([{"index": 0, "delta": {"content": f" token{number % 1000}"}, "finish_reason": None}])
    yield event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    if usage:
        yield event([], usage={"prompt_tokens": 9, "completion_tokens": count, "total_tokens": count + 9})
    yield b"data: [DONE]\n\n"


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not line:
                return
            body = stream.read(length)
            count = int(re.search(rb"\[tokens (\d+)\]", body).group(1))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            frames = [b"%x\r\n%s\r\n" % (len(data), data) for data in events(count, b"include_usage" in body)] + [b"0\r\n\r\n"]
            for frame in [b"".join(frames)] if b"[at once]" in body else frames:
                connection.sendall(frame)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
