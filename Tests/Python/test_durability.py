"""What survives: kill -9 under load, full disks, folders that cannot be written, damaged and newer databases, exports and imports."""

import http.client
import json
import os
import random
import sqlite3
import threading
import time

import pytest
from conftest import ROOT, Reprise, binary, wait_for

KILLS = int(os.environ.get("REPRISE_CRASH_KILLS", "50"))


def body_text(line):
    return json.loads(line["body"]["text"])["choices"][0]["message"]["content"]


def expected(stand_in, prompt):
    body = {"model": "stand-in", "messages": [{"role": "user", "content": prompt}]}
    return stand_in.request("POST", "/v1/chat/completions", body).json["choices"][0]["message"]["content"]


def exported(server):
    answer = server.request("GET", "/cache/export")
    assert answer.status == 200
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert int(answer.headers["X-Cache-Entries"]) == len(lines)
    return lines


def test_kill_9_under_load_loses_no_integrity(tmp_path, stand_in):
    """Whatever moment the process is killed at, every entry that is left is whole, and memory, index and store hold the same. The index comes from a
    snapshot of some earlier moment, which is written all the time."""
    rng = random.Random(4)
    known = {}
    flushed = 0.05
    asked = 0
    for kill in range(KILLS + 1):
        server = Reprise(tmp_path, stand_in.url, config=f"store:\n  flush_interval: {int(flushed * 1000)}ms\n  snapshot_interval: 70ms\n")
        try:
            ready = server.request("GET", "/readyz")
            assert ready.status == 200, ready.body
            lines = exported(server)
            stats = server.stats
            assert stats["entries"] == len(lines) == len({line["id"] for line in lines}) == len({line["key"] for line in lines})
            # Index and store agree: each entry that has a scope is found by meaning, once.
            wait_for(lambda: server.stats["matching"]["waiting_for_embedding"] == 0, what="embedding what was stored without a vector")
            assert server.stats["matching"]["searchable"] == sum(line["scope"] is not None for line in lines)
            for line in lines:
                # A client that was cut off has not seen its answer; the model gives the same again.
                if line["query"] not in known:
                    known[line["query"]] = expected(stand_in, line["query"])
                assert body_text(line) == known[line["query"]], "an entry holds another question's answer"
            if kill == KILLS:
                break

            failures = []

            def load(worker):
                for number in range(10_000):
                    prompt = f"question {kill} {worker} {number} {'x' * rng.randrange(2000)}"
                    try:
                        answer = server.chat(prompt)
                        if answer.status != 200:
                            failures.append(answer.body)
                        # What was served by meaning is another question's answer.
                        if answer.headers["X-Cache-Match"] != "semantic":
                            known[prompt] = answer.json["choices"][0]["message"]["content"]
                        if number % 7 == 6:
                            server.request("POST", "/cache/flush", {"older_than": "1h", "dry_run": True})
                    except (OSError, ValueError, http.client.HTTPException):
                        return

            threads = [threading.Thread(target=load, args=(worker,)) for worker in range(3)]
            for thread in threads:
                thread.start()
            # At any moment of its life: before the first answer, between two, in the middle of a transaction.
            enough, end = asked + rng.randrange(16), time.monotonic() + 5
            while len(known) < enough and time.monotonic() < end:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.08))
            server.process.kill()
            for thread in threads:
                thread.join()
            assert not failures
            asked = len(known)
        finally:
            server.stop(9)
        for fault in ["the snapshot of the index is not used", "the snapshot of the index cannot be written"]:
            assert fault not in server.errors, server.errors
        # The file is sound without any help of the program's.
        with sqlite3.connect(tmp_path / "cache.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM entries WHERE answer_id NOT IN (SELECT id FROM answers)").fetchone() == (0,)
    assert (tmp_path / "cache.db-index").exists()
    assert len(lines) > KILLS, f"only {len(lines)} of {asked} answers survived"


def test_a_full_disk_is_a_store_that_does_not_take_entries(tmp_path, stand_in):
    """The file may not grow: requests are served on, the fault is said and counted, and goes when there is room again."""
    folder = tmp_path / "small"
    folder.mkdir()
    wrapper = tmp_path / "limited"
    wrapper.write_text(f"#!/bin/bash\nulimit -f 400\ntrap '' XFSZ\nexec {binary()} \"$@\"\n")
    wrapper.chmod(0o755)
    former = os.environ.get("REPRISE_BINARY")
    os.environ["REPRISE_BINARY"] = str(wrapper)
    try:
        server = Reprise(folder, stand_in.url)
    finally:
        if former is None:
            del os.environ["REPRISE_BINARY"]
        else:
            os.environ["REPRISE_BINARY"] = former
    try:
        prompts = [f"question {number} [tokens 3000]" for number in range(60)]
        for prompt in prompts:
            assert server.chat(prompt).status == 200
        fault = wait_for(lambda: server.stats["store"]["fault"], what="a fault of the store")
        assert "full" in fault or "write" in fault
        assert server.chat(prompts[-1]).cache == "HIT"
        ready = server.request("GET", "/readyz")
        assert ready.status == 200 and b"store" in ready.body and b"degraded" in ready.body, ready.body
    finally:
        server.stop()
    assert server.errors.count("the store does not take entries") == 1


