"""The guides, held against what they speak of."""

import json
import re
import shlex
import subprocess

import pytest
from conftest import ROOT, command

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
    ("MissReason", "Looked up, and forwarded"), ("BypassReason", "Not looked up"), ("NotStoredReason", "Forwarded, and not kept"),
    ("NotWrittenReason", "Kept, and not written")])
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


def shown_commands():
    """Where a command line is shown, and the line: in the pages, the examples and each command's help."""
    sources = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
    for name, text in sources.items():
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield from ((name, line) for line in block.replace("\\\n", " ").splitlines())
        yield from ((name, line) for line in re.findall(r"`(reprise [a-z]+[^`]*)`", text))
    for sub in commands().values():
        yield from ((f"reprise {sub['commandName']} --help", line) for line in sub.get("discussion", "").split("Example:")[-1].splitlines())


def commands():
    dump = json.loads(command("--experimental-dump-help").stdout)["command"]
    return {sub["commandName"]: sub for sub in dump["subcommands"]}


def test_every_command_that_is_shown_can_be_typed():
    known = commands()
    checked, helps = 0, set()
    for where, line in shown_commands():
        match = re.search(r"(?:^|[\s|;&`])reprise ([a-z-]+)((?:\s.*)?)$", line.strip())
        if not match or match[1] not in known:
            assert not match or not re.match(r"\s*(export \S+=\S+ )?reprise [a-z]+( |$)", line) or match[1] in ("listens", "stopped"), f"{where}: {line}"
            continue
        sub = known[match[1]]
        spelled = {name["name"] for argument in sub.get("arguments", []) for name in argument.get("names") or []} | {"help", "version"}
        # What follows a pipe or a comment is another program's.
        words = shlex.split(re.split(r"\s[|>#]|\s;", match[2])[0], comments=True)
        for word in words:
            if word.startswith("--"):
                assert word[2:].split("=")[0] in spelled, f"{where}: {line}: {word}"
        checked += 1
        helps.add(where)
    assert checked > 40
    assert {f"reprise {name} --help" for name in known if name != "help"} <= helps, "each command's help shows an example"


def test_every_call_in_the_admin_page_is_described():
    described = json.loads((ROOT / "Sources/Server/Page/openapi.json").read_text())["paths"]
    page = (ROOT / "docs/admin.md").read_text()
    table = {path for cell in re.findall(r"^\| (.*?) \|", page, re.MULTILINE) for path in re.findall(r"(/[a-z/{}-]+)", cell)}
    assert {path for path in described if path.startswith("/cache/")} - {"/cache/openapi.json"} <= table
    assert {path for path in table if path.startswith("/cache/")} <= set(described)
