"""The dashboard in a real browser, with real traffic behind it. Screenshots go to the folder of REPRISE_ARTEFACTS, else to .build/dashboard."""

import json
import os
import pathlib
import re
import time

import pytest
from browser import Browser
from conftest import ROOT, THRESHOLD, holds_soon, wait_for

ARTEFACTS = pathlib.Path(os.environ.get("REPRISE_ARTEFACTS", ROOT / ".build")) / "dashboard"
QUESTIONS = [
    "How do I reset my password?", "What is the capital of France?", "Can you tell me your opening hours?", "How long does shipping take to Germany?",
    "What is the status of order 48213?", "How do I enable two-factor authentication?", "Is this covered by the warranty?", "How do I cancel my subscription?",
]
REWORDED = ["How can I reset my password?", "Which city is the capital of France?", "Could you tell me your opening hours please?", "How can I cancel my subscription?"]
TRAPS = ["What is the status of order 48231?", "How do I disable two-factor authentication?", "Is this not covered by the warranty?", "How long does shipping take to France?"]


def traffic(proxy):
    for number, prompt in enumerate(QUESTIONS + REWORDED + TRAPS + QUESTIONS + QUESTIONS[:4]):
        proxy.chat(prompt, {"Authorization": f"Bearer team-{number % 2}" if number >= 100 else "Bearer team"}, model=("gpt-4o-mini", "gpt-4o")[prompt in QUESTIONS[6:]], stream=number % 5 == 0)
    proxy.chat("How do I reset my password?", {"Authorization": "Bearer other", "X-Cache-Namespace": "support"}, model="my-own-model")
    proxy.chat("[status 500] please")
    proxy.chat("cut [length] short")
    proxy.request("GET", "/v1/models")
    proxy.chat("x", {"X-Cache-TTL": "soon"})


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "browser")
    yield opened
    opened.close()


@pytest.fixture
def shown(start, browser):
    proxy = start("--log-level", "warning", config=THRESHOLD + "admin:\n  show_prompts: true\n")
    traffic(proxy)
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelector('[data-stat=\"requests.total\"]').dataset.value > 0")
    browser.until("document.querySelectorAll('#recent [data-request]').length > 10")
    return proxy


def values(browser, selector, key):
    return browser.evaluate(f"Object.fromEntries([...document.querySelectorAll({json.dumps(selector)})].map((node) => [node.dataset.{key}, Number(node.dataset.value)]))")


def test_every_panel_says_what_the_statistics_say(shown, browser):
    # The page is told of what changes once a second.
    holds_soon(lambda: compare_panels(shown.stats, browser))
    assert browser.complaints == []


