"""What a number of entries costs and what one proxy can do: the tables of docs/sizing.md.

    python3 Benchmarks/sizing.py [ENTRIES ...] [--write]      default: 1000 10000; --write puts the tables into the page
"""

import argparse
import datetime
import json
import pathlib
import re
import time

from exact_hit import wrk
from rig import ROOT, Client, Rig, machine, quantiles

PAGE = ROOT / "docs/sizing.md"
BEGIN, END = "<!-- measured by Benchmarks/sizing.py -->", "<!-- /measured -->"
VERBS = "reset change update recover rename export archive restore share print".split()
THINGS = "password address invoice calendar profile contract photo report playlist recipe".split()
PLACES = "website phone tablet laptop dashboard portal kiosk terminal browser console".split()


def question(number, opening="How do I"):
    verb, thing, place, rest = number % 10, number // 10 % 10, number // 100 % 10, number // 1000
    return f"{opening} {VERBS[verb]} the {THINGS[thing]} of customer group {chr(97 + rest % 26)}{chr(97 + rest // 26 % 26)} on the {PLACES[place]}?"


def resident(process):
    return int(next(line for line in open(f"/proc/{process.pid}/status") if line.startswith("VmRSS")).split()[1]) * 1024


def measure(entries, seconds=3):
    answer = "Open the sign-in page, choose Forgot password, and follow the link that arrives by e-mail. " * 4
    with Rig() as rig:
        _, upstream = rig.stand_in()
        process, proxy = rig.proxy(upstream)
        empty = resident(process)
        client = Client(proxy)
        started = time.monotonic()
        for start in range(0, entries, 500):
            lines = "".join(
                json.dumps({"prompt": question(number), "answer": answer, "model": "gpt-4o-mini"}) + "\n" for number in range(start, min(start + 500, entries)))
            report = client.post("/cache/warm", lines, "application/x-ndjson")
            assert report["failed"] == 0, report
        filled = entries / (time.monotonic() - started)
        time.sleep(1)
        chosen = [entries * step // 200 for step in range(200)]
        exact = [client.timed(question(number))[0] for number in chosen]
        reworded = []
        for number in chosen:
            milliseconds, headers = client.timed(question(number, "How can I"))
            if headers["X-Cache-Match"] == "semantic":
                reworded.append(milliseconds)
        client.connection.request("GET", "/cache/stats")
        stats = json.loads(client.connection.getresponse().read())
        script = pathlib.Path(rig.folder) / "post.lua"
        body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question(chosen[0])}]})
        script.write_text(f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [[{body}]]\n')
        rate, _ = wrk(proxy + "/v1/chat/completions", str(script), seconds)
        return {
            "entries": entries, "memory": resident(process), "empty": empty, "disk": stats["disk_bytes"], "filled": filled, "rate": rate,
            "exact": quantiles(exact), "reworded": quantiles(reworded) if reworded else None, "search": stats["latency_ms"]["search"].get("p50"), "hits": len(reworded)}


def table(rows):
    lines = [
        "| entries | memory | an entry | disk | exact hit p50 / p99 ms | reworded hit p50 / p99 ms | of it search p50 ms | exact hits a second | warmed a second |", "|" + "---|" * 9]
    for row in rows:
        reworded = f"{row['reworded'][0]:.1f} / {row['reworded'][2]:.1f}" if row["reworded"] else "-"
        search = f"{row['search']:.2f}" if row["search"] is not None else "-"
        lines.append(
            f"| {row['entries']:,} | {row['memory'] / 2**20:,.0f} MiB | {(row['memory'] - row['empty']) / row['entries'] / 1024:.1f} KiB | {row['disk'] / 2**20:,.1f} MiB "
            f"| {row['exact'][0]:.2f} / {row['exact'][2]:.2f} | {reworded} | {search} | {row['rate']:,.0f} | {row['filled']:,.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table([measure(entries) for entries in options.entries]) + f"\n{datetime.date.today().isoformat()}; {machine()}.\n"
    print(text)
    if options.write:
        page = PAGE.read_text()
        PAGE.write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: f"{BEGIN}\n{text}{END}", page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
