"""Byte for byte: what a client sends against what the upstream gets, and back, on raw sockets with nobody in between who tidies up."""

import gzip
import hashlib
import os
import re
import socket
import threading

import pytest

HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"content-length", b"host"}


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.read(1)
        assert byte, f"the connection ended within a head: {head!r}"
        head += byte
    lines = head.split(b"\r\n")[:-2]
    return lines[0], [tuple(line.split(b":", 1)) for line in lines[1:]]


def find(fields, name):
    return next((value.strip() for found, value in fields if found.lower() == name), None)


def read_chunks(stream):
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        data = stream.read(size)
        stream.readline()
        if size == 0:
            return
        yield data


def read_body(stream, fields):
    if b"chunked" in (find(fields, b"transfer-encoding") or b""):
        return b"".join(read_chunks(stream))
    length = find(fields, b"content-length")
    return stream.read(int(length)) if length is not None else b""


def end_to_end(fields):
    """Names as they were written and values, in order, less what belongs to one connection."""
    return [(name, value.strip()) for name, value in fields if name.lower() not in HOP_BY_HOP]


def forwarded(fields):
    """The same of what the upstream got, less the one field that the proxy adds where the client sent none: the request's name."""
    return [(name, value) for name, value in end_to_end(fields) if not (name == b"X-Request-Id" and value.startswith(b"req_"))]


