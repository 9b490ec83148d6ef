"""Trains the verifier on token states: `python train_joint.py --pairs DIR --states PREFIX --weights FILE --start FILE --out FILE --minutes N`.

`--states` is what `states.py` made of the pairs, `--start` a checkpoint of the cross-encoder (`train.py`), whose last layers it begins from, or an exported
verifier (`.safetensors`), from which it goes on. The rate falls to nothing
over the minutes; a pass over 150,000 pairs takes about 15 of them on two quiet cores. Beside the weights the file gets the scale and zero point of each component of
the states, from their extremes over a sample of the training texts.
"""

import argparse
import random
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from joint import JointReader, States
from model import read_safetensors
from train import batches_of, by_source, read


def scores(model, states, pairs):
    model.eval()
    out = [0.0] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda i: states.length(pairs[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            for i, s in zip(part, model(*states.batch([pairs[i] for i in part])).tolist()):
                out[i] = s
    model.train()
    return out


def report(model, states, held):
    print(by_source(held, scores(model, states, [(x["a"], x["b"]) for x in held])), flush=True)


def with_steps(model, states, texts):
    """The weights with the scale and zero point of each component of the states."""
    low = torch.full((384,), torch.inf)
    high = -low
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            ids, places, _, mask, middle, last = states.batch([(t, t) for t in texts[start : start + 64]])
            x = model.mixed(ids, places, middle, last)[mask.bool()]
            low, high = torch.minimum(low, x.amin(0)), torch.maximum(high, x.amax(0))
    step = (high - low) / 255
    return {**model.trained(), "states.step": step, "states.zero": torch.round(-low / step).clamp(0, 255)}


def main():
    p = argparse.ArgumentParser()
    for name in ("pairs", "weights", "start", "out"):
        p.add_argument("--" + name, required=True, type=Path)
    p.add_argument("--states", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=3e-4)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--report", type=float, default=300, help="seconds between looks at the held-out pairs")
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(o.seed)
    r = random.Random(o.seed)
    model, states = JointReader(read_safetensors(o.weights)), States(o.states)
    if o.start.suffix == ".safetensors":
        model.go_on_from(read_safetensors(o.start))
    else:
        model.start_from(torch.load(o.start))
    pairs, held = read(o.pairs / "train.jsonl"), read(o.pairs / "held.jsonl")
    lengths = [states.length((x["a"], x["b"])) for x in pairs]
    fresh = ("head", "cosine", "side")
    rest = [q for n, q in model.named_parameters() if q.requires_grad and not n.startswith(fresh)]
    heads = [q for n, q in model.named_parameters() if n.startswith(fresh)]
    rates = (o.rate, 2 * o.rate)
    optimiser = torch.optim.AdamW([{"params": q, "lr": rate} for q, rate in zip((rest, heads), rates)], weight_decay=0.01, betas=(0.9, 0.98))
    started = looked = time.time()
    model.train()
    losses = []
    for step, part in enumerate(batches_of(lengths, o.batch, r)):
        left = 1 - (time.time() - started) / 60 / o.minutes
        if left <= 0:
            break
        for group, rate in zip(optimiser.param_groups, rates):
            group["lr"] = rate * min((step + 1) / o.warmup, left)
        # The order of the two wordings is drawn, so that the model takes both.
        texts = [(pairs[i]["a"], pairs[i]["b"]) if r.random() < 0.5 else (pairs[i]["b"], pairs[i]["a"]) for i in part]
        target = torch.tensor([pairs[i]["y"] for i in part], dtype=torch.float)
        loss = F.binary_cross_entropy_with_logits(model(*states.batch(texts)), target * 0.97 + 0.01)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            print(f"{step + 1} loss {sum(losses[-100:]) / 100:.4f} {(step + 1) * o.batch / (time.time() - started):.0f} pairs/s", flush=True)
        if time.time() - looked > o.report:
            report(model, states, held)
            looked = time.time()
    report(model, states, held)
    texts = sorted({x["a"] for x in pairs})
    torch.save(with_steps(model, states, r.sample(texts, min(20000, len(texts)))), o.out)


if __name__ == "__main__":
    main()
