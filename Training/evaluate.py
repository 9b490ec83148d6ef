"""Held-out figures of a checkpoint: `python evaluate.py --checkpoint FILE --data DIR --weights FILE --vocabulary FILE [--fired FILE] --out FILE`.

On the hand-labelled pairs: the share of rewordings served where 0, 4 and 10 % of the traps are, and at some fixed logits; by category at the cut. `--fired` names a file of
lines `id guard,guard`: pairs on which a hard guard fired count as not served.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer

from figures import area, served_at
from model import CrossEncoder, read_safetensors
from train import read, scores, tokenised

FILES = ["banking77", "clinc150_faq", "hwu64_slots", "synth_templates", "gptcache_mock_pairs", "fow_pairs"]


def summary(found, labels):
    line = {"area": round(area(found, labels), 4)}
    for share in (0, 0.04, 0.1):
        line[f"served_at_{int(100 * share)}_percent_of_traps"] = round(served_at(found, labels, share)[0], 3)
    for cut in (0.5, 1.0, 1.5, 2.0, 2.5):
        served = [sum(s >= cut for s, y in zip(found, labels) if y == kind) / labels.count(kind) for kind in (1, 0)]
        line[f"served_and_traps_from_logit_{cut}"] = [round(x, 3) for x in served]
    return line


def main():
    p = argparse.ArgumentParser()
    for name in ("checkpoint", "data", "weights", "vocabulary", "out"):
        p.add_argument("--" + name, type=Path, required=True)
    p.add_argument("--fired", type=Path)
    p.add_argument("--cut", type=float, default=1.5)
    p.add_argument("--notes", type=json.loads, default={}, help="JSON that is put beside the figures: seeds, stages")
    o = p.parse_args()
    torch.set_num_threads(1)
    model = CrossEncoder(read_safetensors(o.weights))
    model.load_state_dict(torch.load(o.checkpoint), strict=False)
    pairs = read(o.data / "fow_pairs.jsonl")
    found = scores(model, tokenised(pairs, BertWordPieceTokenizer(str(o.vocabulary), lowercase=True)))
    labels = [int(x["same_answer"]) for x in pairs]
    figures = {"pairs": len(pairs), "traps": labels.count(0), "alone": summary(found, labels)}
    if o.fired:
        fired = {l.split(" ")[0] for l in o.fired.read_text().splitlines() if len(l.split(" ")) > 1 and l.split(" ")[1]}
        kept = [s if x["id"] not in fired else -99.0 for s, x in zip(found, pairs)]
        figures["with_guards"] = summary(kept, labels)
        figures["guards_alone"] = [round(sum(s > -99 for s, y in zip(kept, labels) if y == kind) / labels.count(kind), 3) for kind in (1, 0)]
    by = defaultdict(list)
    for s, x in zip(found, pairs):
        by[x["category"], x["style"]].append(s >= o.cut)
    figures["served_from_cut_by_category"] = {f"{c} {style}": [sum(v), len(v)] for (c, style), v in sorted(by.items())}
    data = {f"{name}.jsonl": hashlib.sha256((o.data / f"{name}.jsonl").read_bytes()).hexdigest() for name in FILES}
    o.out.write_text(json.dumps({**o.notes, "held_out": figures, "data_sha256": data}, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
