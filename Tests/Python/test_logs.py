"""What a request leaves behind: one line, its id and its trace at the upstream, and an access log that can be read back."""

import json
import os
import re
import stat

import pytest
from conftest import THRESHOLD, Reprise, command, wait_for
from upstream import Upstream, completion

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def proxy(start):
    return start(config=THRESHOLD)


def lines(proxy, count, message="request"):
    def found():
        all_lines = [json.loads(line) for line in proxy.said.splitlines() if line.startswith("{")]
        chosen = [line for line in all_lines if line["message"] == message]
        return chosen if len(chosen) >= count else None

    return wait_for(found, what=f"{count} lines in {proxy.said}")


def written(log, count):
    """Waits for so many lines: each is written after its response has ended, when the next request may have begun."""
    wait_for(lambda: log.exists() and log.read_text().count("\n") == count, what=f"line {count} of {log.name}")


def test_one_line_a_request(proxy):
    asked = [
        lambda: proxy.chat("How do I reset my password?", {"X-Request-Id": "mine-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}),
        lambda: proxy.chat("How do I reset my password?"),
        lambda: proxy.chat("How can I reset my password?"),
        lambda: proxy.chat("stream", stream=True),
        lambda: proxy.request("GET", "/v1/models?key=secret"),
        lambda: proxy.chat("x", {"X-Cache-TTL": "soon"}),
    ]
    for count, ask in enumerate(asked, 1):
        ask()
        # A line is written after its response has ended: a client may have asked for more by then.
        lines(proxy, count)
    proxy.request("GET", "/cache/stats")
    proxy.request("GET", "/healthz")
    found = lines(proxy, 6)
    assert [(line["cache"], line.get("match") or line.get("reason")) for line in found] == [
        ("miss", "empty-scope"), ("hit", "exact"), ("hit", "semantic"), ("miss", found[3]["reason"]), ("bypass", "path"), ("refused", None)]
    first = found[0]
    assert first["request"] == "mine-1" and first["trace_id"] == TRACE and first["status"] == 200 and first["model"] == "stand-in"
    assert first["prompt_tokens"] > 0 and first["completion_tokens"] > 0 and first["duration_ms"] > 0 and first["bytes"] > 100
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"]) and first["level"] == "info"
    assert 0.9 <= found[2]["similarity"] <= 1
    assert found[5]["status"] == 400
    assert found[3]["bytes"] > 500
    assert "password" not in proxy.said and "secret" not in proxy.said
    assert len({line["request"] for line in found}) == 6


def test_ids_and_traces_reach_the_upstream(proxy, stand_in):
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    answer = proxy.chat("trace me", {"X-Request-Id": "mine-2", "traceparent": parent, "tracestate": "a=b"})
    passed = dict(proxy.request("PUT", "/v1/anything", b"x", {"X-Request-Id": "mine-3"}).json["headers"])
    sent = {name.lower(): value for name, value in stand_in.seen["last"][0]["headers"]}
    assert sent["x-request-id"] == "mine-2" == answer.headers["X-Request-Id"]
    assert sent["traceparent"] == parent and sent["tracestate"] == "a=b"
    assert {name.lower(): value for name, value in passed.items()}["x-request-id"] == "mine-3"
    made = proxy.chat("no id").headers["X-Request-Id"]
    assert made.startswith("req_")
    forged = proxy.chat("bad id", {"X-Request-Id": "a b\"c"}).headers["X-Request-Id"]
    assert forged.startswith("req_")


def test_text_for_people(start):
    proxy = start("--log-level", "info", config="log:\n  format: text\n")
    proxy.chat("hello")
    line = wait_for(lambda: next((line for line in proxy.said.splitlines() if "POST" in line), None), what="a line")
    assert re.match(r"\S+Z INFO POST /v1/chat/completions 200 miss empty-scope [\d.]+ ms request=req_\S+ model=stand-in tenant=[0-9a-f]{16} ", line), line


def test_quiet_levels_are_quiet(start):
    proxy = start("--log-level", "warning")
    proxy.chat("hello")
    proxy.stop()
    assert proxy.errors == ""


def test_a_client_that_leaves_is_seen(proxy):
    import http.client
    connection = http.client.HTTPConnection(proxy.host, proxy.port)
    connection.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "[slow 0.2] [tokens 60] go"}]}), {"Content-Type": "application/json"})
    connection.getresponse().read(10)
    connection.sock.close()
    connection.close()
    assert lines(proxy, 1)[0]["broken"] is True


