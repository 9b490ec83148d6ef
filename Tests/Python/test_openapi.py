"""The admin surface is what its description says: schemathesis makes requests of it, good and bad ones, and compares the answers."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.fixture
def filled(start):
    proxy = start("--log-level", "warning")
    for number in range(5):
        proxy.chat(f"question number {number}", {"X-Cache-Tags": "doc:1", "X-Cache-Namespace": "n"})
    proxy.chat("question number 0", {"X-Cache-Namespace": "n"})
    # What was learned, a hit by meaning and near misses of both kinds are described too.
    for prompt in ("How do I reset my password?", "How can I reset my password?", "How do I not reset my password?", "How should one reset a password?"):
        proxy.chat(prompt)
    return proxy


def test_schemathesis_finds_nothing(filled, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{filled.url}/cache/openapi.json", "--url", filled.url, "--seed", "7", "--max-examples", "25",
         "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--suppress-health-check", "too_slow", "--request-timeout", "60", "--no-color", "--checks", "all",
         # Methods are tested below. A text that is no regular expression is refused though it is a string; a bad line of a file costs no other line.
         "--exclude-checks", "unsupported_method,ignored_auth,missing_required_header,positive_data_acceptance,negative_data_rejection"],
        capture_output=True, text=True, timeout=900, cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(ROOT / "Tests/Python")})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 100, done.stdout
    assert filled.request("GET", "/healthz").status == 200


def test_every_route_is_described(filled):
    described = filled.request("GET", "/cache/openapi.json").json
    assert described["openapi"].startswith("3.1") and described["info"]["version"] == filled.stats["version"]
    for path, operations in described["paths"].items():
        shown = path.replace("{id}", "0000000000000000")
        for method in ("get", "post", "delete"):
            answer = filled.request(method.upper(), shown, b"{}" if method == "post" else None)
            if path in ("/healthz", "/readyz"):
                continue
            assert (answer.status == 405) == (method not in operations), (method, path, answer.status)
            if answer.status == 405:
                assert answer.headers["Allow"]


def test_the_description_knows_every_member(filled):
    """Members that are not described would be no part of the contract, though schemathesis lets them pass."""
    described = filled.request("GET", "/cache/openapi.json").json

    def resolve(schema):
        return resolve(described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]) if "$ref" in schema else schema

    def compare(value, schema, where):
        schema = resolve(schema)
        if isinstance(value, list):
            for item in value:
                compare(item, schema["items"], f"{where}[]")
        elif isinstance(value, dict) and "properties" in schema:
            assert set(value) <= set(schema["properties"]), (where, sorted(set(value) - set(schema["properties"])))
            assert set(schema.get("required", [])) <= set(value), where
            for name, member in value.items():
                compare(member, schema["properties"][name], f"{where}.{name}")

    def schema(path, method):
        return described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]

    stats = filled.stats
    assert stats["matching"]["populations"]
    compare(stats, schema("/cache/stats", "get"), "stats")
    page = filled.request("GET", "/cache/entries").json
    compare(page, schema("/cache/entries", "get"), "entries")
    entry = page["entries"][0]["id"]
    compare(filled.request("GET", f"/cache/entries/{entry}").json, schema("/cache/entries/{id}", "get"), "entry")
    near = filled.request("GET", "/cache/near-misses").json
    assert near["near_misses"]
    compare(near, schema("/cache/near-misses", "get"), "near_misses")
    body = {"model": "stand-in", "messages": [{"role": "user", "content": "How could I reset my password?"}]}
    explained = filled.request("POST", "/cache/explain", body).json
    assert explained["nearest"] and explained["learned"]
    compare(explained, schema("/cache/explain", "post"), "explain")
    miss = near["near_misses"][-1]
    compare(filled.request("POST", "/cache/feedback", {"entry": miss["entry"], "correct": True}).json, schema("/cache/feedback", "post"), "feedback")


def test_the_token_guards_every_path(start):
    proxy = start("--log-level", "warning", config="admin:\n  token_env: ADMIN\n", env={"ADMIN": "s3cret"})
    for path in ("/cache/stats", "/cache/openapi.json", "/metrics", "/dashboard", "/dashboard/events", "/dashboard/script.js", "/dashboard/entries"):
        assert proxy.request("GET", path).status == 401, path
        if path != "/dashboard/events":
            assert proxy.request("GET", path, headers={"Authorization": "Bearer s3cret"}).status == 200, path
            # What a browser sends after it asked its user.
            assert proxy.request("GET", path, headers={"Authorization": "Basic bWU6czNjcmV0"}).status == 200, path
            assert proxy.request("GET", path, headers={"Authorization": "Basic bWU6d3Jvbmc="}).status == 401, path
    assert proxy.request("GET", "/dashboard").headers["WWW-Authenticate"].startswith("Basic ")
    assert proxy.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200), ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
])
def test_a_page_of_another_site_changes_nothing(filled, headers, status):
    assert filled.request("POST", "/cache/flush", {"all": True}, headers).status == status
    assert (filled.stats["entries"] == 0) == (status == 200)


@pytest.mark.parametrize("host, status", [
    ("evil.example", 403), ("evil.example:80", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil.example", 403), ("1.evil", 403),
    ("localhost", 200), ("LOCALHOST:8080", 200), ("127.0.0.1", 200), ("[::1]:8080", 200), ("app.localhost", 200), ("reprise", 200),
    ("host.docker.internal:8080", 200),
])
@pytest.mark.parametrize("path", ["/cache/entries", "/metrics", "/dashboard"])
def test_a_name_that_was_made_to_lead_here_opens_nothing(filled, path, host, status):
    """DNS rebinding: to the browser the page asks its own site, so that it may read what comes back."""
    got = filled.request("GET", path, headers={"Host": host, "Sec-Fetch-Site": "same-origin"})
    assert got.status == status
    assert status == 200 or b"foreign_host" in got.body


def test_the_dashboards_own_origin_is_served(filled):
    assert filled.request("POST", "/cache/flush", {"all": True}, {"Origin": f"http://127.0.0.1:{filled.port}"}).status == 200
