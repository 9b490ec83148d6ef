"""Exact hits a second, as a share of what nginx serves of the same static answer, alternating in one run.

    python3 Benchmarks/exact_hit.py [ROUNDS] [SECONDS]      bar: at least 0.20
"""

import re
import statistics
import subprocess
import sys

from rig import COMPLETION, Client, Rig, machine, need, row

PROMPT = "How do I reset my password on the website?"


def wrk(url, script, seconds):
    printed = subprocess.run([need("wrk", "wrk"), "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", script, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in printed:
        sys.exit(printed)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), re.search(r"99%\s+(\S+)", printed)[1]


def main(rounds=5, seconds=5):
    with Rig() as rig:
        nginx = rig.nginx()
        _, proxy = rig.proxy(nginx + "/v1")
        client = Client(proxy)
        client.timed(PROMPT)
        assert client.timed(PROMPT)[1]["X-Cache-Match"] == "exact"
        script = rig.folder + "/post.lua"
        with open(script, "w") as file:
            file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n')
            file.write(f'wrk.body = [[{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "{PROMPT}"}}]}}]]\n')
        url = "/v1/chat/completions"
        wrk(proxy + url, script, 1)
        print(f"exact hits, wrk -t1 -c32, {rounds} rounds of {seconds} s each, answer of {len(COMPLETION)} bytes; {machine()}\n")
        row("round", "nginx req/s", "reprise req/s", "ratio", "reprise p99")
        row(*["---"] * 5)
        ratios = []
        for number in range(rounds):
            reference, _ = wrk(nginx + url, script, seconds)
            ours, tail = wrk(proxy + url, script, seconds)
            ratios.append(ours / reference)
            row(number + 1, f"{reference:.0f}", f"{ours:.0f}", f"{ratios[-1]:.3f}", tail)
        print(f"\nmedian ratio {statistics.median(ratios):.3f} (bar 0.20)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
