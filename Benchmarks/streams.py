"""64 streams at once for a minute: memory over time, and every answer whole and its own.

    python3 Benchmarks/streams.py [SECONDS] [STREAMS]      bar: memory flat, nothing lost or mixed
"""

import hashlib
import json
import sys
import threading
import time

from rig import Client, Rig, machine, row


def resident(process):
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def main(seconds=60, streams=64):
    with Rig() as rig:
        _, upstream = rig.stand_in("--token-delay", "0.01")
        # A short life keeps the number of entries level, so that growth of memory is a leak and not the cache; and none after it, for when the
        # upstream fails.
        with open(rig.folder + "/short.yaml", "w") as file:
            file.write("cache: {ttl: 5s, stale_if_error: 0s}\nmatching: {mode: exact}\n")
        process, proxy = rig.proxy(upstream, "--config", "short.yaml")
        end = time.monotonic() + seconds
        counts = {"whole": 0, "lost": 0, "mixed": 0}
        lock = threading.Lock()

        def work(worker):
            client, number = Client(proxy), 0
            while time.monotonic() < end:
                number += 1
                messages = [{"role": "user", "content": f"stream {worker} number {number} [tokens 60]"}]
                expected = "(" + hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:6] + ")"
                try:
                    body = client.chat(messages[0]["content"], stream=True).read().decode()
                    events = [json.loads(line[6:]) for line in body.split("\n") if line.startswith("data: {")]
                    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
                    kind = "lost" if not body.endswith("data: [DONE]\n\n") or len(text.split()) != 60 else "whole" if text.startswith(expected) else "mixed"
                except OSError:
                    kind, client = "lost", Client(proxy)
                with lock:
                    counts[kind] += 1

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(streams)]
        for thread in threads:
            thread.start()
        samples = []
        while time.monotonic() < end:
            time.sleep(min(5, max(0.1, seconds / 12)))
            samples.append(resident(process))
        for thread in threads:
            thread.join()
        print(f"{streams} streams at once for {seconds} s; {machine()}\n")
        row("answers whole", "lost", "mixed", "memory MiB: first third", "last third", "ratio")
        row(*["---"] * 6)
        third = max(1, len(samples) // 3)
        # The first sample is left out: the program is still warming up.
        early, late = sum(samples[1:third + 1]) / third, sum(samples[-third:]) / third
        row(counts["whole"], counts["lost"], counts["mixed"], f"{early:.1f}", f"{late:.1f}", f"{late / early:.3f}")
        print("\nMiB over time: " + " ".join(f"{value:.0f}" for value in samples))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
