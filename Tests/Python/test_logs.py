"""What a request leaves behind: one line, its id and its trace at the upstream, and an access log that can be read back."""

import json
import os
import re
import stat

import pytest
from conftest import wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def proxy(start):
    # A learned gate explores by chance; a threshold hits the same each time.
    return start(config="matching:\n  mode: threshold\n")


def lines(proxy, count, message="request"):
    def found():
        all_lines = [json.loads(line) for line in proxy.said.splitlines() if line.startswith("{")]
        chosen = [line for line in all_lines if line["message"] == message]
        return chosen if len(chosen) >= count else None

    return wait_for(found, what=f"{count} lines in {proxy.said}")


def test_one_line_a_request(proxy):
    proxy.chat("How do I reset my password?", {"X-Request-Id": "mine-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    proxy.chat("How do I reset my password?")
    proxy.chat("How can I reset my password?")
    proxy.chat("stream", stream=True)
    proxy.request("GET", "/v1/models?key=secret")
    proxy.chat("x", {"X-Cache-TTL": "soon"})
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
    proxy.chat("How do I reset my password?")
    proxy.chat("How do I reset my password?")
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
    first.chat("How can I reset my password?", tags)
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


def test_a_rotated_access_log_is_opened_again(start, tmp_path):
    proxy = start(config="log:\n  access_file: access.jsonl\n")
    log = tmp_path / "access.jsonl"
    proxy.chat("one")
    wait_for(lambda: log.read_text().count("\n") == 1)
    log.rename(tmp_path / "access.jsonl.1")
    proxy.chat("two")
    wait_for(lambda: log.exists() and log.read_text().count("\n") == 1)
    assert (tmp_path / "access.jsonl.1").read_text().count("\n") == 1
