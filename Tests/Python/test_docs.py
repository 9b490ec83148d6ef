"""The guides, held against what they speak of."""

import re
import subprocess

import pytest
from conftest import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def settings():
    section, keys = None, set()
    for line in (ROOT / "config.yaml").read_text().splitlines():
        if match := re.match(r"([a-z_]+):", line):
            section = match[1]
        elif match := re.match(r"  ([a-z_]+):", line):
            keys.add(f"{section}.{match[1]}")
    return keys


def test_the_page_of_settings_is_made_from_the_catalogue():
    done = subprocess.run([str(ROOT / "Scripts/config-page"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sections = set(re.findall(r"^### (\S+)$", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    assert sections == settings()


@pytest.mark.parametrize("enum, heading", [
    ("MissReason", "Looked up, and forwarded"), ("BypassReason", "Not looked up"), ("NotStoredReason", "Forwarded, and not kept")])
def test_troubleshooting_has_every_reason_and_no_other(enum, heading):
    source = (ROOT / "Sources/SemanticCache/Reasons.swift").read_text()
    body = source[source.index(f"package enum {enum}"):]
    body = body[:body.index("\n}")]
    cases = set(re.findall(r"^    case \w+ = \"([a-z-]+)\"", body, re.MULTILINE))
    page = (ROOT / "docs/troubleshooting.md").read_text()
    section = page[page.index(f"## {heading}"):].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == cases


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_keys_exist(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if target.endswith(("benchmarks/peers.md", "peers.svg")):
            continue  # written by the comparison, which is run by hand
        assert (page.parent / target).exists(), f"{page.name}: {target}"
    # Pages that speak of statistics or of other programs' requests have words of the same form.
    if page.name in ("controls.md", "moving.md", "matching.md", "store.md", "observability.md"):
        return
    known = settings()
    names = "|".join(sorted({key.split(".")[0] for key in known}))
    for key in re.findall(rf"`((?:{names})\.[a-z_]+)\b(?!\()", text):
        assert key in known or key.endswith((".yaml", ".db", ".jsonl", ".service", ".tsv")), f"{page.name}: {key}"