def test_the_access_log_is_off_by_default_and_holds_no_prompt(start, tmp_path):
    proxy = start(config="log:\n  access_file: access.jsonl\n")
    for count in (1, 2):
        proxy.chat("How do I reset my password?")
        written(tmp_path / "access.jsonl", count)
    proxy.stop()
    text = (tmp_path / "access.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["cache"] for record in records] == ["miss", "hit"] and "password" not in text and "body" not in records[0]
    assert stat.S_IMODE(os.stat(tmp_path / "access.jsonl").st_mode) == 0o600


def test_an_access_log_that_cannot_be_written_is_said_at_once(tmp_path, stand_in):
    from conftest import command
    (tmp_path / "c.yaml").write_text("log:\n  access_file: nowhere/access.jsonl\n")
    done = command("serve", "--config", "c.yaml", "--port", "0", cwd=tmp_path)
    assert done.returncode == 78 and "log.access_file" in done.stderr and "nowhere/access.jsonl" in done.stderr


def test_the_access_log_warms_another_cache(start, tmp_path, stand_in):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    log = folders[0] / "access.jsonl"
    first = start(config=f"matching:\n  mode: threshold\nlog:\n  access_file: {log}\n  access_content: answers\n", folder=folders[0])
    tags = {"X-Cache-Namespace": "team", "X-Cache-Tags": "doc:1"}
    plain = first.chat("How do I reset my password?", tags)
    written(log, 1)
    first.chat("How can I reset my password?", tags)
    written(log, 2)
    first.request("POST", "/v1/chat/completions", json.dumps({"model": "stand-in", "messages": [{"role": "user", "content": "pretty\nprinted"}]}, indent=2).encode(), {"Content-Type": "application/json"})
    first.chat("streamed", stream=True)
    first.request("GET", "/v1/models")
    first.stop()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(records) == 5 and "response" not in records[1] and records[1]["match"] == "semantic"
    asked = stand_in.seen["count"]
    second = start(config="", folder=folders[1])
    done = second.run("warm", str(log))
    assert done.returncode == 0, done
    # The semantic hit carries no answer of its own, so it is asked of the model; the rest is imported.
    assert stand_in.seen["count"] == asked + 1
    again = second.chat("How do I reset my password?", tags)
    assert again.headers["X-Cache-Match"] == "exact" and again.json["choices"] == plain.json["choices"]
    assert second.chat("streamed").headers["X-Cache-Match"] == "exact"
    assert stand_in.seen["count"] == asked + 1


def test_what_may_not_be_stored_is_not_in_the_access_log(start, tmp_path):
    proxy = start(config="log:\n  access_file: access.jsonl\n  access_content: answers\ncache:\n  no_store_patterns: [\"(?i)falcon\"]\n")
    for count, question in enumerate(["pay with 4111 1111 1111 1111", "where is project Falcon", "where is the station"], 1):
        assert proxy.chat(question).status == 200
        written(tmp_path / "access.jsonl", count)
    proxy.stop()
    lines = [json.loads(line) for line in (tmp_path / "access.jsonl").read_text().splitlines()]
    assert [("body" in line, "response" in line) for line in lines] == [(False, False), (False, False), (True, True)]
    assert "4111" not in json.dumps(lines) and "alcon" not in json.dumps(lines)


def test_a_rotated_access_log_is_opened_again(start, tmp_path):
    proxy = start(config="log:\n  access_file: access.jsonl\n")
    log = tmp_path / "access.jsonl"
    proxy.chat("one")
    written(log, 1)
    log.rename(tmp_path / "access.jsonl.1")
    proxy.chat("two")
    written(log, 1)
    assert (tmp_path / "access.jsonl.1").read_text().count("\n") == 1


# What answers to the same question have in common, and what sets traps apart.
ANSWERS = {
    "reset": "Open the settings, choose security and then reset password.", "capital": "The capital of France is Paris.",
    "cancel": "You can cancel your subscription under billing.", "enable": "Switch it on under security.", "disable": "Switch it off under security.",
}
ASKED = [
    ("How do I reset my password?", "reset"), ("What is the capital of France?", "capital"), ("How can I reset my password?", "reset"),
    ("How do I cancel my subscription?", "cancel"), ("Which city is the capital of France?", "capital"), ("How can I cancel my subscription?", "cancel"),
    ("How do I enable two-factor authentication?", "enable"), ("How do I disable two-factor authentication?", "disable"),
    ("How do I reset my password?", "reset"),
]


@pytest.mark.parametrize("content, stream", [("answers", False), ("answers", True), ("prompts", False), ("none", False)])
def test_the_access_log_can_be_evaluated(tmp_path, content, stream):
    def reply(handler, body):
        if not body:
            return handler.json({"object": "list", "data": []})
        text = json.loads(body)["messages"][-1]["content"]
        answer = ANSWERS[dict(ASKED).get(text, "reset")]
        if not json.loads(body).get("stream"):
            return handler.json(completion(answer))
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}
        for delta, finish in (({"role": "assistant", "content": answer}, None), ({}, "stop")):
            handler.wfile.write(f"data: {json.dumps({**chunk, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n".encode())
        handler.wfile.write(b"data: [DONE]\n\n")
        handler.close_connection = True

    upstream = Upstream(reply)
    log = tmp_path / "access.jsonl"
    proxy = Reprise(tmp_path, upstream.url, config=f"matching:\n  mode: exact\nlog:\n  access_file: {log}\n  access_content: {content}\n")
    for prompt, _ in ASKED:
        proxy.chat(prompt, stream=stream)
    # Elsewhere the same words are another question.
    proxy.chat("How can I reset my password?", messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How can I reset my password?"}])
    proxy.request("GET", "/v1/models")
    assert proxy.stop() == 0
    upstream.stop()
    done = command("evaluate", str(log), "--json", "--seeds", "3", "--verifier", "off", cwd=tmp_path)
    if content != "answers":
        assert done.returncode == 65 and "log.access_content: answers" in done.stderr and done.stdout == "", done
        return
    assert done.returncode == 0, done.stderr
    # A repeat and what passed through are no questions; in a scope of its own a question is one more.
    assert "9 questions with answers of their own in 11 lines; 6 different answers by the judge" in done.stderr, done.stderr
    found = json.loads(done.stdout)
    (replayed,) = found["streams"]
    assert replayed["file"] == "access" and replayed["prompts"] == 9 and not found["pairs"]
    rows = {row["rule"]: row for row in replayed["rows"]}
    assert "calibrated 1.0 %" in rows and len(rows) > 6
    # Three rewordings have an answer of their kind before them, whatever the order; the trap and the other scope have none.
    assert all(row["possible"]["count"] == 3 * row["seeds"] for row in rows.values()), rows
    limited = command("evaluate", str(log), "--limit", "4", "--seeds", "1", "--verifier", "off", cwd=tmp_path)
    assert limited.returncode == 0 and "4 questions" in limited.stderr, limited.stderr
