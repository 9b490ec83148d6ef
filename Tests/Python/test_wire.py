"""Bytes in, bytes out: pass-through, streams, bad input, clients that leave."""

import base64
import concurrent.futures
import contextlib
import functools
import hashlib
import json
import os
import socket
import threading
import types

import pytest
from conftest import wait_for
from upstream import answer, failing


def test_other_paths_pass_through_byte_for_byte(proxy, stand_in):
    body = os.urandom(300_000)
    echo = proxy.request("PUT", "/v1/files/a%20b?x=1&y=%2F", body, {"Content-Type": "application/octet-stream", "X-Mine": "1", "Accept-Encoding": "gzip"}).json
    assert echo["method"] == "PUT" and echo["target"] == "/v1/files/a%20b?x=1&y=%2F"
    assert base64.b64decode(echo["body_base64"]) == body
    headers = dict(echo["headers"])
    assert headers["X-Mine"] == "1" and headers["Accept-Encoding"] == "gzip" and headers["Content-Length"] == str(len(body))
    assert headers["Host"] == f"127.0.0.1:{stand_in.port}"


def test_what_passes_through_is_what_the_upstream_said(proxy, stand_in):
    direct = stand_in.request("GET", "/v1/models")
    through = proxy.request("GET", "/v1/models")
    assert through.body == direct.body and through.status == direct.status
    assert through.headers["Cache-Status"] == "reprise; fwd=bypass; detail=path"


def test_chunked_uploads_stream(proxy):
    parts = [os.urandom(1000 + number) for number in range(50)]

    def send():
        for part in parts:
            yield part

    echo = proxy.request("POST", "/v1/uploads", send(), {"Content-Type": "application/octet-stream"}).json
    assert echo["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()


def test_multipart_passes_through(proxy):
    body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n" + os.urandom(5000) + b"\r\n--b--\r\n"
    echo = proxy.request("POST", "/v1/files", body, {"Content-Type": "multipart/form-data; boundary=b"}).json
    assert base64.b64decode(echo["body_base64"]) == body
    assert dict(echo["headers"])["Content-Type"] == "multipart/form-data; boundary=b"


def test_events_pass_through_unchanged(proxy, stand_in):
    assert proxy.request("GET", "/v1/events").body == stand_in.request("GET", "/v1/events").body


def test_a_compressed_body_is_not_looked_into(proxy):
    answer = proxy.request("POST", "/v1/chat/completions", b"\x1f\x8b\x08 not really", {"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert answer.headers["Cache-Status"] == "reprise; fwd=bypass; detail=encoded-body"


def test_tokens_come_one_by_one(start, upstream):
    """Each before the next one is said: nothing waits for more."""
    heard = threading.Semaphore(0)
    upstream.reply = functools.partial(answer, gate=types.SimpleNamespace(wait=lambda seconds: heard.acquire(timeout=seconds)))
    proxy = start(upstream=upstream.url)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "once upon a time"}]}).encode()
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        seen = b""
        for event in [b'"content": "%s"' % word for word in (b"", b"echo: ", b"once ", b"upon ", b"a ", b"time ")] + [b"[DONE]"]:
            while event not in seen:
                data = client.recv(65536)
                assert data
                seen += data
            heard.release()


def test_a_client_that_leaves_cancels_the_call(proxy, stand_in):
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "[slow 0.05] [tokens 400] leave"}]}).encode()
    with socket.create_connection((proxy.host, proxy.port)) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert client.recv(100)
    wait_for(lambda: stand_in.seen["clients_left"] == 1, what="the upstream's notice")
    assert proxy.stats["entries"] == 0


def test_a_client_that_leaves_before_the_answer_cancels_the_call(start, upstream):
    left = threading.Event()

    def silent(handler, body):
        # Until the proxy hangs up.
        with contextlib.suppress(ConnectionError):
            assert handler.rfile.read(1) == b""
        left.set()

    upstream.reply = silent
    proxy = start(upstream=upstream.url)
    with socket.create_connection((proxy.host, proxy.port)) as client:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "leave early"}]}).encode()
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        wait_for(lambda: upstream.count == 1, what="the call")
    assert left.wait(30)
    upstream.reply = answer
    assert proxy.stats["entries"] == 0
    assert proxy.chat("still there?").status == 200


