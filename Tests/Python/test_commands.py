"""The command line against a running proxy, and without one."""

import json
import socket

import pytest
from conftest import command


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("arguments", [["stats"], ["list"], ["show", "0000000000000001"], ["flush", "--model", "m"], ["warm", "-"]])
def test_without_a_proxy_one_clear_line(tmp_path, arguments):
    done = command(*arguments, "--server", f"http://127.0.0.1:{free_port()}", cwd=tmp_path, stdin='{"prompt":"a","answer":"b","model":"m"}\n')
    assert done.returncode == 69, done
    assert done.stdout == "" and "no proxy answers" in done.stderr


def test_check_prints_the_effective_configuration(tmp_path):
    (tmp_path / "config.yaml").write_text("server: {port: 9999}\nadmin: {token_env: MY_TOKEN}\n")
    done = command("check", cwd=tmp_path, env={"MY_TOKEN": "hush-hush"})
    assert done.returncode == 0, done
    assert "9999" in done.stdout and "hush-hush" not in done.stdout + done.stderr
    assert "model: all-MiniLM-L6-v2" in done.stderr


def test_check_names_file_line_and_nearest_key(tmp_path):
    (tmp_path / "config.yaml").write_text("server:\n  prot: 80\ncache:\n  ttl: soon\n")
    done = command("check", cwd=tmp_path)
    assert done.returncode == 78
    assert "config.yaml:2:3" in done.stderr and "'port'" in done.stderr
    assert "config.yaml:4:" in done.stderr and "soon" in done.stderr
    assert command("serve", cwd=tmp_path).returncode == 78


def test_check_says_what_is_wrong_with_the_model(tmp_path):
    done = command("check", cwd=tmp_path, env={"REPRISE_MODEL_DIR": str(tmp_path / "nowhere")})
    assert done.returncode == 0 and "manifest.json is missing: run Scripts/model" in done.stderr
    (tmp_path / "config.yaml").write_text("matching: {require_model: true}\n")
    environment = {"REPRISE_MODEL_DIR": str(tmp_path / "nowhere")}
    assert command("check", cwd=tmp_path, env=environment).returncode == 78
    assert command("serve", "--port", "0", cwd=tmp_path, env=environment).returncode == 78


def test_a_port_in_use_is_said(proxy, tmp_path):
    done = command("serve", "--port", str(proxy.port), "--store", ":memory:", cwd=tmp_path)
    assert done.returncode == 1 and f"server.port (--port): expected a free port, 0 for any; found {proxy.port}, which is in use" in done.stderr


