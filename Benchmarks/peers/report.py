"""The page of results, the table in the README and the picture, all from one JSON file."""

import json
import pathlib
import re

from plot import picture

KINDS = {"exact": "Exact hit", "reworded": "Reworded hit", "miss": "Miss overhead"}
BEGIN, END = "<!-- peers: written by Benchmarks/peers -->", "<!-- /peers -->"


def write(result, folder, readme=None):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "peers.md").write_text(page(result))
    image = drawing(result)
    if image:
        (folder / "peers.svg").write_text(image)
    if readme:
        text = pathlib.Path(readme).read_text()
        if BEGIN in text:
            block = f"{BEGIN}\n{summary(result)}{END}"
            pathlib.Path(readme).write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, text, flags=re.DOTALL))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def get(result, name, kind, connections):
    return result["speed"].get(name, {}).get(f"{kind} {connections}")


def latency(result, name, kind, connections):
    """p50 and p99 in milliseconds; of a miss, what is above asking the model directly on as many connections."""
    found = get(result, name, kind, connections)
    direct = get(result, "the model itself", "miss", connections) if kind == "miss" else {"p50": 0, "p99": 0}
    if found is None or direct is None:
        return None
    return max(0, found["p50"] - direct["p50"]), max(0, found["p99"] - direct["p99"])


def memory(result, name):
    """Mebibytes with all entries in; projected from what was reached in the time where that was less."""
    found = result["fill"].get(name)
    if not found or not found["entries"]:
        return None, False
    growth = max(0, found["memory_after"] - found["memory_before"]) / found["entries"]
    whole = found["entries"] >= result["entries"]
    return (found["memory_after"] if whole else found["memory_before"] + growth * result["entries"]) / 2**20, not whole


def remembered(result, name):
    value, projected = memory(result, name)
    return "-" if value is None else f"{'≈ ' if projected else ''}{value:,.0f} MiB"


def score(result, name, sets=None):
    """Right, wrong and unjudged answers over the files of pairs."""
    found = result["answers"].get(name)
    if not found:
        return None
    chosen = [found[key] for key in found if sets is None or key in sets]
    right = sum(tally.get("right", 0) for tally in chosen)
    wrong = sum(tally.get("wrong", 0) for tally in chosen)
    return right, wrong, sum(tally.get("unjudged", 0) for tally in chosen)


def counts(result):
    same = sum(value["same"] for value in result["pairs"].values())
    return same, sum(value["pairs"] for value in result["pairs"].values())


def title(result, name):
    return f"{name} {result['contenders'][name]['version']}".strip() if name in result["contenders"] else name