def test_a_folder_that_cannot_be_written_leaves_a_cache_in_memory(tmp_path, start):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    server = start("--store", str(blocked / "cache.db"))
    assert server.chat("hello").cache == "MISS" and server.chat("hello").cache == "HIT"
    ready = server.request("GET", "/readyz")
    assert ready.status == 200 and b"in memory only" in ready.body
    server.stop()
    assert "entries live in memory" in server.errors


@pytest.mark.parametrize("damage", ["noise", "truncated", "page"])
def test_a_damaged_database_is_set_aside(tmp_path, start, damage):
    server = start()
    for number in range(40):
        server.chat(f"question {number} [tokens 300]")
    server.stop()
    path = tmp_path / "cache.db"
    data = bytearray(path.read_bytes())
    if damage == "noise":
        data = bytearray(random.Random(1).randbytes(len(data)))
    elif damage == "truncated":
        data = data[:len(data) // 2 + 100]
    else:
        data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)
    server = start()
    assert server.chat("after the damage").cache == "MISS"
    assert server.chat("after the damage").cache == "HIT"
    server.stop()
    aside = [file for file in tmp_path.iterdir() if ".damaged-" in file.name and not file.name.endswith(("-wal", "-shm"))]
    assert len(aside) == 1 and aside[0].read_bytes() == bytes(data)
    assert aside[0].name in server.errors


def test_a_database_of_a_newer_version_is_left_alone(tmp_path, start):
    server = start()
    server.chat("hello")
    server.stop()
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute("INSERT INTO grdb_migrations VALUES ('99 from the future')")
    database.close()
    before = (tmp_path / "cache.db").read_bytes()
    server = start()
    assert server.chat("hello").cache == "MISS" and server.chat("hello").cache == "HIT"
    assert b"newer version" in server.request("GET", "/readyz").body
    server.stop()
    assert "newer version" in server.errors
    assert (tmp_path / "cache.db").read_bytes() == before


