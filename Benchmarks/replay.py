"""A recorded stream given back at once, to its last byte, beside the same bytes read from an upstream that sends them at once.

    python3 Benchmarks/replay.py [REPLAYS] [TOKENS]      bar: p50 under 2 ms for 2,000 tokens
"""

import sys
import time

from rig import ROOT, Client, Rig, machine, quantiles, row


def timed(client, prompt, **more):
    started = time.perf_counter()
    response = client.chat(prompt, stream=True, **more)
    size = 0
    while data := response.read1(1 << 20):
        size += len(data)
    response.read()  # Which tells the client that the response is over.
    return (time.perf_counter() - started) * 1000, size, response.headers


def main(replays=300, tokens=2000):
    with Rig() as rig:
        _, upstream = rig.start([sys.executable, str(ROOT / "Benchmarks/stream_source.py")])
        with open(rig.folder + "/exact.yaml", "w") as file:
            file.write("matching: {mode: exact}\ncache: {max_answer: 64MiB}\n")
        _, proxy = rig.proxy(upstream, "--config", "exact.yaml")
        direct, through = Client(upstream), Client(proxy)
        prompt, counted = f"[at once] a story [tokens {tokens}]", f"[at once] a story that was counted [tokens {tokens}]"
        usage = {"stream_options": {"include_usage": True}}
        timed(through, prompt)
        timed(through, counted, **usage)
        kinds = {"replayed as recorded": (prompt, {}), "recorded with usage, replayed with it": (counted, usage),
                 "recorded with usage, replayed without": (counted, {})}
        samples = {name: [] for name in ["from the upstream at once", *kinds]}
        for _ in range(replays):
            took, size, _ = timed(direct, prompt)
            samples["from the upstream at once"].append(took)
            for name, (asked, more) in kinds.items():
                took, replayed, headers = timed(through, asked, **more)
                assert headers["X-Cache"] == "HIT" and (replayed > size) == bool(more)
                samples[name].append(took)
        print(f"{tokens} tokens, {size} bytes, {replays} replays; {machine()}\n")
        row("", "p50 ms", "p95 ms", "p99 ms")
        row(*["---"] * 4)
        for name, values in samples.items():
            row(name, *(f"{value:.2f}" for value in quantiles(values)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
