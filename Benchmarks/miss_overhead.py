"""What the proxy adds to a miss: the same new question asked of the upstream directly and through the proxy, in turn.

    python3 Benchmarks/miss_overhead.py [PAIRS]      bar: p50 under 1 ms

A question that states a number which no cached one states is forwarded unembedded. One that only has other words must be embedded first, unless none
of the last `matching.patience` questions of its kind found anything to serve (a sixteenth of them, where nothing was ever found): then it is looked up
behind the call.
"""

import itertools
import random
import re
import sys
from pathlib import Path

from rig import COMPLETION, Client, Rig, machine, quantiles, row


VERBS = "paint repair sell fold water clean measure teach draw hide weigh borrow cook carve".split()
THINGS = "wooden boats|garden walls|paper kites|winter coats|old radios|violin strings|clay pots|silver spoons|road maps|wild herbs".split("|")
PLACES = "in Norway|on a farm|before a wedding|with children|without electricity|for a museum|on a small budget|during a storm|by the sea".split("|")


def numbered(number):
    return f"Question number {number} about something that was never asked before"


WORDED = [f"How do people {verb} {thing} {place}?" for place, thing, verb in itertools.product(PLACES, THINGS, VERBS)]


def drawn(number, words=sorted({word for page in Path(__file__).parent.parent.glob("docs/*.md") for word in re.findall(r"\b[a-z]{5,9}\b", page.read_text())})):
    """Eight words by chance: a question unlike all others."""
    return " ".join(random.Random(number).sample(words, 8))


def measure(rig, upstream, pairs, *arguments, label, question=numbered, before=50, reason=None):
    _, proxy = rig.proxy(upstream + "/v1", *arguments, store=":memory:")
    direct, through = Client(upstream), Client(proxy)
    added, base, misses = [], [], 0
    for number in range(pairs + before):
        prompt = question(number)
        first, _ = direct.timed(prompt)
        second, headers = through.timed(prompt)
        if number >= before:
            misses += headers["X-Cache"] in ("MISS", "BYPASS")
            if reason in (None, headers["X-Cache-Reason"]):
                base.append(first)
                added.append(second - first)
    assert misses == pairs and len(added) > pairs * 0.7, (misses, len(added))
    row(label, f"{quantiles(base)[0]:.3f}", *(f"{value:.3f}" for value in quantiles(added)))


def main(pairs=1000):
    with Rig() as rig:
        upstream = rig.nginx()
        with open(rig.folder + "/exact.yaml", "w") as file:
            file.write("matching: {mode: exact}\n")
        with open(rig.folder + "/off.yaml", "w") as file:
            file.write("cache: {enabled: false}\n")
        print(f"added time of a miss over asking nginx directly, {pairs} pairs; {machine()}\n")
        row("configuration", "direct p50 ms", "added p50 ms", "added p95 ms", "added p99 ms")
        row(*["---"] * 5)
        measure(rig, upstream, pairs, "--config", "off.yaml", label="cache off: pass-through")
        measure(rig, upstream, pairs, "--config", "exact.yaml", label="exact tier")
        measure(rig, upstream, pairs, label="exact and semantic tier, new numbers")
        # Never served: what is near an earlier question must be forwarded all the same to be a miss.
        with open(rig.folder + "/shadow.yaml", "w") as file:
            file.write("matching: {mode: shadow}\n")
        measure(rig, upstream, min(pairs, len(WORDED) - 50), "--config", "shadow.yaml", label="new words, where rewordings hit", question=WORDED.__getitem__)
        # Answers that differ, or the judge would find every question answered alike and the gate would open.
        answers = rig.nginx(COMPLETION.replace("Open the sign-in page", "request_id"))
        measure(rig, answers, pairs, label="new words, from the first question on", question=drawn, before=0)
        measure(rig, answers, pairs, label="new words, where none has hit for 1,000 look-ups", question=drawn, before=1500, reason="not-awaited")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
