"""How long a decision takes: guards, features and gate with eight candidates, without the verifier, on labelled pairs.

    python3 Benchmarks/decision.py PAIRS.jsonl      bar: p50 under 100 us
"""

import subprocess
import sys

from rig import machine, program


def main(*files):
    print(machine())
    run = subprocess.run([program(), "evaluate", "--timing", "--verifier", "off", *files], text=True, check=True, capture_output=True)
    print(run.stdout, end="")
    print("bar: p50 under 100 us")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
