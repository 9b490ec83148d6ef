"""Reworded questions of 12 words against 10,000 entries in one scope: time to the whole answer, the embedding included.

    python3 Benchmarks/semantic_hit.py [ENTRIES] [QUESTIONS]      bar: p50 under 6 ms
"""

import json
import random
import sys

from rig import Client, Rig, machine, quantiles, row

VERBS = "reset change update recover rename export archive restore share print".split()
THINGS = "password address invoice calendar profile contract photo report playlist recipe".split()
PLACES = "website phone tablet laptop dashboard portal kiosk terminal browser console".split()
OWNERS = "personal company family student premium guest admin shared regional archived".split()


def question(verb, thing, place, owner, number):
    return f"How do I {verb} the {owner} {thing} of {number} on the {place}?"


def main(entries=10_000, questions=500):
    chooser = random.Random(7)
    names = [f"{first}{second}" for first in ("alpha", "bravo", "delta", "gamma") for second in ("wood", "field", "stone", "brook", "ridge", "vale")]
    grid = [(v, t, p, o, n) for v in VERBS for t in THINGS for p in PLACES for o in OWNERS for n in names[:1]]
    chooser.shuffle(grid)
    grid = (grid + [(v, t, p, o, names[1 + i % (len(names) - 1)]) for i, (v, t, p, o, _) in enumerate(grid)])[:entries]
    with Rig() as rig:
        _, upstream = rig.stand_in()
        _, proxy = rig.proxy(upstream)
        client = Client(proxy)
        for start in range(0, len(grid), 500):
            lines = "".join(json.dumps({"prompt": question(*g), "answer": f"Answer {start + i}.", "model": "gpt-4o-mini"}) + "\n" for i, g in enumerate(grid[start:start + 500]))
            report = client.post("/cache/warm", lines, "application/x-ndjson")
            assert report["failed"] == 0, report
        times, hits = [], 0
        chosen = chooser.sample(grid, questions)
        for verb, thing, place, owner, number in chosen:
            prompt = f"How can I {verb} the {owner} {thing} of {number} on the {place}?"
            milliseconds, headers = client.timed(prompt)
            if headers["X-Cache-Match"] == "semantic":
                hits += 1
                times.append(milliseconds)
        exact = [client.timed(question(*g))[0] for g in chosen]
        client.connection.request("GET", "/cache/stats")
        stats = json.loads(client.connection.getresponse().read())
        print(f"{entries} entries in one scope, {questions} reworded questions of 12 words, {hits} semantic hits; {machine()}\n")
        row("", "p50 ms", "p95 ms", "p99 ms")
        row(*["---"] * 4)
        row("semantic hit", *(f"{value:.2f}" for value in quantiles(times)))
        row("exact hit", *(f"{value:.2f}" for value in quantiles(exact)))
        for stage in ("embed", "search"):
            row(f"of it: {stage}", *(f"{stats['latency_ms'][stage][name]:.2f}" for name in ("p50", "p95", "p99")))
        print(f"\nsemantic p50 is {quantiles(times)[0] / quantiles(exact)[0]:.1f} times the exact p50 (bar: p50 under 6 ms); memory {stats['memory_bytes'] / 1e6:.1f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
