"""Held-out figures of the graphs that serve: `python evaluate.py --model FOLDER --weights verifier.safetensors --data DIR [--fired FILE] [--notes JSON] --out FILE`.

FOLDER is a model folder as `Scripts/model` makes it. On the hand-labelled pairs: the share of rewordings served where 0, 4 and 10 % of the traps are, and from some logits
on; by category from the day-one cut on. `--fired` names a file of lines `id guard,guard`: pairs on which a hard guard fired count as not served. `--minimal` names
pairs that differ in little, with `same_answer`, for the same figures beside.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import BertWordPieceTokenizer

from figures import area, served_at

FILES = ["banking77", "clinc150_faq", "hwu64_slots", "synth_templates", "gptcache_mock_pairs", "fow_pairs"]


class Verifier:
    def __init__(self, folder):
        self.tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self.embedder, self.verifier = (onnxruntime.InferenceSession(str(folder / name)) for name in ("model.onnx", "verifier.onnx"))
        self.known = {}

    def states(self, text):
        if text not in self.known:
            row = np.array([self.tokenizer.encode(text).ids], np.int64)
            self.known[text] = self.embedder.run(["states"], {"input_ids": row, "attention_mask": np.ones_like(row)})[0]
        return self.known[text]

    def logit(self, asked, cached):
        a, b = self.states(asked), self.states(cached)
        types = np.array([[0] * a.shape[1] + [1] * b.shape[1]], np.int64)
        return float(self.verifier.run(["logit"], {"states": np.concatenate([a, b], axis=1), "token_type_ids": types})[0][0])


def read(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def summary(found, labels):
    line = {"area": round(area(found, labels), 4)}
    for share in (0, 0.04, 0.1):
        line[f"served_at_{int(100 * share)}_percent_of_traps"] = round(served_at(found, labels, share)[0], 3)
    for cut in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5):
        served = [sum(s >= cut for s, y in zip(found, labels) if y == kind) / labels.count(kind) for kind in (1, 0)]
        line[f"served_and_traps_from_logit_{cut}"] = [round(x, 3) for x in served]
    return line


def main():
    p = argparse.ArgumentParser()
    for name in ("model", "weights", "data", "out"):
        p.add_argument("--" + name, type=Path, required=True)
    p.add_argument("--fired", type=Path)
    p.add_argument("--minimal", type=Path)
    p.add_argument("--training", type=json.loads, default={}, help="JSON that is put beside the figures: seeds, stages")
    o = p.parse_args()
    verifier = Verifier(o.model)
    cut = json.loads((o.model / "verifier.json").read_text())["day_one_cut"]
    pairs = read(o.data / "fow_pairs.jsonl")
    found = [verifier.logit(x["a"], x["b"]) for x in pairs]
    labels = [int(x["same_answer"]) for x in pairs]
    figures = {"pairs": len(pairs), "traps": labels.count(0), "alone": summary(found, labels)}
    if o.fired:
        fired = {l.split(" ")[0] for l in o.fired.read_text().splitlines() if len(l.split(" ")) > 1 and l.split(" ")[1]}
        kept = [s if x["id"] not in fired else -99.0 for s, x in zip(found, pairs)]
        figures["with_guards"] = summary(kept, labels)
        figures["guards_alone"] = [round(sum(s > -99 for s, y in zip(kept, labels) if y == kind) / labels.count(kind), 3) for kind in (1, 0)]
    by = defaultdict(list)
    for s, x in zip(found, pairs):
        by[x["category"], x["style"]].append(s >= cut)
    figures["served_from_cut_by_category"] = {f"{c} {style}": [sum(v), len(v)] for (c, style), v in sorted(by.items())}
    if o.minimal:
        small = read(o.minimal)
        figures["minimal_pairs"] = summary([verifier.logit(x["a"], x["b"]) for x in small], [int(x["same_answer"]) for x in small])
    blob = o.weights.read_bytes()
    notes = {
        "file": o.weights.name, "sha256": hashlib.sha256(blob).hexdigest(), "bytes": len(blob), "day_one_cut": cut, "training": o.training,
        "held_out": figures, "data_sha256": {f"{name}.jsonl": hashlib.sha256((o.data / f"{name}.jsonl").read_bytes()).hexdigest() for name in FILES},
    }
    o.out.write_text(json.dumps(notes, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
