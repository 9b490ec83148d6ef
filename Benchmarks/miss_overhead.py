"""What the proxy adds to a miss: the same new question asked of the upstream directly and through the proxy, in turn.

    python3 Benchmarks/miss_overhead.py [PAIRS]      bar: p50 under 1 ms without the look-up by meaning, which a miss must pay for as well
"""

import sys

from rig import Client, Rig, machine, quantiles, row


def measure(rig, upstream, pairs, *arguments, label):
    _, proxy = rig.proxy(upstream + "/v1", *arguments, store=":memory:")
    direct, through = Client(upstream), Client(proxy)
    added, base, misses = [], [], 0
    for number in range(pairs + 50):
        prompt = f"Question number {number} about something that was never asked before"
        first, _ = direct.timed(prompt)
        second, headers = through.timed(prompt)
        if number >= 50:
            base.append(first)
            added.append(second - first)
            misses += headers["X-Cache"] in ("MISS", "BYPASS")
    assert misses == pairs
    row(label, f"{quantiles(base)[0]:.3f}", *(f"{value:.3f}" for value in quantiles(added)))


def main(pairs=1000):
    with Rig() as rig:
        upstream = rig.nginx()
        with open(rig.folder + "/exact.yaml", "w") as file:
            file.write("matching: {mode: exact}\n")
        with open(rig.folder + "/off.yaml", "w") as file:
            file.write("cache: {enabled: false}\n")
        print(f"added time of a miss over asking nginx directly, {pairs} pairs; {machine()}\n")
        row("configuration", "direct p50 ms", "added p50 ms", "added p95 ms", "added p99 ms")
        row(*["---"] * 5)
        measure(rig, upstream, pairs, "--config", "off.yaml", label="cache off: pass-through")
        measure(rig, upstream, pairs, "--config", "exact.yaml", label="exact tier")
        measure(rig, upstream, pairs, label="exact and semantic tier (embeds every miss)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
