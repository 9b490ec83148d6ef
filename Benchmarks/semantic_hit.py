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


# By default a candidate that passed the guards is also read by the verifier, a second and longer run of a model.
CONFIGURATIONS = {
    "default": "{}\n",
    "without the verifier": "matching: {verifier: off}\n",
    "threshold": "matching: {mode: threshold}\n",
}


def question(verb, thing, place, owner, number):
    return f"How do I {verb} the {owner} {thing} of {number} on the {place}?"


def main(entries=10_000, questions=500):
    chooser = random.Random(7)
    names = [f"{first}{second}" for first in ("alpha", "bravo", "delta", "gamma") for second in ("wood", "field", "stone", "brook", "ridge", "vale")]
    grid = [(v, t, p, o, n) for v in VERBS for t in THINGS for p in PLACES for o in OWNERS for n in names[:1]]
    chooser.shuffle(grid)
    grid = (grid + [(v, t, p, o, names[1 + i % (len(names) - 1)]) for i, (v, t, p, o, _) in enumerate(grid)])[:entries]
    chosen = chooser.sample(grid, questions)
    print(f"{entries} entries in one scope, {questions} reworded questions of 12 words; {machine()}\n")
    row("configuration", "hits", "", "p50 ms", "p95 ms", "p99 ms")
    row(*["---"] * 6)
    for label, settings in CONFIGURATIONS.items():
        measure(label, settings, grid, chosen)
    print("\nbar: p50 of a semantic hit under 6 ms")


def measure(label, settings, grid, chosen):
    with Rig() as rig:
        _, upstream = rig.stand_in()
        with open(rig.folder + "/bench.yaml", "w") as file:
            file.write(settings)
        _, proxy = rig.proxy(upstream, "--config", "bench.yaml")
        client = Client(proxy)
        for start in range(0, len(grid), 500):
            lines = "".join(json.dumps({"prompt": question(*g), "answer": f"Answer {start + i}.", "model": "gpt-4o-mini"}) + "\n" for i, g in enumerate(grid[start:start + 500]))
            report = client.post("/cache/warm", lines, "application/x-ndjson")
            assert report["failed"] == 0, report
        times = []
        for verb, thing, place, owner, number in chosen:
            milliseconds, headers = client.timed(f"How can I {verb} the {owner} {thing} of {number} on the {place}?")
            if headers["X-Cache-Match"] == "semantic":
                times.append(milliseconds)
        exact = [client.timed(question(*g))[0] for g in chosen]
        client.connection.request("GET", "/cache/stats")
        stats = json.loads(client.connection.getresponse().read())
        if not times:
            # Without labels of its own and without a verifier the gate may let nothing out yet.
            return row(label, 0, "no semantic hit on day one", "", "", "")
        row(label, len(times), "semantic hit", *(f"{value:.2f}" for value in quantiles(times)))
        for stage in ("embed", "search", "decide"):
            row("", "", f"of it: {stage}", *(f"{stats['latency_ms'][stage][name]:.2f}" for name in ("p50", "p95", "p99")))
        row("", "", "exact hit", *(f"{value:.2f}" for value in quantiles(exact)))
        row("", "", "semantic / exact", f"{quantiles(times)[0] / quantiles(exact)[0]:.1f}", "", "")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
