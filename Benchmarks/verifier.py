"""Reading two prompts of 10 to 14 words together beside embedding one of them, on one thread each.

On a request's path the embedder has read both, the asked one just now and the cached one when it came; after a restart, or when it was pushed out of
matching.verifier_memory, the cached one is read once more.

    python3 Benchmarks/verifier.py [PAIRS.jsonl]      bar: p50 under 5 ms
"""

import re
import subprocess
import sys

from rig import ROOT, machine, program


def main(pairs=ROOT / "Tests/Fixtures/Matching/minimal_pairs.jsonl"):
    print(machine() + "\n")
    run = subprocess.run([program(), "evaluate", "--timing", "--verifier", "all", str(pairs)], text=True, check=True, capture_output=True)
    line = next(line for line in run.stdout.splitlines() if "embed one" in line)
    found = {name: (float(p50), float(p95)) for name, p50, p95 in re.findall(r"([a-z ]+) p50 (\S+) p95 (\S+) ms", line)}
    found = {name.strip(): times for name, times in found.items()}
    print("| | p50 ms | p95 ms |\n| --- | --- | --- |")
    for name, label in (("embed one", "embed one prompt"), ("verify both", "verify a pair"), ("read and verify both", "the same, neither read before")):
        print(f"| {label} | {found[name][0]:.2f} | {found[name][1]:.2f} |")
    print(f"\na pair costs {found['verify both'][0] / found['embed one'][0]:.2f} times an embedding at the median (bar: p50 under 5 ms)")


if __name__ == "__main__":
    main(*sys.argv[1:])
