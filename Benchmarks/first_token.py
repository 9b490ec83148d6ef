"""When the first token of a streamed miss reaches the client, against the upstream directly, in turn.

    python3 Benchmarks/first_token.py [PAIRS]      bar: within 5 ms
"""

import sys
import time

from rig import Client, Rig, machine, quantiles, row


def first_token(client, prompt):
    started = time.perf_counter()
    response = client.chat(prompt, stream=True)
    first = None
    while data := response.read1(65536):
        first = first or (time.perf_counter() - started) * 1000
        if b'"content": "(' in data and first is None:
            break
    return first


def main(pairs=300):
    with Rig() as rig:
        _, upstream = rig.stand_in("--delay", "0.01", "--token-delay", "0.001")
        _, proxy = rig.proxy(upstream)
        direct, through = Client(upstream), Client(proxy)
        base, added = [], []
        for number in range(pairs + 20):
            prompt = f"Story number {number} about a small town by the sea and its people"
            first, second = first_token(direct, prompt), first_token(through, prompt)
            if number >= 20:
                base.append(first)
                added.append(second - first)
        print(f"first token of a streamed miss, {pairs} pairs; {machine()}\n")
        row("", "p50 ms", "p95 ms", "p99 ms")
        row(*["---"] * 4)
        row("direct", *(f"{value:.2f}" for value in quantiles(base)))
        row("added by the proxy", *(f"{value:.2f}" for value in quantiles(added)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
