"""Token states of every text of some pairs, by the int8 graph that serves: `python states.py --graph model.onnx --vocabulary FILE --out PREFIX PAIRS...`.

What training reads in place of running the base model at each step: PREFIX.json holds texts, their token ids and where their rows begin, PREFIX.middle.npy and
PREFIX.last.npy a row of 384 float16 a token, the outputs of the fourth and of the last layer. Texts of equal length run together: no padding, one scale a batch.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from tokenizers import BertWordPieceTokenizer

LONGEST, HIDDEN, BATCH = 62, 384, 32
LAYERS = {"middle": "3.norm.2", "last": "5.norm.2"}


def opened(graph, threads):
    """A session of the graph that gives the layers' outputs too."""
    model = onnx.load(graph)
    for name in LAYERS.values():
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "length", HIDDEN]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def main():
    p = argparse.ArgumentParser()
    for name in ("graph", "vocabulary", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("pairs", nargs="+", type=Path)
    o = p.parse_args()
    texts = sorted({x[side] for path in o.pairs for x in map(json.loads, path.read_text().splitlines()) for side in ("a", "b")})
    ids = [e.ids[:LONGEST] for e in BertWordPieceTokenizer(o.vocabulary, lowercase=True).encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    offsets, at = [0] * len(ids), 0
    for i in order:
        offsets[i], at = at, at + len(ids[i])
    rows = {name: np.lib.format.open_memmap(f"{o.out}.{name}.npy", "w+", np.float16, (at, HIDDEN)) for name in LAYERS}
    session, begin = opened(o.graph, o.threads), 0
    while begin < len(order):
        length, end = len(ids[order[begin]]), begin
        while end < len(order) and end - begin < BATCH and len(ids[order[end]]) == length:
            end += 1
        batch = np.array([ids[i] for i in order[begin:end]], np.int64)
        found = session.run(list(LAYERS.values()), {"input_ids": batch, "attention_mask": np.ones_like(batch)})
        first = offsets[order[begin]]
        for name, values in zip(LAYERS, found):
            rows[name][first : first + batch.size] = values.reshape(-1, HIDDEN)
        begin = end
    Path(o.out + ".json").write_text(json.dumps({"texts": texts, "ids": ids, "offsets": offsets}))
    print(len(texts), "texts,", at, "tokens")


if __name__ == "__main__":
    main()