def compare_panels(stats, browser):
    assert stats["requests"]["semantic_hits"] >= 3 and stats["requests"]["exact_hits"] >= 10

    def at(path):
        value = stats
        for name in path.split("."):
            value = value[name]
        return value

    tiles = values(browser, "[data-stat]", "stat")
    assert len(tiles) >= 8
    for path, value in tiles.items():
        assert value == pytest.approx(at(path)), path
    assert browser.evaluate("Number(document.getElementById('tokens').dataset.value)") == stats["saved"]["prompt_tokens"] + stats["saved"]["completion_tokens"] > 0
    for path, value in values(browser, "[data-latency]", "latency").items():
        if value == value:
            tier, quantile = path.split(".")
            assert value == pytest.approx(stats["latency_ms"][tier][quantile]), path
    assert browser.evaluate("document.querySelectorAll('#latency .range').length") == sum(1 for tier in stats["latency_ms"].values() if tier.get("p50"))
    reasons = values(browser, "[data-reason]", "reason")
    assert reasons == {f"{group}.{name}": count for group in ("miss_reasons", "bypass_reasons", "not_stored") for name, count in stats[group].items()}
    assert browser.evaluate("Number(document.getElementById('sum-served').dataset.value)") == sum(stats["similarities"]["served"]) == stats["requests"]["semantic_hits"]
    assert browser.evaluate("Number(document.getElementById('sum-forwarded').dataset.value)") == sum(stats["similarities"]["forwarded"]) > 0
    assert browser.evaluate("document.querySelectorAll('#chart-similarity .semantic').length") == sum(1 for count in stats["similarities"]["served"] if count)
    assert browser.evaluate("document.getElementById('cut-name').textContent") == "cut" and browser.evaluate("document.getElementById('measures').hidden")
    for group in ("models", "tenants", "namespaces"):
        browser.evaluate(f"document.querySelector('[data-group={group}]').click()")
        names = browser.evaluate("[...document.querySelectorAll('#shares tr[data-name]')].map((row) => row.dataset.name)")
        assert sorted(names) == sorted(stats[group]) and names
        for name in names:
            cells = browser.evaluate(f"Object.fromEntries([...document.querySelector('#shares tr[data-name=' + JSON.stringify({json.dumps(name)}) + ']').querySelectorAll('[data-share]')].map((cell) => [cell.dataset.share, Number(cell.dataset.value)]))")
            for key in ("requests", "hits", "saved_tokens", "saved_usd", "spent_usd"):
                assert cells[key] == pytest.approx(stats[group][name][key]), (group, name, key)
    counted = browser.evaluate("[...document.querySelectorAll('#recent [data-request]')].map((row) => row.dataset.cache)")
    requests = stats["requests"]
    assert len(counted) == requests["total"] + requests["refused"]
    assert counted.count("hit") == requests["exact_hits"] + requests["semantic_hits"] and counted.count("miss") == requests["misses"]
    assert browser.evaluate("document.querySelectorAll('#entries tr[data-entry]').length") == min(25, stats["entries"])
    drawn = browser.evaluate("buckets().list.reduce((sum, bucket) => sum + bucket.exact_hits + bucket.semantic_hits + bucket.stale + bucket.misses + bucket.bypassed, 0)")
    assert drawn == requests["total"]


def test_it_is_live(shown, browser):
    before = shown.stats["requests"]["total"]
    shown.chat("something new, asked while the page is open")
    browser.until(f"document.querySelector('[data-stat=\"requests.total\"]').dataset.value == {before + 1}")
    browser.until("document.querySelector('#recent tbody').textContent.includes('asked while the page is open')")
    browser.until("document.querySelector('#entries tbody').textContent.includes('asked while the page is open')")
    browser.open(shown.url + "/dashboard/")
    browser.until("document.querySelector('[data-stat=\"requests.total\"]').dataset.value > 0")
    assert browser.complaints == []


def test_the_newest_entries_come_first(start, browser):
    proxy = start("--log-level", "warning", config=THRESHOLD + "admin:\n  show_prompts: true\n")
    for number in range(30):
        proxy.chat(f"lesson number {number}")
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelectorAll('#entries tr[data-entry]').length === 25")
    questions = lambda: browser.evaluate("[...document.querySelectorAll('#entries tr[data-entry] td:first-child > span')].map((text) => text.textContent)")
    assert questions() == [f"lesson number {number}" for number in range(29, 4, -1)]
    # What is new comes in at the top, though not all stand on one page.
    proxy.chat("one more lesson")
    browser.until("document.querySelector('#entries tr[data-entry] td').textContent.includes('one more lesson')", seconds=10)
    browser.evaluate("document.getElementById('more').click()")
    browser.until("document.querySelectorAll('#entries tr[data-entry]').length === 31")
    assert questions() == ["one more lesson"] + [f"lesson number {number}" for number in range(29, -1, -1)]
    assert browser.complaints == []


def test_it_paints_at_once_and_asks_nobody_else(shown, browser):
    browser.call("Network.setCacheDisabled", cacheDisabled=True)
    browser.sizes, browser.responses = {}, {}
    paints = []
    for _ in range(3):
        browser.open(shown.url + "/dashboard")
        browser.until("performance.getEntriesByName('first-contentful-paint').length")
        paints.append(browser.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    assert min(paints) < 1000, paints
    browser.sizes, browser.responses = {}, {}
    browser.open(shown.url + "/dashboard")
    browser.until("document.querySelectorAll('#recent [data-request]').length > 10")
    assert all(url.startswith(shown.url) or url.startswith("data:") for url in browser.responses.values()), browser.responses
    page = sum(size for number, size in browser.sizes.items() if not browser.responses.get(number, "").endswith("/events"))
    total = sum(browser.sizes.values())
    assert 20_000 < page < 150_000 and total < 150_000, (page, total)
    policy = shown.request("GET", "/dashboard").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    # The policy holds: a script that is written into the page does not run.
    browser.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.broken = 1\">'); 1")
    time.sleep(0.3)
    assert browser.evaluate("window.broken") is None


