"""Holds `written/` to its format and its truth: `python check.py [--against FILE.jsonl ...] [--show N]`. Fails with what is wrong, else prints
counts.

Wrong is: an unknown kind or slot, a line with other slots than its block's, unbalanced choices, one wording twice, one text in two lines of a block
(it would be same and different at once) or in two blocks, a pair that is drawn with both labels. `--against` names pair files that are for measuring only: texts of theirs (`a`, `b`) that
stand here word for word are reported, and near ones (four of five words shared) counted, so that training never sees what it is measured on.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from clauses import Clauses
from written import CHOICE, KINDS, SLOT, Written, counts, expansions, is_apart, plain, read_blocks, slots_of


def faults(blocks, written):
    found, where = [], {}
    for b in blocks:
        if not b.lines:
            found.append(f"{b.place}: no lines")
            continue
        if b.lines[0].kind:
            found.append(f"{b.place}: the first line has a kind")
        for source in b.slots.values():
            if ".." not in source and source not in written.lists:
                found.append(f"{b.place}: no list {source}")
        for number, line in enumerate(b.lines):
            at = f"{b.place} line {number + 1}"
            if number and not line.kind:
                found.append(f"{at}: no kind")
            first = slots_of(line.wordings[0])
            for w in line.wordings:
                if not w:
                    found.append(f"{at}: an empty wording")
                rest = CHOICE.sub("", SLOT.sub("", w))
                if re.search(r"[{}|<>]", rest):
                    found.append(f"{at}: stray mark in {w}")
                if slots_of(w) - set(b.slots):
                    found.append(f"{at}: unknown slot in {w}")
                if slots_of(w) != first:
                    found.append(f"{at}: other slots in {w}")
                seen = set()
                for text in map(plain, expansions(w)):
                    if text in seen:
                        continue
                    seen.add(text)
                    old = where.setdefault(text, (b.place, number))
                    if old[0] != b.place and not b.slots:
                        found.append(f"{at}: '{text}' is in {old[0]} too")
                    elif old[0] == b.place and old[1] != number:
                        found.append(f"{at}: '{text}' is same and different")
                    elif old[0] == b.place and any(text in map(plain, expansions(v)) for v in line.wordings if v is not w):
                        found.append(f"{at}: '{text}' twice")
    return found


def contradictions(sources, count):
    """Drawn pairs of texts that came out once as the same and once as different."""
    labels, found, r = {}, [], random.Random(11)
    for source in sources:
        for x in source.pairs(r, count):
            texts = tuple(sorted((plain(x["a"]), plain(x["b"]))))
            if labels.setdefault(texts, x["y"]) != x["y"]:
                found.append(f"drawn as same and as different: {texts}")
    return found


def measured(paths):
    texts = set()
    for path in paths:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            texts |= {plain(row[k]) for k in ("a", "b") if isinstance(row.get(k), str)}
    return texts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--against", nargs="*", type=Path, default=[])
    p.add_argument("--draw", type=int, default=20000, help="pairs of each source to draw in search of contradictions")
    p.add_argument("--show", type=int, default=0)
    o = p.parse_args()
    blocks, written = read_blocks(), Written()
    clauses = Clauses()
    wrong = faults(blocks, written) + clauses.faults() + contradictions((written, clauses), o.draw)
    if o.against:
        known = measured(o.against)
        index = defaultdict(set)
        for text in known:
            for word in set(text.split(" ")):
                index[word].add(text)
        near = 0
        for b in blocks:
            for w in (w for l in b.lines for w in l.wordings):
                for text in map(plain, expansions(w, 16)):
                    if text in known:
                        wrong.append(f"{b.place}: '{text}' is in what is measured")
                        continue
                    words = set(text.split(" "))
                    shared = Counter(t for x in words for t in (index[x] if len(index[x]) < 1500 else ()))
                    alike = [t for t, _ in shared.most_common(8) if len(words & set(t.split(" "))) >= 0.8 * len(words | set(t.split(" ")))]
                    near += bool(alike)
                    if alike and o.show:
                        print(f"near: {b.place}: '{text}' / '{alike[0]}'")
        r = random.Random(5)
        drawn = {plain(x[k]) for source in (written, clauses) for x in source.pairs(r, 100000) for k in "ab"} & known
        print(f"{near} texts near to measured ones; {len(drawn)} of 200,000 drawn pairs' texts among them: {sorted(drawn)[:12]}")
    print(*wrong, sep="\n")
    lines, pairs = counts(blocks)
    texts = sum(len(expansions(w)) for b in blocks for l in b.lines for w in l.wordings)
    print(f"{len(blocks)} blocks ({sum(is_apart(b.name) for b in blocks)} apart), {sum(lines.values())} lines, "
          f"{sum(len(l.wordings) for b in blocks for l in b.lines)} wordings, {texts} with their choices; {sum(bool(b.slots) for b in blocks)} blocks with slots")
    print("lines by domain:", ", ".join(f"{d} {n}" for d, n in lines.most_common()))
    print("lines by kind:", ", ".join(f"{k or 'first'} {n}" for k, n in Counter(l.kind for b in blocks for l in b.lines).most_common()))
    print("pairs by kind, before slots and typing:", ", ".join(f"{k} {n}" for k, n in pairs.most_common()), "in all", sum(pairs.values()))
    print(clauses.summary())
    unused = set(KINDS) - {l.kind for b in blocks for l in b.lines}
    if unused:
        print("kinds without a line:", sorted(unused))
    r = random.Random(1)
    for source in (written, clauses):
        for x in source.pairs(r, o.show):
            print(x["y"], x["source"], "|", x["a"], "|", x["b"])
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
