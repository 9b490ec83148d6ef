"""What a request may ask of the cache, in this program's words and in its peers', on a real socket."""

import json
import time

import pytest
from conftest import wait_for


def chat(proxy, prompt, headers=None, **more):
    return proxy.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": prompt}], **more}, headers)


def seen(provider, index=-1):
    return {name.lower(): value for name, value in provider.requests[index]["headers"].items()}


STATUS = {
    "Helicone-Cache-Enabled": ("true", "helicone-cache", "MISS", "HIT"),
    "cf-aig-cache-ttl": ("300", "cf-aig-cache-status", "MISS", "HIT"),
    "X-OpenRouter-Cache": ("true", "x-openrouter-cache-status", "MISS", "HIT"),
    "x-portkey-cache-namespace": ("team", "x-portkey-cache-status", "MISS", "HIT"),
}


@pytest.mark.parametrize("name", STATUS)
def test_families_are_answered_in_kind_and_stripped(through, provider, name):
    value, status, miss, hit = STATUS[name]
    answers = [chat(through, "in kind", {name: value}, stream=stream) for stream in (False, False, True)]
    assert [answer.headers[status] for answer in answers] == [miss, hit, hit]
    assert [answer.cache for answer in answers] == ["MISS", "HIT", "HIT"]
    assert name.lower() not in seen(provider) and provider.count == 1
    # Nobody else's words.
    others = {other for _, other, _, _ in STATUS.values()} - {status}
    assert not others & {field.lower() for field in answers[1].headers.keys()}
    assert not {status} & {field.lower() for field in chat(through, "in kind").headers.keys()}


def test_litellm_shows_its_key_on_hits(through, provider):
    first, second = (chat(through, "lite", cache={"ttl": 60}) for _ in range(2))
    assert "x-litellm-cache-key" not in first.headers and second.headers["x-litellm-cache-key"] == second.headers["x-cache-entry"]
    assert "cache" not in provider.requests[0]["body"] and "ttl=" in second.headers["cache-status"]
    assert chat(through, "lite", cache={"no-cache": True}).cache == "MISS"
    assert chat(through, "lite", caching=False).cache == "BYPASS"
    assert chat(through, "lite", cache={"namespace": "n"}).cache == "MISS"


@pytest.mark.parametrize("headers", [
    {"Helicone-Cache-Enabled": "false"}, {"cf-aig-skip-cache": "true"}, {"X-OpenRouter-Cache": "false"}, {"X-Cache-Mode": "off"}, {"Cache-Control": "no-store"},
])
def test_off_is_off(through, provider, headers):
    assert chat(through, "off").cache == "MISS"
    answer = chat(through, "off", headers)
    assert answer.headers["cache-status"] == "reprise; fwd=bypass; detail=requested"
    assert chat(through, "not stored", headers).cache == "BYPASS" and chat(through, "not stored").cache == "MISS"
    assert not set(name.lower() for name in headers) & set(seen(provider, 1))


@pytest.mark.parametrize("headers", [{"x-portkey-cache-force-refresh": "true"}, {"X-OpenRouter-Cache-Clear": "true"}, {"Cache-Control": "no-cache"}, {"X-Cache-Mode": "refresh"}])
def test_refresh_asks_and_stores(through, provider, headers):
    chat(through, "fresh")
    answer = chat(through, "fresh", headers)
    assert answer.headers["cache-status"] == "reprise; fwd=request; stored" and provider.count == 2
    assert chat(through, "fresh").cache == "HIT"
    assert answer.headers["x-portkey-cache-status"] == "REFRESH" or "x-portkey-cache-force-refresh" not in headers


@pytest.mark.parametrize("name", ["X-Cache-Namespace", "Helicone-Cache-Seed", "cf-aig-cache-key", "x-portkey-cache-namespace", "x-bf-cache-key"])
def test_namespaces_keep_apart(through, provider, name):
    for value in ("a", "b"):
        assert [chat(through, "apart", {name: value}).cache for _ in range(2)] == ["MISS", "HIT"]
    assert chat(through, "apart").cache == "MISS"
    # The same key never makes two different requests one.
    assert chat(through, "something else", {name: "a"}).cache == "MISS"


@pytest.mark.parametrize("headers", [{"x-bf-cache-no-store": "true"}, {"X-Cache-TTL": "0"}])
def test_not_stored_is_not_said_to_be(through, headers):
    assert chat(through, "read only", headers).headers["cache-status"] == "reprise; fwd=miss"
    # The next request may still share the call of this one.
    again = wait_for(lambda: "collapsed" not in (status := chat(through, "read only").headers["cache-status"]) and status, what="a call of its own")
    assert again == "reprise; fwd=miss; stored"
    assert chat(through, "read only", headers).cache == "HIT"
    assert through.stats["entries"] == 1


def test_tensorzero(through, provider):
    assert chat(through, "zero", **{"tensorzero::cache_options": {"enabled": "write_only"}}).cache == "MISS"
    assert chat(through, "zero", cache_options={"enabled": "read_only", "max_age_s": 600}).cache == "HIT"
    assert chat(through, "zero", cache_options={"enabled": "off"}).cache == "BYPASS"
    assert all("cache_options" not in json.dumps(request["body"]) for request in provider.requests)