def test_prompts_are_masked_until_the_operator_allows_them(start, browser):
    proxy = start("--log-level", "warning", config=THRESHOLD)
    traffic(proxy)
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelectorAll('#recent [data-request]').length > 10")
    browser.until("document.querySelectorAll('#entries tr[data-entry]').length > 5")
    text = browser.evaluate("document.documentElement.outerHTML")
    for word in ("password", "capital", "warranty", "48213", "two-factor"):
        assert word not in text, word
    assert "masked" in text and browser.evaluate("!document.getElementById('masked').hidden")
    for path in ("/dashboard/entries", "/dashboard/entries?model=gpt-4o-mini"):
        assert b"password" not in proxy.request("GET", path).body
    assert browser.complaints == []


def test_a_verdict_is_heard(shown, browser):
    browser.until("document.querySelectorAll('#near .verdicts').length >= 3")
    entry = browser.evaluate("document.querySelector('#near .verdicts').closest('li').querySelector('.about').textContent.match(/entry ([0-9a-f]{16})/)[1]")
    assert shown.request("GET", f"/cache/entries/{entry}").json["semantic"] is True
    browser.evaluate("document.querySelector('#near .verdicts button:last-child').click()")
    wait_for(lambda: shown.stats["matching"]["learning"]["disputed"] == 1, what="the verdict")
    browser.until("document.querySelector('#near .verdicts button').disabled")
    assert browser.complaints == []


def test_a_near_miss_is_judged(start, browser):
    # Shut at first: whatever is near is forwarded, and none of it is served.
    proxy = start("--log-level", "info", config="matching:\n  prior: none\n  verifier: off\nadmin:\n  show_prompts: true\n")
    for first, second in zip([QUESTIONS[0], QUESTIONS[7]], [REWORDED[0], REWORDED[3]]):
        proxy.chat(first)
        assert proxy.chat(second).headers["X-Cache-Reason"] == "below-cut"
    # A trap: a guard forwarded it, and no verdict changes that.
    proxy.chat(QUESTIONS[5])
    trap = proxy.chat(TRAPS[1]).headers
    assert trap["X-Cache-Reason"] == "polarity-differs"
    wait_for(lambda: proxy.stats["matching"]["learning"]["labels"] == 2, what="the judge's labels")
    labels = lambda: proxy.stats["matching"]["populations"][0]["observations"]
    assert labels() == 2
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelectorAll('#near .verdicts').length === 2")
    texts = browser.evaluate("[...document.querySelectorAll('#near .verdicts button')].map((button) => button.textContent)")
    assert texts == ["Same question", "Different question"] * 2
    shown = browser.evaluate("document.getElementById('near').textContent")
    assert REWORDED[0] in shown and QUESTIONS[0] in shown and TRAPS[1] not in shown
    request, entry = browser.evaluate("(({ request, entry }) => [request, entry])(document.querySelector('#near .verdicts').closest('li').dataset)")
    browser.until("document.querySelector('#populations [data-field=observations]').dataset.value === '2'")
    browser.evaluate("document.querySelector('#near .verdicts button').click()")
    browser.until(f"!document.querySelector('#near [data-request={json.dumps(request)}]')")
    browser.until("document.querySelector('#populations [data-field=observations]').dataset.value === '3'")
    assert labels() == 3
    rows = {row["request"]: row for row in proxy.request("GET", "/cache/near-misses").json["near_misses"]}
    assert rows[request]["correct"] is True and rows[request]["open"] is False
    assert proxy.request("GET", f"/cache/entries/{entry}").json["semantic"] is True
    assert browser.evaluate("document.querySelectorAll('#near .verdicts').length") == 1 and browser.complaints == []

    verdict = {"entry": entry, "request": request, "correct": False}
    again = proxy.request("POST", "/cache/feedback", verdict)
    assert again.status == 409 and again.json["error"]["code"] == "already_judged"
    assert proxy.request("POST", "/cache/feedback", verdict, {"Authorization": "Bearer somebody else"}).status == 404
    guarded = rows[trap["X-Request-Id"]]
    assert guarded["open"] is False and guarded["findings"]
    assert proxy.request("POST", "/cache/feedback", {"entry": guarded["entry"], "request": guarded["request"], "correct": True}).status == 409
    assert labels() == 3
    # One that was judged elsewhere meanwhile leaves the page by itself.
    other = browser.evaluate("(({ request, entry }) => ({ request, entry, correct: false }))(document.querySelector('#near .verdicts').closest('li').dataset)")
    assert proxy.request("POST", "/cache/feedback", other).json == {"entry": other["entry"], "about": "near-miss", "correct": False, "semantic": True}
    browser.until("document.querySelectorAll('#near .verdicts').length === 0")
    assert labels() == 4
    found = lambda: [line for line in proxy.said.splitlines() if '"audit"' in line and "feedback" in line]
    wait_for(lambda: len(found()) >= 2, what="the lines of both verdicts")
    audits = found()
    assert len(audits) == 2 and all('"about":"near-miss"' in line for line in audits), audits
    assert not any(word in line for line in audits for word in ("password", "subscription"))


