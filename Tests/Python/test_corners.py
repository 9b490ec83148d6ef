"""What gateways, browsers and other servers bring, on real sockets: routes in header fields, bodies that nobody here can read, pages of other origins,
clients that hold their bodies back, refusals that no repeat helps."""

import http.client
import json
import re
import socket

import pytest
from upstream import Upstream, answer, completion, failing

QUICK = "upstream:\n  retry_delay: 20ms\n"
FIXED = "matching:\n  mode: exact\n"


@pytest.fixture
def second():
    server = Upstream()
    yield server
    server.stop()


def stream_or_json(told):
    """Answers as `upstream.answer` does, with the fields that `told` gives for the request's."""
    def reply(handler, body):
        whole = completion("echo: " + json.loads(body)["messages"][-1]["content"])
        handler.json(whole, headers=told(handler.headers))

    return reply


# Who answers


@pytest.mark.parametrize("name", ["x-portkey-config", "Helicone-Target-Url", "x-litellm-tags", "x-bf-provider", "anthropic-beta", "X-Region"])
def test_another_route_is_another_answer(start, upstream, name):
    proxy = start(upstream=upstream.url, config=FIXED + "cache:\n  vary: [x-region]\n")
    for value in ("one", "two"):
        assert [proxy.chat("hello", {name: value}).cache for _ in range(2)] == ["MISS", "HIT"]
    assert proxy.chat("hello").cache == "MISS"
    assert [fields.get(name) for _, fields, _ in upstream.calls] == ["one", "two", None]


def test_tags_in_the_body_route(start, upstream):
    proxy = start(upstream=upstream.url, config=FIXED)
    asked = [proxy.chat("hello", metadata=metadata).cache for metadata in ({"tags": ["free"]}, {"tags": ["paid"]}, {"tags": ["free"], "trace": "7"}, {})]
    assert asked == ["MISS", "MISS", "HIT", "MISS"]


def test_a_response_that_was_not_stored_is_another(start, upstream):
    whole = {"id": "resp_1", "object": "response", "status": "completed", "output": [
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}]}
    upstream.reply = lambda handler, body: handler.json(whole)
    proxy = start(upstream=upstream.url, config=FIXED)
    ask = lambda **more: proxy.request("POST", "/v1/responses", {"model": "m", "input": "hello", **more}).cache
    assert [ask(store=False), ask(store=True), ask(store=True), ask(), ask(store=False)] == ["MISS", "MISS", "HIT", "MISS", "HIT"]


def test_what_the_provider_searched_for_is_of_the_moment(start, upstream):
    proxy = start(upstream=upstream.url)
    for more in ({"web_search_options": {}}, {"search_parameters": {"mode": "auto"}}, {"enable_search": True}, {"plugins": [{"id": "web"}]}):
        proxy.chat("How do I reset my password?", **more)
        hit = proxy.chat("How do I reset my password?", **more)
        assert hit.cache == "HIT" and 290 <= int(re.search(r"ttl=(\d+)", hit.headers["Cache-Status"])[1]) <= 300
        assert proxy.chat("Please, how do I reset my password?", **more).headers["X-Cache-Reason"] == "time-sensitive"


def test_the_fallbacks_answer_is_kept_for_a_minute(start, upstream, second):
    upstream.reply = failing(503)
    proxy = start(upstream=upstream.url, config=QUICK + f"  fallback: spare\nupstreams:\n  spare:\n    base_url: {second.url}\n" + FIXED)
    for stream in (False, True):
        assert proxy.chat("hello", {"X-Cache-TTL": "1h"}, stream=stream, n=1 + stream).status == 200
        hit = proxy.chat("hello", stream=stream, n=1 + stream)
        assert hit.cache == "HIT" and int(re.search(r"ttl=(\d+)", hit.headers["Cache-Status"])[1]) <= 60


# Bodies


UNREAD = [
    ("/v1/embeddings", json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()),
    ("/v1/chat/completions", json.dumps({"model": "m", "prompt": "hi"}).encode()),
    ("/v1/completions", json.dumps({"model": "m", "prompt": {"prompt_string": "hi", "multimodal_data": []}}).encode()),
    ("/v1/responses", json.dumps({"model": "m", "input": {"text": "hi"}}).encode()),
    ("/v1/messages", b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"\\udc00"}]}'),
    ("/v1/chat/completions", b'\xef\xbb\xbf{"model":"m","messages":[{"role":"user","content":"hi"}]}'),
    ("/v1/chat/completions", b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}'),
    ("/v1/completions", b""),
]


