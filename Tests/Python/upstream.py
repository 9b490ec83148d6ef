"""An upstream in this process whose behaviour a test changes as it goes."""

import http.server
import json
import socketserver
import threading


def completion(text, finish="stop"):
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10},
    }


class Upstream:
    """`reply(handler, body)` answers each call; the default repeats the last message, as JSON or as a stream."""

    def __init__(self, reply=None, port=0):
        self.reply = reply or answer
        self.calls = []
        self.lock = threading.Lock()
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with upstream.lock:
                    upstream.calls.append((self.path, dict(self.headers), body))
                try:
                    upstream.reply(self, body)
                except (ConnectionError, BrokenPipeError):
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, *_):
                pass

            def json(self, value, status=200, headers=None, gate=None):
                """The head at once, the body when the gate is open."""
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, text in (headers or {}).items():
                    self.send_header(name, text)
                self.end_headers()
                hold(gate)
                self.wfile.write(data)

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 512
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def count(self):
        with self.lock:
            return len(self.calls)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def hold(gate):
    """Waits at a gate, an Event that a test sets; a minute at most, so that one that fails comes to its end."""
    if gate:
        gate.wait(60)


def answer(handler, body, gate=None):
    """Repeats the last message after `echo:`. What is said plainly is held at the gate; a stream before each word, when everybody has its head."""
    request = json.loads(body)
    text = "echo: " + request["messages"][-1]["content"]
    if not request.get("stream"):
        hold(gate)
        return handler.json(completion(text))
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()

    def send(value):
        data = f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        handler.wfile.flush()

    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}
    send({**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
    for word in text.split():
        hold(gate)
        send({**base, "choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]})
    send({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    send("[DONE]")
    handler.wfile.write(b"0\r\n\r\n")


def failing(status, headers=None, gate=None):
    """Answers with an error status."""
    return lambda handler, body: handler.json({"error": {"message": "as scripted", "type": "x", "code": None, "param": None}}, status, headers, gate)


def first_then(first, then, times=1):
    """`first` for so many calls, then `then`."""
    left = [times]
    lock = threading.Lock()

    def reply(handler, body):
        with lock:
            left[0] -= 1
            use = first if left[0] >= 0 else then
        use(handler, body)

    return reply


def dropping(handler, body):
    """Closes without a word."""
    handler.close_connection = True
    handler.connection.close()
