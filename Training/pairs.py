"""Makes the training and held-out pairs: `python pairs.py --data DIR --wordnet DIR --weights FILE --vocabulary FILE --out DIR --seed N`.

One JSON object a line: `a`, `b`, `y` (1: one answer serves both), `source`. A stream's groups are in the training part or in the held-out part, never in both; the
hand-labelled pairs (`fow_pairs.jsonl`) are held out whole, unless `--fold` says which of `--folds` parts is: pairs that share a wording are in one part. `--fold all` holds
none of them out.
"""

import argparse
import hashlib
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer

from clauses import Clauses
from edits import Edits
from meanings import Meanings, tidied
from model import CrossEncoder, read_safetensors
from wordnet import WordNet
from written import Written, plain

# Pair files that are for measuring: no text of theirs is trained on.
MEASURED = ("fow_pairs", "asks", "context_question", "marks_case_space", "languages")
STREAMS = {"clinc150_faq": (5000, 5500), "banking77": (3000, 4000), "hwu64_slots": (2000, 2500), "synth_templates": (1500, 2500)}


def read(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def is_held_out(group, share=0.12):
    return int(hashlib.sha256(("held:" + group).encode()).hexdigest()[:8], 16) / 2**32 < share


def vectors(texts, base, tokenizer):
    """Mean-pooled unit vectors of the base model."""
    model = CrossEncoder(base).eval()
    out = torch.zeros(len(texts), 384)
    ids = [e.ids[:64] for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 128):
            part = order[start : start + 128]
            width = max(len(ids[i]) for i in part)
            batch = torch.zeros(len(part), width, dtype=torch.long)
            mask = torch.zeros_like(batch)
            for row, i in enumerate(part):
                batch[row, : len(ids[i])] = torch.tensor(ids[i])
                mask[row, : len(ids[i])] = 1
            x = model.encode(batch, torch.zeros_like(batch), mask) * mask[..., None]
            out[part] = torch.nn.functional.normalize(x.sum(1), dim=1)
    return out


def stream_pairs(r, records, v, positives, negatives, source):
    """Same-group pairs, and pairs of different groups drawn among the nearest by cosine."""
    groups = defaultdict(list)
    for i, record in enumerate(records):
        groups[record["group"]].append(i)
    usable = [g for g in groups.values() if len(g) > 1]
    if usable:
        for _ in range(positives):
            group = r.choices(usable, [min(len(g), 60) for g in usable])[0]
            i, j = r.sample(group, 2)
            # Unlike wordings teach more.
            for _ in range(2):
                k = r.choice(group)
                if k != i and float(v[i] @ v[k]) < float(v[i] @ v[j]) and float(v[i] @ v[k]) > 0.25:
                    j = k
            yield {"a": records[i]["prompt"], "b": records[j]["prompt"], "y": 1, "source": source}
    for _ in range(negatives):
        i = r.randrange(len(records))
        near = (v @ v[i]).topk(min(60, len(records))).indices.tolist()
        near = [j for j in near if records[j]["group"] != records[i]["group"]]
        if near:
            yield {"a": records[i]["prompt"], "b": records[r.choice(near[:10] if r.random() < 0.6 else near)]["prompt"], "y": 0, "source": source}


def meaning_pairs(r, meanings, edits, count):
    frames = meanings.frames

    def around(text):
        text = tidied(text)
        return (edits.surface(r, text) if r.random() < 0.22 else edits.typo(r, text) if r.random() < 0.1 else text) or text

    for _ in range(count):
        m = meanings.draw(r)
        c = meanings.choices(r)
        a = around(meanings.wording(m, c))
        if r.random() < 0.46:
            if r.random() < 0.25:
                d = {**c, **{k: r.random() for k in r.sample(sorted(c), 2)}}
            else:
                d = meanings.choices(r)
            b = around(meanings.wording(m, d))
            if a.lower() == b.lower():
                b = edits.safe(r, a, frames) or edits.surface(r, a)
            yield {"a": a, "b": b, "y": 1, "source": "meaning"}
        else:
            n, what = meanings.changed(r, m)
            if r.random() < 0.15:
                n, _ = meanings.changed(r, n)
            b = around(meanings.wording(n, c if r.random() < 0.42 else meanings.choices(r)))
            if a.lower().strip("?") != b.lower().strip("?"):
                yield {"a": a, "b": b, "y": 0, "source": "meaning " + what}


def edited_pairs(r, prompts, edits, frames, count, source):
    for _ in range(count):
        text = r.choice(prompts)
        if r.random() < 0.4:
            b = edits.safe(r, text, frames)
            if b:
                yield {"a": text, "b": b, "y": 1, "source": source + " safe"}
        else:
            made = edits.trap(r, text)
            if made:
                b = made[0]
                a = (edits.safe(r, text, frames) or text) if r.random() < 0.4 else text
                yield {"a": a, "b": b, "y": 0, "source": source + " " + made[1]}


def group_pairs(r, groups, edits, frames, count):
    """Pairs from hand-written groups of equal wordings; other groups are traps, and so are edits of either side."""
    for _ in range(count):
        group = r.choice(groups)
        a, b = r.sample(group, 2)
        roll = r.random()
        if roll < 0.5:
            b = (edits.safe(r, b, frames, depth=1) or b) if r.random() < 0.5 else b
            a = (edits.surface(r, a) or a) if r.random() < 0.25 else a
            yield {"a": a, "b": b, "y": 1, "source": "group"}
        elif roll < 0.85:
            made = edits.trap(r, b)
            if made:
                yield {"a": a, "b": made[0], "y": 0, "source": "group " + made[1]}
        else:
            other = groups[(groups.index(group) + r.choice([-3, -2, -1, 1, 2, 3])) % len(groups)]
            yield {"a": a, "b": r.choice(other), "y": 0, "source": "group other"}


def unmeasured(pairs, folder):
    """The pairs without those that share a text with what is measured."""
    files = [folder / f"{name}.jsonl" for name in MEASURED]
    known = {plain(x[k]) for f in files if f.exists() for x in read(f) for k in "ab"}
    return [x for x in pairs if plain(x["a"]) not in known and plain(x["b"]) not in known]


def read_groups(path):
    groups, current = [], []
    for line in [*Path(path).read_text().splitlines(), ""]:
        line = line.strip()
        if line.startswith("#"):
            continue
        if line:
            current.append(line)
        elif current:
            groups.append(current)
            current = []
    return groups


def parts(pairs, count):
    """A part for each pair; pairs that share a wording, directly or by others, are in the same one."""
    root = {}

    def find(text):
        while root.setdefault(text, text) != text:
            text = root[text]
        return text

    for x in pairs:
        root[find(x["a"])] = find(x["b"])
    return [int(hashlib.sha256(("part:" + find(x["a"])).encode()).hexdigest()[:8], 16) % count for x in pairs]


def main():
    p = argparse.ArgumentParser()
    for name in ("data", "wordnet", "weights", "vocabulary", "out"):
        p.add_argument("--" + name, required=True, type=Path)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--meanings", type=int, default=50000)
    p.add_argument("--edits", type=int, default=14000)
    p.add_argument("--groups", type=int, default=8000)
    p.add_argument("--written", type=int, default=60000)
    p.add_argument("--clauses", type=int, default=20000)
    p.add_argument("--streams", type=float, default=1.0)
    p.add_argument("--folds", type=int, default=2)
    p.add_argument("--fold", help="a number, or `all`")
    o = p.parse_args()
    r = random.Random(o.seed)
    wordnet = WordNet(o.wordnet)
    meanings, edits = Meanings(wordnet), Edits(wordnet)
    tokenizer = BertWordPieceTokenizer(str(o.vocabulary), lowercase=True)
    base = read_safetensors(o.weights)
    train, held, prompts = [], [], []
    for name, (positives, negatives) in STREAMS.items():
        records = read(o.data / f"{name}.jsonl")
        cache = o.out / f"{name}.pt"
        if cache.exists():
            v = torch.load(cache)
        else:
            v = vectors([x["prompt"] for x in records], base, tokenizer)
            o.out.mkdir(parents=True, exist_ok=True)
            torch.save(v, cache)
        out = [is_held_out(x["group"]) for x in records]
        for part, flag, scale in ((train, False, o.streams), (held, True, 0.08)):
            index = [i for i, h in enumerate(out) if h == flag]
            part += stream_pairs(r, [records[i] for i in index], v[index], int(positives * scale), int(negatives * scale), name)
        prompts += [x["prompt"] for x, h in zip(records, out) if not h and len(x["prompt"]) < 120]
    sentences = [x for x in read(o.data / "gptcache_mock_pairs.jsonl") if len(x["a"]) < 160 and len(x["b"]) < 200]
    train += [{"a": x["a"], "b": x["b"], "y": 1, "source": "gptcache"} for x in sentences if not is_held_out(x["a"])]
    texts = [x["a"] for x in sentences if not is_held_out(x["a"])]
    train += edited_pairs(r, texts, edits, meanings.frames, 900, "gptcache")
    train += meaning_pairs(r, meanings, edits, o.meanings)
    train += edited_pairs(r, prompts, edits, meanings.frames, o.edits, "stream")
    written = Written()
    groups = read_groups(Path(__file__).parent / "lexicon/rewordings.txt")
    train += group_pairs(r, groups, edits, meanings.frames, o.groups)
    train += unmeasured(group_pairs(r, written.groups(), edits, meanings.frames, o.written // 4), o.data)
    for source, count in ((written, o.written), (Clauses(), o.clauses)):
        train += unmeasured(source.pairs(r, count, edits=edits), o.data)
        held += source.pairs(r, max(count // 25, 400), blocks=source.apart, edits=edits)
    labelled = read(o.data / "fow_pairs.jsonl")
    if o.fold is not None:
        known = labelled if o.fold == "all" else [x for x, part in zip(labelled, parts(labelled, o.folds)) if part != int(o.fold)]
        train += [{"a": x["a"], "b": x["b"], "y": int(x["same_answer"]), "source": "labelled"} for x in known for _ in range(5)]
        train += edited_pairs(r, [t for x in known for t in (x["a"], x["b"])], edits, meanings.frames, 6 * len(known), "labelled")
        if o.fold != "all":
            labelled = [x for x, part in zip(labelled, parts(labelled, o.folds)) if part == int(o.fold)]
    held += meaning_pairs(r, meanings, edits, 800)
    held += [{"a": x["a"], "b": x["b"], "y": int(x["same_answer"]), "source": "labelled", "category": x["category"], "style": x["style"]} for x in labelled]
    # Long pairs cost much and teach little that is not in the short ones.
    train = [x for x in train if len(x["a"]) + len(x["b"]) <= (240 if x["source"].startswith("written") else 170)]
    r.shuffle(train)
    o.out.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", train), ("held", held)):
        (o.out / f"{name}.jsonl").write_text("".join(json.dumps(x) + "\n" for x in part))
    print(len(train), "training pairs,", len(held), "held out;", dict(Counter(x["y"] for x in train)))


if __name__ == "__main__":
    main()