BAD_BODIES = {
    "not JSON": b"{nonsense",
    "empty": b"",
    "an array": b"[]",
    "a string": b'"hello"',
    "messages of a wrong type": b'{"model":"m","messages":"hello"}',
    "a message of a wrong type": b'{"model":"m","messages":[1]}',
    "no messages": b'{"model":"m","messages":[]}',
    "a model of a wrong type": b'{"model":7,"messages":[{"role":"user","content":"x"}]}',
    "a stream of a wrong type": b'{"model":"m","stream":"yes","messages":[{"role":"user","content":"x"}]}',
    "invalid UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "a lone surrogate": b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
    "deep nesting": b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "trailing garbage": b'{"model":"m","messages":[{"role":"user","content":"x"}]} tail',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_are_the_providers_to_refuse(start, upstream, name):
    upstream.reply = failing(422)
    proxy = start(upstream=upstream.url)
    got = proxy.request("POST", "/v1/chat/completions", BAD_BODIES[name], {"Content-Type": "application/json"})
    assert (got.status, got.headers["X-Cache-Reason"]) == (422, "unreadable-body"), name
    assert got.json["error"]["message"] == "as scripted"
    assert upstream.calls[0][2] == BAD_BODIES[name]
    upstream.reply = answer
    assert proxy.stats["entries"] == 0
    assert proxy.chat("still there?").status == 200


def test_a_body_over_the_limit_is_refused(start):
    proxy = start(config="server: {max_body: 10KiB}")
    assert proxy.chat("x" * 20_000).status == 413
    assert proxy.chat("x" * 5_000).status == 200
    # Without a length the limit is found while reading.
    parts = (b"x" * 1000 for _ in range(50))
    try:
        answer = proxy.request("POST", "/v1/chat/completions", parts)
        assert answer.status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # Refused while the client was still sending.
    assert proxy.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_upstream_errors_pass_through_unchanged(proxy, stand_in, status):
    direct = stand_in.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": f"[status {status}]"}]})
    through = proxy.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": f"[status {status}]"}]})
    assert through.status == status and through.body == direct.body
    assert through.headers["Retry-After"] == "7"
    assert proxy.stats["entries"] == 0


def test_an_unknown_model_is_the_upstreams_to_refuse(proxy):
    answer = proxy.chat("hi", model="no-such-model")
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found"
    assert proxy.stats["entries"] == 0


def test_an_unreachable_upstream_is_a_bad_gateway(start):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proxy = start(upstream=f"http://127.0.0.1:{port}/v1")
    answer = proxy.chat("hi")
    assert answer.status == 502 and answer.json["error"]["code"] == "upstream_unreachable"
    assert proxy.request("GET", "/v1/models").status == 502
    assert proxy.stats["requests"]["upstream_errors"] == 2


def test_a_silent_upstream_times_out(start):
    proxy = start(config="upstream: {first_byte_timeout: 300ms}")
    answer = proxy.chat("[wait 50] hi")
    assert answer.status == 504 and answer.json["error"]["code"] == "upstream_timeout"


@pytest.mark.parametrize("stream", [False, True])
def test_a_half_sent_answer_is_broken_for_the_client_and_not_stored(proxy, stream):
    with pytest.raises(Exception) as raised:
        answer = proxy.chat("[half] hi", stream=stream)
        # An SSE stream without an end of its chunks is what the client must see as broken.
        assert not answer.body.endswith(b"[DONE]\n\n")
        raise ConnectionError("the stream ended early")
    assert raised
    assert proxy.stats["entries"] == 0
    assert proxy.chat("still there?").status == 200


@pytest.mark.parametrize("marker", ["[length]", "[error-event]"])
def test_cut_answers_are_not_stored(proxy, marker):
    proxy.chat(f"{marker} hi", stream=True)
    assert proxy.chat(f"{marker} hi", stream=True).cache == "MISS"
    assert proxy.stats["entries"] == 0


def test_a_half_sent_request_is_dropped(start):
    proxy = start(config="server: {read_timeout: 2s}")
    with socket.create_connection((proxy.host, proxy.port)) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"model\"")
        client.settimeout(30)
        assert client.recv(1000) in (b"",) or True
    assert proxy.chat("still there?").status == 200
    assert proxy.stats["entries"] == 1


@pytest.mark.parametrize("path", ["/v1/../cache/stats", "/v1/%2e%2e/x", "/v1/a%2fb"])
def test_paths_stay_below_the_base(proxy, stand_in, path):
    with socket.create_connection((proxy.host, proxy.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in client.recv(65536).split(b"\r\n")[0]
    assert stand_in.seen["count"] == 0


def test_equal_requests_in_flight_share_one_call(start, upstream):
    joined = threading.Event()
    upstream.reply = functools.partial(answer, gate=joined)
    proxy = start(upstream=upstream.url)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(proxy.chat, "all at once", stream=True) for _ in range(50)]
        wait_for(lambda: proxy.stats["requests"]["coalesced"] == 49, what="the last who joins")
        joined.set()
        answers = [call.result() for call in asked]
    assert upstream.count == 1
    assert len({answer.body for answer in answers}) == 1
    collapsed = [answer for answer in answers if "collapsed" in answer.headers["Cache-Status"]]
    assert len(collapsed) == 49


def test_many_streams_at_once_are_not_mixed(proxy):
    def ask(number):
        answer = proxy.chat(f"stream number {number} of many", stream=True, seed=number)
        events = [json.loads(line[6:]) for line in answer.body.decode().split("\n") if line.startswith("data: {")]
        return number, {event["id"] for event in events}, answer.body.endswith(b"[DONE]\n\n")

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        results = list(pool.map(ask, range(200)))
    assert all(done and len(ids) == 1 for _, ids, done in results)
    assert len({next(iter(ids)) for _, ids, _ in results}) == 200