def test_an_export_comes_back_whole(tmp_path, start):
    """Exported, flushed, imported: the same answers to the same clients, exactly and by meaning; a cut export goes on."""
    server = start()
    plain = server.chat("How do I reset my password?")
    streamed = server.chat("tell me more", stream=True)
    for number in range(30):
        server.chat(f"filler {number}")
    file = tmp_path / "export.jsonl"
    done = server.run("export", str(file))
    assert done.returncode == 0 and "32 entries exported" in done.stderr, done.stderr
    whole = file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    file.write_text(whole[:len(whole) * 2 // 3])
    done = server.run("export", "--resume", str(file))
    assert done.returncode == 0 and file.read_text() == whole, done.stderr

    assert server.run("import", str(file)).stdout.startswith("0 imported, 32 already there")
    assert server.run("flush", "--all", "--yes").returncode == 0
    assert server.stats["entries"] == 0
    done = server.run("import", str(file))
    assert done.returncode == 0 and done.stdout.startswith("32 imported, 0 already there"), done.stdout + done.stderr
    assert server.chat("How do I reset my password?").body == plain.body
    assert server.chat("tell me more", stream=True).body == streamed.body
    assert server.reworded("How can I reset my password?").headers["X-Cache-Match"] == "semantic"
    assert [line["id"] for line in exported(server)] == [json.loads(line)["id"] for line in whole.splitlines()]

    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": 1}\n' + whole.splitlines()[0] + "\nnonsense\n")
    done = server.run("import", str(broken))
    assert done.returncode == 65 and "broken.jsonl:1:" in done.stderr and "broken.jsonl:3:" in done.stderr
    assert done.stdout.startswith("0 imported, 1 already there, 0 expired, 2 failed")
    some = server.run("export", "--matching", "filler 1", "-")
    assert len(some.stdout.splitlines()) == 11


def test_an_export_that_finds_no_proxy_keeps_the_former_one(tmp_path, start):
    server = start()
    server.chat("hello")
    file = tmp_path / "export.jsonl"
    assert server.run("export", str(file)).returncode == 0
    whole = file.read_text()
    server.stop()
    assert server.run("export", str(file)).returncode == 69
    assert whole and file.read_text() == whole


def test_flush_by_meaning(start):
    server = start()
    for prompt in ["How do I reset my password?", "Where do I find my invoices?", "What is the capital of France?"]:
        server.chat(prompt)
    counted = server.run("flush", "--similar-to", "How can I reset my password?", "--threshold", "0.9", "--dry-run")
    assert counted.stdout == "1 entries would be removed\n", counted.stdout + counted.stderr
    assert server.run("flush", "--similar-to", "How can I reset my password?", "--threshold", "0.9").stdout == "1 entries removed\n"
    assert server.chat("What is the capital of France?").cache == "HIT"
    assert server.chat("How do I reset my password?").cache == "MISS"


def test_the_file_of_a_gptcache_comes_in(start):
    server = start()
    file = ROOT / "Tests/Fixtures/gptcache-0.1.44.db"
    done = server.run("import", "--from", "gptcache", str(file), "--model", "stand-in")
    assert done.returncode == 0 and done.stdout.startswith("3 imported, 0 already there, 0 expired, 0 failed, 1 skipped"), done.stdout + done.stderr
    answer = server.chat("What is the capital of France?")
    assert answer.cache == "HIT" and answer.json["choices"][0]["message"]["content"] == "Paris."
    assert server.run("import", "--from", "gptcache", str(file)).returncode == 64
    assert server.run("import", "--from", "gptcache", str(ROOT / "README.md"), "--model", "m").returncode == 65


def test_memory_and_disk_stay_within_their_limits(tmp_path, start):
    server = start(config="cache:\n  max_memory: 8MiB\n  max_disk: 8MiB\n")
    for number in range(300):
        assert server.chat(f"question {number} [tokens 8000]").status == 200
    stats = server.stats
    assert stats["memory_bytes"] <= 8 << 20
    assert stats["evictions"]["capacity"] > 0 and stats["entries"] > 10
    wait_for(lambda: server.stats["store"]["queue"] == 0, what="the queue to empty")
    # Nothing is written any more: the log is folded all the same, and what the file has too much of is given back.
    wait_for(lambda: server.stats["disk_bytes"] <= 8 << 20, what="the files to come within their limit")
    wait_for(lambda: (tmp_path / "cache.db-wal").stat().st_size == 0, what="the log's folding")
    stats = server.stats
    assert stats["disk_bytes"] <= 8 << 20 and stats["memory_bytes"] <= 8 << 20
    assert stats["store"]["dropped"] == sum(stats["not_written"].values())
    # What is there is whole, and no more is told than there is.
    assert stats["entries"] - stats["store"]["dropped"] <= len(exported(server)) <= stats["entries"]


def test_what_the_queue_drops_is_told_with_its_reason(start):
    # The timer never rings: what is written is written because the queue is half full.
    server = start(config="store:\n  flush_interval: 1h\n  queue_limit: 10\n")
    for number in range(40):
        assert server.chat(f"question {number}").status == 200
    stats = server.stats
    assert stats["store"]["queue"] <= 10 and set(stats["not_written"]) <= {"queue-limit"}
    assert stats["store"]["dropped"] == sum(stats["not_written"].values())
    metrics = server.request("GET", "/metrics").body.decode()
    for reason in ("queue-limit", "queue-bytes"):
        assert f'reprise_store_dropped_entries_total{{reason="{reason}"}} {stats["not_written"].get(reason, 0)}' in metrics


def test_a_lower_limit_makes_the_file_smaller(tmp_path, start):
    server = start()
    for number in range(400):
        assert server.chat(f"question {number} [tokens 8000]").status == 200
    assert server.stop() == 0
    file = tmp_path / "cache.db"
    assert file.stat().st_size > 10 << 20
    server = start(config="cache:\n  max_disk: 4MiB\n")
    wait_for(lambda: file.stat().st_size < 5 << 20, seconds=30, what="the file to shrink")
    # Room is made in steps, look by look: between two reads another may be taken.
    wait_for(lambda: len(exported(server)) == server.stats["entries"], seconds=30, what="what is left to be whole")
    assert server.stats["entries"] > 10 and server.stats["disk_bytes"] < 16 << 20
    # And the store goes on: while room is still being made what is new may be what goes.
    assert server.chat("one more").cache == "MISS"
    wait_for(lambda: server.chat("one more").cache == "HIT", what="a new answer to stay")


def test_a_snapshot_that_cannot_be_written_is_told(tmp_path, start):
    server = start(config="store:\n  snapshot_interval: 70ms\n")

    def part():
        return server.request("GET", "/readyz").json["parts"]["snapshot"]

    assert part() == "ready"
    # Where the file would be begun there is something else.
    (tmp_path / "cache.db-index.new").mkdir()
    assert server.chat("What is the capital of France?").cache == "MISS"
    wait_for(lambda: part().startswith("degraded: "), what="the fault to be told")
    assert "cannot be made" in server.stats["store"]["snapshot_fault"]
    assert server.request("GET", "/readyz").status == 200 and server.chat("What is the capital of France?").cache == "HIT"
    (tmp_path / "cache.db-index.new").rmdir()
    wait_for(lambda: part() == "ready", what="the fault to end")
    assert "snapshot_fault" not in server.stats["store"] and (tmp_path / "cache.db-index").exists()