class Recorder:
    """An upstream that keeps what came in and answers with the bytes it was given."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.seen, self.pieces, self.closes = [], [], False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            while stream.peek(1):
                line, fields = read_head(stream)
                self.seen.append((line, fields, read_body(stream, fields)))
                for piece in self.pieces:
                    connection.sendall(piece)
                if self.closes:
                    return

    def close(self):
        self.listener.close()


@pytest.fixture
def recorder():
    upstream = Recorder()
    yield upstream
    upstream.close()


@pytest.fixture
def proxy(start, recorder):
    return start(config="matching: {mode: exact}", upstream=recorder.url)


def exchange(proxy, request):
    """Sends these bytes and reads one response."""
    with socket.create_connection((proxy.host, proxy.port), timeout=60) as client:
        sender = threading.Thread(target=lambda: [client.sendall(piece) for piece in (request if isinstance(request, list) else [request])])
        sender.start()
        with client.makefile("rb") as stream:
            line, fields = read_head(stream)
            first = request if isinstance(request, bytes) else request[0]
            body = b"" if first.startswith(b"HEAD ") else read_body(stream, fields)
        sender.join()
        return line, fields, body


def answer(body, *fields):
    return [b"HTTP/1.1 200 OK\r\n" + b"".join(field + b"\r\n" for field in fields) + b"Content-Length: %d\r\n\r\n" % len(body) + body]


def chunked(parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


MULTIPART = (b"preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x y\r\n"
             b"Content-Disposition: form-data; name=\"file\"; filename=\"\xc3\xa9.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes(range(256)) * 40 + b"\r\n--x y--\r\nepilogue")
FIELDS = [
    b"Content-Type: multipart/form-data; boundary=\"x y\"", b"X-Twice: 1", b"x-twice: 2", b"Accept: */*", b"Accept-Encoding: gzip, br;q=0.5", b"User-Agent: raw/1",
    b"Authorization: Bearer sk-\xe2\x82\xac", b"X-Empty:", b"Cookie: a=1; b=2", b"X-Long: " + b"v" * 9000, b"OpenAI-Beta: assistants=v2", b"Cache-Control: no-cache",
    b"X-Cache-TTL: 5", b"Helicone-Cache-Enabled: true", b"x-request-id: not fit (\xc3\xa9) to be a name",
]
BODIES = {
    "nothing": b"", "one byte": b"\x00", "multipart": MULTIPART, "gzip": gzip.compress(b"hello" * 1000), "every byte": bytes(range(256)) * 1000,
    "line ends": b"\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", "large": os.urandom(20 << 20),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("form", ["length", "chunks"])
def test_what_the_client_sends_is_what_the_upstream_gets(proxy, recorder, name, form):
    body = BODIES[name]
    recorder.pieces = answer(b"{}", b"Content-Type: application/json")
    head = b"PUT /v1/files/%C3%A9%20x;y=1?a=%2F&b=+&&c HTTP/1.1\r\nHost: proxy.test\r\n" + b"".join(field + b"\r\n" for field in FIELDS)
    if form == "length":
        request = [head + b"Content-Length: %d\r\n\r\n" % len(body), body]
    else:
        cut = [body[start:start + 70_001] for start in range(0, len(body), 70_001)]
        request = [head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(cut)]
    assert exchange(proxy, request)[0] == b"HTTP/1.1 200 OK"
    line, fields, received = recorder.seen[-1]
    assert line == b"PUT /v1/files/%C3%A9%20x;y=1?a=%2F&b=+&&c HTTP/1.1"
    assert hashlib.sha256(received).digest() == hashlib.sha256(body).digest() and len(received) == len(body)
    assert end_to_end(fields) == [(name, value.strip()) for name, value in (field.split(b":", 1) for field in FIELDS)]
    assert find(fields, b"host") == recorder.url.split("/")[2].encode()


SAID = [b"Content-Type: text/plain; charset=x", b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2", b"X-Request-Cost: 0.1", b"x-ratelimit-remaining: 9", b"ETag: \"e\"",
        b"Cache-Control: private, max-age=3", b"X-Latin: caf\xc3\xa9", b"Retry-After: 1"]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("form", ["length", "chunks", "close"])
def test_what_the_upstream_says_is_what_the_client_gets(proxy, recorder, name, form):
    body = BODIES[name]
    head = b"HTTP/1.1 203 Whatever\r\n" + b"".join(field + b"\r\n" for field in SAID)
    if name == "gzip":
        head += b"Content-Encoding: gzip\r\n"
    parts = [body[start:start + 65_537] for start in range(0, len(body), 65_537)]
    recorder.pieces = {
        "length": [head + b"Content-Length: %d\r\n\r\n" % len(body), *parts], "chunks": [head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(parts)],
        "close": [head + b"Connection: close\r\n\r\n", *parts],
    }[form]
    recorder.closes = form == "close"
    line, fields, received = exchange(proxy, b"GET /v1/files/f/content HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
    assert line.split(b" ")[1] == b"203"
    assert len(received) == len(body) and received == body
    own = re.compile(rb"(?i)cache-status|x-cache.*|x-request-id|date|server")
    got = [(name.lower(), value) for name, value in end_to_end(fields) if not own.fullmatch(name)]
    sent = [(name.lower(), value.strip()) for name, value in (field.split(b":", 1) for field in SAID)] + ([(b"content-encoding", b"gzip")] if name == "gzip" else [])
    assert got == sent
    if form == "length":
        assert find(fields, b"content-length") == b"%d" % len(body)


EVENTS = [b": hello\n\n", b"event: a\r\ndata: 1\r\ndata: 2\r\n\r\n", b"id: 7\rdata: x\r\r", b"retry: 10\n\n", b"data: \xf0\x9f", b"\x98\x80\n\n", b"data: no end"]


def test_events_come_as_they_are_and_when_they_are(proxy, recorder):
    """Each chunk before the next one is sent: nothing waits for more."""
    got = []
    go = threading.Semaphore(0)

    class Steps(list):
        def __iter__(self):
            yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            for event in EVENTS:
                yield b"%x\r\n%s\r\n" % (len(event), event)
                assert go.acquire(timeout=10)
            yield b"0\r\n\r\n"

        def __bool__(self):
            return True

    recorder.pieces = Steps([b""])
    with socket.create_connection((proxy.host, proxy.port), timeout=20) as client, client.makefile("rb") as stream:
        client.sendall(b"POST /v1/threads/t/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        _, fields = read_head(stream)
        for chunk in read_chunks(stream):
            got.append(chunk)
            go.release()
    assert got == EVENTS


CACHED = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/completions", "/v1/embeddings"]


@pytest.mark.parametrize("path", CACHED)
def test_a_bypass_of_a_cached_endpoint_is_exact_too(proxy, recorder, path):
    body = b'{ "model":"m",\n "messages" : [{"role":"user","content":"\\u00e9 1.0"}], "input":"x", "prompt":"x", "n":1.50, "messages2":null }'
    recorder.pieces = answer(b'{"a" : 1}', b"Content-Type: application/json", b"x-request-id: up-1")
    fields = [b"Content-Type: application/json", b"x-api-key: k", b"anthropic-version: 2023-06-01", b"Accept-Encoding: gzip"]
    controls = [b"Cache-Control: no-store", b"X-Cache-Tags: a", b"cf-aig-cache-ttl: 60", b"Helicone-Cache-Seed: s"]
    head = f"POST {path}?api-version=2024-10-21 HTTP/1.1\r\n".encode() + b"".join(field + b"\r\n" for field in [b"Host: x", *fields, *controls])
    line, response, received = exchange(proxy, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert find(response, b"cache-status") == b"reprise; fwd=bypass; detail=requested" and received == b'{"a" : 1}'
    seen = recorder.seen[-1]
    assert seen[0] == f"POST {path}?api-version=2024-10-21 HTTP/1.1".encode() and seen[2] == body
    # The controls were for the cache, everything else is the provider's.
    assert forwarded(seen[1]) == [tuple(field.split(b": ", 1)) for field in fields]


@pytest.mark.parametrize("path", CACHED)
def test_a_miss_sends_the_body_as_it_came(proxy, recorder, path):
    body = b'{ "model":"m",\n "messages" : [{"role":"user","content":"\\u00e9 1.0"}], "input":["x" , "y"], "prompt":"x", "n":1.50 }'
    recorder.pieces = answer(b'{"error": "no"}', b"Content-Type: application/json")
    parts = chunked([body[:10], body[10:11], body[11:]])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    _, response, received = exchange(proxy, head + parts)
    assert find(response, b"x-cache") == b"MISS" and received == b'{"error": "no"}' and recorder.seen[-1][2] == body


@pytest.mark.parametrize("method,sent", [("HEAD", b""), ("OPTIONS", b""), ("DELETE", b""), ("DELETE", b'{"a":1}'), ("PATCH", b"x"), ("GET", b""), ("POST", b"")])
def test_methods(proxy, recorder, method, sent):
    recorder.pieces = [b"HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: 5\r\n\r\n" + (b"" if method == "HEAD" else b"hello")]
    length = b"Content-Length: %d\r\n" % len(sent) if sent or method == "POST" else b""
    line, fields, received = exchange(proxy, method.encode() + b" /v1/files/f HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n" + sent)
    assert line.split(b" ")[1] == b"200" and received == (b"" if method == "HEAD" else b"hello") and find(fields, b"content-length") == b"5"
    seen = recorder.seen[-1]
    assert seen[0] == method.encode() + b" /v1/files/f HTTP/1.1" and seen[2] == sent
    assert (find(seen[1], b"content-length") or b"0") == b"%d" % len(sent) and forwarded(seen[1]) == []


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body(proxy, recorder, status):
    recorder.pieces = [b"HTTP/1.1 " + status + b"\r\nETag: \"x\"\r\n\r\n"]
    with socket.create_connection((proxy.host, proxy.port), timeout=20) as client, client.makefile("rb") as stream:
        for _ in range(2):  # The connection goes on.
            client.sendall(b"GET /v1/files/f HTTP/1.1\r\nHost: x\r\n\r\n")
            line, fields = read_head(stream)
            assert line.split(b" ")[1] == status.split(b" ")[0] and find(fields, b"etag") == b'"x"'
            if (find(fields, b"content-length") or b"0") != b"0" or find(fields, b"transfer-encoding"):
                assert read_body(stream, fields) == b""


def test_an_upload_that_waits_for_a_hundred_is_not_held_up(proxy, recorder):
    recorder.pieces = answer(b"{}")
    with socket.create_connection((proxy.host, proxy.port), timeout=10) as client, client.makefile("rb") as stream:
        client.sendall(b"PUT /v1/files/f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        client.settimeout(1)
        try:
            assert read_head(stream)[0] == b"HTTP/1.1 100 Continue"
        except TimeoutError:
            pass  # A client that is told nothing sends its body after a while, as this one does.
    with socket.create_connection((proxy.host, proxy.port), timeout=10) as client, client.makefile("rb") as stream:
        client.sendall(b"PUT /v1/files/f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        line, fields = read_head(stream)
        if line == b"HTTP/1.1 100 Continue":
            line, fields = read_head(stream)
        assert line == b"HTTP/1.1 200 OK" and read_body(stream, fields) == b"{}"
    assert recorder.seen[-1][2] == b"abc" and find(recorder.seen[-1][1], b"expect") is None
