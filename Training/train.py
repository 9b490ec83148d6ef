"""Trains the cross-encoder: `python train.py --pairs DIR --weights FILE --vocabulary FILE --out FILE --steps N [--resume FILE]`.

One pass over pairs that were made once; batches hold pairs of like length. Order of the two wordings is drawn anew for each pair, so that the model takes both.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from torch.nn import functional as F

from figures import area, served_at
from model import CrossEncoder, batch_of, read_safetensors

LONGEST = 60


def read(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def tokenised(pairs, tokenizer):
    texts = sorted({t for p in pairs for t in (p["a"], p["b"])})
    ids = dict(zip(texts, (e.ids[1:-1][:LONGEST] or [100] for e in tokenizer.encode_batch(texts))))
    return [(ids[p["a"]], ids[p["b"]]) for p in pairs]


def scores(model, tokens, both=False):
    model.eval()
    out = [0.0] * len(tokens)
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i][0]) + len(tokens[i][1]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            value = model(*batch_of([tokens[i] for i in part]))
            if both:
                value = (value + model(*batch_of([tokens[i][::-1] for i in part]))) / 2
            for i, s in zip(part, value.tolist()):
                out[i] = s
    model.train()
    return out


def by_source(held, found):
    """How well scores tell held-out pairs apart, by where the pairs are from, as a line of JSON; `above`: by kind of trap, the share above the cut that 4 % of all pass."""
    by, kinds = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for p, s in zip(held, found):
        source, _, kind = p["source"].partition(" ")
        by[source].append((s, p["y"]))
        if kind and not p["y"]:
            kinds[source][kind].append(s)
    line = {}
    for source, rows in by.items():
        s, y = [x[0] for x in rows], [x[1] for x in rows]
        line[source] = {"area": round(area(s, y), 4), **{f"at{int(100 * q)}": round(served_at(s, y, q)[0], 3) for q in (0, 0.02, 0.04, 0.1)}}
        if source in kinds:
            cut = served_at(s, y, 0.04)[1]
            line[source]["above"] = {kind: round(sum(x > cut for x in of) / len(of), 3) for kind, of in sorted(kinds[source].items())}
    return json.dumps(line)


def batches_of(lengths, size, r):
    """Batches of places without end, pass after pass: shuffled, then sorted by length within chunks, so that like lengths are side by side and chance is kept."""
    order = list(range(len(lengths)))
    while True:
        r.shuffle(order)
        made = []
        for start in range(0, len(order), size * 50):
            chunk = sorted(order[start : start + size * 50], key=lambda i: lengths[i])
            made += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        r.shuffle(made)
        yield from made


def main():
    p = argparse.ArgumentParser()
    for name in ("pairs", "weights", "vocabulary", "out"):
        p.add_argument("--" + name, required=True, type=Path)
    p.add_argument("--resume", type=Path)
    p.add_argument("--steps", type=int, required=True)
    p.add_argument("--decay", action="store_true", help="lower the rate to nothing over the steps; without it the rate stays, for a later stage")
    p.add_argument("--minutes", type=float, help="end after this time, the rate lowered by it where the steps would take longer")
    p.add_argument("--skip", type=int, default=0, help="batches that an earlier stage has taken")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=1e-4)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--report", type=int, default=250)
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(o.seed)
    r = random.Random(o.seed)
    tokenizer = BertWordPieceTokenizer(str(o.vocabulary), lowercase=True)
    model = CrossEncoder(read_safetensors(o.weights))
    if o.resume:
        model.load_state_dict(torch.load(o.resume), strict=False)
    pairs, held = read(o.pairs / "train.jsonl"), read(o.pairs / "held.jsonl")
    # While it runs, a look at the labelled pairs and at a few others is enough.
    held = [p for p in held if p["source"] == "labelled"] + [p for p in held if p["source"] != "labelled"][::8]
    tokens, held_tokens = tokenised(pairs, tokenizer), tokenised(held, tokenizer)
    lengths = [len(a) + len(b) for a, b in tokens]
    # All at once: the draws of the loop below come after those of the batches.
    batches = list(islice(batches_of(lengths, o.batch, r), o.skip, o.skip + o.steps))
    heads = [q for n, q in model.named_parameters() if n.startswith(("head", "cosine"))]
    rest = [q for n, q in model.named_parameters() if q.requires_grad and not n.startswith(("head", "cosine"))]
    optimiser = torch.optim.AdamW([{"params": rest, "lr": o.rate}, {"params": heads, "lr": 6 * o.rate}], weight_decay=0.01, betas=(0.9, 0.98))
    started = time.time()

    def share_done(step):
        return max(step / o.steps, (time.time() - started) / 60 / o.minutes if o.minutes else 0)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / o.warmup, max(1 - share_done(s), 0) if o.decay else 1))
    model.train()
    losses, seen = [], 0
    for step, part in enumerate(batches):
        rows = [tokens[i] if r.random() < 0.5 else tokens[i][::-1] for i in part]
        target = torch.tensor([pairs[i]["y"] for i in part], dtype=torch.float)
        loss = F.binary_cross_entropy_with_logits(model(*batch_of(rows)), target * 0.97 + 0.01)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        seen += len(part)
        if (step + 1) % 50 == 0:
            print(f"{step + 1}/{o.steps} loss {sum(losses[-50:]) / 50:.4f} {seen / (time.time() - started):.1f} pairs/s {time.time() - started:.0f} s", flush=True)
        is_last = share_done(step + 1) >= 1
        if (step + 1) % o.report == 0 or is_last:
            print(by_source(held, scores(model, held_tokens)), flush=True)
            torch.save(model.trained(), o.out)
        if is_last:
            break


if __name__ == "__main__":
    main()