@pytest.mark.parametrize("path, body", UNREAD, ids=range(len(UNREAD)))
def test_what_cannot_be_read_is_passed_on(start, upstream, path, body):
    upstream.reply = lambda handler, body: handler.json({"ok": True})
    proxy = start(upstream=upstream.url)
    for _ in range(2):
        got = proxy.request("POST", path, body, {"Content-Type": "application/json"})
        assert got.status == 200 and got.json == {"ok": True}
        assert (got.cache, got.headers["X-Cache-Reason"]) == ("BYPASS", "unreadable-body")
    assert [call[2] for call in upstream.calls] == [body, body]


def test_what_cannot_be_read_is_routed_and_guarded_all_the_same(start, upstream, second):
    second.reply = upstream.reply = lambda handler, body: handler.json({"ok": True})
    config = f"""upstreams:
  other:
    models: [claude-*]
    base_url: {second.url}
auth:
  clients:
    app: {{key_env: APP_KEY, models: [claude-*]}}
"""
    proxy = start(upstream=upstream.url, config=config, env={"APP_KEY": "a-key-of-the-app"})
    key = {"Authorization": "Bearer a-key-of-the-app", "Content-Type": "application/json"}
    for model, status in (("claude-3", 200), ("gpt-4o", 403)):
        for body in (b'\xef\xbb\xbf{"model":"%s"}', b'{"model":"%s","messages":[{"role":"user","content":"\\ud800"}]}', b'{"x":"\xff","model":"%s"}'):
            assert proxy.request("POST", "/v1/chat/completions", body % model.encode(), key).status == status
    assert proxy.request("POST", "/v1/chat/completions", b"claude-3", key).status == 403
    assert (upstream.count, second.count) == (0, 3)


SPACED = b'{ "model" : "m",\t"temperature":1.0, "x": "\\u00fc\\/",\r\n "messages": [ {"role":"system","content":"a"} ,  {"role":"user","content":"LAST"} ]%s}'


@pytest.mark.parametrize("config", ["", "recording: {stream_usage: always}\n"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_body_goes_on_as_it_came_up_to_its_last_message(start, upstream, config, stream):
    """What a provider has computed for a beginning that it knows, it must find again."""
    proxy = start(upstream=upstream.url, config=FIXED + config)
    wish = b', "stream": true' if stream else b""
    members = {
        b"": None, b', "cache": {"ttl": 60}': b"", b' , "caching" : true , "seed": 1 ': b' , "seed": 1 ', b', "metadata": {"a": 1}': None,
        b', "cache_options":{"enabled":"on"},"cache":null': b"", b', "stream_options": {"include_obfuscation": false}': None,
    }
    for count, (extra, left) in enumerate(members.items()):
        sent = (SPACED % (wish + extra)).replace(b"LAST", b"number %d" % count)
        got = proxy.request("POST", "/v1/chat/completions", sent, {"Content-Type": "application/json"})
        assert got.cache == "MISS", got.body
        forwarded = upstream.calls[-1][2]
        before = sent[:sent.index(b"number")]
        assert forwarded.startswith(before)
        if not (stream and config):
            assert forwarded == (SPACED % (wish + (extra if left is None else left))).replace(b"LAST", b"number %d" % count)
        else:
            assert json.loads(forwarded)["stream_options"]["include_usage"] is True


def test_controls_before_the_messages_leave_the_rest(start, upstream):
    proxy = start(upstream=upstream.url, config=FIXED)
    sent = b'{ "cache" : {"ttl": 5} , "model": "m" , "caching":true, "messages": [ {"role":"user","content":"hi"} ] }'
    assert proxy.request("POST", "/v1/chat/completions", sent, {"Content-Type": "application/json"}).cache == "MISS"
    assert upstream.calls[-1][2] == b'{ "model": "m" , "messages": [ {"role":"user","content":"hi"} ] }'


# Pages


def cross(answer):
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def test_a_hit_is_for_the_pages_that_a_fresh_answer_is_for(start, upstream, tmp_path):
    def told(fields):
        origin = fields["Origin"]
        if origin and origin.endswith(".example"):
            return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}
        return {"Vary": "Origin"}

    upstream.reply = stream_or_json(told)
    proxy = start(upstream=upstream.url, config=FIXED)
    a, b, c = "https://a.example", "https://b.example", "https://elsewhere.test"
    for origin in (a, b, c):
        fresh = proxy.chat("hello", {"Origin": origin})
        hit = proxy.chat("hello", {"Origin": origin})
        assert (fresh.cache, hit.cache) == ("MISS", "HIT")
        assert cross(fresh) == cross(hit) and hit.headers["Vary"] == "Origin"
        assert cross(hit).get("access-control-allow-origin") == (None if origin == c else origin)
    streamed = proxy.chat("hello", {"Origin": b}, stream=True)
    assert streamed.cache == "HIT" and cross(streamed)["access-control-allow-origin"] == b
    assert proxy.chat("hello").cache == "HIT" and cross(proxy.chat("hello")) == {}
    # What an entry was told stays with it.
    proxy.chat("kept", {"Origin": a})
    proxy.stop()
    again = start(upstream=upstream.url, config=FIXED)
    hit = again.chat("kept", {"Origin": a})
    assert hit.cache == "HIT" and cross(hit)["access-control-allow-origin"] == a
    assert cross(again.chat("kept", {"Origin": c})) == {}


def test_a_hit_is_for_all_pages_where_a_fresh_answer_is(start, upstream):
    upstream.reply = stream_or_json(lambda fields: {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "x-request-id"})
    proxy = start(upstream=upstream.url, config=FIXED)
    proxy.chat("hello")
    for headers in ({}, {"Origin": "https://a.example"}, {"Origin": "null"}):
        hit = proxy.chat("hello", headers)
        assert hit.cache == "HIT" and cross(hit) == {"access-control-allow-origin": "*", "access-control-expose-headers": "x-request-id"}


# Bodies that are held back


class Waiting:
    """A client that sends a head and waits."""

    def __init__(self, proxy):
        self.socket = socket.create_connection((proxy.host, proxy.port), timeout=30)
        self.stream = self.socket.makefile("rb")

    def head(self, path, length, method="POST", expect="100-continue"):
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: {expect}\r\nContent-Length: {length}\r\n\r\n".encode())

    def status(self):
        line = self.stream.readline().decode()
        fields = http.client.parse_headers(self.stream)
        status = int(line.split()[1])
        if status == 100:
            return status, fields, b""
        if fields.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.stream.readline(), 16):
                body += self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
            return status, fields, body
        return status, fields, self.stream.read(int(fields.get("Content-Length") or 0))

    def close(self):
        self.stream.close()
        self.socket.close()


