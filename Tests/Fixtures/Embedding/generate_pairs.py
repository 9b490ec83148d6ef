"""Makes `pairs.jsonl` anew: pairs of wordings with either's ids and the logit that the float32 graphs give.

    pip install -r Scripts/model-build/requirements.txt -r Scripts/model-build/requirements-fixtures.txt
    python Scripts/model-build/convert.py model.safetensors FOLDER/model.onnx --states Scripts/model-build/verifier.safetensors --float32
    python Scripts/model-build/verifier.py Scripts/model-build/verifier.safetensors FOLDER --float32
    python Tests/Fixtures/Embedding/generate_pairs.py MODEL_FOLDER FOLDER
"""

import json
import pathlib
import random
import sys

import numpy as np
import onnxruntime
from tokenizers import BertWordPieceTokenizer

from sentences import SENTENCES

HERE = pathlib.Path(__file__).parent
OWN = [
    ("How do I switch on the heating?", "How can I turn the heating on?"), ("How do I switch on the heating?", "How can I turn the heating off?"),
    ("What does a ticket from Oslo to Bergen cost?", "How much is the fare from Oslo to Bergen?"),
    ("What does a ticket from Oslo to Bergen cost?", "How much is the fare from Bergen to Oslo?"),
    ("May I bring my dog?", "Are dogs allowed?"), ("May I bring my dog?", "Are cats allowed?"), ("Is order 48213 on its way?", "Is order 48231 on its way?"),
    ("café für Zoë", "cafe fur zoe"), ("日本語", "中文"), ("x", "x"), ("[SEP] literal", "a [CLS] mark"), ("don't", "do not"),
]


def main(folder, graphs):
    tokenizer = BertWordPieceTokenizer(str(pathlib.Path(folder) / "vocab.txt"), lowercase=True)
    embedder, verifier = (onnxruntime.InferenceSession(str(pathlib.Path(graphs) / name)) for name in ("model.onnx", "verifier.onnx"))

    def states(ids):
        row = np.array([ids], np.int64)
        return embedder.run(["states"], {"input_ids": row, "attention_mask": np.ones_like(row)})[0]

    chooser = random.Random(11)
    short = [s for s in SENTENCES if 8 < len(s) < 160]
    pairs = OWN + [(s, s) for s in short[:12]] + [(s, s.lower().rstrip(".?!")) for s in short[12:36]] + [tuple(chooser.sample(short, 2)) for _ in range(24)]
    for text in short[36:84]:
        words = text.split()
        place = chooser.randrange(len(words))
        pairs.append((text, " ".join(words[:place] + words[place + 1 :]) or text))
    with open(HERE / "pairs.jsonl", "w", encoding="utf-8") as file:
        for asked, cached in pairs:
            a, b = tokenizer.encode(asked).ids, tokenizer.encode(cached).ids
            types = np.array([[0] * len(a) + [1] * len(b)], np.int64)
            logit = float(verifier.run(["logit"], {"states": np.concatenate([states(a), states(b)], axis=1), "token_type_ids": types})[0][0])
            line = {"asked": asked, "cached": cached, "asked_ids": a, "cached_ids": b, "logit": round(logit, 4)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(len(pairs), "pairs")


if __name__ == "__main__":
    main(*sys.argv[1:])
