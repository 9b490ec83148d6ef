"""Two real proxies at one real engine: what one has stored the other serves, what one flushes the other does not, and the engine may come and go."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest
import yaml
from conftest import ROOT, THRESHOLD, Reprise, binary, command, holds_soon, wait_for

FLEET = ROOT / "Examples/fleet"
ENVIRONMENT = {"REPRISE_TENANCY_KEY": "a tenancy key of the tests", "REPRISE_KEY": "an encryption key of the tests"}
STARTERS = {"redis": ("redis_search.py", "REPRISE_TEST_REDIS_URL"), "postgres": ("postgres.py", "REPRISE_TEST_POSTGRES_URL")}


class Engine:
    """An engine of the test's own, so that it may be killed. Always on the same port."""

    def __init__(self, kind, folder):
        self.kind, self.data = kind, folder
        folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def run(self, word, *more):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
        script = str(ROOT / "Tests/Engines" / STARTERS[self.kind][0])
        packages = ["--packages", os.environ.get("REPRISE_ENGINES", str(cache / "reprise/engines/packages"))] if word == "start" else []
        done = subprocess.run([sys.executable, script, word, "--data", str(self.data), *packages, *more], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        self.pid = json.loads(self.run("start", "--port", str(self.port)))["pid"]

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        wait_for(lambda: not self.answers(), what="the end of the engine")
        # Where nobody reaps the dead, PostgreSQL takes its own for alive.
        (self.data / "cluster/postmaster.pid").unlink(missing_ok=True)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.run("stop")

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0" if self.kind == "redis" else f"postgres://reprise@127.0.0.1:{self.port}/postgres"


def needs(kind):
    script, variable = STARTERS[kind]
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: Scripts/test sets it when it has installed the engines")
    if not (ROOT / "Tests/Engines" / script).exists():
        pytest.skip(f"there is no Tests/Engines/{script}")


@pytest.fixture
def open_folder():
    """Not below pytest's own: neither PostgreSQL nor nginx's workers run as root, and their users have to get there."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-fleet-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=sorted(STARTERS))
def engine(request, open_folder):
    needs(request.param)
    made = Engine(request.param, open_folder / "engine")
    yield made
    if made.answers():
        made.stop()


def config(kind, namespace="fleet", more=THRESHOLD):
    # The time is no part of what is tested, and the machine may be busy.
    return (
        f"shared: {{kind: {kind}, url_env: REPRISE_SHARED_URL, namespace: {namespace}, lookup_timeout: 5s}}\n"
        "tenancy: {key_env: REPRISE_TENANCY_KEY}\nstore: {encryption_key_env: REPRISE_KEY}\n" + more)


@pytest.fixture
def fleet(engine, start, tmp_path):
    """Starts proxies of one fleet, each with a folder of its own."""
    def run(name, url=None, upstream=None, more=THRESHOLD, **environment):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return start(
            config=config(engine.kind, more=more), upstream=upstream, folder=folder,
            env={**ENVIRONMENT, "REPRISE_SHARED_URL": url or engine.url, **environment})

    return run


def works(proxy):
    wait_for(lambda: proxy.stats["shared"]["state"] == "works", what="the shared tier")
    return proxy


def given(proxy):
    """Waits until the engine has everything that the proxy stored."""
    wait_for(lambda: proxy.stats["shared"]["waiting"] == 0 and proxy.stats["store"]["queue"] == 0, what="the engine's taking")


def tier(answer):
    return answer.cache, answer.headers["X-Cache-Match"], answer.headers["X-Cache-Tier"]


def test_what_one_has_stored_the_other_serves(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    stored = one.chat("How do I reset my password?")
    assert stored.cache == "MISS" and stored.headers["X-Cache-Tier"] is None
    wait_for(lambda: one.stats["matching"]["searchable"] == 1, what="the vector")
    given(one)
    reworded = two.reworded("How can I reset my password?")
    assert tier(reworded) == ("HIT", "semantic", "shared")
    assert reworded.headers["Cache-Status"].startswith("reprise; hit; detail=semantic")
    exact = two.chat("How do I reset my password?")
    assert exact.cache == "HIT" and exact.body == stored.body
    assert exact.headers["X-Cache-Entry"] == reworded.headers["X-Cache-Entry"]
    # Kept in front from now on: the engine is not asked again.
    asked = two.stats["shared"]
    again = two.chat("How do I reset my password?")
    assert tier(again) == ("HIT", "exact", "local")
    assert two.stats["shared"] == asked
    shared = two.stats["shared"]
    assert shared["kind"] in ("redis", "postgres") and shared["exact_hits"] + shared["semantic_hits"] >= 1
    assert two.stats["latency_ms"]["shared_lookup"]["p50"] > 0
    assert b"reprise_shared_up{" in two.request("GET", "/metrics").body
    assert "tier=shared" in two.said or '"tier":"shared"' in two.said


def test_an_exact_repeat_is_served_elsewhere_before_its_vector_is_there(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    stored = one.chat("What is the capital of France?")
    given(one)
    assert tier(two.chat("What is the capital of France?")) == ("HIT", "exact", "shared")
    assert two.chat("What is the capital of France?").body == stored.body


def test_other_tenants_and_other_keys_stay_apart(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    one.chat("How do I reset my password?", {"Authorization": "Bearer sk-one"})
    given(one)
    assert two.chat("How do I reset my password?", {"Authorization": "Bearer sk-two"}).cache == "MISS"
    assert tier(two.chat("How do I reset my password?", {"Authorization": "Bearer sk-one"})) == ("HIT", "exact", "shared")
    # Another tenancy key would be another cache in the same place: it is kept out, and goes on alone.
    other = fleet("other", REPRISE_TENANCY_KEY="another tenancy key of the tests")
    wait_for(lambda: "tenancy.key_env" in other.stats["shared"].get("reason", ""), what="the refusal")
    assert other.chat("How do I reset my password?", {"Authorization": "Bearer sk-one"}).cache == "MISS"
    ready = other.request("GET", "/readyz")
    assert ready.status == 200 and "tenancy.key_env" in ready.json["parts"]["shared"]


def test_a_flush_on_one_holds_on_the_other(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    for number in range(20):
        question = f"What does part {number} cost?"
        one.chat(question)
        given(one)
        assert tier(two.chat(question)) == ("HIT", "exact", "shared")
        assert one.request("POST", "/cache/flush", {"all": True}).json["removed"] >= 1
        time.sleep(1)
        gone = two.chat(question, {"Cache-Control": "only-if-cached"})
        assert gone.status == 504, gone.headers["Cache-Status"]


def test_a_removal_by_its_id_holds_on_the_other(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    one.chat("How do I reset my password?")
    given(one)
    entry = two.chat("How do I reset my password?").headers["X-Cache-Entry"]
    # Whoever is asked: the id is the same everywhere.
    assert two.request("DELETE", f"/cache/entries/{entry}").status == 200
    time.sleep(1)
    assert one.chat("How do I reset my password?", {"Cache-Control": "only-if-cached"}).status == 504


def test_feedback_on_one_takes_the_entry_out_of_reach_on_the_other(fleet):
    more = "matching: {mode: calibrated, error_bound: 0.5}\n"
    one, two = works(fleet("one", more=more)), works(fleet("two", more=more))
    one.chat("How do I reset my password?")
    wait_for(lambda: one.stats["matching"]["searchable"] == 1, what="the vector")
    given(one)
    hit = two.reworded("How can I reset my password?")
    assert hit.headers["X-Cache-Match"] == "semantic"
    body = {"entry": hit.headers["X-Cache-Entry"], "request": hit.headers["X-Request-Id"], "correct": False}
    assert two.request("POST", "/cache/feedback", body).status == 200
    time.sleep(1)
    for proxy in (one, two):
        assert proxy.chat("How could I reset my password?", {"Cache-Control": "only-if-cached"}).status == 504


def test_the_engine_may_be_killed_and_come_back(fleet, engine):
    one, two = works(fleet("one")), works(fleet("two"))
    ending = threading.Event()
    failed, asked = [], []

    def ask(proxy, worker):
        number = 0
        while not ending.is_set():
            number += 1
            question = f"What does part {worker} {number % 40} cost?"
            answer = proxy.chat(question)
            asked.append(question)
            if answer.status != 200 or "choices" not in answer.json:
                failed.append((question, answer.status, answer.body[:200]))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(ask, (one, two)[worker % 2], worker) for worker in range(8)]
        try:
            for _ in range(2):
                count = len(asked)
                wait_for(lambda: len(asked) > count + 100, what="requests with the engine")
                engine.kill()
                wait_for(lambda: one.stats["shared"]["state"] == "down" and two.stats["shared"]["state"] == "down", what="the breakers")
                for proxy in (one, two):
                    ready = proxy.request("GET", "/readyz")
                    assert ready.status == 200 and ready.json["parts"]["shared"].startswith("degraded: ")
                count = len(asked)
                wait_for(lambda: len(asked) > count + 100, what="requests without the engine")
                engine.start()
                works(one), works(two)
        finally:
            ending.set()
        for worker in workers:
            worker.result()
    assert not failed, failed[:3]
    given(one), given(two)
    # Everything that either of them has is in the engine: a third, which has nothing, serves it.
    three = works(fleet("three"))
    for question in sorted(set(asked)):
        assert tier(three.chat(question, {"Cache-Control": "only-if-cached"})) == ("HIT", "exact", "shared"), question


def test_a_fresh_proxy_without_a_disk_is_warm(fleet, engine, tmp_path, start):
    one = works(fleet("one"))
    one.chat("How do I reset my password?")
    one.chat("What is the capital of France?")
    wait_for(lambda: one.stats["matching"]["searchable"] == 2, what="the vectors")
    given(one)
    assert one.stop() == 0
    folder = tmp_path / "fresh"
    folder.mkdir()
    fresh = works(start("--store", ":memory:", config=config(engine.kind), folder=folder, env={**ENVIRONMENT, "REPRISE_SHARED_URL": engine.url}))
    assert tier(fresh.chat("What is the capital of France?", {"Cache-Control": "only-if-cached"})) == ("HIT", "exact", "shared")
    assert tier(fresh.reworded("How can I reset my password?")) == ("HIT", "semantic", "shared")


def test_the_commands_act_on_the_whole_cache(fleet):
    one, two = works(fleet("one")), works(fleet("two"))
    one.chat("How do I reset my password?")
    given(one)
    listed = lambda *words: [json.loads(line) for line in two.run("list", "--json", *words).stdout.splitlines()]
    assert [entry["query"] for entry in listed()] == ["How do I reset my password?"] and listed("--local") == []
    entry = listed()[0]["id"]
    assert "How do I reset my password?" in two.run("show", entry).stdout
    assert two.run("show", entry, "--local").returncode != 0
    file = two.folder / "all.jsonl"
    assert two.run("export", str(file)).returncode == 0 and len(file.read_text().splitlines()) == 1
    explained = json.loads(two.run("explain", "--json", "--model", "stand-in", "How do I reset my password?").stdout)
    assert explained["decision"] == "exact hit" and explained["tier"] == "shared"
    # Its part alone, and then all of it.
    assert two.chat("How do I reset my password?").headers["X-Cache-Tier"] == "shared"
    assert "1" in two.run("flush", "--all", "--yes", "--local").stdout
    assert tier(two.chat("How do I reset my password?")) == ("HIT", "exact", "shared")
    assert "1" in two.run("flush", "--all", "--yes").stdout
    assert listed() == []
    # What was exported comes back to all; on the proxy that has heard of the flush, for what comes before that is flushed as well.
    wait_for(lambda: one.run("list", "--json", "--local").stdout == "", what="the flush on the other proxy")
    assert one.run("import", str(file)).returncode == 0
    given(one)
    assert tier(two.chat("How do I reset my password?")) == ("HIT", "exact", "shared")


def check(folder, engine, url, **environment):
    (folder / "check.yaml").write_text(config(engine.kind))
    return command("check", "--config", "check.yaml", cwd=folder, env={**ENVIRONMENT, "REPRISE_SHARED_URL": url, **environment})


def test_check_says_what_the_engine_is_and_holds(fleet, engine, tmp_path):
    one = works(fleet("one"))
    one.chat("How do I reset my password?")
    given(one)
    said = check(tmp_path, engine, engine.url)
    line = next(line for line in said.stderr.splitlines() if line.startswith("shared tier: "))
    assert said.returncode == 0 and "1 entr" in line and ("Redis 8" in line or "PostgreSQL 18" in line), line


def test_a_wrong_engine_is_told_and_harms_nobody(fleet, engine, tmp_path):
    host = "127.0.0.1"
    with socket.socket() as probe:
        probe.bind((host, 0))
        closed = probe.getsockname()[1]
    wrong = {
        "not there": engine.url.replace(str(engine.port), str(closed)),
        "password": f"redis://reprise:wrong@{host}:{engine.port}/0" if engine.kind == "redis" else f"postgres://nobody:wrong@{host}:{engine.port}/postgres",
        "database": f"redis://{host}:{engine.port}/9999" if engine.kind == "redis" else f"postgres://postgres@{host}:{engine.port}/none",
    }
    for number, (name, url) in enumerate(wrong.items()):
        said = check(tmp_path, engine, url)
        lines = [line for line in said.stderr.splitlines() if line.startswith("shared tier: ")]
        assert len(lines) == 1 and "wrong@" not in said.stderr + said.stdout, (name, said.stderr)
        alone = fleet(f"alone-{number}", url=url)
        assert alone.chat("How do I reset my password?").status == 200
        assert alone.chat("How do I reset my password?").headers["X-Cache-Tier"] == "local"
        holds_soon(lambda: state(alone))
        assert "wrong@" not in alone.said and "wrong@" not in alone.request("GET", "/readyz").body.decode()


def state(proxy):
    ready = proxy.request("GET", "/readyz")
    assert ready.status == 200 and ready.json["parts"]["shared"].startswith("degraded: ")
    assert proxy.stats["shared"]["state"] == "down" and proxy.stats["shared"]["reason"] != "not reached yet"


def test_changes_to_the_shared_tier_are_audited_and_wait_for_a_start(fleet, engine):
    one = works(fleet("one"))
    (one.folder / "test.yaml").write_text(config(engine.kind, namespace="another"))
    one.process.send_signal(signal.SIGHUP)
    holds_soon(lambda: waits(one))
    one.chat("How do I reset my password?")
    one.request("POST", "/cache/flush", {"all": True})
    assert "audit" in one.said


def waits(proxy):
    assert "shared.namespace" in proxy.said


@pytest.mark.parametrize("kind", sorted(STARTERS))
def test_the_example_runs(kind, open_folder, stand_in):
    needs(kind)
    environment = {**os.environ, "REPRISE_BINARY": binary(), "TMPDIR": str(open_folder)}
    running = subprocess.Popen(
        [sys.executable, str(FLEET / "fleet.py"), "--engine", kind, "--upstream", stand_in.url], stdout=subprocess.PIPE, text=True, env=environment)
    urls = {}
    try:
        for line in running.stdout:
            if line.startswith("Ctrl-C"):
                break
            name, _, url = line.rpartition(" ")
            urls[name.strip()] = url.strip()
        one, two = (Address(urls[f"proxy {name}"]) for name in ("one", "two"))
        both = Address(urls["both"]) if shutil.which("nginx") else one
        works(one), works(two)
        stored = both.chat("Which planet is the largest?")
        assert stored.status == 200 and stored.cache == "MISS"
        given(one), given(two)
        tiers = {both.chat("Which planet is the largest?").headers["X-Cache-Tier"] for _ in range(4)}
        assert tiers >= {"local"} and (both is one or "shared" in tiers or one.stats["shared"]["exact_hits"] + two.stats["shared"]["exact_hits"] > 0)
        streamed = both.chat("Which planet is the largest?", stream=True)
        assert streamed.cache == "HIT" and streamed.body.endswith(b"data: [DONE]\n\n")
    finally:
        # What was started in the background of a script may not hear Ctrl-C.
        running.terminate()
        running.wait(timeout=300)
        running.stdout.close()


class Address(Reprise):
    """A proxy that somebody else has started."""

    def __init__(self, url):
        self.url, self.trust = url, None
        self.host, port = url.removeprefix("http://").split(":")
        self.port = int(port)


def containers(pod):
    return {container["name"]: container for container in pod["spec"]["containers"]}


def configurations():
    """The proxies' settings in the files for containers, with the variables that they are given there."""
    compose = yaml.safe_load((FLEET / "compose.yaml").read_text())
    yield compose["configs"]["proxy"]["content"], set(compose["services"]["one"]["environment"])
    documents = list(yaml.safe_load_all((FLEET / "kubernetes.yaml").read_text()))
    settings = next(d for d in documents if d["kind"] == "ConfigMap")["data"]["config.yaml"]
    pod = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]
    yield settings, {variable["name"] for variable in containers(pod)["reprise"]["env"]}
    yield (FLEET / "config.yaml").read_text(), {"REPRISE_SHARED_URL", *ENVIRONMENT}


