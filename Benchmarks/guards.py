"""What coalescing and limits cost an exact hit, and how many calls equal streams make.

Hits are counted with wrk on one connection pool, by turns against two proxies before the same upstream: one as it comes, and one with virtual keys (a
hundred clients, each with allowed models and a rate), tight limits on requests and calls, and a hundred equal streamed requests that wait, coalesced, for a
call under way.

    python3 Benchmarks/guards.py [ROUNDS] [SECONDS]      bars: ratio at least 0.95; 1 call
"""

import http.client
import json
import statistics
import sys
import threading
import time

from exact_hit import PROMPT, wrk
from rig import Client, Rig, machine, row

CLIENTS = 100


def configuration():
    clients = "".join(
        f'    client-{number}: {{key_env: KEY_{number}, models: ["gpt-?o-mini", "claude-?"], requests_per_minute: 1000000}}\n' for number in range(CLIENTS))
    return f"""
auth:
  clients:
{clients}
server: {{max_requests: 400, max_connections: 400}}
upstream: {{max_connections: 8, queue_limit: 16, breaker_failures: 3}}
"""


class Equal:
    """Equal streamed requests at the same time."""

    def __init__(self, url, prompt, count=100):
        self.address = url.split("//")[1]
        self.prompt = prompt
        self.bodies = []
        self.lock = threading.Lock()
        self.start = threading.Barrier(count)
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        body = json.dumps({"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": self.prompt}]})
        self.start.wait()
        try:
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json", "Authorization": "Bearer key-number-1"})
            content = connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return
        with self.lock:
            self.bodies.append(content)

    def ended(self):
        for thread in self.threads:
            thread.join()
        return self.bodies


def calls(url):
    connection = http.client.HTTPConnection(url.split("//")[1].split("/")[0])
    connection.request("GET", "/stand-in/requests")
    return json.loads(connection.getresponse().read())["count"]


def script(folder, name, key):
    path = f"{folder}/{name}.lua"
    with open(path, "w") as file:
        file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n')
        file.write(f'wrk.headers["Authorization"] = "Bearer {key}"\n')
        file.write(f'wrk.body = [[{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "{PROMPT}"}}]}}]]\n')
    return path


def main(rounds=9, seconds=4):
    with Rig() as rig:
        _, upstream = rig.stand_in()
        file = f"{rig.folder}/guards.yaml"
        with open(file, "w") as out:
            out.write(configuration())
        keys = {f"KEY_{number}": f"key-number-{number}" for number in range(CLIENTS)}
        _, plain = rig.proxy(upstream, "--log-level", "warning", store="plain.db")
        _, guarded = rig.proxy(upstream, "--log-level", "warning", "--config", file, store="guarded.db", environment=keys)

        bodies = Equal(guarded, "[slow 0.05] equal").ended()
        made = calls(upstream)
        print(f"{len(bodies)} equal concurrent streamed requests: {made} upstream call(s), {len(set(bodies))} distinct stream(s); bar 1 and 1\n")

        ways = {}
        for name, url in (("plain", plain), ("guarded", guarded)):
            path = script(rig.folder, name, "key-number-7")
            client = Client(url)
            for _ in range(2):
                client.connection.request(
                    "POST", "/v1/chat/completions", json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}]}),
                    {"Content-Type": "application/json", "Authorization": "Bearer key-number-7"})
                answer = client.connection.getresponse()
                answer.read()
            assert answer.headers["X-Cache-Match"] == "exact", (name, answer.status, dict(answer.headers))
            ways[name] = (url + "/v1/chat/completions", path)
        # A token in twenty seconds: the call is under way, with all who wait for it, for as long as hits are counted.
        Equal(guarded, "[tokens 500] [slow 20] waiting")
        time.sleep(2)
        print(f"exact hits, wrk -t1 -c32, {rounds} rounds of {seconds} s each way; {machine()}\n")
        row("round", "plain req/s", "guarded req/s", "ratio")
        row(*["---"] * 4)
        for url, path in ways.values():
            wrk(url, path, 1)
        ratios = []
        for number in range(rounds):
            order = ["plain", "guarded"] if number % 2 == 0 else ["guarded", "plain"]
            rate = {name: wrk(*ways[name], seconds)[0] for name in order}
            ratios.append(rate["guarded"] / rate["plain"])
            row(number + 1, f"{rate['plain']:.0f}", f"{rate['guarded']:.0f}", f"{ratios[-1]:.3f}")
        print(f"\nmedian ratio {statistics.median(ratios):.3f} (bar 0.95)")
        return 0 if made == 1 and len(bodies) == 100 and len(set(bodies)) == 1 and statistics.median(ratios) >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
