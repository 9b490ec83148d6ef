"""What a client sees of the cache: hits, misses, controls, tenants, restarts."""

import json
import signal

import pytest
from conftest import THRESHOLD, wait_for

SEMANTIC = [
    ("How do I reset my password?", "How can I reset my password?"),
    ("What is the capital of France?", "Which city is the capital of France?"),
    ("Can you tell me your opening hours?", "Could you tell me your opening hours please?"),
]


def test_an_exact_repeat_is_the_same_bytes(proxy, stand_in):
    first, second = proxy.chat("hello there"), proxy.chat("hello there")
    assert first.headers["Cache-Status"] == "reprise; fwd=miss; stored"
    assert second.headers["Cache-Status"].startswith("reprise; hit; ttl=86")
    assert second.headers["Cache-Status"].endswith("; detail=exact")
    assert second.cache == "HIT" and second.headers["X-Cache-Match"] == "exact"
    assert second.headers["Age"].isdigit() and second.headers["X-Cache-Entry"] and second.headers["X-Request-Id"]
    assert second.body == first.body
    assert second.headers["openai-version"] == "2020-10-01"
    assert "x-ratelimit-remaining-requests" not in second.headers
    assert stand_in.seen["count"] == 1


@pytest.mark.parametrize("first, second", SEMANTIC)
def test_a_rewording_is_served(proxy, stand_in, first, second):
    original, reworded = proxy.chat(first), proxy.reworded(second)
    assert reworded.headers["Cache-Status"] == "reprise; hit; detail=semantic"
    assert reworded.headers["X-Cache-Match"] == "semantic"
    assert 0.9 <= float(reworded.headers["X-Cache-Similarity"]) <= 1
    assert reworded.body == original.body
    assert stand_in.seen["count"] == 1


@pytest.mark.parametrize("first, second", [
    ("What is the status of order 48213?", "What is the status of order 48231?"),
    ("How do I enable two-factor authentication?", "How do I disable two-factor authentication?"),
    ("Is this covered by the warranty?", "Is this not covered by the warranty?"),
    ("What does `git reset --hard` do?", "What does `git reset --soft` do?"),
    ("How far is it from Paris to Rome?", "How far is it from Rome to Paris?"),
    ("How long does shipping take to Germany?", "How long does shipping take to France?"),
])
def test_a_trap_is_forwarded(proxy, first, second):
    assert proxy.chat(first).cache == "MISS"
    trap = proxy.chat(second)
    assert trap.cache == "MISS", f"served at {trap.headers['X-Cache-Similarity']}"
    assert trap.headers["X-Cache-Reason"]


