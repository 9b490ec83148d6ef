"""Reprise beside its peers: installs and starts GPTCache, LiteLLM's proxy, CacheLLM and nginx, asks all of them the same things by turns, and
writes a page, a picture and the README's table.

    Scripts/build
    python3 Benchmarks/peers --data FOLDER_OF_PAIRS

FOLDER_OF_PAIRS holds fow_pairs.jsonl (fow-cache 0.1.0, CC BY 4.0) and gptcache_mock_pairs.jsonl (GPTCache's examples/benchmark, MIT), one
{"a": ..., "b": ..., "same_answer": true} a line. With --no-data in its place everything else is measured, and the page says so. The run takes at most --minutes; a
peer that cannot be installed, started or measured is named with its error and does not stop the others. What is installed is kept under
~/.cache/reprise/peers. Everything listens on loopback.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time

import contenders
import measure
import report
from setting import CACHE, Deadline, Failure, Server, free_port, machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("exact", "reworded", "miss")
DIRECT = "the model itself"


def arguments():
    parser = argparse.ArgumentParser(prog="peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reprise", default=os.environ.get("REPRISE_BINARY", ROOT / ".build/release/reprise"), help="the program (default: the release build)")
    parser.add_argument("--model", type=pathlib.Path, default=os.environ.get("REPRISE_MODEL_DIR", CACHE / "all-MiniLM-L6-v2"), help="folder that Scripts/model made")
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument("--data", type=pathlib.Path, metavar="FOLDER_OF_PAIRS", help="folder of labelled pairs, for right and wrong answers")
    pairs.add_argument("--no-data", action="store_true", help="leave right and wrong answers out")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/benchmarks", help="folder for peers.md, peers.svg and peers.json")
    parser.add_argument("--readme", type=pathlib.Path, default=ROOT / "README.md", help="file whose marked table is written anew; /dev/null for none")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--pairs", type=int, default=10_000, help="at most so many pairs of each file")
    parser.add_argument("--minutes", type=float, default=12, help="the whole run, installing aside")
    parser.add_argument("--only", nargs="+", help="names of contenders")
    parser.add_argument("--render", action="store_true", help="write page, picture and table anew from peers.json and measure nothing")
    options = parser.parse_args()
    options.model = pathlib.Path(options.model).expanduser()
    options.reprise = pathlib.Path(options.reprise).resolve()
    if not options.render:
        check_data(parser, options)
    return options


def check_data(parser, options):
    """Ends the program before anything is installed when the pairs are not there: a page without them would take the place of one with them."""
    if options.no_data:
        return
    if options.data is None:
        parser.error(f"--data is missing: a folder with {' and '.join(measure.PAIR_FILES)}; or say --no-data to leave right and wrong answers out")
    options.data = options.data.expanduser()
    absent = [name for name in measure.PAIR_FILES if not (options.data / name).is_file()]
    if absent:
        parser.error(f"--data: there is no {' and no '.join(absent)} in {options.data}")


def attempt(contender, what, action, *parameters, fatal=True):
    """Does it, or notes what went wrong and goes on: without the contender where that is fatal or its process has ended."""
    try:
        return action(*parameters)
    except Failure as failure:
        trouble = f"{what}: {failure}"
    except Exception as error:
        trouble = f"{what}: {type(error).__name__}: {error}"
    say(f"{contender.name}: {trouble}")
    contender.troubles.append(trouble)
    contender.out = contender.out or fatal or not contender.alive
    return None


def say(text):
    print(f"peers: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def place(base, *names):
    folder = base.joinpath(*[name.replace(" ", "-") for name in names])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def speed(options, base, deadline, reserve, upstream, upstream_port, running, result):
    """By turns, so that what else the machine does falls on all alike. A contender that fails is left out of the rest."""
    bodies = {contender.name: measure.Bodies(result["fill"][contender.name]["entries"]) for contender in running}
    direct = measure.Bodies(1)
    rounds = {}
    cells = [(turn, kind, connections) for turn in range(options.rounds) for kind in KINDS for connections in options.connections]
    for turn, kind, connections in cells:
        if deadline.left() < reserve:
            say("out of time for further rounds")
            break
        say(f"round {turn + 1}: {kind} on {connections}")
        order = running[turn % len(running):] + running[:turn % len(running)]
        if kind == "miss":
            found = measure.cell(upstream_port, upstream, kind, direct.lines(kind, 8000), base, connections, options.seconds)
            rounds.setdefault((DIRECT, f"{kind} {connections}"), []).append(found)
        for contender in order:
            if contender.out or (kind == "reworded" and not contender.by_meaning):
                continue
            # Rewordings are used up: not many more are taken than exact hits on as many connections would need.
            exact = rounds.get((contender.name, f"exact {connections}"))
            many = 8000 if kind == "miss" or not exact else min(8000, int(exact[-1]["rate"] * options.seconds * 1.2) + 50)
            lines = bodies[contender.name].lines(kind, many)
            found = attempt(contender, "asking", measure.cell, contender.port, upstream, kind, lines, base, connections, options.seconds, fatal=False)
            if found:
                found["repeated"] |= kind == "reworded" and bodies[contender.name].again
                rounds.setdefault((contender.name, f"{kind} {connections}"), []).append(found)
    for (name, label), found in rounds.items():
        middle = {key: statistics.median(one[key] for one in found) for key in ("rate", "p50", "p99", "from_model")}
        result["speed"].setdefault(name, {})[label] = {**middle, "repeated": any(one["repeated"] for one in found), "rounds": len(found)}


def main():
    options = arguments()
    # The contenders have sessions of their own: ended from outside, this ends them too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.render:
        return report.write(json.loads((options.out / "peers.json").read_text()), options.out, readme(options))
    chosen = [kind for kind in contenders.SPEED + [contenders.StrictGPTCache] if not options.only or kind.name in options.only]
    everyone = {kind.name: kind(options) for kind in chosen}
    contenders.program("wrk", "wrk")
    for contender in everyone.values():
        attempt(contender, "installing", contender.install)

    deadline, started = Deadline(options.minutes * 60), time.monotonic()
    pairs = {} if options.no_data else measure.read_pairs(options.data)
    pairs = {name: found[:options.pairs] for name, found in pairs.items()}
    missing = "" if pairs else f"left out (--no-data); needs --data with {' and '.join(measure.PAIR_FILES)}"
    if missing:
        say(f"right and wrong answers: {missing}")
    result = {
        "date": datetime.date.today().isoformat(), "machine": machine(), "load": os.getloadavg()[0], "entries": options.entries, "seconds": options.seconds,
        "rounds": options.rounds, "connections": options.connections, "delay": measure.UPSTREAM_DELAY, "fill": {}, "speed": {}, "answers": {}, "no_answers": missing,
        "pairs": {name: {"pairs": len(found), "same": sum(pair["same_answer"] for pair in found)} for name, found in pairs.items()}}
    base = pathlib.Path(tempfile.mkdtemp(prefix="reprise-peers-"))
    base.chmod(0o755)  # nginx's worker is another user when it is started by root
    # Where only right and wrong count, nobody waits for the disk.
    memory = pathlib.Path(tempfile.mkdtemp(prefix="reprise-peers-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    model = None
    try:
        port = free_port()
        model = Server("model", [sys.executable, pathlib.Path(__file__).parent / "upstream.py", "--port", port], base, port, probe="/v1/models")
        upstream = f"http://127.0.0.1:{port}/v1"
        running = [everyone[kind.name] for kind in contenders.SPEED if kind.name in everyone and not everyone[kind.name].out]
        for contender in running:
            attempt(contender, "starting", contender.start, place(base, contender.name), upstream)
        running = [contender for contender in running if not contender.out]

        cells = options.rounds * len(options.connections) * (2 * len(running) + 1 + sum(contender.by_meaning for contender in running))
        for_answers = min(200, 0.25 * sum(map(len, pairs.values())))
        spare = deadline.left() - cells * (options.seconds + 0.5) - for_answers - 20
        share = max(10, spare / max(1, len(running)))
        # The quick ones first: the time that they leave goes to the slow ones.
        for number, contender in enumerate(sorted(running, key=lambda contender: contender.is_slow)):
            say(f"filling {contender.name}, at most {share:.0f} s")
            begun = time.monotonic()
            found = attempt(contender, "filling", measure.fill, contender, options.entries, share)
            if found:
                result["fill"][contender.name] = found
                say(f"{contender.name}: {found['entries']} entries in {found['seconds']:.0f} s")
            if number + 1 < len(running):
                share += max(0, share - (time.monotonic() - begun)) / (len(running) - number - 1)
        running = [contender for contender in running if not contender.out]
        if running:
            speed(options, base, deadline, for_answers, upstream, port, running, result)
        for contender in everyone.values():
            contender.stop()

        judged = [everyone[kind.name] for kind in contenders.ANSWERS if kind.name in everyone and not everyone[kind.name].out] if pairs else []
        for number, contender in enumerate(sorted(judged, key=lambda contender: contender.is_slow)):
            say(f"right and wrong answers of {contender.name}")
            share = max(15, deadline.left() / (len(judged) - number))
            attempt(contender, "starting", contender.start, place(memory, contender.name), upstream)
            if not contender.out:
                tallies = attempt(contender, "answering", measure.answers, contender, upstream, pairs, time.monotonic() + share)
                if tallies:
                    result["answers"][contender.name] = tallies
            contender.stop()
    finally:
        for contender in everyone.values():
            contender.stop()
        if model:
            model.stop()
        result["contenders"] = {
            name: {"version": contender.version, "settings": contender.settings, "troubles": contender.troubles} for name, contender in everyone.items()}
        result["minutes"] = (time.monotonic() - started) / 60
        report.write(result, options.out, readme(options))
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)
    print(report.summary(result))
    say(f"written to {options.out}; took {result['minutes']:.1f} minutes")
    return 0


def readme(options):
    return options.readme if options.readme.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
