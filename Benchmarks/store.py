"""The store under load: entries a second that come in with their vectors, bytes written to the disk for each byte that comes in, and how long a
request waits at most while many entries expire in one second.

    python3 Benchmarks/store.py [ENTRIES]        100,000 by default; the release program
"""

import base64
import json
import random
import sys
import time

from rig import Client, Rig, machine, quantiles, row
from start import CONFIG, QUESTION, call, stats, vectors


def main(entries=100_000):
    with Rig() as rig:
        _, upstream = rig.stand_in()
        with open(rig.folder + "/bench.yaml", "w") as file:
            file.write(CONFIG)
        process, base = rig.proxy(upstream, "--config", "bench.yaml")
        call(base, "POST", "/v1/chat/completions", QUESTION)
        while stats(base)["matching"]["searchable"] < 1:
            time.sleep(0.1)
        line = json.loads(call(base, "GET", "/cache/export")[1].splitlines()[0])
        call(base, "POST", "/cache/flush", {"all": True})
        call(base, "POST", "/v1/chat/completions", QUESTION)
        print(f"{entries} entries; {machine()}\n")
        row("what", "measured", "bar")
        row(*["---"] * 3)

        chooser = random.Random(2)
        # All of them end at one moment, far enough away for the last to come in before it.
        ends = int((time.time() + 30 + entries / 500) * 1000)
        pages, came_in, page = [], 0, []
        for number, vector in enumerate(vectors(entries)):
            line.update(id=f"{int(line['id'], 16) + 1:016x}", key=chooser.randbytes(32).hex(), query=f"What does the handbook say on subject {chooser.getrandbits(40):x}?",
                        vector=base64.b64encode(vector).decode(), expires_at=ends)
            came_in += len(line["query"]) + len(line["body"]["text"]) + len(vector) + 96
            page.append(json.dumps(line))
            if len(page) == 1000 or number == entries - 1:
                pages.append("\n".join(page) + "\n")
                page = []
        before = written(process)
        started = time.monotonic()
        client = Client(base)
        for page in pages:
            report = client.post("/cache/import", page, "application/x-ndjson")
            assert report["failed"] == 0, report
        took = time.monotonic() - started
        time.sleep(1)
        row("entries a second, with their vectors, over HTTP to the disk", f"{entries / took:.0f}", "2000")
        row("bytes written by bytes that came in", f"{(written(process) - before) / came_in:.2f}", "")
        now = stats(base)
        row("bytes on the disk by bytes that came in", f"{now['disk_bytes'] / came_in:.2f}", "")

        def ask(seconds):
            times, end = [], time.monotonic() + seconds
            while time.monotonic() < end:
                times.append(client.timed("How do I reset the password of my account?")[0])
            return times

        client.timed("How do I reset the password of my account?")
        quiet = ask(5)
        left = ends / 1000 - time.time()
        assert left > 0, "the entries ended while they came in: name fewer"
        time.sleep(max(0, left - 1))
        # The connection was idle for longer than the proxy keeps one.
        client = Client(base)
        busy, expired = [], 0
        while stats(base)["entries"] > 5:
            busy += ask(0.5)
        expired = stats(base)["evictions"]["expired"]
        assert expired >= entries, expired
        busy += ask(3)
        for label, times in [("before", quiet), (f"while {expired} expire", busy)]:
            p50, _, p99 = quantiles(times)
            row(f"exact hits {label}: p50, p99, slowest ms", f"{p50:.2f}, {p99:.2f}, {max(times):.2f}", "slowest 5 more than before" if times is busy else "")


def written(process):
    with open(f"/proc/{process.pid}/io") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("write_bytes"))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
