"""What the benchmarks share: the release program, nginx, the stand-in model, and honest summaries."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMPLETION = json.dumps({
    "id": "chatcmpl-benchmark", "object": "chat.completion", "created": 1790000000, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Open the sign-in page, choose Forgot password, and follow the link that arrives by e-mail. " * 4,
                                         "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 14, "completion_tokens": 72, "total_tokens": 86}})


def need(command, package):
    if shutil.which(command) is None:
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", package], check=True, stdout=subprocess.DEVNULL)
    return shutil.which(command)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rig:
    """Starts servers and ends them all."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="reprise-benchmark-")
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, environment=None):
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | (environment or {})
        # A line a request goes to a file, as it would in production; a terminal would be measured instead.
        with open(f"{self.folder}/log", "a") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder, env=environment)
        self.processes.append(process)
        for line in process.stdout:
            for word in line.split():
                if word.startswith("http://"):
                    return process, word.rstrip("/")
        sys.exit(f"{command[0]} ended before it listened: {pathlib.Path(self.folder, 'log').read_text()}")

    def proxy(self, upstream, *arguments, store="bench.db", environment=None):
        return self.start([program(), "serve", "--port", "0", "--upstream", upstream, "--store", store, *arguments], environment)

    def stand_in(self, *arguments):
        return self.start([sys.executable, str(ROOT / "Examples/stand-in/stand_in.py"), "--port", "0", *arguments])

    def nginx(self, body=COMPLETION):
        """nginx with one worker, answering every request with the same static completion; `$request_id` in it is another each time."""
        need("nginx", "nginx-light")
        port = free_port()
        quoted = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "").replace("request_id", "$request_id")
        configuration = f"""
            worker_processes 1; daemon off; pid {self.folder}/nginx.pid; error_log /dev/null;
            events {{ worker_connections 1024; }}
            http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
              fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
              server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{quoted}'; }} }} }}"""
        path = f"{self.folder}/nginx.conf"
        pathlib.Path(path).write_text(configuration)
        self.processes.append(subprocess.Popen(["nginx", "-c", path, "-p", self.folder]))
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return url
            except OSError:
                time.sleep(0.02)
        sys.exit("nginx did not listen")


class Client:
    """One kept-alive connection."""

    def __init__(self, url):
        host, port = url.split("//")[1].split("/")[0].split(":")
        self.connection = http.client.HTTPConnection(host, int(port))
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def chat(self, prompt, **more):
        body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}], **more})
        self.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        return self.connection.getresponse()

    def timed(self, prompt, **more):
        started = time.perf_counter()
        response = self.chat(prompt, **more)
        response.read()
        return (time.perf_counter() - started) * 1000, response.headers

    def post(self, path, body, kind="application/json"):
        self.connection.request("POST", path, body, {"Content-Type": kind})
        response = self.connection.getresponse()
        return json.loads(response.read())


def quantiles(values):
    ordered = sorted(values)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def program():
    """The release program, or the one that REPRISE_BINARY names."""
    binary = os.environ.get("REPRISE_BINARY", str(ROOT / ".build/release/reprise"))
    if not os.path.exists(binary):
        sys.exit("build the release first: Scripts/build")
    return binary


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, load {os.getloadavg()[0]:.2f}"


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")
