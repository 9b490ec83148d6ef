"""Processes, ports, packages and time: what the comparison stands on."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import time

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "reprise"


class Failure(Exception):
    """A contender cannot go on; the text is what the table says of it."""


class Deadline:
    """The time that the whole run may take."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return self.end - time.monotonic()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**more):
    """Ours without proxies, which would stand between the contenders and the upstream."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name != "PYTHONPATH"}
    return {**kept, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1", **more}


class Server:
    """One process that listens, with its log beside it."""

    def __init__(self, name, command, folder, port, env=None, probe="/", patience=90):
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.port = port
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=env or environment(), start_new_session=True)
        end = time.monotonic() + patience
        while not self.answers(probe):
            if self.process.poll() is not None:
                raise Failure(f"{name} ended with status {self.process.returncode}: {self.last_words()}")
            if time.monotonic() > end:
                self.stop()
                raise Failure(f"{name} did not answer within {patience} s: {self.last_words()}")
            time.sleep(0.1)

    def answers(self, probe):
        try:
            if probe is None:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", probe)
            return connection.getresponse().status < 500
        except OSError:
            return False
        except http.client.HTTPException:
            return False

    def last_words(self):
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        wrong = [line for line in lines if "rror" in line]
        return ((wrong or lines or ["no word"])[-1])[:240]

    def stop(self):
        """Ends the process and what it started; they share a session of their own."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            try:
                self.process.wait(timeout=8)
                break
            except subprocess.TimeoutExpired:
                continue

    def memory(self):
        """Bytes of the process and its children, shared pages shared out (PSS)."""
        total = 0
        for pid in family(self.process.pid):
            with contextlib.suppress(OSError, StopIteration):
                lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
        return total


def family(pid):
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def venv(name, requirements):
    """A virtual environment with these packages, made once and kept. Gives its `bin` folder."""
    mark = hashlib.sha256("\n".join([platform.python_version(), *requirements]).encode()).hexdigest()[:12]
    folder = CACHE / "peers" / f"{name}-{mark}"
    if not (folder / "complete").exists():
        print(f"peers: installing {name}: {' '.join(requirements)}", file=sys.stderr)
        run([sys.executable, "-m", "venv", "--clear", folder])
        run([folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", *requirements])
        (folder / "complete").touch()
    return folder / "bin"


def run(command, patience=600, **more):
    try:
        return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=patience, env=environment(), **more).stdout
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()] or ["no word"]
        wrong = [line for line in lines if "rror" in line]
        raise Failure(f"{pathlib.Path(command[0]).name}: {(wrong or lines)[-1].strip()[:240]}") from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Failure(f"{pathlib.Path(command[0]).name}: {error}") from None


def package_version(bin_folder, package):
    return run([bin_folder / "python", "-c", f"import importlib.metadata as m; print(m.version({package!r}))"]).strip()


def control(url, method="GET", query=""):
    host, port = url.split("//")[1].split("/")[0].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request(method, "/control" + query)
    return json.loads(connection.getresponse().read())


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")) / 2**20
    return f"{os.cpu_count()} cores, {model}, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"
