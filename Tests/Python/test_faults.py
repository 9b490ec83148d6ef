"""The fault table: what breaks, and what the client sees of it."""

import concurrent.futures
import functools
import itertools
import json
import os
import re
import signal
import socket
import threading
import time

import pytest
from conftest import stop_within_a_stream, wait_for
from upstream import Upstream, answer, completion, dropping, failing, first_then

QUICK = "upstream:\n  retry_delay: 20ms\n"
DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture
def second():
    server = Upstream()
    yield server
    server.stop()


# What the upstream does wrong, and what a client gets: status, error code, and how often the upstream was asked.
UPSTREAM_FAULTS = [
    ("fails once, then works", first_then(failing(503), answer), 200, None, 2),
    ("closes without a word, then works", first_then(dropping, answer), 200, None, 2),
    ("asks for a short wait, then works", first_then(failing(429, {"Retry-After": "1"}), answer), 200, None, 2),
    ("asks for a long wait", failing(429, {"Retry-After": "60"}), 429, None, 1),
    ("asks not to be asked again", failing(500, {"x-should-retry": "false"}), 500, None, 1),
    ("fails every time", failing(502), 502, None, 3),
    ("refuses the request", failing(400), 400, None, 1),
    ("refuses the credential", failing(401), 401, None, 1),
    # It reads on until the proxy has hung up.
    ("never answers", lambda handler, body: handler.rfile.read(1), 504, "upstream_timeout", 1),
]


@pytest.mark.parametrize("what, reply, status, code, calls", UPSTREAM_FAULTS, ids=[fault[0] for fault in UPSTREAM_FAULTS])
def test_fault_table_upstream(start, upstream, what, reply, status, code, calls):
    upstream.reply = reply
    patience = "  first_byte_timeout: 1s\n" if code == "upstream_timeout" else ""
    proxy = start(upstream=upstream.url, config=QUICK + patience)
    got = proxy.chat("hello")
    assert got.status == status
    assert upstream.count == calls
    if code:
        assert got.json["error"]["code"] == code
    if status == 429:
        assert got.headers["Retry-After"] == "60"
    if status == 200:
        assert proxy.chat("hello").cache == "HIT"
    else:
        assert proxy.stats["entries"] == 0


def test_no_connection_is_a_502_that_says_so(start):
    got = start(upstream=DEAD, config=QUICK).chat("hello")
    assert got.status == 502 and got.json["error"]["code"] == "upstream_unreachable"


