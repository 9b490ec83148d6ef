"""The measurements: filling, memory, speed by turns, right and wrong answers."""

import collections
import http.client
import itertools
import json
import pathlib
import queue
import subprocess
import threading
import time

import questions
from contenders import program
from setting import Failure, control, environment

HERE = pathlib.Path(__file__).resolve().parent
UPSTREAM_DELAY = 0.02
# Files of labelled pairs in the folder that --data names.
PAIR_FILES = ("fow_pairs.jsonl", "gptcache_mock_pairs.jsonl")


class Client:
    """One kept-alive connection, opened again when it breaks."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, prompt):
        """The answer's status and text."""
        for last in (False, True):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                self.connection.request("POST", "/v1/chat/completions", questions.body(prompt), {"Content-Type": "application/json", "Authorization": "Bearer none"})
                response = self.connection.getresponse()
                text = response.read()
                if response.will_close:
                    self.connection = None
                return response.status, text
            except (OSError, http.client.HTTPException) as error:
                self.connection = None
                if last:
                    return 0, str(error).encode()


def ask_all(port, prompts, connections, end):
    """Asks each prompt once, in order, until `end`. Gives (prompt's index, status, text) of all that were asked."""
    waiting, answers = queue.SimpleQueue(), []
    for item in enumerate(prompts):
        waiting.put(item)

    def work():
        client = Client(port)
        while time.monotonic() < end:
            try:
                index, prompt = waiting.get_nowait()
            except queue.Empty:
                return
            answers.append((index, *client.ask(prompt)))

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def fill(contender, count, seconds):
    """Asks the first `count` questions through the contender. Gives how many it took, its memory before and after, and the time."""
    before = contender.memory()
    started = time.monotonic()
    prompts = [questions.question(piece) for piece in questions.entries(count)]
    answers = ask_all(contender.port, prompts, 16, started + seconds)
    wrong = [(status, text) for _, status, text in answers if status != 200]
    if len(wrong) > len(answers) // 100:
        raise Failure(f"{len(wrong)} of {len(answers)} requests failed while filling, the first with {wrong[0][0]}: {wrong[0][1][:160].decode(errors='replace')}")
    taken = time.monotonic() - started
    time.sleep(1)
    return {"entries": len(answers), "seconds": taken, "memory_before": before, "memory_after": contender.memory()}


class Bodies:
    """Prompts for one contender, so that no rewording and no unknown question is ever asked twice."""

    def __init__(self, filled):
        self.pieces = questions.entries(filled)
        self.known = [questions.body(questions.question(piece)) for piece in self.pieces[:200]]
        self.reworded = questions.rewordings(self.pieces)
        self.unknown = questions.unknown(11)
        self.again = False

    def lines(self, kind, count):
        """`count` bodies. When every rewording was asked, they begin anew and `again` says so."""
        if kind == "exact":
            return self.known
        source = self.reworded if kind == "reworded" else self.unknown
        prompts = list(itertools.islice(source, count))
        if len(prompts) < count:
            self.again = True
            self.reworded = questions.rewordings(self.pieces)
            prompts += itertools.islice(self.reworded, count - len(prompts))
        return [questions.body(prompt) for prompt in prompts]


def load(port, lines, folder, connections, seconds):
    """wrk with one thread; requests that failed or answers that were no 200 are counted, never hidden."""
    file = folder / "bodies"
    file.write_text("\n".join(lines) + "\n")
    command = [
        program("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", HERE / "load.lua", f"http://127.0.0.1:{port}", "--", file]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=seconds + 60, env=environment())
    line = next((line for line in reversed(ended.stdout.splitlines()) if line.startswith("{")), None)
    if line is None:
        raise Failure(f"wrk: {(ended.stderr or ended.stdout).strip().splitlines()[-1:]}")
    return json.loads(line)


def cell(port, upstream, kind, lines, folder, connections, seconds):
    """One measurement. `from_model` is the share of the requests that the upstream saw."""
    control(upstream, "PUT", f"?delay={UPSTREAM_DELAY if kind == 'miss' else 0}&refuse=0")
    before = control(upstream)["completions"]
    result = load(port, lines, folder, connections, seconds)
    time.sleep(0.1)
    seen = control(upstream)["completions"] - before
    if result["requests"] == 0:
        raise Failure(f"no answer to {kind} requests on {connections} connections within {seconds} s")
    if result["refused"] + result["broken"] > result["requests"] // 100:
        raise Failure(f"{result['refused']} refused and {result['broken']} broken of {result['requests']} {kind} requests on {connections} connections")
    return {
        "rate": result["requests"] / result["seconds"], "p50": result["p50"], "p99": result["p99"], "from_model": min(1, seen / result["requests"]),
        "repeated": kind != "exact" and result["requests"] > len(lines)}


def read_pairs(folder):
    """Pairs of questions with the word of a person whether one answer serves both, by file."""
    found = {}
    for name in PAIR_FILES:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        found[name.removesuffix(".jsonl")] = [json.loads(line) for line in lines if line.strip()]
    return found


def answers(contender, upstream, sets, end):
    """Stores every first question, then asks every second one while the model refuses, so that only the cache can answer. Gives a tally a file."""
    pairs = [(name, pair) for name, found in sets.items() for pair in found]
    firsts = list(dict.fromkeys(pair["a"] for _, pair in pairs))
    control(upstream, "PUT", "?delay=0&refuse=0")
    stored = ask_all(contender.port, firsts, 8, end)
    kept = sum(status == 200 for _, status, _ in stored)
    if kept < 0.98 * len(firsts):
        raise Failure(f"stored {kept} of {len(firsts)} questions in the time")
    time.sleep(2)
    control(upstream, "PUT", "?delay=0&refuse=1")
    asked = ask_all(contender.port, [pair["b"] for _, pair in pairs], 8, end)
    control(upstream, "PUT", "?delay=0&refuse=0")
    if len(asked) < len(pairs):
        raise Failure(f"asked {len(asked)} of {len(pairs)} questions in the time")
    labels = {(pair["a"], pair["b"]): pair["same_answer"] for _, pair in pairs}
    known = set(firsts)
    tallies = {name: collections.Counter() for name in sets}
    for index, status, text in asked:
        name, pair = pairs[index]
        if status != 200:
            tallies[name]["missed" if pair["same_answer"] else "rightly forwarded"] += 1
            continue
        content = json.loads(text)["choices"][0]["message"]["content"]
        source = content[1:content.rindex("] ")]
        if source not in known:
            raise Failure(f"answered with something that was never stored: {content[:80]}")
        # Of another pair's question nobody said whether its answer may serve: two files hold paraphrases of one another.
        label = labels.get((source, pair["b"]), True if source == pair["b"] else None)
        tallies[name]["unjudged" if label is None else "right" if label else "wrong"] += 1
    return {name: dict(tally) for name, tally in tallies.items()}