def test_one_entry_serves_both_forms(proxy, stand_in):
    plain = proxy.chat("tell me more")
    stream = proxy.chat("tell me more", stream=True)
    assert stream.cache == "HIT" and stream.headers["Content-Type"].startswith("text/event-stream")
    events = [line[6:] for line in stream.body.decode().split("\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events[:-1])
    assert text == plain.json["choices"][0]["message"]["content"]

    streamed = proxy.chat("tell me less", stream=True)
    again = proxy.chat("tell me less", stream=True)
    assert again.cache == "HIT" and again.body == streamed.body
    whole = proxy.chat("tell me less")
    assert whole.cache == "HIT" and whole.json["object"] == "chat.completion"
    assert whole.json["choices"][0]["finish_reason"] == "stop"
    assert stand_in.seen["count"] == 2


def test_controls(proxy, stand_in):
    assert proxy.chat("one", {"Cache-Control": "only-if-cached"}).status == 504
    proxy.chat("one")
    assert proxy.chat("one", {"Cache-Control": "only-if-cached"}).cache == "HIT"
    assert proxy.chat("one", {"Cache-Control": "no-store"}).headers["Cache-Status"] == "reprise; fwd=bypass; detail=requested"
    fresh = proxy.chat("one", {"Cache-Control": "no-cache"})
    assert fresh.headers["Cache-Status"] == "reprise; fwd=request; stored"
    assert proxy.chat("one", {"Cache-Control": "max-age=0"}).cache in ("HIT", "MISS")
    assert proxy.chat("one", {"X-Cache-Namespace": "other"}).cache == "MISS"
    assert proxy.chat("one", {"X-Cache-Namespace": "other"}).cache == "HIT"
    assert proxy.chat("one", {"X-Cache-Mode": "off"}).cache == "BYPASS"
    bad = proxy.chat("one", {"X-Cache-TTL": "soon"})
    assert bad.status == 400 and "X-Cache-TTL" in bad.json["error"]["message"] + str(bad.json["error"]["param"])
    names = {name.lower() for request in stand_in.seen["last"] for name, _ in request["headers"]}
    assert not {name for name in names if name.startswith("x-cache")}


def test_a_time_to_live_ends(proxy):
    proxy.chat("brief", {"X-Cache-TTL": "4"})
    assert proxy.chat("brief").cache == "HIT"
    wait_for(lambda: proxy.stats["entries"] == 0, what="the entry's end")
    after = proxy.chat("brief")
    assert after.cache == "MISS"
    assert proxy.stats["evictions"]["expired"] == 1


def test_tenants_never_share(proxy):
    one, two = {"Authorization": "Bearer sk-one"}, {"Authorization": "Bearer sk-two"}
    proxy.chat("How do I reset my password?", one)
    assert proxy.chat("How do I reset my password?", two).cache == "MISS"
    assert proxy.chat("How can I reset my password?").cache == "MISS"
    assert proxy.reworded("How can I reset my password?", one).headers["X-Cache-Match"] == "semantic"


def test_the_credential_is_forwarded_and_never_kept(proxy, stand_in):
    proxy.chat("one", {"Authorization": "Bearer sk-secret-credential"})
    assert ["Authorization", "Bearer sk-secret-credential"] in stand_in.seen["last"][-1]["headers"]
    wait_for(lambda: proxy.stored() == 1, what="the row")
    for file in proxy.folder.glob("cache.db*"):
        assert b"sk-secret-credential" not in file.read_bytes()


def test_an_upstream_key_replaces_the_clients(start, stand_in):
    proxy = start(config="upstream: {api_key_env: UPSTREAM_KEY}", env={"UPSTREAM_KEY": "sk-ours"})
    proxy.chat("one", {"Authorization": "Bearer sk-theirs"})
    sent = [value for name, value in stand_in.seen["last"][-1]["headers"] if name.lower() == "authorization"]
    assert sent == ["Bearer sk-ours"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_entries_survive(start, tmp_path, how):
    proxy = start()
    proxy.chat("How do I reset my password?", {"Authorization": "Bearer sk-one"})
    proxy.chat("a story", {"Authorization": "Bearer sk-one"}, stream=True)
    if how == signal.SIGKILL:
        wait_for(lambda: proxy.stored("vectors") == 2, what="the rows with their vectors")
    proxy.stop(how)
    again = start()
    assert again.chat("How do I reset my password?", {"Authorization": "Bearer sk-one"}).headers["X-Cache-Match"] == "exact"
    assert again.reworded("How can I reset my password?", {"Authorization": "Bearer sk-one"}).headers["X-Cache-Match"] == "semantic"
    assert again.chat("a story", {"Authorization": "Bearer sk-one"}).cache == "HIT"
    assert again.chat("How do I reset my password?").cache == "MISS"


def test_statistics_add_up(start):
    proxy = start(config=THRESHOLD)
    for prompt in ["How do I reset my password?", "How can I reset my password?", "How do I reset my password?", "Where are you?"]:
        proxy.chat(prompt)
    proxy.chat("x", {"Cache-Control": "no-store"})
    stats = proxy.stats
    assert stats["requests"] == {
        "total": 5, "exact_hits": 1, "semantic_hits": 1, "misses": 2, "bypassed": 1, "coalesced": 0, "stale": 0, "refused": 0, "upstream_errors": 0}
    assert stats["hit_ratio"] == 0.5
    assert stats["entries"] == 2
    assert stats["saved"]["upstream_calls"] == 2 and stats["saved"]["completion_tokens"] == 24
    assert stats["models"]["stand-in"]["requests"] == 4 and stats["models"]["stand-in"]["hits"] == 2
    assert stats["matching"]["dimension"] == 384
    assert stats["latency_ms"]["semantic_hit"]["p50"] > 0
    assert stats["memory_bytes"] > 0 and stats["disk_bytes"] > 0


def test_without_a_model_exact_repeats_are_served(start, tmp_path):
    proxy = start(config=f"embedder: {{model_dir: {tmp_path}/nowhere}}")
    ready = proxy.request("GET", "/readyz")
    assert ready.status == 200 and "degraded" in ready.json["parts"]["embedder"]
    proxy.chat("one two three")
    assert proxy.chat("one two three").cache == "HIT"
    assert proxy.chat("three two one").headers["X-Cache-Reason"] == "no-embedder"