def test_an_answer_that_has_begun_is_not_asked_for_again(start, upstream):
    def half(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{\"half\": ")
        dropping(handler, body)

    upstream.reply = half
    proxy = start(upstream=upstream.url, config=QUICK)
    with pytest.raises(Exception):
        proxy.chat("hello")
    assert upstream.count == 1 and proxy.stats["entries"] == 0


def test_an_old_answer_stands_in(start, upstream):
    proxy = start(upstream=upstream.url, config=QUICK)
    first = proxy.chat("hello", {"X-Cache-TTL": "1s"})
    time.sleep(2.2)
    upstream.reply = failing(503)
    got = proxy.chat("hello")
    assert got.status == 200 and got.body == first.body and got.cache == "STALE"
    assert got.headers["Cache-Status"].startswith("reprise; hit; ttl=-") and got.headers["Cache-Status"].endswith("; detail=stale")
    assert int(got.headers["Age"]) >= 2
    assert proxy.stats["requests"]["stale"] == 1
    assert proxy.chat("hello", {"Cache-Control": "stale-if-error=0"}).status == 503


def test_the_second_upstream_answers(start, upstream, second):
    upstream.reply = failing(503)
    config = QUICK + f"  fallback: spare\nupstreams:\n  spare:\n    base_url: {second.url}\n"
    proxy = start(upstream=upstream.url, config=config)
    got = proxy.chat("hello", {"Authorization": "Bearer for-the-first"})
    assert got.status == 200 and second.count == 1
    assert "Authorization" not in second.calls[0][1]
    assert proxy.chat("hello", {"Authorization": "Bearer for-the-first"}).cache == "HIT"


def test_requests_go_where_path_and_model_say(start, upstream, second):
    config = f"upstreams:\n  other:\n    models: [claude-*]\n    base_url: {second.url}\n    headers: {{X-Mine: a}}\n"
    proxy = start(upstream=upstream.url, config=config)
    assert proxy.chat("one", model="claude-3").status == 200
    assert (upstream.count, second.count) == (0, 1) and second.calls[0][1]["X-Mine"] == "a"
    assert proxy.chat("one", model="gpt").status == 200
    assert (upstream.count, second.count) == (1, 1)


def test_azure_paths_and_queries_are_kept(start, upstream):
    proxy = start(upstream=upstream.url)
    path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    assert proxy.chat("one", path=path).status == 200
    assert upstream.calls[0][0] == path
    assert proxy.chat("one", path=path).cache == "HIT"
    assert proxy.chat("one", path=path.replace("4o", "5")).cache == "MISS"


def test_a_base_url_without_version_gets_one_and_keeps_its_query(start, upstream):
    proxy = start(upstream=f"http://127.0.0.1:{upstream.port}?api-version=7")
    assert proxy.chat("one").status == 200
    assert upstream.calls[0][0] == "/v1/chat/completions?api-version=7"


def test_a_dead_upstream_is_left_alone_and_comes_back(start, upstream):
    upstream.reply = failing(503)
    proxy = start(upstream=upstream.url, config=QUICK + "  retries: 0\n  breaker_failures: 3\n  breaker_cooldown: 3s\n")
    for number in range(3):
        assert proxy.chat(f"q{number}").status == 503
    got = proxy.chat("more")
    assert got.json["error"]["code"] == "upstream_circuit_open" and int(got.headers["Retry-After"]) >= 1
    assert upstream.count == 3
    assert proxy.stats["upstreams"] == {"upstream": "open"}
    states = lambda: dict(re.findall(r'^reprise_upstream_circuit_state\{upstream="upstream",state="(\w+)"\} (\d)', proxy.request("GET", "/metrics").body.decode(), re.M))
    assert states() == {"closed": "0", "half_open": "0", "open": "1"}
    upstream.reply = answer
    wait_for(lambda: proxy.stats["upstreams"] == {"upstream": "half_open"}, what="the end of the cool-down")
    # Nobody has tried yet.
    assert states() == {"closed": "0", "half_open": "1", "open": "0"}
    assert 'reprise_upstream_circuit_open{upstream="upstream"} 1' in proxy.request("GET", "/metrics").body.decode()
    assert proxy.chat("more").status == 200 and proxy.chat("another").status == 200
    assert proxy.stats["upstreams"] == {"upstream": "closed"} and states() == {"closed": "1", "half_open": "0", "open": "0"}


def test_calls_beyond_the_queue_are_refused(start, upstream):
    refused = threading.Event()
    upstream.reply = functools.partial(answer, gate=refused)
    proxy = start(upstream=upstream.url, config="upstream:\n  max_connections: 2\n  queue_limit: 2\n")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(proxy.chat, f"q{number}") for number in range(12)]
        # Two calls are out and two wait; nothing is answered until the eight others were refused.
        done = [next_done.result() for next_done in itertools.islice(concurrent.futures.as_completed(asked, 30), 8)]
        assert [got.status for got in done] == [503] * 8
        calls = lambda: dict(re.findall(r'^reprise_upstream_calls\{upstream="upstream",state="(\w+)"\} (\d+)', proxy.request("GET", "/metrics").body.decode(), re.M))
        assert calls() == {"active": "2", "waiting": "2"}
        refused.set()
        got = [call.result() for call in asked]
    assert sorted(answer.status for answer in got) == [200] * 4 + [503] * 8
    assert all("Retry-After" in answer.headers for answer in got if answer.status == 503)
    wait_for(lambda: calls() == {"active": "0", "waiting": "0"}, what="the calls' end")


def test_a_hundred_equal_streams_make_one_call(start, upstream):
    joined = threading.Event()
    upstream.reply = functools.partial(answer, gate=joined)
    proxy = start(upstream=upstream.url)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(proxy.chat, "one two three four five six seven", stream=True) for _ in range(100)]
        wait_for(lambda: proxy.stats["requests"]["coalesced"] == 99, what="the last who joins")
        joined.set()
        got = [call.result() for call in asked]
    assert upstream.count == 1
    assert {answer.status for answer in got} == {200}
    assert len({answer.body for answer in got}) == 1 and got[0].body.endswith(b"data: [DONE]\n\n")
    assert proxy.stats["requests"]["total"] == 100


def test_what_one_credential_is_refused_is_not_told_to_another(start, upstream):
    """In a pool equal requests have one key; the calls that go out with their clients' own credentials are calls of their own all the same."""
    joined = threading.Event()

    def reply(handler, body):
        if handler.headers["Authorization"] == "Bearer bad":
            failing(401, gate=joined)(handler, body)
        else:
            handler.json(completion("echo"), gate=joined)

    upstream.reply = reply
    proxy = start(upstream=upstream.url, config="tenancy:\n  sharing: pool\n")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        asked = []
        # The refused ones are first in line.
        for calls, key in enumerate(["bad", "good"], 1):
            asked += [pool.submit(proxy.chat, "hello", {"Authorization": f"Bearer {key}"}) for _ in range(10)]
            wait_for(lambda: upstream.count == calls and proxy.stats["requests"]["coalesced"] == 9 * calls, what="the last who joins")
        joined.set()
        got = [call.result().status for call in asked]
    assert got == [401] * 10 + [200] * 10
    assert upstream.count == 2
    assert proxy.chat("hello", {"Authorization": "Bearer bad"}).cache == "HIT"