@pytest.mark.parametrize("number", range(3))
def test_the_settings_in_the_files_are_right(number, tmp_path):
    settings, variables = list(configurations())[number]
    (tmp_path / "check.yaml").write_text(settings)
    environment = {name: "redis://127.0.0.1:1/0" if name == "REPRISE_SHARED_URL" else "0123456789abcdef0123" for name in variables}
    done = command("check", "--config", "check.yaml", cwd=tmp_path, env=environment)
    assert "check.yaml is valid" in done.stderr, done.stderr
    named = {line.split()[1] for line in settings.splitlines() if "_env:" in line}
    assert named == variables


def test_the_compose_file_is_whole():
    compose = yaml.safe_load((FLEET / "compose.yaml").read_text())
    services = compose["services"]
    assert {"redis", "one", "two", "nginx"} <= set(services)
    for service in services.values():
        for configuration in service.get("configs", []):
            assert configuration["source"] in compose["configs"]
        assert set(service.get("depends_on", [])) <= set(services)
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
    for service in (services["one"], services["two"]):
        assert (FLEET / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    front = compose["configs"]["nginx"]["content"]
    assert all(f"server {name}:8080;" in front for name in ("one", "two")) and "proxy_buffering off;" in front


def test_the_kubernetes_file_is_whole():
    documents = list(yaml.safe_load_all((FLEET / "kubernetes.yaml").read_text()))
    names = {(d["kind"], d["metadata"]["name"]) for d in documents}
    assert {kind for kind, _ in names} == {"ConfigMap", "Deployment", "Service", "StatefulSet"} and len(names) == len(documents)
    workloads = [d for d in documents if d["kind"] in ("Deployment", "StatefulSet")]
    ports = {}
    for workload in workloads:
        assert workload["apiVersion"] == "apps/v1"
        pod = workload["spec"]["template"]
        assert workload["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
        volumes = {v["name"] for v in pod["spec"].get("volumes", [])} | {c["metadata"]["name"] for c in workload["spec"].get("volumeClaimTemplates", [])}
        for container in containers(pod).values():
            ports[pod["metadata"]["labels"]["app"]] = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        for volume in pod["spec"].get("volumes", []):
            assert ("ConfigMap", volume["configMap"]["name"]) in names
        if workload["kind"] == "StatefulSet":
            assert ("Service", workload["spec"]["serviceName"]) in names
    for service in (d for d in documents if d["kind"] == "Service"):
        for port in service["spec"]["ports"]:
            assert port.get("targetPort", port["name"]) in ports[service["spec"]["selector"]["app"]]