def test_a_verdict_leaves_the_keyboard_where_it_was(start, browser):
    proxy = start("--log-level", "warning", config="matching:\n  prior: none\n  verifier: off\nadmin:\n  show_prompts: true\n")
    for first, second in zip([QUESTIONS[0], QUESTIONS[7], QUESTIONS[2]], [REWORDED[0], REWORDED[3], REWORDED[2]]):
        proxy.chat(first)
        assert proxy.chat(second).headers["X-Cache-Reason"] == "below-cut"
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelectorAll('#near .verdicts').length === 3")
    browser.until("document.querySelector('[data-stat=\"requests.total\"]').dataset.value > 0")
    requests = browser.evaluate("[...document.querySelectorAll('#near li')].map((item) => item.dataset.request)")
    at = lambda: browser.evaluate("(document.activeElement.closest('li') ?? {dataset: {request: document.activeElement.id}}).dataset.request")
    browser.evaluate("document.querySelector('#near button').focus()")
    for place in (1, 2):
        browser.press("Enter")
        browser.until(f"document.querySelectorAll('#near .verdicts').length === {3 - place}")
        assert at() == requests[place], "the next one's button"
        assert browser.evaluate("document.getElementById('near-message').textContent") == "Verdict taken: Same question."
    # A verdict that is not taken leaves everything as it is, and says why.
    judged = browser.evaluate("(({ request, entry }) => ({ request, entry, correct: false }))(document.activeElement.closest('li').dataset)")
    assert proxy.request("POST", "/cache/feedback", judged).status == 200
    browser.press("Enter")
    browser.until("document.getElementById('near-message').classList.contains('bad')")
    assert at() == requests[2] and "was not taken" in browser.evaluate("document.getElementById('near-message').textContent")
    browser.evaluate("document.activeElement.blur()")
    proxy.chat(QUESTIONS[1])
    browser.until(f"!document.querySelector('#near [data-request={json.dumps(requests[2])}]')")
    assert proxy.chat(REWORDED[1]).headers["X-Cache-Reason"] == "below-cut"
    browser.until("document.querySelectorAll('#near .verdicts').length === 1")
    browser.evaluate("document.querySelector('#near button').focus()")
    browser.press("Enter")
    browser.until("document.querySelectorAll('#near .verdicts').length === 0")
    assert at() == "h-near", "where there is no next one, the list's heading"
    # Entries go the same way.
    ids = browser.evaluate("[...document.querySelectorAll('#entries tr[data-entry]')].map((row) => row.dataset.entry)")
    browser.evaluate("document.querySelector('#entries tr[data-entry] button').focus()")
    browser.press("Enter")
    browser.until("document.getElementById('entries-message').textContent === 'One entry removed.'")
    browser.until(f"document.activeElement.closest('tr')?.dataset.entry === '{ids[1]}'")
    # The refused verdict is the one thing that Chromium itself notes as an error.
    assert all("409" in complaint for complaint in browser.complaints)


