"""How a start with many entries goes: time until the proxy answers, until exact repeats hit, until every entry is in reach of rewordings; with a
snapshot of the index and without; memory an entry.

    python3 Benchmarks/start.py             1,000,000 entries in one scope; some 20 minutes, 5 GB of disk and 3 GB of memory
    python3 Benchmarks/start.py 50000       as many as named
    python3 Benchmarks/start.py 1000000 --scopes 200000      spread over so many scopes

The store is filled by SQL with copies of one real entry: other ids, keys, questions and vectors.
"""

import argparse
import array
import http.client
import json
import os
import random
import sqlite3
import sys
import time

from rig import Rig, machine, row

ANSWER = "Open the sign-in page, choose Forgot password, and follow the link that arrives by e-mail. " * 4
QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How do I reset the password of my account?"}]}
CONFIG = "cache: {max_entries: 5000000, max_memory: 16GiB, max_disk: 64GiB, ttl: 30d}\nlog: {level: notice}\n"


def call(base, method, path, body=None):
    host = base.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response, data


def stats(base):
    return json.loads(call(base, "GET", "/cache/stats")[1])


def vectors(count):
    """Unit vectors, as bytes of float32."""
    chooser = random.Random(1)
    pool = []
    for _ in range(3000):
        values = [chooser.gauss(0, 1) for _ in range(384)]
        length = sum(value * value for value in values) ** 0.5
        pool.append(array.array("f", (value / length for value in values)).tobytes())
    for number in range(count):
        # Turned round by some components: another vector of the same length.
        vector, shift = pool[number % len(pool)], 4 * (number // len(pool) % 384)
        yield vector[shift:] + vector[:shift]


def fill(path, entries, scopes):
    """Copies of the one row that is there, with ids below its own, so that it is read last."""
    chooser = random.Random(1)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        columns = [name for _, name, *_ in database.execute("PRAGMA table_info(entries)")]
        model = dict(zip(columns, database.execute("SELECT * FROM entries").fetchone()))
        answer = database.execute("SELECT * FROM answers").fetchone()
        base = model["id"] - entries - 1

        def rows():
            for number in range(entries):
                entry = base + number
                changed = {
                    "id": entry, "key": chooser.randbytes(32), "answer_id": entry, "query": f"What does the handbook say on subject {chooser.getrandbits(40):x}?".encode(),
                    "scope": model["scope"] if scopes == 1 else (number % scopes).to_bytes(32, "little"),
                }
                yield tuple(changed.get(column, model[column]) for column in columns)

        database.executemany(f"INSERT INTO entries VALUES ({','.join('?' * len(columns))})", rows())
        database.executemany("INSERT INTO vectors VALUES (?, ?)", ((base + number, vector) for number, vector in enumerate(vectors(entries))))
        database.executemany(f"INSERT INTO answers VALUES ({','.join('?' * len(answer))})", ((base + number, *answer[1:]) for number in range(entries)))
    database.close()


def resident(process):
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def begin(rig, upstream, entries, label, empty, limit=3600):
    started = time.monotonic()
    process, base = rig.proxy(upstream, "--config", "bench.yaml")
    ready = time.monotonic() - started
    response, _ = call(base, "POST", "/v1/chat/completions", QUESTION)
    assert response.headers["X-Cache"] == "HIT" and response.headers["X-Cache-Match"] == "exact", response.headers["X-Cache"]
    hit = time.monotonic() - started
    print(f"{label}: ready {ready:.2f} s, first exact hit {hit:.2f} s", flush=True)
    read = linked = None
    told = started
    slowest = 0
    while time.monotonic() - started < limit:
        asked = time.monotonic()
        call(base, "POST", "/v1/chat/completions", QUESTION)
        slowest = max(slowest, time.monotonic() - asked)
        now = stats(base)
        if read is None and not now["store"]["restoring"]:
            read = time.monotonic() - started
        if read is not None and now["matching"]["unlinked"] == 0:
            linked = time.monotonic() - started
            break
        if time.monotonic() - told > 20:
            told = time.monotonic()
            print(f"  {told - started:4.0f} s: {now['store']['restored']} of {now['store']['stored']} read, {now['matching']['searchable']} searchable, {now['matching']['unlinked']} to be linked", flush=True)
        time.sleep(0.1)
    now = stats(base)
    assert now["entries"] == now["matching"]["searchable"] == entries + 1, now["entries"]
    memory = resident(process)
    row(label, f"{ready:.2f}", f"{hit:.2f}", f"{read:.1f}", f"{linked:.1f}" if linked else f"over {limit}", f"{slowest * 1000:.1f}", f"{memory / 2**20:.0f}",
        f"{(memory - empty) / entries:.0f}", f"{now['memory_bytes'] / entries:.0f}")
    return process


def end(process):
    started = time.monotonic()
    process.terminate()
    process.wait(timeout=300)
    return time.monotonic() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("entries", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--scopes", type=int, default=1)
    arguments = parser.parse_args()
    with Rig() as rig:
        _, upstream = rig.stand_in()
        store = rig.folder + "/bench.db"
        with open(rig.folder + "/bench.yaml", "w") as file:
            file.write(CONFIG)
        process, base = rig.proxy(upstream, "--config", "bench.yaml")
        call(base, "POST", "/v1/chat/completions", QUESTION)
        while stats(base)["matching"]["searchable"] < 1:
            time.sleep(0.1)
        empty = resident(process)
        end(process)
        os.unlink(store + "-index")
        started = time.monotonic()
        fill(store, arguments.entries, arguments.scopes)
        print(f"{arguments.entries} entries in {arguments.scopes} scopes written in {time.monotonic() - started:.0f} s: {os.path.getsize(store) / 2**20:.0f} MiB; {machine()}\n", flush=True)
        row("start", "ready s", "first exact hit s", "all read s", "all linked s", "slowest exact hit meanwhile ms", "resident MiB", "bytes an entry, resident", "as counted")
        row(*["---"] * 9)
        process = begin(rig, upstream, arguments.entries, "without a snapshot", empty)
        took = end(process)
        size = os.path.getsize(store + "-index")
        process = begin(rig, upstream, arguments.entries, "with one", empty)
        print(f"\nsnapshot: {size / 2**20:.0f} MiB, {size / arguments.entries:.0f} bytes an entry; shutdown with its writing {took:.1f} s, without {end(process):.1f} s")
        print("bar: ready and exact hits under 2 s, under 1,500 bytes an entry without its answer")


if __name__ == "__main__":
    sys.exit(main())
