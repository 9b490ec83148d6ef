"""Recording a stream takes time in proportion to its length: per event, a long one beside a short one and beside the upstream itself.

    python3 Benchmarks/long_stream.py [ROUNDS] [EVENTS]      bar: per event within 1.5 times of a stream of a tenth of the length
"""

import statistics
import sys

from replay import timed
from rig import ROOT, Client, Rig, machine, row


def resident(process):
    with open(f"/proc/{process.pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) / 1024


def main(rounds=5, events=50_000):
    with Rig() as rig:
        _, upstream = rig.start([sys.executable, str(ROOT / "Benchmarks/stream_source.py")])
        with open(rig.folder + "/exact.yaml", "w") as file:
            file.write("matching: {mode: exact}\ncache: {max_answer: 256MiB}\n")
        process, proxy = rig.proxy(upstream, "--config", "exact.yaml")
        direct, through = Client(upstream), Client(proxy)
        lengths = [events // 10, events]
        took = {(length, kind): [] for length in lengths for kind in ("direct", "recorded", "replayed", "as one answer")}
        for number in range(rounds):
            for length in lengths:
                prompt = f"story {number} [tokens {length}]"
                took[length, "direct"].append(timed(direct, prompt)[0])
                milliseconds, size, headers = timed(through, prompt)
                assert headers["X-Cache"] == "MISS"
                took[length, "recorded"].append(milliseconds)
                milliseconds, again, headers = timed(through, prompt)
                assert headers["X-Cache"] == "HIT" and again == size
                took[length, "replayed"].append(milliseconds)
                took[length, "as one answer"].append(through.timed(prompt)[0])
        print(f"{rounds} rounds; {machine()}\n")
        row("microseconds an event (median)", *(f"{length} events" for length in lengths), "ratio")
        row(*["---"] * 4)
        for kind in ("direct", "recorded", "replayed", "as one answer"):
            short, long = (statistics.median(took[length, kind]) * 1000 / length for length in lengths)
            row(kind, f"{short:.2f}", f"{long:.2f}", f"{long / short:.2f}")
        over = statistics.median(took[events, "recorded"]) / statistics.median(took[events, "direct"])
        print(f"\nrecorded beside direct, {events} events: {over:.2f}; most memory {resident(process):.0f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