@pytest.mark.parametrize("path, status", [
    ("/v1/chat/completions", 200), ("/v1/files", 200), ("/cache/explain", 200), ("/cache/flush", 400), ("/v1/embeddings", 200)])
def test_a_body_that_is_held_back_is_asked_for(start, upstream, path, status):
    upstream.reply = lambda handler, body: handler.json(completion("hi"))
    proxy = start(upstream=upstream.url, config=FIXED)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello " * 1000}]}).encode()
    client = Waiting(proxy)
    for expect in ("100-continue", "100-Continue"):
        client.head(path, len(body), expect=expect)
        assert client.status()[0] == 100
        client.socket.sendall(body)
        assert client.status()[0] == status
    client.close()
    if path.startswith("/v1/"):
        assert all(call[2] == body and "Expect" not in call[1] for call in upstream.calls)


def test_a_request_that_is_refused_by_its_head_sends_no_body(start, upstream):
    proxy = start(upstream=upstream.url, config="server: {max_body: 1KiB}\n")
    for path, status in (("/v1/chat/completions", 413), ("/nowhere", 404)):
        client = Waiting(proxy)
        client.head(path, 1 << 20)
        got, fields, _ = client.status()
        assert (got, fields["Connection"]) == (status, "close")
        assert client.stream.read() == b""
        client.close()
    assert upstream.count == 0


def test_who_sends_the_body_at_once_is_answered_too(start, upstream):
    proxy = start(upstream=upstream.url, config=FIXED)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()
    client = Waiting(proxy)
    for cache in ("MISS", "HIT"):
        client.head("/v1/chat/completions", len(body))
        client.socket.sendall(body)
        got = client.status()
        if got[0] == 100:
            got = client.status()
        assert got[0] == 200 and got[1]["X-Cache"] == cache
    client.close()


# Refusals


@pytest.mark.parametrize("error, calls", [
    ({"message": "You exceeded your current quota", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}, 1),
    ({"message": "m", "type": "billing_error"}, 1), ({"message": "m", "type": "requests", "code": "rate_limit_exceeded"}, 3),
    ({"message": "m", "code": 429, "status": "RESOURCE_EXHAUSTED"}, 3)])
def test_what_no_repeat_helps_is_passed_on(start, upstream, error, calls):
    upstream.reply = lambda handler, body: handler.json({"error": error}, 429, {"x-of-the-provider": "kept"})
    proxy = start(upstream=upstream.url, config=QUICK)
    got = proxy.chat("hello")
    assert got.status == 429 and got.json == {"error": error} and got.headers["x-of-the-provider"] == "kept"
    assert upstream.count == calls


# Usage


def test_a_stream_that_is_to_say_its_cost_is_asked_for(start, stand_in):
    proxy = start(config=FIXED)
    assert proxy.chat("hello", stream=True).cache == "MISS"
    asked = proxy.chat("hello", stream=True, stream_options={"include_usage": True})
    assert asked.headers["X-Cache-Reason"] == "incomplete-entry" and b"prompt_tokens" in asked.body
    assert proxy.chat("hello", stream=True, stream_options={"include_usage": True}).cache == "HIT"
    assert b"prompt_tokens" not in proxy.chat("hello", stream=True).body
