"""Four questions, two of them reworded, through the proxy in front of a stand-in model. Called by `Scripts/run --demo`."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

QUESTIONS = [
    ("How do I reset my password?", "MISS"),
    ("How can I reset my password?", "HIT"),
    ("What is the capital of France?", "MISS"),
    ("Which city is the capital of France?", "HIT"),
]


def first_url(process, what):
    """The first URL that the process prints."""
    for line in process.stdout:
        for word in line.split():
            if word.startswith("http://"):
                return word
    sys.exit(f"demo: {what} ended before it listened")


def ask(base, question):
    body = json.dumps({"model": "stand-in", "messages": [{"role": "user", "content": question}]}).encode()
    request = urllib.request.Request(base + "/v1/chat/completions", body, {"Content-Type": "application/json"})
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
        return response.headers, answer["choices"][0]["message"]["content"], (time.perf_counter() - started) * 1000


def main(binary, stand_in):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    processes = []
    with tempfile.TemporaryDirectory(prefix="reprise-demo-") as folder:
        try:
            model = subprocess.Popen([sys.executable, stand_in, "--port", "0", "--delay", "0.4"], stdout=subprocess.PIPE, text=True)
            processes.append(model)
            upstream = first_url(model, "the stand-in")
            proxy = subprocess.Popen(
                [binary, "serve", "--port", "0", "--upstream", upstream, "--store", folder + "/demo.db", "--log-level", "warning"],
                stdout=subprocess.PIPE, text=True, cwd=folder, env=environment)
            processes.append(proxy)
            base = first_url(proxy, "the proxy")
            wait_until_ready(base)
            print(f"\nReprise at {base}/v1 in front of a stand-in model that takes 400 ms to answer\n")
            row = "{:<38} {:<42} {:>9}"
            print(row.format("question", "Cache-Status", "time"))
            print(row.format("-" * 38, "-" * 42, "-" * 9))
            right = True
            for question, expected in QUESTIONS:
                headers, _, milliseconds = ask(base, question)
                print(row.format(question, headers["Cache-Status"], f"{milliseconds:.1f} ms"))
                right = right and headers["X-Cache"] == expected
            print()
            if not right:
                sys.exit("demo: that is not what the cache should have done; is the model there? See `reprise check`.")
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()


def wait_until_ready(base):
    for _ in range(200):
        try:
            with urllib.request.urlopen(base + "/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit("demo: the proxy did not get ready")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