def test_requests_beyond_the_limit_get_503_and_the_proxy_recovers(start, upstream):
    refused = threading.Event()
    upstream.reply = functools.partial(answer, gate=refused)
    proxy = start(upstream=upstream.url, config="server:\n  max_requests: 5\n")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(proxy.chat, f"q{number}") for number in range(50)]
        done = [next_done.result() for next_done in itertools.islice(concurrent.futures.as_completed(asked, 30), 45)]
        assert [got.status for got in done] == [503] * 45
        assert all(got.headers["Retry-After"] == "1" and got.json["error"]["code"] == "proxy_overloaded" for got in done)
        refused.set()
        assert sorted(call.result().status for call in asked) == [200] * 5 + [503] * 45
    assert wait_for(lambda: proxy.chat("after").status == 200, what="the recovery")


def test_connections_beyond_the_limit_are_told_so(start, upstream):
    proxy = start(upstream=upstream.url, config="server:\n  max_connections: 10\n")
    held = [proxy.connect() for _ in range(10)]
    for connection in held:
        # Who has been served once has a place for sure.
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    for _ in range(20):
        assert proxy.request("GET", "/healthz").status == 503
    for connection in held:
        connection.close()
    assert wait_for(lambda: proxy.request("GET", "/healthz").status == 200, what="the recovery")


def test_ten_times_too_many_clients_are_answered_and_forgotten(start, upstream):
    refused = threading.Event()
    upstream.reply = functools.partial(answer, gate=refused)
    proxy = start(upstream=upstream.url, config="server:\n  max_connections: 10\n")
    ready = threading.Barrier(100)

    def ask(number):
        ready.wait()
        got = [proxy.chat(f"q{number}")]
        # Whoever has a place keeps it until the first was told that there is none.
        if got[0].status == 503:
            refused.set()
        return got + [proxy.chat(f"q{number}") for _ in range(4)]

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        got = [one for many in pool.map(ask, range(100)) for one in many]
    assert {one.status for one in got} == {200, 503}
    assert all(one.headers["Retry-After"] for one in got if one.status == 503)
    assert wait_for(lambda: all(proxy.chat(f"after {number}").status == 200 for number in range(10)), what="the recovery")
    assert proxy.process.poll() is None