def summary(result):
    """The README's table."""
    middle = result["connections"][len(result["connections"]) // 2]
    same, pairs = counts(result)
    rows = []
    for name, contender in result["contenders"].items():
        if contender["troubles"] and name not in result["speed"] and name not in result["answers"]:
            rows.append([title(result, name), f"could not run: {escape(contender['troubles'][0])}"] + [""] * 5)
            continue
        if name not in result["speed"]:
            continue
        exact, reworded, missed = (get(result, name, "exact", middle), latency(result, name, "reworded", middle), latency(result, name, "miss", middle))
        points = score(result, name)
        rows.append([
            title(result, name), number(exact and exact["rate"]), number(exact and exact["p50"]), number(reworded and reworded[0]), number(missed and missed[0]),
            remembered(result, name), " / ".join(map(str, points)) if points else "-"])
    head = [
        "", "exact hits a second", "exact hit p50 ms", "reworded hit p50 ms", "miss overhead p50 ms", f"memory at {result['entries']:,} entries",
        f"right / wrong / unjudged answers, {pairs} pairs"]
    return (
        table(head, rows) + f"\nMeasured {result['date']} by `python3 Benchmarks/peers --data PAIRS` ({result['machine']}); speeds on {middle} connections at once; "
        f"of the pairs, {same} may share an answer and {pairs - same} must not. [How, and all figures](docs/benchmarks/peers.md).\n")


def escape(text):
    return text.replace("|", "\\|").replace("\n", " ")


def page(result):
    names = [name for name in result["contenders"] if name in result["speed"]] + (["the model itself"] if "the model itself" in result["speed"] else [])
    same, pairs = counts(result)
    text = f"""# Reprise beside its peers

Written by `python3 Benchmarks/peers`; do not edit. {result['date']}; {result['machine']}; load when it began {result['load']:.2f}; took {result['minutes']:.1f} minutes.

All contenders ran on this machine at once and were asked by turns, {result['rounds']} rounds of {result['seconds']} s a figure; the median round is shown. Each is asked by
`wrk` on one thread over loopback; the model behind all of them is one and the same stand-in. All that match by meaning use the same weights of all-MiniLM-L6-v2.

![latencies](peers.svg)

## Who

"""
    text += table(["contender", "version", "set up as", "trouble"], [
        [name, value["version"], value["settings"], escape("; ".join(value["troubles"]) or "none")] for name, value in result["contenders"].items()])
    about = {
        "exact": "200 of the stored questions, word for word, in turn.",
        "reworded": "Stored questions in other words, none asked twice. A dash: the contender does not match by meaning.",
        "miss": "Questions that resemble nothing before. The model takes {:.0f} ms; shown is the time above asking it directly on as many connections.".format(result["delay"] * 1000),
    }
    for kind, heading in KINDS.items():
        text += f"\n## {heading}\n\n{about[kind]}\n\n"
        rows = []
        for name in names:
            cells = [title(result, name)]
            for connections in result["connections"]:
                found = get(result, name, kind, connections)
                times = latency(result, name, kind, connections)
                if found is None or (name == "the model itself" and kind == "miss"):
                    cells += [number(found["rate"]) if found else "-", f"{number(found['p50'])} in all" if found else "-", number(found["p99"]) if found else "-", ""]
                    continue
                share = 1 - found["from_model"] if kind != "miss" else found["from_model"]
                cells += [number(found["rate"]), number(times[0]), number(times[1]), f"{share:.0%}" + ("*" if found["repeated"] else "")]
            if any(cell not in ("-", "") for cell in cells[1:]):
                rows.append(cells)
        head = [""]
        for connections in result["connections"]:
            what = "reached the model" if kind == "miss" else "hits"
            head += [f"{connections} conn.: req/s", "p50 ms", "p99 ms", what]
        text += table(head, rows)
        if "*" in text.split("## ")[-1]:
            text += "\n\\* faster than there were different questions: some were asked twice.\n"
    text += f"\n## Memory at {result['entries']:,} entries\n\nProportional set size of the contender and of every process it needs. ≈: projected from what it had stored when its time was over.\n\n"
    rows = []
    for name in names:
        found = result["fill"].get(name)
        if found:
            per = max(0, found["memory_after"] - found["memory_before"]) / max(1, found["entries"]) / 1024
            rows.append([
                title(result, name), remembered(result, name), f"{found['memory_before'] / 2**20:,.0f} MiB", f"{per:.1f} KiB", f"{found['entries']:,}",
                number(found["entries"] / found["seconds"])])
    text += table(["", "memory", "empty", "an entry", "entries reached", "stored a second"], rows)
    text += "\n## Right and wrong answers\n\n"
    if not result["answers"]:
        return text + f"Not measured: {result['no_answers'] or 'no contender got so far'}.\n"
    text += (
        f"{pairs} pairs of questions, {same} of which may share an answer in the judgement of their authors. Every first question is stored, then every second one asked\n"
        "while the model refuses. Right: the answer of a question that may serve. Wrong: that of one that must not. Unjudged: that of another pair's question, of which\n"
        "nobody said whether it may serve. A wrong one costs trust, a missed one costs a call.\n\n")
    head = ["", "right", "wrong", "unjudged", "missed"]
    for name, value in result["pairs"].items():
        head += [f"{name}: right of {value['same']}", f"wrong of {value['pairs'] - value['same']}", "unjudged"]
    rows = []
    for name in result["contenders"]:
        points = score(result, name)
        if points is None:
            continue
        cells = [title(result, name), *map(str, points), str(sum(tally.get("missed", 0) for tally in result["answers"][name].values()))]
        for key in result["pairs"]:
            tally = result["answers"][name].get(key, {})
            cells += [str(tally.get("right", 0)), str(tally.get("wrong", 0)), str(tally.get("unjudged", 0))]
        rows.append(cells)
    return text + table(head, rows)


def drawing(result):
    panels = []
    for kind, heading in KINDS.items():
        for connections in result["connections"]:
            rows = []
            for name in result["contenders"]:
                times = latency(result, name, kind, connections)
                if times:
                    rows.append((name, *times))
            if rows and connections in (result["connections"][0], result["connections"][-1]):
                panels.append((f"{heading}, {connections} connection{'s' if connections > 1 else ''}", rows))
    return picture("Time to the whole answer", panels)
