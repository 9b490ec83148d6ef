"""Reading two prompts of 12 words together beside embedding one of them, on one thread each.

On a request's path the embedder has read both, the asked one just now and the cached one when it came; after a restart, or when it was pushed out of
matching.verifier_memory, the cached one is read once more.

    python3 Benchmarks/verifier.py      bar: p50 under 5 ms

Runs the measuring test of the embedding room in a release build, because the verifier has no command of its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = ["swift", "test", "-c", "release", "-Xswiftc", "-enable-testing", "--disable-index-store", "--filter", "OnnxVerifierTests/timeOfOnePair"]


def main():
    run = subprocess.run(COMMAND, cwd=ROOT, env={**os.environ, "REPRISE_BENCH": "1"}, capture_output=True, text=True)
    found = {name: (float(p50), float(p95)) for name, p50, p95 in re.findall(r"BENCH (\w+) (\S+) (\S+)", run.stdout)}
    if set(found) != {"verify", "read-and-verify", "embed"}:
        sys.exit(run.stdout[-2000:] + run.stderr[-2000:])
    print("| | p50 ms | p95 ms |\n| --- | --- | --- |")
    for name, label in (("verify", "verify a pair"), ("read-and-verify", "the same, neither read before"), ("embed", "embed one prompt")):
        print(f"| {label} | {found[name][0]:.2f} | {found[name][1]:.2f} |")
    print(f"\na pair costs {found['verify'][0] / found['embed'][0]:.2f} times an embedding at the median (bar: p50 under 5 ms)")


if __name__ == "__main__":
    main()
