"""What the proxy learns about rewordings, over real sockets and a real kill."""

import json
import signal
import time

from conftest import wait_for

FIRST, REWORDED = "How do I reset my password?", "How can I reset my password?"


def labels(proxy):
    return proxy.stats["matching"]["observations"]


def test_the_first_rewording_hits_and_feedback_takes_it_back(proxy):
    entry = proxy.chat(FIRST) and proxy.chat(REWORDED)
    assert entry.headers["X-Cache-Match"] == "semantic"
    identity, request = entry.headers["X-Cache-Entry"], entry.headers["X-Request-Id"]
    matching = proxy.stats["matching"]
    assert matching["mode"] == "calibrated" and matching["error_bound"] == 0.01 and matching["observations"] == 0
    assert 0 <= matching["estimated_error"] <= matching["upper_bound"] <= 0.01

    for body, status in (
            ({"entry": identity, "request": "other", "correct": False}, 404), ({"entry": "0" * 16, "correct": False}, 404),
            ({"entry": identity}, 400), ({"entry": 1, "correct": False}, 400)):
        assert proxy.request("POST", "/cache/feedback", body).status == status
    stranger = {"Authorization": "Bearer sk-stranger"}
    assert proxy.request("POST", "/cache/feedback", {"entry": identity, "correct": False}, stranger).status == 404
    assert proxy.chat(REWORDED).headers["X-Cache-Match"] == "semantic"

    assert proxy.request("POST", "/cache/feedback", {"entry": identity, "request": request, "correct": False}).status == 200
    assert proxy.chat(REWORDED).cache == "MISS"
    assert proxy.chat(FIRST).headers["X-Cache-Match"] == "exact"
    assert labels(proxy) == 1
    listed = proxy.run("list", "--near-misses", "--json")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert any(row["kind"] == "disputed" and row["entry"] == identity and row["asked"] == REWORDED for row in rows)


def test_explain_says_why(proxy):
    proxy.chat("How do I cancel order 48213?")
    said = proxy.run("explain", "--model", "stand-in", "How can I cancel order 48213?")
    assert said.returncode == 0 and said.stdout.startswith("semantic hit"), said.stdout + said.stderr
    said = proxy.run("explain", "--model", "stand-in", "--json", "How do I cancel or change order 48213?")
    decided = json.loads(said.stdout)
    assert decided["nearest"][0]["query"] == "How do I cancel order 48213?" and decided["learned"]["features"]["similarity"] < 1
    assert {guard["name"] for guard in decided["guards"]} >= {"numbers", "polarity", "names", "order"}
    assert proxy.stats["requests"]["total"] == 1, "an explanation is no request"


def test_without_a_prior_it_starts_shut_and_learns_over_a_kill(start):
    config = "matching:\n  prior: none\n"
    proxy = start(config=config)
    proxy.chat(FIRST)
    forwarded = proxy.chat(REWORDED)
    assert forwarded.headers["X-Cache-Reason"] == "below-cut"
    wait_for(lambda: labels(proxy) == 1, what="the label")
    wait_for(lambda: proxy.stats["matching"]["learning"]["labels"] == 1)
    time.sleep(1.5)
    proxy.stop(signal.SIGKILL)
    again = start(config=config)
    assert labels(again) == 1
    assert again.chat(REWORDED).headers["X-Cache-Match"] == "exact"


def test_a_namespace_has_its_own_mode(start):
    proxy = start(config="matching:\n  overrides:\n    - {namespace: strict, mode: exact}\n")
    inside = {"X-Cache-Namespace": "strict"}
    proxy.chat(FIRST, inside)
    assert proxy.chat(REWORDED, inside).headers["X-Cache-Reason"] == "exact-only"
    proxy.chat(FIRST)
    assert proxy.chat(REWORDED).headers["X-Cache-Match"] == "semantic"


def test_shadow_serves_nothing_and_learns(start):
    proxy = start(config="matching:\n  mode: shadow\n")
    proxy.chat(FIRST)
    assert proxy.chat(REWORDED).cache == "MISS"
    wait_for(lambda: labels(proxy) == 1, what="the label")