def test_populations_say_what_the_statistics_say(start, browser):
    proxy = start("--log-level", "warning", config="matching:\n  verifier: off\n")
    for model, system in (("gpt-4o-mini", "Be brief."), ("gpt-4o-mini", "Be kind."), ("gpt-4o", None)):
        for prompt in QUESTIONS[:2] + REWORDED[:2] + TRAPS[:2]:
            messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": prompt}]
            proxy.chat(prompt, {"X-Cache-Namespace": "help" if system else ""} if system else None, model=model, messages=messages)
    browser.look(1280, 900, "light")
    browser.open(proxy.url + "/dashboard")
    browser.until("document.querySelectorAll('#populations [data-population]').length === 3")

    def compare():
        populations = proxy.stats["matching"]["populations"]
        assert sum(population["hits"] for population in populations) == proxy.stats["requests"]["semantic_hits"] > 0
        assert {population["model"] for population in populations} == {"gpt-4o-mini", "gpt-4o"}
        drawn = browser.evaluate("""[...document.querySelectorAll('#populations [data-population]')].map((row) => Object.fromEntries(
            [["population", row.dataset.population], ...[...row.querySelectorAll("[data-field]")].map((cell) => [cell.dataset.field, cell.dataset.value])]))""")
        assert [row["population"] for row in drawn] == [population["population"] for population in populations]
        for row, population in zip(drawn, populations):
            assert row["state"] == population["state"] == "open"
            for key in ("observations", "hits", "explored_share", "cut", "estimated_error", "upper_bound", "error_bound"):
                assert float(row[key]) == pytest.approx(population[key]), key
            assert population["upper_bound"] <= population["error_bound"] == 0.01

    holds_soon(compare)
    # Where a score decides, the least similarity that was served is drawn.
    least = next(bin for bin, count in enumerate(proxy.stats["similarities"]["served"]) if count) / 50
    assert browser.evaluate("Number(document.getElementById('cut').dataset.value)") == pytest.approx(least)
    assert browser.evaluate("document.querySelectorAll('#chart-similarity .cut').length") == 1
    assert browser.evaluate("document.getElementById('cut-name').textContent") == "least served"
    evidence = browser.evaluate("[...document.querySelectorAll('#recent tr[data-cache=hit] td:nth-child(6)')].map((cell) => cell.textContent)")
    assert len(evidence) == proxy.stats["requests"]["semantic_hits"] and all(re.fullmatch(r"score -?\d+\.\d\d(, cut -?\d+\.\d\d)?", text) for text in evidence), evidence
    # The score has cuts that are cuts: those of the kinds of traffic.
    browser.evaluate("document.querySelector('[data-measure=score]').click()")

    def compare_scores():
        stats = proxy.stats
        scores, cuts = stats["scores"], sorted({population["cut"] for population in stats["matching"]["populations"]})
        assert sum(scores["served"]) == stats["requests"]["semantic_hits"] and len(scores["served"]) == len(scores["forwarded"]) == 48
        assert browser.evaluate("Number(document.getElementById('cut').dataset.value)") == pytest.approx(cuts[0])
        assert browser.evaluate("document.querySelectorAll('#chart-similarity .cut').length") == len(cuts)
        assert browser.evaluate("document.getElementById('cut-name').textContent") == ("cut" if len(cuts) == 1 else "cuts")
        for side in ("served", "forwarded"):
            assert browser.evaluate(f"Number(document.getElementById('sum-{side}').dataset.value)") == sum(scores[side])
        assert browser.evaluate("document.querySelectorAll('#chart-similarity .semantic').length") == sum(1 for count in scores["served"] if count)
        assert browser.evaluate("document.getElementById('chart-similarity').ariaLabel").startswith("Score of the nearest neighbour")

    holds_soon(compare_scores)
    text = browser.evaluate("document.getElementById('populations').textContent")
    assert "namespace help" in text and "gpt-4o-mini" in text and text.count("no system prompt") == 1
    # On a phone no number hides beside the page.
    browser.look(390, 844, "light")
    browser.until("[...document.querySelectorAll('#populations td')].every((cell) => cell.getBoundingClientRect().right <= innerWidth)")
    roles = [node["role"]["value"] for node in browser.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    assert roles.count("rowheader") >= 3
    assert browser.complaints == []


def test_flushing_asks_first(shown, browser):
    entries = shown.stats["entries"]
    browser.evaluate("document.querySelector('[name=matching]').value = 'password'; document.getElementById('search').requestSubmit()")
    browser.until("document.querySelectorAll('#entries tr[data-entry]').length === 2")
    browser.evaluate("document.getElementById('flush').click()")
    browser.until("document.getElementById('confirm').open")
    assert "2 entries match" in browser.evaluate("document.getElementById('confirm-text').textContent")
    assert shown.stats["entries"] == entries
    browser.press("Escape")
    browser.until("!document.getElementById('confirm').open")
    assert shown.stats["entries"] == entries
    browser.evaluate("document.getElementById('flush').click()")
    browser.until("document.getElementById('confirm').open")
    browser.evaluate("document.getElementById('confirm-yes').click()")
    browser.until("document.getElementById('entries-message').textContent === '2 entries removed.'")
    assert shown.stats["entries"] == entries - 2
    browser.evaluate("document.querySelector('[name=matching]').value = '(['; document.getElementById('search').requestSubmit()")
    browser.until("document.getElementById('entries-message').className === 'bad'")
    # A refused search is the one thing that Chromium itself notes as an error.
    assert all("400" in complaint for complaint in browser.complaints)


def test_keyboard_and_screen_reader(shown, browser):
    browser.evaluate("document.activeElement.blur(); 1")
    reached = []
    for _ in range(60):
        browser.press("Tab")
        reached.append(browser.evaluate("(document.activeElement.id || document.activeElement.name || document.activeElement.textContent.trim() || document.activeElement.tagName)"))
    assert reached[0] == "Skip to the numbers"
    for name in ("Hour", "Day", "Tenants", "matching", "flush"):
        assert name in reached, (name, reached)
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in tree:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append((node.get("name") or {}).get("value", ""))
    for role in ("button", "textbox", "image", "link", "region"):
        assert roles.get(role) and all(roles[role]), (role, roles.get(role))
    assert any("similar" in name.lower() and "cut at" in name for name in roles["image"])
    assert {"banner", "main", "contentinfo"} <= set(roles) and len(roles["heading"]) >= 10
    # Live regions do not talk without end: only what changes seldom is one.
    assert browser.evaluate("document.querySelectorAll('[role=status], [role=alert], [aria-live]').length") == 3


@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
def test_it_fits(shown, browser, width, height):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        browser.look(width, height, scheme, ARTEFACTS / f"dashboard-{width}-{scheme}.png")
        browser.until(f"document.documentElement.scrollWidth <= {width}")

        def compare():
            faint = browser.evaluate(CONTRAST)
            assert faint == [], faint

        holds_soon(compare)
    assert browser.complaints == []


def test_the_stream_of_events_does_not_hold_up_a_shutdown(shown, browser):
    started = time.monotonic()
    assert shown.stop() == 0
    # What has to be waited for gets half a minute.
    assert time.monotonic() - started < 20
    wait_for(lambda: browser.evaluate("document.getElementById('status').className") == "lost", what="the page's notice")


# Text whose contrast with what is behind it is below 4.5 (WCAG AA), by element.
CONTRAST = """(() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const c = numbers(getComputedStyle(node).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const faint = new Set();
  for (const node of document.querySelectorAll("body *")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()) || !node.checkVisibility() || node.disabled) continue;
    const style = getComputedStyle(node);
    const isShape = node instanceof SVGElement;
    const [a, b] = [light(numbers(isShape ? style.fill : style.color)), light(behind(isShape ? node.ownerSVGElement.parentElement : node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.add(`${node.tagName}.${node.className.baseVal ?? node.className} ${ratio.toFixed(2)} ${node.textContent.slice(0, 20)}`);
  }
  return [...faint];
})()"""
