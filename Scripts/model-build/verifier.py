"""Joins the verifier's own weights with the base model's and builds the int8 ONNX graph.

    python verifier.py model.safetensors verifier.safetensors OUT_FOLDER [--float32]

`model.safetensors` are the published weights of all-MiniLM-L6-v2, `verifier.safetensors` (beside this script, made by `Training/export.py`) holds what training
changed: matrices as int8 with one float32 scale a row (`NAME.scale`), everything else as float32. OUT_FOLDER gets `verifier.onnx` and `verifier.json`.

The graph takes `input_ids`, `token_type_ids` and `attention_mask` (int64, [batch, length]), the sequence being `[CLS] a [SEP] b [SEP]` with types 0 and 1, and
gives `logit` (float32, [batch]): the natural log of the odds that one answer serves both wordings. The encoder is convert.py's. The head reads the first token
and the means of either wording's tokens (`[CLS]` and `[SEP]` of their part included), as product and distance, and adds their scaled cosine.
"""

import argparse
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from convert import OPSET, Graph, layers, quantise, read_safetensors

# Names in the training's model, and the base model's names for the same.
PARTS = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value", "attended": "attention.output.dense",
    "norm1": "attention.output.LayerNorm", "inner": "intermediate.dense", "outer": "output.dense", "norm2": "output.LayerNorm",
}


def read_weights(path):
    """The tensors of the verifier, dequantised, and the file's metadata."""
    blob = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + size])
    data = memoryview(blob)[8 + size :]
    raw = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            kind = {"I8": np.int8, "F32": np.dtype("<f4")}[entry["dtype"]]
            raw[name] = np.frombuffer(data[start:end], dtype=kind).reshape(entry["shape"])
    found = {}
    for name, value in raw.items():
        if not name.endswith(".scale"):
            found[name] = value.astype(np.float32) * raw[name + ".scale"][:, None] if value.dtype == np.int8 else value
    return found, header["__metadata__"]


def joined(base, own):
    """The base model's tensors with the verifier's in their places; the head's stay apart."""
    weights = dict(base)
    for name, value in own.items():
        if name.startswith("layers."):
            _, layer, part, kind = name.split(".")
            weights[f"encoder.layer.{layer}.{PARTS[part]}.{kind}"] = value
    return weights


def build(weights, own):
    g = Graph()
    first = g.constant("axis.first", np.array([0], np.int64))
    last = g.constant("axis.last", np.array([-1], np.int64))
    tokens = g.constant("axis.tokens", np.array([1], np.int64))

    length = g.node("Shape", ["input_ids"], "length", start=1, end=2)
    words = g.node("Gather", [g.constant("words", weights["embeddings.word_embeddings.weight"]), "input_ids"], "word")
    places = g.node("Slice", [g.constant("places", weights["embeddings.position_embeddings.weight"]), first, length, first], "place")
    x = g.node("Add", [words, places], "sum")
    # Two rows: too small a table to be worth quantising, and a Gather would be.
    types = weights["embeddings.token_type_embeddings.weight"]
    second = g.node("Cast", ["token_type_ids"], "second", to=TensorProto.FLOAT)
    second_column = g.node("Unsqueeze", [second, last], "second.column")
    x = g.node("Add", [x, g.constant("type.0", types[0])], "sum.type.0")
    x = g.node("Add", [x, g.node("Mul", [second_column, g.constant("type.1", types[1] - types[0])], "type")], "sum.type")
    x = g.norm(x, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"], "embedded")

    mask = g.node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    absent = g.node("Sub", [g.constant("1f", np.float32(1)), mask], "absent")
    penalty = g.node("Mul", [absent, g.constant("minus", np.float32(-10000))], "penalty")
    penalty = g.node("Unsqueeze", [penalty, g.constant("axes.heads", np.array([1, 2], np.int64))], "penalty.heads")
    x = layers(g, weights, x, penalty)

    second_mask = g.node("Mul", [second, mask], "mask.b")
    means = []
    for name, part in (("a", g.node("Sub", [mask, second_mask], "mask.a")), ("b", second_mask)):
        column = g.node("Unsqueeze", [part, last], name + ".column")
        total = g.node("ReduceSum", [g.node("Mul", [x, column], name + ".kept"), tokens], name + ".total", keepdims=0)
        count = g.node("ReduceSum", [part, tokens], name + ".count", keepdims=1)
        means.append(g.node("Div", [total, count], name + ".mean"))
    a, b = means
    start = g.node("Squeeze", [g.node("Slice", [x, first, tokens, tokens], "start.token"), tokens], "start")
    product = g.node("Mul", [a, b], "product")
    distance = g.node("Abs", [g.node("Sub", [a, b], "difference")], "distance")
    features = g.node("Concat", [start, product, distance], "features", axis=1)
    hidden = g.node("Gelu", [g.linear(features, own["head1.weight"].T, own["head1.bias"], "head1")], "head.gelu")
    score = g.linear(hidden, own["head2.weight"].T, own["head2.bias"], "head2")
    norms = g.node("Mul", [g.node("ReduceL2", [a, tokens], "a.norm", keepdims=1), g.node("ReduceL2", [b, tokens], "b.norm", keepdims=1)], "norms")
    cosine = g.node("Div", [g.node("ReduceSum", [product, tokens], "dot", keepdims=1), g.node("Max", [norms, g.constant("tiny", np.float32(1e-8))], "norms.positive")], "cosine")
    scaled = g.node("Mul", [cosine, g.constant("cosine.scale", np.float32(own["cosine"].reshape(())))], "cosine.scaled")
    g.node("Squeeze", [g.node("Add", [score, scaled], "logit.column"), tokens], "logit")

    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in ("input_ids", "token_type_ids", "attention_mask")]
    output = helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"])
    graph = helper.make_graph(g.nodes, "reprise-verifier", inputs, [output], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="reprise", ir_version=10)
    onnx.checker.check_model(model)
    return model


def main():
    parser = argparse.ArgumentParser(description="base and verifier weights to ONNX")
    parser.add_argument("base", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--float32", action="store_true", help="leave the weights as they are: the reference for the tests")
    arguments = parser.parse_args()
    own, metadata = read_weights(arguments.weights)
    model = build(joined(read_safetensors(arguments.base), own), own)
    graph = arguments.folder / "verifier.onnx"
    if arguments.float32:
        onnx.save(model, graph)
        return
    # The head stays as it is: it is small, and its two products decide.
    quantise(model, graph, keep=["head1.product", "head2.product"])
    manifest = {
        "format": 1, "model": metadata["model"], "weights": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
        "day_one_cut": float(metadata["day_one_cut"]), "files": {"verifier.onnx": hashlib.sha256(graph.read_bytes()).hexdigest()},
    }
    (arguments.folder / "verifier.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
