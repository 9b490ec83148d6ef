"""The real program behind a real socket, in front of the stand-in model."""

import concurrent.futures
import contextlib
import functools
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Ignored in what a script starts in the background, and so in all that the tests start, some of which they end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def binary():
    named = os.environ.get("REPRISE_BINARY")
    if named:
        return named
    built = [path for path in (ROOT / ".build/debug/reprise", ROOT / ".build/release/reprise") if path.exists()]
    assert built, "build the program first, or name it in REPRISE_BINARY"
    return str(max(built, key=lambda path: path.stat().st_mtime))


# The default mode explores by chance and goes without a verifier that is late; a threshold hits the same each time.
THRESHOLD = "matching:\n  mode: threshold\n"


class Process:
    """A server that prints the URL on which it listens."""

    def __init__(self, command, cwd=None, env=None):
        # A file takes any number of log lines; a pipe that nobody reads would be full after some hundred.
        self.log = tempfile.TemporaryFile("a+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=cwd, env=env)
        self.url = None
        # Whom to trust where the server speaks TLS.
        self.trust = None
        for line in self.process.stdout:
            found = [word for word in line.split() if word.startswith(("http://", "https://"))]
            if found:
                self.url = found[0]
                break
        assert self.url, f"{command} ended: {self.said}"
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port

    @property
    def said(self):
        """What the program wrote to standard error so far."""
        # Opened for appending, so that reading moves nobody's place of writing.
        self.log.seek(0)
        return self.log.read()

    def connect(self, timeout=60):
        if self.url.startswith("https:"):
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.trust)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = self.connect(timeout)
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(timeout=60)
        finally:
            self.process.stdout.close()
        self.errors = self.said
        self.log.close()
        return status


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def cache(self):
        return self.headers["X-Cache"]


class StandIn(Process):
    def __init__(self, *arguments):
        super().__init__([sys.executable, str(ROOT / "Examples/stand-in/stand_in.py"), "--port", "0", *arguments])

    @property
    def seen(self):
        return self.request("GET", "/stand-in/requests").json

    def forget(self):
        self.request("DELETE", "/stand-in/requests")


class Reprise(Process):
    def __init__(self, folder, upstream, *arguments, config="", env=None):
        self.folder = pathlib.Path(folder)
        self.arguments = arguments
        (self.folder / "test.yaml").write_text(config)
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment.update(env or {})
        super().__init__(
            [binary(), "serve", "--config", "test.yaml", "--port", "0", "--upstream", upstream, "--store", str(self.folder / "cache.db"), *arguments],
            cwd=self.folder, env=environment)
        # What could not be read within the time that a start may take is read on behind the requests.
        store = next(line for line in self.process.stdout if line.split()[0] == "store")
        if store.rstrip().endswith("(being read)"):
            wait_for(lambda: not self.stats["store"]["restoring"], what="the reading of the store")

    def chat(self, prompt, headers=None, path="/v1/chat/completions", **more):
        body = {"model": "stand-in", "messages": [{"role": "user", "content": prompt}], **more}
        return self.request("POST", path, body, headers)

    def reworded(self, prompt, headers=None):
        """The answer to another wording of what was asked. The verifier has a tenth of a second, which a busy machine may not give it, and is gone
        without when it is late: asked for what is cached alone, which keeps nothing, until it was in time."""
        late = lambda: self.stats["matching"]["learning"]["verifier_late"]
        for _ in range(100):
            before, got = late(), self.chat(prompt, {**(headers or {}), "Cache-Control": "only-if-cached"})
            if got.status != 504:
                return got
            if late() == before:
                break
        return self.chat(prompt, headers)

    @property
    def stats(self):
        return self.request("GET", "/cache/stats").json

    def stored(self, table="entries"):
        """How many rows have reached the disk."""
        with contextlib.closing(sqlite3.connect(self.folder / "cache.db")) as database:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def run(self, *arguments, **more):
        """One of the commands that talk to a running proxy."""
        return command(*arguments, "--server", self.url, cwd=self.folder, **more)


def command(*arguments, cwd=None, stdin=None, env=None):
    return subprocess.run(
        [binary(), *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=180, env={**os.environ, **(env or {})})


@pytest.fixture(scope="session")
def stand_in():
    server = StandIn()
    yield server
    server.stop()


@pytest.fixture
def proxy(tmp_path, stand_in):
    stand_in.forget()
    server = Reprise(tmp_path, stand_in.url)
    yield server
    assert server.stop() == 0, server.errors


@pytest.fixture
def start(tmp_path, stand_in):
    """Starts proxies with settings of their own; all are stopped at the end."""
    running = []

    def run(*arguments, config="", upstream=None, env=None, folder=None):
        server = Reprise(folder or tmp_path, upstream or stand_in.url, *arguments, config=config, env=env)
        running.append(server)
        return server

    stand_in.forget()
    yield run
    for server in running:
        if server.process.poll() is None:
            server.stop()


def holds_soon(check, seconds=30):
    """Makes the assertions of `check` until they all hold at once; those that fail at the end are told."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def stop_within_a_stream(proxy, upstream):
    """SIGTERM while an answer is half said: nobody else is let in, and what began is said to its end."""
    from upstream import answer

    stopping = threading.Event()
    upstream.reply = functools.partial(answer, gate=stopping)

    def is_open():
        try:
            socket.create_connection((proxy.host, proxy.port)).close()
        except ConnectionError:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stream = pool.submit(proxy.chat, "one two three", stream=True)
        wait_for(lambda: upstream.count == 1, what="the call")
        stopped = pool.submit(proxy.stop)
        wait_for(lambda: not is_open(), what="the listener's end")
        stopping.set()
        assert stopped.result() == 0, proxy.errors
        assert stream.result().body.endswith(b"data: [DONE]\n\n")


def wait_for(condition, seconds=30, what="the condition"):
    """The first true value of the condition. The limit is for what never comes: a busy machine may take its time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true in {seconds} s")


@pytest.fixture
def upstream():
    from upstream import Upstream

    server = Upstream()
    yield server
    server.stop()


@pytest.fixture
def provider():
    from provider import Provider

    scripted = Provider()
    yield scripted
    scripted.stop()


@pytest.fixture
def through(tmp_path, provider):
    """A proxy before the scripted provider that matches word for word only."""
    server = Reprise(tmp_path, provider.url, config="matching: {mode: exact}")
    yield server
    assert server.stop() == 0, server.errors
