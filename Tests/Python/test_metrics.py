"""/metrics as Prometheus reads it, and the files in Examples that rest on its names."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, THRESHOLD, Reprise, wait_for
from upstream import Upstream, completion

TOOLS = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "reprise/tools"
PROMTOOL = shutil.which("promtool") or str(TOOLS / "promtool")


@pytest.fixture
def proxy(start):
    return start(config=THRESHOLD)


def traffic(proxy):
    for prompt in ("How do I reset my password?", "How do I reset my password?", "How can I reset my password?", "Where is order 48213?", "Where is order 48231?"):
        proxy.chat(prompt, {"Authorization": "Bearer \"quoted\\key", "X-Cache-Namespace": "team-a"}, model="gpt-4o-mini")
    proxy.chat("[status 500] please")
    proxy.request("GET", "/v1/models")
    proxy.chat("one", {"X-Cache-TTL": "soon"})
    proxy.request("POST", "/cache/flush", {"matching": "order 48213"})


def metrics(proxy):
    answer = proxy.request("GET", "/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def samples(text):
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*(?:\{.*\})?) (\S+)$", text, re.M)}


def test_promtool_finds_nothing_to_mend(proxy):
    traffic(proxy)
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics(proxy), capture_output=True, text=True)
    assert checked.returncode == 0 and not checked.stderr, checked.stdout + checked.stderr


def test_metrics_say_what_the_statistics_say(proxy):
    traffic(proxy)
    found, stats = samples(metrics(proxy)), proxy.stats

    def total(name, **labels):
        return sum(value for series, value in found.items() if re.match(name + r"(\{|$)", series) and all(f'{key}="{text}"' in series for key, text in labels.items()))

    requests = stats["requests"]
    assert requests["exact_hits"] == 1 and requests["semantic_hits"] == 1 and requests["refused"] == 1
    assert total("reprise_requests_total") == requests["total"]
    assert total("reprise_requests_total", outcome="exact_hit") == requests["exact_hits"]
    assert total("reprise_requests_total", outcome="semantic_hit", endpoint="/v1/chat/completions") == requests["semantic_hits"]
    assert total("reprise_requests_total", outcome="miss", reason="numbers-differ") == stats["miss_reasons"]["numbers-differ"]
    assert total("reprise_requests_total", outcome="bypass", endpoint="other") == requests["bypassed"] == 1
    assert total("reprise_entries") == stats["entries"]
    assert total("reprise_evictions_total", cause="flushed") == stats["evictions"]["flushed"] == 1
    assert total("reprise_answers_not_stored_total", reason="error-status") == 1
    assert total("reprise_saved_usd_total") == pytest.approx(stats["saved"]["gross_usd"]) and stats["saved"]["gross_usd"] > 0
    assert total("reprise_model_saved_usd_total", model="gpt-4o-mini") == pytest.approx(stats["models"]["gpt-4o-mini"]["saved_usd"])
    assert total("reprise_namespace_requests_total", namespace="team-a", outcome="hit") == 2
    assert total("reprise_hit_duration_seconds_count") == 2
    assert total("reprise_similarity_count", decision="served") == sum(stats["similarities"]["served"]) == 1
    for stage in ("embed", "search", "decide"):
        assert total("reprise_lookup_stage_duration_seconds_count", stage=stage) >= 1, stage
    assert stats["latency_ms"]["decide"]["p50"] is not None
    assert total("reprise_storage_entries") == stats["entries"] and total("reprise_storage_entries", tier="memory") == stats["store"]["answers_in_memory"]
    assert {"store", "indexing", "judge"} == set(re.findall(r'^reprise_queue_depth\{queue="(\w+)"\}', metrics(proxy), re.M))
    assert total("reprise_upstream_first_byte_seconds_count") >= 4
    assert len(stats["tenants"]) == 2 and "quoted" not in metrics(proxy)


def test_a_rate_sees_the_first_request_too(start):
    proxy = start(config="matching:\n  mode: threshold\n")
    before = samples(metrics(proxy))
    traffic(proxy)
    after = samples(metrics(proxy))
    grown = {name for name, value in after.items() if name.startswith(("reprise_requests_total{", "reprise_answers_not_stored_total{")) and value}
    assert len(grown) >= 6 and grown <= set(before) and not any(before[name] for name in grown), grown - set(before)


def test_savings_are_the_tokens_at_their_price(start):
    proxy = start(config="prices:\n  models:\n    stand-in: {input: 3, output: 7.5}\n")
    usage = proxy.chat("hello there").json["usage"]
    for _ in range(3):
        proxy.chat("hello there")
    saved = proxy.stats["saved"]
    price = usage["prompt_tokens"] * 3e-6 + usage["completion_tokens"] * 7.5e-6
    assert saved["usd"] == pytest.approx(3 * price)
    assert saved["prompt_tokens"] == 3 * usage["prompt_tokens"] and saved["completion_tokens"] == 3 * usage["completion_tokens"]
    assert proxy.stats["spent"]["usd"] == pytest.approx(price)
    proxy.chat("nobody knows the price", model="mystery")
    proxy.chat("nobody knows the price", model="mystery")
    assert proxy.stats["models"]["mystery"]["saved_usd"] == 0 and proxy.stats["models"]["mystery"]["saved_tokens"] > 0


def test_dashboards_and_alerts_use_names_that_exist(proxy, tmp_path):
    traffic(proxy)
    names = set(re.findall(r"^# TYPE (\S+)", metrics(proxy), re.M))
    names |= {name + part for name in names for part in ("_bucket", "_sum", "_count")}
    folder = ROOT / "Examples/prometheus"
    rules = folder / "alerts.yml"
    checked = subprocess.run([PROMTOOL, "check", "rules", str(rules)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    board = json.loads((folder / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(expressions) >= 12
    for text in [rules.read_text(), *expressions]:
        used = set(re.findall(r"\b(?:reprise|process)_[a-z_]+\b", text))
        assert used - names == set(), used - names
    # Each expression is one that Prometheus can read.
    rule = "groups:\n- name: board\n  rules:\n" + "".join(f"  - record: board:r{number}\n    expr: {json.dumps(expression)}\n" for number, expression in enumerate(expressions))
    rule = rule.replace("$__rate_interval", "5m").replace("$job", "reprise").replace("$instance", ".*")
    (tmp_path / "board.yml").write_text(rule)
    checked = subprocess.run([PROMTOOL, "check", "rules", str(tmp_path / "board.yml")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_guide_names_every_metric_and_no_other(proxy):
    traffic(proxy)
    families = set(re.findall(r"^# TYPE (\S+)", metrics(proxy), re.M))
    page = (ROOT / "docs/observability.md").read_text()
    cells = " ".join(re.findall(r"^\| (`reprise_.*?) \|", page, re.M))
    named = set(re.findall(r"`(reprise_[a-z_]+)`", cells))
    endings = tuple(re.findall(r"`(_[a-z_]+)`", cells))
    assert named <= families, named - families
    # What a model has, tenants and namespaces have too; names that begin alike are shortened to their ends.
    told = {name for name in families if name in named or name.startswith("process_") or re.sub(r"_(tenant|namespace)_", "_model_", name) in named}
    left = {name for name in families - told if not name.endswith(endings)}
    assert left == set(), left


def test_input_that_the_provider_had_cached_is_valued_at_its_price_over_a_restart(start, tmp_path):
    """At the full price such a hit would save more than the call had cost."""
    def reply(handler, body):
        answer = completion("yes")
        answer["usage"] = {"prompt_tokens": 2000, "completion_tokens": 10, "total_tokens": 2010, "prompt_tokens_details": {"cached_tokens": 1500}}
        handler.json(answer)

    upstream = Upstream(reply)
    config = "prices:\n  models:\n    m: {input: 1.0, cached_input: 0.1, output: 2.0}\n"
    cost = (500 * 1.0 + 1500 * 0.1 + 10 * 2.0) / 1e6
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
    first = Reprise(tmp_path / "first", upstream.url, config=config)
    assert first.chat("a long one", model="m").cache == "MISS"
    assert first.stats["spent"]["usd"] == pytest.approx(cost)
    wait_for(lambda: first.stats["store"]["queue"] == 0, what="the store")
    exported = first.run("export", "-").stdout
    assert first.stop() == 0
    again = Reprise(tmp_path / "first", upstream.url, config=config)
    assert again.chat("a long one", model="m").cache == "HIT"
    assert again.stats["saved"]["usd"] == pytest.approx(cost) and again.stats["saved"]["prompt_tokens"] == 2000
    # The other column beside what is kept: the processor's time, which is no money.
    assert "embedding_usd" not in again.stats["costs"] and again.stats["costs"]["embedding_seconds"] >= 0
    assert again.stop() == 0
    other = Reprise(tmp_path / "second", upstream.url, config=config)
    record = json.loads(exported.splitlines()[0])
    assert record["usage"] == {"prompt": 2000, "completion": 10, "cached": 1500}
    assert other.run("import", "-", stdin=exported).returncode == 0
    assert [entry["model"] for entry in other.request("GET", "/cache/entries").json["entries"]] == ["m"]
    assert json.loads(other.run("export", "-").stdout.splitlines()[0])["usage"] == record["usage"]
    assert other.stop() == 0
    upstream.stop()
