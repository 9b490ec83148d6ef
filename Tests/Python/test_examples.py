"""Every example runs, against the real proxy and the stand-in model."""

import os
import subprocess
import sys

from conftest import ROOT, binary


def run(proxy, *command):
    environment = {**os.environ, "REPRISE_URL": proxy.url + "/v1", "MODEL": "stand-in", "OPENAI_API_KEY": "sk-example", "REPRISE_BINARY": binary()}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=True).stdout


def test_openai_python(proxy):
    printed = run(proxy, sys.executable, str(ROOT / "Examples/openai-python/main.py"))
    assert [line.split("(")[0].strip() for line in printed.splitlines() if "reprise;" in line] == [
        "reprise; fwd=miss; stored", "reprise; hit; detail=semantic", printed.split("(streamed)\n  ")[1].split("\n")[0]]
    assert "detail=exact" in printed


def test_curl(proxy):
    printed = run(proxy, str(ROOT / "Examples/curl/ask.sh")).lower()
    assert "cache-status: reprise; fwd=miss; stored" in printed and "cache-status: reprise; hit; detail=semantic" in printed


def test_warm(proxy):
    run(proxy, str(ROOT / "Examples/warm/warm.sh"))
    assert proxy.stats["entries"] == 20
    hit = proxy.chat("How can I reset my password?", {"Authorization": "Bearer sk-example"})
    assert hit.headers["X-Cache-Match"] == "semantic" and "Forgot password" in hit.json["choices"][0]["message"]["content"]


def test_the_demo():
    done = subprocess.run(
        [sys.executable, str(ROOT / "Scripts/demo.py"), binary(), str(ROOT / "Examples/stand-in/stand_in.py")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done
    assert done.stdout.count("hit; detail=semantic") == 2
