"""What being watched costs: exact hits a second with a scrape a second and an open dashboard against without, alternating; and the time of a scrape
with 100 models and 1,000 tenants.

    python3 Benchmarks/observability.py [ROUNDS] [SECONDS]      bars: at most 2 % fewer hits; a scrape under 5 ms
"""

import http.client
import json
import statistics
import sys
import threading
import time

from exact_hit import PROMPT, wrk
from rig import Client, Rig, machine, quantiles, row


class Watcher:
    """Scrapes once a second and reads the dashboard's events, as Prometheus and one open page do."""

    def __init__(self, url):
        self.address = url.split("//")[1]
        self.stop, self.scrapes, self.events = threading.Event(), 0, 0
        self.threads = [threading.Thread(target=self.scrape), threading.Thread(target=self.listen)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def scrape(self):
        while not self.stop.wait(1):
            connection = http.client.HTTPConnection(self.address)
            connection.request("GET", "/metrics")
            self.scrapes += len(connection.getresponse().read()) > 0
            connection.close()

    def listen(self):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", "/dashboard/events")
        response = connection.getresponse()
        while not self.stop.is_set():
            self.events += response.readline().startswith(b"event: stats")
        connection.close()


def fill(url, models, tenants):
    """One request for each tenant, the models in turn."""
    connection = http.client.HTTPConnection(url.split("//")[1])
    for number in range(tenants):
        body = json.dumps({"model": f"model-{number % models}", "messages": [{"role": "user", "content": "hello"}]})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json", "Authorization": f"Bearer tenant-{number}"})
        connection.getresponse().read()


def main(rounds=5, seconds=5):
    with Rig() as rig:
        nginx = rig.nginx()
        _, proxy = rig.proxy(nginx + "/v1", "--log-level", "warning")
        fill(proxy, 100, 1000)
        client = Client(proxy)
        client.timed(PROMPT)
        script = rig.folder + "/post.lua"
        with open(script, "w") as file:
            file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n')
            file.write(f'wrk.body = [[{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "{PROMPT}"}}]}}]]\n')
        url = proxy + "/v1/chat/completions"
        wrk(url, script, 1)
        print(f"exact hits, wrk -t1 -c32, {rounds} rounds of {seconds} s each way; {machine()}\n")
        row("round", "unwatched req/s", "watched req/s", "ratio")
        row(*["---"] * 4)
        ratios = []
        for number in range(rounds):
            # Each order as often as the other, so that a drift of the machine favours neither.
            def measure(watched):
                if not watched:
                    return wrk(url, script, seconds)[0]
                with Watcher(proxy) as watcher:
                    result = wrk(url, script, seconds)[0]
                assert watcher.scrapes >= seconds - 1 and watcher.events >= seconds - 1, (watcher.scrapes, watcher.events)
                return result

            first = measure(number % 2 == 1)
            second = measure(number % 2 == 0)
            plain, watched = (second, first) if number % 2 == 1 else (first, second)
            ratios.append(watched / plain)
            row(number + 1, f"{plain:.0f}", f"{watched:.0f}", f"{ratios[-1]:.3f}")
        print(f"\nmedian ratio {statistics.median(ratios):.3f} (bar 0.98)\n")

        connection = http.client.HTTPConnection(proxy.split("//")[1])
        times, size = [], 0
        for _ in range(100):
            started = time.perf_counter()
            connection.request("GET", "/metrics")
            size = len(connection.getresponse().read())
            times.append((time.perf_counter() - started) * 1000)
        median, p95, p99 = quantiles(times)
        print(f"scrape of {size // 1000} kB, 100 models and 1,000 tenants: p50 {median:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms (bar 5 ms)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
