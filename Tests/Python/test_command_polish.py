"""What people meet at the terminal: the first file, the live screen, colours, completions, the manual page."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ROOT, binary, command


def commands():
    dump = json.loads(command("--experimental-dump-help").stdout)["command"]
    return [sub for sub in dump["subcommands"] if sub["commandName"] != "help"]


def on_terminal(arguments, until, env=None, seconds=60, end=signal.SIGINT):
    """Runs a command on a terminal of 24 lines until the text has come, ends it, and gives all that it wrote and its status."""
    main, other = pty.openpty()
    process = subprocess.Popen([binary(), *arguments], stdin=other, stdout=other, stderr=other, env={**os.environ, "TERM": "xterm", **(env or {})}, start_new_session=True)
    os.close(other)
    written, limit = "", time.monotonic() + seconds
    while time.monotonic() < limit:
        ready, _, _ = select.select([main], [], [], 0.2)
        if ready:
            try:
                data = os.read(main, 65536)
            except OSError:
                break
            written += data.decode("utf-8", "replace")
        if until(written) and process.poll() is None and end:
            process.send_signal(end)
            end = None
        if process.poll() is not None and not ready:
            break
    status = process.wait(timeout=300)
    os.close(main)
    return written, status


def test_init_writes_a_file_that_is_valid(tmp_path):
    done = command("init", "--upstream", "http://127.0.0.1:9/v1", cwd=tmp_path)
    assert done.returncode == 0 and "wrote config.yaml" in done.stdout, done
    assert command("check", cwd=tmp_path).returncode == 0
    again = command("init", cwd=tmp_path)
    assert again.returncode == 73 and "--force" in again.stderr
    assert command("init", "-o", "-", cwd=tmp_path).stdout == (ROOT / "config.yaml").read_text()
    nowhere = command("init", "-o", "missing/config.yaml", cwd=tmp_path)
    assert nowhere.returncode == 73 and "there is no folder" in nowhere.stderr
    assert command("init", "-o", "-", "--json", cwd=tmp_path).returncode == 64, "a file in YAML is no JSON"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_start_says_what_a_newcomer_needs(tmp_path, stand_in, host):
    process = subprocess.Popen(
        [binary(), "serve", "--host", host, "--port", "0", "--upstream", stand_in.url, "--store", ":memory:"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    try:
        said = [process.stdout.readline().strip() for _ in range(7)]
    finally:
        process.terminate()
        assert process.wait(timeout=300) == 0
        process.stdout.close()
    assert said[0].startswith("reprise ") and f"http://{host}:" in said[0]
    facts = {line.split()[0]: line for line in said[1:6]}
    assert list(facts) == ["forwards", "embedder", "store", "dashboard", "statistics"] and stand_in.url in facts["forwards"]
    base = f"http://127.0.0.1:{said[0].rsplit(':', 1)[1]}"
    assert base + "/dashboard" in facts["dashboard"] and base + "/cache/stats" in facts["statistics"]
    assert said[6] == f"Point your client at it:  export OPENAI_BASE_URL={base}/v1"


def test_every_command_prints_json_for_programs(proxy, tmp_path):
    proxy.chat("one")
    entry = json.loads(proxy.run("list", "--json").stdout)
    (tmp_path / "faq.jsonl").write_text('{"prompt":"a","answer":"b","model":"m"}\n')
    calls = {
        "init": ["init", "-o", str(tmp_path / "new.yaml"), "--json"], "check": ["check", "--json"], "stats": ["stats", "--json"], "list": ["list", "--json"],
        "show": ["show", entry["id"], "--json"], "warm": ["warm", str(tmp_path / "faq.jsonl"), "--json"], "flush": ["flush", "--all", "--yes", "--json"]}
    for sub in commands():
        names = {name["name"] for argument in sub["arguments"] for name in argument.get("names", [])}
        if sub["commandName"] == "serve" or any(argument["kind"] == "positional" and argument["valueName"] == "file" for argument in sub["arguments"]) and "json" not in names:
            continue
        assert "json" in names, sub["commandName"]
    for name, arguments in calls.items():
        done = command(*arguments, *([] if name in ("init", "check") else ["--server", proxy.url]), cwd=tmp_path)
        assert done.returncode == 0, done
        assert isinstance(json.loads(done.stdout), dict), name


def test_a_wrong_configuration_as_json(tmp_path):
    (tmp_path / "config.yaml").write_text("server:\n  prot: 80\n")
    done = command("check", "--json", cwd=tmp_path)
    assert done.returncode == 78
    problem = json.loads(done.stdout)["problems"][0]
    assert (problem["line"], problem["column"]) == (2, 3) and "'port'" in problem["message"]


def test_the_live_screen_draws_counts_and_leaves_the_terminal_as_it_was(proxy):
    proxy.chat("one")
    proxy.chat("one")
    written, status = on_terminal(["stats", "--watch", "--interval", "100ms", "--server", proxy.url], lambda text: text.count("hit ratio") >= 3)
    assert "exact hits 1" in written and "50.0 %" in written
    assert written.startswith("\x1b[?1049h") and written.rstrip().endswith("\x1b[?1049l"), "opens the second screen and leaves it"
    assert status == 130


def test_no_colour_where_it_is_not_wanted(proxy):
    proxy.chat("one")
    arguments = ["list", "--server", proxy.url]
    coloured, _ = on_terminal(arguments, lambda text: False)
    assert "\x1b[1m" in coloured
    plain, _ = on_terminal(arguments, lambda text: False, env={"NO_COLOR": "1"})
    assert "\x1b" not in plain and "QUESTION" in plain.upper()
    assert "\x1b" not in proxy.run("list").stdout


def test_a_dumb_terminal_gets_lines_alone(proxy, tmp_path):
    dumb = {"TERM": "dumb"}
    watched, _ = on_terminal(["stats", "--watch", "--interval", "100ms", "--server", proxy.url], lambda text: text.count("hit ratio") >= 3, env=dumb)
    assert watched.count("hit ratio") >= 3 and "\x1b" not in watched
    # Longer than the time after which a bar would be drawn.
    lines = tmp_path / "many.jsonl"
    lines.write_text("".join(json.dumps({"prompt": f"question number {number}", "answer": "yes"}) + "\n" for number in range(4000)))
    for arguments in (["warm", str(lines), "--model", "m"], ["list"], ["export", str(tmp_path / "out.jsonl")]):
        said, status = on_terminal([*arguments, "--server", proxy.url], lambda text: False, env=dumb, seconds=60)
        assert status == 0 and "\x1b" not in said and "\r[" not in said, said[-300:]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_every_command(shell, tmp_path):
    script = command("--generate-completion-script", shell).stdout
    for sub in commands():
        assert sub["commandName"] in script
    if shell == "bash":
        (tmp_path / "c").write_text(script)
        subprocess.run(["bash", "-n", str(tmp_path / "c")], check=True)


def test_the_manual_page_tells_every_command_option_and_status():
    text = subprocess.run([str(ROOT / "Scripts/man"), binary()], capture_output=True, text=True, check=True).stdout
    flat = text.replace("\\-", "-")
    for sub in commands():
        assert f".SS reprise {sub['commandName']}" in flat
        for argument in sub["arguments"]:
            for name in argument.get("names", []):
                if name["name"] not in ("h", "help", "version"):
                    assert name["name"] in flat, (sub["commandName"], name)
    for status in (64, 65, 66, 69, 73, 77, 78):
        assert f"{status}  " in flat
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", done.stderr