@pytest.mark.parametrize("host, status, words", [
    ("256.1.1.1", 64, "--host: expected a host name or address such as 127.0.0.1"),
    ("203.0.113.7", 1, "server.host (--host): expected an address of this machine"),
    ("no-such-host.invalid", 1, "server.host (--host): expected a name or an address of this machine; found no-such-host.invalid"),
    ("fe80::1", 1, "server.host (--host): expected an address"),
])
def test_a_host_that_cannot_be_listened_on_is_said(tmp_path, host, status, words):
    done = command("serve", "--host", host, "--port", "0", "--store", ":memory:", cwd=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr
    assert done.stdout == "" and "bind(" not in done.stderr


def test_list_show_and_flush(proxy):
    for prompt in ["How do I reset my password?", "What is the capital of France?", "Tell me a joke"]:
        proxy.chat(prompt, {"X-Cache-Tags": "faq"})
    listed = [json.loads(line) for line in proxy.run("list", "--json").stdout.splitlines()]
    assert [entry["query"] for entry in listed] == ["How do I reset my password?", "What is the capital of France?", "Tell me a joke"]
    newest = [json.loads(line)["query"] for line in proxy.run("list", "--newest", "--limit", "2", "--json").stdout.splitlines()]
    assert newest == ["Tell me a joke", "What is the capital of France?"]
    shown = proxy.run("show", listed[0]["id"])
    assert shown.returncode == 0 and "How do I reset my password?" in shown.stdout
    assert proxy.run("show", "00000000000000ff").returncode == 1
    assert proxy.run("list").stdout.count("\n") >= 4

    assert proxy.run("flush").returncode == 64
    assert proxy.run("flush", "--all").returncode == 64, "asks first, and there is no terminal"
    dry = proxy.run("flush", "--matching", "password", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"matched": 1, "removed": 0}
    similar = proxy.run("flush", "--similar-to", "Which city is the capital of France?", "--threshold", "0.9", "--json")
    assert json.loads(similar.stdout) == {"matched": 1, "removed": 1}
    assert json.loads(proxy.run("flush", "--id", listed[0]["id"], "--json").stdout)["removed"] == 1
    assert json.loads(proxy.run("flush", "--all", "--yes", "--json").stdout)["removed"] == 1
    assert proxy.stats["entries"] == 0


def test_stats_as_table_and_json(proxy):
    proxy.chat("one")
    proxy.chat("one")
    assert json.loads(proxy.run("stats", "--json").stdout)["requests"]["exact_hits"] == 1
    table = proxy.run("stats").stdout
    assert "exact" in table and "\x1b" not in table


def test_warm_imports_and_asks(proxy, stand_in, tmp_path):
    records = [
        {"prompt": "How do I reset my password?", "answer": "Click on forgot password.", "model": "stand-in"},
        {"prompt": "Where is my invoice?", "model": "stand-in"},
        {"custom_id": "r3", "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "stand-in", "messages": [{"role": "user", "content": "What are your opening hours?"}]}},
    ]
    file = tmp_path / "faq.jsonl"
    file.write_text("\n".join(json.dumps(record) for record in records) + "\nnot json\n")
    credential = {"OPENAI_API_KEY": "sk-app"}
    done = proxy.run("warm", str(file), env=credential)
    assert done.returncode == 65 and f"{file}:4" in done.stderr, done
    assert stand_in.seen["count"] == 2
    app = {"Authorization": "Bearer sk-app"}
    hit = proxy.reworded("How can I reset my password?", app)
    assert hit.headers["X-Cache-Match"] == "semantic"
    assert hit.json["choices"][0]["message"]["content"] == "Click on forgot password."
    assert proxy.chat("Where is my invoice?", app).headers["X-Cache-Match"] == "exact"
    assert proxy.chat("What are your opening hours?", app).headers["X-Cache-Match"] == "exact"
    assert proxy.chat("Where is my invoice?").cache == "MISS", "another tenant"
    again = proxy.run("warm", "-", stdin=json.dumps(records[1]) + "\n", env=credential)
    assert again.returncode == 0 and stand_in.seen["count"] == 3


def test_warm_reads_csv(proxy, tmp_path):
    file = tmp_path / "faq.csv"
    file.write_text('prompt,answer,model\n"How do I\nreset my password?","Click, then wait.",stand-in\n')
    assert proxy.run("warm", str(file), env={"OPENAI_API_KEY": ""}).returncode == 0
    assert proxy.stats["entries"] == 1


def test_warm_dry_run_needs_no_proxy(tmp_path):
    file = tmp_path / "faq.jsonl"
    file.write_text('{"prompt":"a","answer":"b","model":"m"}\n{"prompt":1}\n')
    done = command("warm", str(file), "--dry-run", cwd=tmp_path)
    assert done.returncode == 65 and ":2" in done.stderr


def test_the_admin_token_is_asked_for(start):
    proxy = start(config="admin: {token_env: ADMIN}", env={"ADMIN": "hush"})
    assert proxy.request("GET", "/cache/stats").status == 401
    assert proxy.run("stats").returncode == 77
    assert proxy.run("stats", "--json", env={"REPRISE_ADMIN_TOKEN": "hush"}).returncode == 0
    assert proxy.request("GET", "/healthz").status == 200


def test_version_and_help():
    assert command("--version").stdout.strip() == "0.1.0"
    for name in ["init", "serve", "check", "stats", "warm", "flush", "list", "show"]:
        assert "Example:" in command(name, "--help").stdout