@pytest.mark.parametrize("name,value", [
    ("X-Cache-TTL", "soon"), ("X-Cache-TTL", "-1"), ("X-Cache-TTL", ""), ("X-Cache-Namespace", "a b"), ("X-Cache-Threshold", "high"), ("X-Cache-Threshold", "1.01"), ("X-Cache-Mode", "fuzzy"),
    ("X-Cache-Tags", "x" * 129), ("Cache-Control", "max-age"), ("Cache-Control", "max-age=soon"), ("Cache-Control", "stale-if-error=x"), ("cf-aig-cache-ttl", "soon"),
    ("Helicone-Cache-Enabled", "perhaps"), ("x-bf-cache-type", "fuzzy"), ("x-portkey-cache-force-refresh", "7"), ("X-OpenRouter-Cache-TTL", "1h"),
])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_what_cannot_be_understood_is_refused_by_name(through, provider, name, value, path):
    answer = through.request("POST", path, {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}, {name: value})
    assert answer.status == 400 and name in answer.json["error"]["message"]
    assert answer.json.get("type") == "error" if path == "/v1/messages" else answer.json["error"]["param"] == name
    assert provider.count == 0


def test_unknown_directives_are_passed_over(through):
    assert chat(through, "unknown", {"Cache-Control": "max-stale=5, min-fresh=\"1,2\", vendor"}).status == 200


def test_only_if_cached(through, provider):
    assert chat(through, "only", {"Cache-Control": "only-if-cached"}).status == 504
    chat(through, "only")
    assert chat(through, "only", {"Cache-Control": "only-if-cached"}).cache == "HIT" and provider.count == 1


ISOLATED = [
    {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}, {"x-api-key": "a"}, {"x-api-key": "b"}, {"api-key": "c"}, {"Authorization": "Bearer a", "x-api-key": "a"},
    {"Authorization": "Bearer a", "x-api-key": "b"}, {"Authorization": "Bearer a", "OpenAI-Organization": "o"}, {"Authorization": "Bearer a", "OpenAI-Project": "o"},
    {"anthropic-version": "2099-01-01"}, {"anthropic-beta": "x"}, {"OpenAI-Beta": "x"}, {"X-Cache-Namespace": "n"}, {},
]


def test_isolation_by_header_fields(through, provider):
    """No two of these share an answer; what else a client says about itself does not keep apart."""
    for headers in ISOLATED:
        assert chat(through, "isolated", headers).cache == "MISS", headers
    for headers in ISOLATED:
        assert chat(through, "isolated", headers).cache == "HIT", headers
    assert provider.count == len(ISOLATED)
    for same in ({"anthropic-version": "2023-06-01"}, {"User-Agent": "x"}, {"Accept": "text/event-stream"}, {"X-Request-Id": "7"}, {"X-Stainless-Lang": "python"}, {"Idempotency-Key": "k"}):
        assert chat(through, "isolated", same).cache == "HIT", same


def test_isolation_by_path(through):
    body = {"model": "m", "messages": [{"role": "user", "content": "path"}]}
    paths = ["/v1/chat/completions", "/v1/chat/completions?api-version=1", "/v1/chat/completions?api-version=2"]
    assert [through.request("POST", path, body).cache for path in paths + paths] == ["MISS"] * 3 + ["HIT"] * 3


@pytest.mark.parametrize("pace", ["immediate", "recorded"])
def test_the_pace_of_a_replay_is_a_setting(start, stand_in, pace):
    proxy = start(config=f"matching: {{mode: exact}}\nrecording: {{replay_pace: {pace}}}")
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "[slow 0.2] at a pace"}]}
    first = proxy.request("POST", "/v1/chat/completions", body)
    started = time.monotonic()
    second = proxy.request("POST", "/v1/chat/completions", body)
    took = time.monotonic() - started
    assert second.cache == "HIT" and second.body == first.body
    # Fourteen pauses: nearly three seconds, or none.
    assert took > 1.5 if pace == "recorded" else took < 1.5


def test_gptcache(start, provider):
    off = start(config="matching: {mode: exact}", upstream=provider.url)
    assert off.request("POST", "/put", {"prompt": "hello", "answer": "world"}).status == 404
    off.stop()
    proxy = start(config="matching: {mode: exact}\nserver: {gptcache: true}", upstream=provider.url)
    assert proxy.request("POST", "/get", {"prompt": "hello"}).json == {"prompt": "hello", "answer": None}
    put = proxy.request("POST", "/put", {"prompt": "hello", "answer": "wörld\n"})
    assert put.status == 200 and put.json == "successfully update the cache"
    got = proxy.request("POST", "/get", {"prompt": "hello"})
    assert got.json == {"prompt": "hello", "answer": "wörld\n"} and got.cache == "HIT"
    proxy.request("POST", "/put", {"prompt": "hello", "answer": "again"})
    assert proxy.request("POST", "/get", {"prompt": "hello"}).json["answer"] == "again"
    assert proxy.request("POST", "/get", {"prompt": "hello"}, {"Authorization": "Bearer other"}).json["answer"] is None
    assert proxy.request("POST", "/get", {"question": "hello"}).status == 422
    # The key may come as other providers' clients send theirs.
    key = {"x-api-key": "key-of-mine"}
    assert proxy.request("POST", "/put", {"prompt": "of mine", "answer": "kept"}, key).status == 200
    assert proxy.request("POST", "/get", {"prompt": "of mine"}, key).json["answer"] == "kept"
    assert proxy.request("POST", "/get", {"prompt": "of mine"}).json["answer"] is None
    assert provider.count == 0
