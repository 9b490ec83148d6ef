"""Full load while the upstream is killed and started again every few seconds.

What is checked: the proxy lives; every answer with status 200 is the right one, whole, and of one piece; every exact hit is served, upstream or not.
Exit status 1 when one of these fails. The test suite runs 15 seconds of it.

    python3 Benchmarks/chaos.py [--seconds 60] [--period 5] [--clients 24]
"""

import argparse
import collections
import hashlib
import http.client
import json
import random
import subprocess
import sys
import threading
import time

from rig import ROOT, Rig, free_port, quantiles

HOT = [f"hot question number {number} about the weather" for number in range(40)]


def mark(prompt):
    """What the stand-in's answer to this prompt begins with, and no other answer."""
    messages = [{"role": "user", "content": prompt}]
    return "(" + hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:6] + ")"


def text_of(body, stream):
    """The answer's text; an exception where the body is not a whole one."""
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    events = [event[6:] for event in body.decode().split("\n\n") if event]
    assert events[-1] == "[DONE]", "a stream without its end"
    chunks = [json.loads(event) for event in events[:-1]]
    assert any(choice.get("finish_reason") == "stop" for chunk in chunks for choice in chunk["choices"]), "a stream without its finish"
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


class Chaos:
    def __init__(self, url, seconds):
        self.address = url.split("//")[1].split("/")[0]
        self.end = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.wrong = []
        self.hit_times = []

    def ask(self, connection, prompt, stream, hot):
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": stream})
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        took = (time.perf_counter() - began) * 1000
        cache = response.headers["X-Cache"]
        with self.lock:
            self.counts[f"{response.status} {cache}"] += 1
            if cache == "HIT":
                self.hit_times.append(took)
        if response.status == 200:
            try:
                text = text_of(content, stream)
            except (AssertionError, ValueError, KeyError, IndexError) as fault:
                text = f"unreadable: {fault!r} {content[:200]}"
            if not text.startswith(mark(prompt)):
                self.note(f"'{prompt}' got {text[:200]}")
        if hot and (response.status != 200 or cache != "HIT"):
            self.note(f"the exact hit '{prompt}' got {response.status} {cache}")

    def note(self, what):
        with self.lock:
            self.wrong.append(what)

    def client(self, number):
        chance = random.Random(number)
        connection = None
        while time.monotonic() < self.end:
            hot = chance.random() < 0.7
            prompt = chance.choice(HOT) if hot else f"new question {number} {chance.randrange(10**9)}"
            if not hot and chance.random() < 0.3:
                # Many clients ask it at the same time: they share a call.
                prompt = f"shared question {int(time.monotonic() * 4)}"
            try:
                connection = connection or http.client.HTTPConnection(self.address, timeout=30)
                self.ask(connection, prompt, chance.random() < 0.5, hot)
            except (http.client.HTTPException, OSError) as fault:
                # A miss may break off with its upstream; a hit has no reason to.
                if hot:
                    self.note(f"the exact hit '{prompt}' broke: {fault!r}")
                with self.lock:
                    self.counts["broken off"] += 1
                connection = None


class KilledUpstream:
    """The stand-in on a port of its own, killed and started in turn."""

    def __init__(self, port):
        self.port = port
        self.process = None
        self.kills = 0

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "Examples/stand-in/stand_in.py"), "--port", str(self.port), "--token-delay", "0.01"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.process.stdout.readline()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.kills += 1

    def torment(self, end, period):
        while time.monotonic() < end:
            time.sleep(period / 2)
            self.kill()
            time.sleep(period / 2)
            self.start()


def run(seconds=60, period=5, clients=24, arguments=()):
    """One run; what was counted, and what went wrong."""
    with Rig() as rig:
        upstream = KilledUpstream(free_port())
        upstream.start()
        process, url = rig.proxy(f"http://127.0.0.1:{upstream.port}/v1", *arguments)
        try:
            chaos = Chaos(url, seconds)
            warm = http.client.HTTPConnection(chaos.address)
            for prompt in HOT:
                chaos.ask(warm, prompt, False, False)
            chaos.counts.clear()
            threads = [threading.Thread(target=chaos.client, args=(number,)) for number in range(clients)]
            threads.append(threading.Thread(target=upstream.torment, args=(chaos.end, period)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            # A moment after the upstream is back, everything works again.
            deadline = time.monotonic() + 15
            back = False
            while not back and time.monotonic() < deadline:
                warm = http.client.HTTPConnection(chaos.address, timeout=10)
                body = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"after all {time.monotonic()}"}]})
                warm.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
                back = warm.getresponse().status == 200
                time.sleep(0.1)
            if not back:
                chaos.note("the proxy did not recover")
            if process.poll() is not None:
                chaos.note(f"the proxy ended with {process.returncode}")
        finally:
            if upstream.process.poll() is None:
                upstream.kill()
        return {"counts": dict(chaos.counts), "wrong": chaos.wrong, "kills": upstream.kills, "hit_ms": quantiles(chaos.hit_times or [0])}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--period", type=float, default=5)
    parser.add_argument("--clients", type=int, default=24)
    given = parser.parse_args()
    result = run(given.seconds, given.period, given.clients)
    for name, count in sorted(result["counts"].items()):
        print(f"{name:16} {count}")
    print("upstream killed  {} times; exact hits p50 {:.1f} ms, p95 {:.1f} ms, p99 {:.1f} ms".format(result["kills"], *result["hit_ms"]))
    for what in result["wrong"][:20]:
        print("WRONG", what)
    print(f"{len(result['wrong'])} wrong")
    sys.exit(1 if result["wrong"] else 0)