def resident(proxy):
    with open(f"/proc/{proxy.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_memory_runs_short_of_cache_work_before_it_runs_short_of_requests(start, upstream, tmp_path):
    proxy = start(upstream=upstream.url)
    assert proxy.chat("kept").status == 200
    wait_for(lambda: proxy.stats["matching"]["searchable"] == 1, what="the vector, whose making takes memory too")
    used = resident(proxy)
    proxy.stop()
    # Between nine tenths of the ceiling and the ceiling: what is there is served, nothing new is kept.
    proxy = start(upstream=upstream.url, config=f"server:\n  memory_limit: {used * 100 // 95}\n")
    short = wait_for(lambda: (got := proxy.chat(f"new {time.monotonic()}")).headers["X-Cache-Reason"] == "memory-short" and got, what="the pressure")
    assert short.status == 200 and "stored" not in short.headers["Cache-Status"]
    proxy.stop()
    # Above it: requests are told to come again, and the probes still answer.
    proxy = start(upstream=upstream.url, config="server:\n  memory_limit: 64MiB\n")
    refused = wait_for(lambda: (got := proxy.chat("more")).status == 503 and got, what="the ceiling")
    assert refused.headers["Retry-After"] and refused.json["error"]["code"] == "proxy_overloaded"
    assert proxy.request("GET", "/healthz").status == 200 and proxy.stats["requests"]


@pytest.mark.parametrize("sent", [b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{", b""],
                         ids=["half a head", "half a body", "drops of a head"])
def test_a_client_that_dawdles_is_cut_off(start, upstream, sent):
    proxy = start(upstream=upstream.url, config="server:\n  read_timeout: 1s\n  idle_timeout: 3s\n")
    with socket.create_connection((proxy.host, proxy.port)) as connection:
        connection.sendall(sent)
        connection.settimeout(0.2)
        began = time.monotonic()
        while time.monotonic() - began < 25:
            try:
                connection.sendall(b"a" if sent.endswith(b"{") else b"X-%d: a\r\n" % time.monotonic_ns() if sent else b"G")
                if connection.recv(1000) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - began < 20
    assert upstream.count == 0


def test_a_client_that_does_not_read_is_cut_off(start, upstream):
    gone = threading.Event()

    def flood(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            for _ in range(1 << 14):
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            gone.set()

    upstream.reply = flood
    proxy = start(upstream=upstream.url, config="server:\n  write_timeout: 1s\n")
    empty = proxy.stats["memory_bytes"]
    with socket.create_connection((proxy.host, proxy.port)) as connection:
        connection.sendall(b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert gone.wait(60), "the upstream's call must end with the client's"
        assert proxy.stats["memory_bytes"] < empty + (1 << 20)


def test_sigterm_lets_streams_end_and_keeps_what_came(start, upstream, tmp_path):
    stop_within_a_stream(start(upstream=upstream.url), upstream)
    again = start(upstream=DEAD, folder=tmp_path)
    assert again.chat("one two three", stream=True).cache == "HIT"


def test_sigterm_cuts_what_takes_too_long(start, upstream):
    never = threading.Event()
    upstream.reply = functools.partial(answer, gate=never)
    proxy = start(upstream=upstream.url, config="server:\n  drain_timeout: 1s\n")
    proxy_thread = threading.Thread(target=lambda: pytest.raises(Exception, proxy.chat, "a b c", stream=True), daemon=True)
    proxy_thread.start()
    wait_for(lambda: upstream.count == 1)
    began = time.monotonic()
    assert proxy.stop() == 0, proxy.errors
    # By itself it would wait for half a minute, and the stream for longer.
    assert 1 <= time.monotonic() - began < 20
    never.set()


def test_sighup_reads_the_configuration_again(start, upstream, second, tmp_path):
    proxy = start(upstream=upstream.url, config="cache:\n  ttl: 1h\n")
    assert proxy.chat("one").headers["Cache-Status"] and proxy.chat("one").headers["Cache-Status"].startswith("reprise; hit; ttl=3")
    (tmp_path / "test.yaml").write_text(f"cache:\n  ttl: 2h\nupstreams:\n  other:\n    models: [other]\n    base_url: {second.url}\n")
    os.kill(proxy.process.pid, signal.SIGHUP)
    wait_for(lambda: "configuration read again" in proxy.said, what="the reading")
    wait_for(lambda: proxy.chat(f"two {time.monotonic()}", model="other").status == 200 and second.count > 0, what="the new upstream")
    proxy.chat("three")
    assert proxy.chat("three").headers["Cache-Status"].startswith("reprise; hit; ttl=7")
    assert set(proxy.stats["upstreams"]) == {"upstream", "other"}
    (tmp_path / "test.yaml").write_text("cache:\n  ttl: 2h\n")
    os.kill(proxy.process.pid, signal.SIGHUP)
    wait_for(lambda: set(proxy.stats["upstreams"]) == {"upstream"}, what="the statistics without the provider that is gone")


def test_what_waits_for_the_next_start_is_named_and_nothing_else(start, upstream, tmp_path):
    proxy = start(upstream=upstream.url, config="cache:\n  ttl: 1h\n")
    (tmp_path / "test.yaml").write_text(
        "cache:\n  ttl: 2h\n  max_memory: 1GiB\nrecording:\n  replay_pace: recorded\nprices:\n  models: {m: {input: 1, output: 2}}\n")
    os.kill(proxy.process.pid, signal.SIGHUP)
    wait_for(lambda: "at the next start" in proxy.said, what="the warning")
    assert proxy.stop() == 0
    assert "cache.max_memory, prices.models" in proxy.errors and "recording.replay_pace" not in proxy.errors


def test_a_bad_configuration_keeps_the_old_one_and_says_why(start, upstream, tmp_path):
    proxy = start(upstream=upstream.url, config="cache:\n  ttl: 1h\n")
    (tmp_path / "test.yaml").write_text("cache:\n  tttl: 2h\n")
    os.kill(proxy.process.pid, signal.SIGHUP)
    wait_for(lambda: "the old one stays" in proxy.said, what="the refusal")
    assert proxy.chat("one").status == 200
    assert proxy.stop() == 0
    assert "test.yaml:2:3: unknown key 'tttl'" in proxy.errors and "the old one stays" in proxy.errors


def test_an_old_answer_is_given_at_once_while_a_fresh_one_is_fetched(start, upstream):
    proxy = start(upstream=upstream.url, config="cache:\n  stale_while_revalidate: 1m\n")
    first = proxy.chat("hello", {"X-Cache-TTL": "1s"})
    time.sleep(1.5)
    got = proxy.chat("hello")
    assert got.cache == "STALE" and got.body == first.body
    wait_for(lambda: upstream.count == 2, what="the fresh answer")
    wait_for(lambda: proxy.chat("hello").cache == "HIT", what="the hit")
