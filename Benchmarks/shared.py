"""What a shared tier costs and gives, on real engines: each figure beside the same of a proxy without one, in the same run and by turns.

    python3 Benchmarks/shared.py [redis] [postgres] [--entries 2000] [--rounds 400]

Bars: local hits and misses that do not ask within 3 % of without; a miss p50 0.5 ms above; a shared exact hit 1 ms above a local one, a shared rewording 1.5 ms.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from rig import ROOT, Client, Rig, machine, quantiles, row

STARTERS = {"redis": "redis_search.py", "postgres": "postgres.py"}
KEYS = {"REPRISE_TENANCY_KEY": "a tenancy key of the benchmark", "REPRISE_KEY": "an encryption key of the benchmark"}


class Engine:
    def __init__(self, kind):
        # Below /tmp, where the user that PostgreSQL runs as gets to.
        self.folder = tempfile.mkdtemp(prefix="reprise-engine-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.data, self.script = self.folder + "/data", str(ROOT / "Tests/Engines" / STARTERS[kind])
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "reprise/engines/packages"
        printed = subprocess.run([sys.executable, self.script, "start", "--data", self.data, "--packages", str(cache)], check=True, capture_output=True, text=True)
        port = json.loads(printed.stdout)["port"]
        self.url = f"redis://127.0.0.1:{port}" if kind == "redis" else f"postgres://reprise@127.0.0.1:{port}/postgres"

    def stop(self):
        subprocess.run([sys.executable, self.script, "stop", "--data", self.data, "--wipe"], check=False, capture_output=True)


def configuration(rig, name, kind=None, url=None):
    path = f"{rig.folder}/{name}.yaml"
    shared = f"shared: {{kind: {kind}, url: '{url}', lookup_timeout: 500ms}}\n" if kind else ""
    with open(path, "w") as file:
        file.write("tenancy: {key_env: REPRISE_TENANCY_KEY}\nstore: {encryption_key_env: REPRISE_KEY}\nmatching: {mode: threshold, threshold: 0.8}\n" + shared)
    return path


def match(headers):
    return headers.get("X-Cache-Match") or headers.get("X-Cache"), headers.get("X-Cache-Tier")


def waiting(client):
    client.connection.request("GET", "/cache/stats")
    return json.loads(client.connection.getresponse().read())["shared"]["waiting"]


def measure(kind, entries, rounds):
    engine = Engine(kind)
    try:
        with Rig() as rig:
            _, upstream = rig.stand_in()
            first, second, alone = (
                Client(rig.proxy(upstream, "--config", configuration(rig, name, *tier), store=f"{name}.db", environment=KEYS)[1])
                for name, tier in (("first", (kind, engine.url)), ("second", (kind, engine.url)), ("alone", ())))
            question = "How do I change the {} of my account number {}?".format
            for number in range(entries):
                first.timed(question("address", number))
            end = time.monotonic() + 120
            while waiting(first) and time.monotonic() < end:
                time.sleep(0.2)
            for number in range(rounds):
                alone.timed(question("address", number))
            time.sleep(2)
            samples, seen = {}, {}

            def take(name, client, prompt):
                took, headers = client.timed(prompt)
                samples.setdefault(name, []).append(took)
                found = match(headers)
                seen.setdefault(name, {}).setdefault(found, 0)
                seen[name][found] += 1

            for number in range(rounds):
                # The second proxy has none of them: the first time each comes from the engine, then from itself.
                take("exact, shared", second, question("address", number))
                take("exact, local, with the tier", second, question("address", number))
                take("exact, local, without", alone, question("address", number))
            for number in range(rounds):
                other = "How can I change the address of my account number {}?".format
                take("rewording, shared", second, other(rounds + number)) if rounds + number < entries else None
                take("rewording, local, without", alone, other(number))
            for number in range(rounds):
                take("miss, with the tier", second, f"a question that nobody asked before, {number} of this kind")
                take("miss, without", alone, f"a question that nobody asked before, {number} of this kind")
            print(f"\n## {kind}, {entries} entries in one scope; {machine()}\n")
            row("what", "p50 ms", "p95 ms", "p99 ms", "above the last of its kind, p50", "answered by")
            row(*["---"] * 6)
            base = {"exact": "exact, local, without", "rewording": "rewording, local, without", "miss": "miss, without"}
            for name, values in samples.items():
                above = quantiles(values)[0] - quantiles(samples[base[name.split(",")[0]]])[0]
                found = ", ".join(f"{count} {' '.join(filter(None, what))}" for what, count in sorted(seen[name].items(), key=str))
                row(name, *(f"{value:.3f}" for value in quantiles(values)), f"{above:+.3f}", found)
    finally:
        engine.stop()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("kinds", nargs="*", choices=list(STARTERS) + [[]])
    options.add_argument("--entries", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=400)
    chosen = options.parse_args()
    for each in chosen.kinds or list(STARTERS):
        measure(each, chosen.entries, chosen.rounds)
