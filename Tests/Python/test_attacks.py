"""The attack table: what a hostile client sends on a raw socket, and what it gets."""

import gzip
import json
import socket
import time
import zlib

import pytest
from upstream import answer, completion, failing


@pytest.fixture
def proxy(start, upstream):
    return start(upstream=upstream.url)


def exchange(proxy, data):
    """Everything that comes back until the proxy closes or, once it has begun, falls silent."""
    with socket.create_connection((proxy.host, proxy.port), timeout=20) as connection:
        try:
            connection.sendall(data)
        except ConnectionError:
            pass
        got = b""
        try:
            while chunk := connection.recv(65536):
                got += chunk
                connection.settimeout(1.5)
        except (TimeoutError, ConnectionError):
            pass
        return got


def request(line="POST /v1/chat/completions HTTP/1.1", *headers, body=b""):
    return "\r\n".join([line, "Host: proxy", *headers, "", ""]).encode("latin-1") + body


CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()
HIDDEN = b"GET /v1/hidden HTTP/1.1\r\nHost: proxy\r\n\r\n"
LENGTH = f"Content-Length: {len(CHAT)}"

# Each must be refused with a 4xx or a closed connection, and nothing of it may reach the upstream.
REFUSED = [
    ("both lengths", request("POST /v1/files HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN)),
    ("both lengths, the other way", request("POST /v1/files HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 0", body=b"5\r\nhello\r\n0\r\n\r\n")),
    ("both lengths, at a probe", request("GET /healthz HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN)),
    ("both lengths, at the admin surface", request("POST /cache/flush HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 4", body=b"0\r\n\r\n" + HIDDEN)),
    ("two different lengths", request("POST /v1/files HTTP/1.1", "Content-Length: 5", "Content-Length: 50", body=b"hello" + HIDDEN)),
    ("a length with a sign", request("POST /v1/files HTTP/1.1", "Content-Length: +5", body=b"hello")),
    ("a negative length", request("POST /v1/files HTTP/1.1", "Content-Length: -1", body=b"hello")),
    ("a list of lengths", request("POST /v1/files HTTP/1.1", "Content-Length: 5, 6", body=b"hello")),
    ("an endless length", request("POST /v1/files HTTP/1.1", "Content-Length: 99999999999999999999999", body=b"hello")),
    ("an unknown coding", request("POST /v1/files HTTP/1.1", "Transfer-Encoding: chunked, rot13", body=b"0\r\n\r\n" + HIDDEN)),
    ("a disguised coding", request("POST /v1/files HTTP/1.1", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN)),
    ("a chunk that overflows", request("POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked", body=b"ffffffffffffffffff\r\nhello")),
    ("a chunk without size", request("POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n")),
    ("a space before the colon", request("POST /v1/files HTTP/1.1", "Content-Length : 5", body=b"hello")),
    ("a folded line", request("POST /v1/files HTTP/1.1", "X-A: b", " Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN)),
    ("a null in a field", request("GET /v1/models HTTP/1.1", "X-A: b\0c")),
    ("a return in a field", request("GET /v1/models HTTP/1.1", "X-A: b\rX-B: c")),
    ("a field without name", request("GET /v1/models HTTP/1.1", ": b")),
    ("a head of 100 KiB", request("GET /v1/models HTTP/1.1", "X-A: " + "b" * 100_000)),
    ("a thousand fields", request("GET /v1/models HTTP/1.1", *[f"X-{number}: b" for number in range(1000)])),
    ("a path of 100 KiB", request("GET /v1/" + "a" * 100_000 + " HTTP/1.1")),
    ("a protocol of tomorrow", request("GET /v1/models HTTP/9.9")),
    ("no protocol", b"GET /v1/models\r\n\r\n"),
    ("dots", request("GET /v1/../secret HTTP/1.1")),
    ("encoded dots", request("GET /v1/%2e%2e/secret HTTP/1.1")),
    ("half-encoded dots", request("GET /v1/.%2E/secret HTTP/1.1")),
    ("an encoded slash", request("GET /v1/..%2fsecret HTTP/1.1")),
    ("a backslash", request("GET /v1/..\\secret HTTP/1.1")),
    ("a null in the path", request("GET /v1/%00 HTTP/1.1")),
    ("dots in Azure's form", request("GET /openai/../secret HTTP/1.1")),
    ("a tunnel", request("CONNECT evil.example:443 HTTP/1.1")),
    ("two slashes", request("GET //evil.example/v1/models HTTP/1.1")),
    ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)),
]


@pytest.mark.parametrize("what, data", REFUSED, ids=[attack[0] for attack in REFUSED])
def test_attack_table(proxy, upstream, what, data):
    got = exchange(proxy, data)
    statuses = [line.split()[1] for line in got.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    assert all(status.startswith(b"4") for status in statuses), got[:500]
    assert upstream.count == 0, upstream.calls
    assert proxy.request("GET", "/healthz").status == 200


def test_a_request_within_a_body_is_only_a_body(proxy, upstream):
    body = HIDDEN.replace(b"/v1/hidden", b"/cache/stats")
    got = exchange(proxy, request("POST /v1/files HTTP/1.1", f"Content-Length: {len(body)}", body=body))
    assert got.count(b"HTTP/1.1 ") == 1 and b"uptime_seconds" not in got


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Upstream", "Forwarded", "X-Base-URL", "helicone-target-url", "x-portkey-custom-host"])
def test_no_header_redirects_a_call(proxy, upstream, header):
    assert proxy.chat("hello " + header, {header: "evil.example"}).status == 200
    assert upstream.count == 1
    assert upstream.calls[0][1]["Host"] == f"127.0.0.1:{upstream.port}"


def test_an_absolute_url_goes_to_the_configured_host(proxy, upstream):
    got = exchange(proxy, request("POST http://evil.example/v1/chat/completions HTTP/1.1", LENGTH, "Connection: close", body=CHAT))
    assert got.startswith(b"HTTP/1.1 200") and upstream.calls[0][1]["Host"] == f"127.0.0.1:{upstream.port}"


def test_what_a_client_says_cannot_split_a_response(proxy, upstream):
    got = exchange(proxy, request("POST /v1/chat/completions HTTP/1.1", LENGTH, "X-Cache-TTL: 1%0d%0aSet-Cookie: a=1", "Connection: close", body=CHAT))
    head = got.split(b"\r\n\r\n")[0]
    assert b"\r\nSet-Cookie" not in head and got.startswith(b"HTTP/1.1 400")


def test_what_an_upstream_says_cannot_split_a_response(proxy, upstream):
    def split(handler, body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\rSet-Cookie: a=1\r\n\r\n{}")

    upstream.reply = split
    got = exchange(proxy, request("POST /v1/files HTTP/1.1", "Content-Length: 2", "Connection: close", body=b"{}"))
    assert b"\rSet-Cookie" not in got


def test_a_bomb_is_never_unpacked(start, upstream):
    proxy = start(upstream=upstream.url, config="server:\n  max_body: 4MiB\n")
    upstream.reply = lambda handler, body: handler.json({"size": len(body)})
    bomb = gzip.compress(bytes(200 << 20), 9)
    before = resident(proxy)
    got = proxy.request("POST", "/v1/chat/completions", bomb, {"Content-Encoding": "gzip"})
    assert got.headers["X-Cache-Reason"] == "encoded-body" and got.json["size"] == len(bomb)
    assert resident(proxy) - before < 50 << 20


def test_a_compressed_answer_is_passed_on_as_it_is(proxy, upstream):
    packed = zlib.compress(bytes(50 << 20), 9)

    def reply(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "deflate")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    upstream.reply = reply
    got = proxy.chat("hello")
    assert got.body == packed and proxy.stats["entries"] == 0


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(start, upstream):
    proxy = start(upstream=upstream.url, config="server:\n  max_body: 64KiB\n")
    got = exchange(proxy, request("POST /v1/chat/completions HTTP/1.1", "Content-Length: 100000000", body=b"{"))
    assert got.startswith(b"HTTP/1.1 413")
    chunks = (b"10000\r\n" + bytes(65536) + b"\r\n") * 4 + b"0\r\n\r\n"
    assert exchange(proxy, request("POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)).startswith(b"HTTP/1.1 413")
    assert upstream.count == 0


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_json_is_not_read(proxy, upstream, depth):
    body = b'{"model":"m","messages":' + b"[" * depth + b"]" * depth + b"}"
    upstream.reply = failing(400)
    got = proxy.request("POST", "/v1/chat/completions", body)
    assert (got.status, got.headers["X-Cache-Reason"]) == (400, "unreadable-body")
    assert upstream.calls[0][2] == body


def resident(proxy):
    with open(f"/proc/{proxy.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


# The admin surface: who gets in.
ADMIN = [
    ("no token", None, 401), ("another token", "Bearer wrong-token", 401), ("a part of it", "Bearer admin-toke", 401),
    ("another scheme", "Basic admin-token", 401), ("the token", "Bearer admin-token", 200),
]


@pytest.mark.parametrize("what, authorization, status", ADMIN, ids=[attempt[0] for attempt in ADMIN])
@pytest.mark.parametrize("path", ["/cache/stats", "/cache/entries"])
def test_admin_table(start, upstream, path, what, authorization, status):
    proxy = start(upstream=upstream.url, config="admin:\n  token_env: TOKEN\n", env={"TOKEN": "admin-token"})
    assert proxy.request("GET", path, headers={"Authorization": authorization} if authorization else {}).status == status


def test_off_loopback_the_admin_surface_is_closed(start, upstream):
    proxy = start("--host", "0.0.0.0", upstream=upstream.url)
    proxy.host = "127.0.0.1"
    assert proxy.request("GET", "/cache/stats").status == 403
    assert proxy.request("POST", "/cache/flush", {"all": True}).status == 403
    assert proxy.request("GET", "/healthz").status == 200


def test_off_loopback_the_nameless_get_nothing_from_the_cache(start, upstream):
    proxy = start("--host", "0.0.0.0", upstream=upstream.url)
    proxy.host = "127.0.0.1"
    key = {"Authorization": "Bearer somebody"}
    assert proxy.chat("hello", key).cache == "MISS" and proxy.chat("hello", key).cache == "HIT"
    got = proxy.chat("hello")
    assert got.cache == "BYPASS" and got.headers["X-Cache-Reason"] == "unauthenticated"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_hidden_hit_looks_like_a_call(start, upstream, stream):
    def reply(handler, body):
        time.sleep(0.3)
        if json.loads(body).get("stream"):
            return answer(handler, body)
        handler.json({**completion("hello"), "created": int(time.time())}, headers={"x-ratelimit-remaining-requests": "9", "openai-processing-ms": "300"})

    upstream.reply = reply
    proxy = start(upstream=upstream.url, config="tenancy:\n  sharing: pool\n  hide_pool_hits: true\n")
    got, times = [], []
    first_begun = time.monotonic()
    for who in "ab":
        begun = time.monotonic()
        got.append(proxy.chat("hello", {"Authorization": f"Bearer {who}"}, stream=stream))
        times.append(time.monotonic() - begun)
        time.sleep(1.1)
    assert upstream.count == 1 and [one.status for one in got] == [200, 200]
    first, second = ({name.lower(): text for name, text in one.headers.items() if name.lower() not in ("date", "x-request-id")} for one in got)
    assert first == second
    assert times[1] >= 0.28
    if not stream:
        assert 1 <= got[1].json["created"] - got[0].json["created"] <= time.monotonic() - first_begun


def test_virtual_keys(start, upstream):
    config = """
auth:
  clients:
    app: {key_env: APP_KEY, models: [stand-in], requests_per_minute: 4}
    other: {key_hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}
upstream:
  api_key_env: REAL
"""
    proxy = start(upstream=upstream.url, config=config, env={"APP_KEY": "rp-app", "REAL": "real-key"})
    assert proxy.chat("hello").status == 401
    app, other = {"Authorization": "Bearer rp-app"}, {"x-api-key": "test"}
    assert proxy.chat("hello", app).cache == "MISS" and proxy.chat("hello", app).cache == "HIT"
    assert proxy.chat("hello", other).cache == "MISS"
    for _, headers, _ in upstream.calls:
        assert headers["Authorization"] == "Bearer real-key" and "x-api-key" not in {name.lower() for name in headers}
    assert proxy.chat("hello", app, model="secret").status == 403
    assert [proxy.chat("hello", app).status for _ in range(3)][-1] == 429
