"""Builds the verifier's int8 ONNX graph from its own weights.

    python verifier.py verifier.safetensors OUT_FOLDER [--float32]

`verifier.safetensors` (beside this script, made by `Training/export.py`) holds matrices as int8 with one float32 scale a row (`NAME.scale`), everything else as
float32. OUT_FOLDER gets `verifier.onnx` and `verifier.json`.

The graph takes `states` (uint8, [batch, length, 384]), those of `[CLS] a [SEP]` and of `[CLS] b [SEP]` one after the other as convert.py's graph gives them for each
alone, and `token_type_ids` (int64, [batch, length]), 0 for a's tokens and 1 for b's. It gives `logit` (float32, [batch]): the natural log of the odds that one
answer serves both wordings. Two layers of convert.py's encoder see all tokens of both. The head reads the first token and the means of either wording's tokens,
as product and distance, and adds their scaled cosine.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from convert import HIDDEN, JOINT, LAYERS, OPSET, Graph, layers, quantise, read_quantised

# Names in the training's model, and the base model's names for the same.
PARTS = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value", "attended": "attention.output.dense",
    "norm1": "attention.output.LayerNorm", "inner": "intermediate.dense", "outer": "output.dense", "norm2": "output.LayerNorm",
}


def encoder(own):
    """The verifier's layers under the base model's names."""
    weights = {}
    for name, value in own.items():
        if name.startswith("layers."):
            _, layer, part, kind = name.split(".")
            weights[f"encoder.layer.{LAYERS - JOINT + int(layer)}.{PARTS[part]}.{kind}"] = value
    return weights


def build(own):
    g = Graph()
    first = g.constant("axis.first", np.array([0], np.int64))
    last = g.constant("axis.last", np.array([-1], np.int64))
    tokens = g.constant("axis.tokens", np.array([1], np.int64))

    # Bytes back to numbers, and the mark of the first wording with them.
    step, side = own["states.step"], own["side"]
    x = g.node("Cast", ["states"], "bytes", to=TensorProto.FLOAT)
    x = g.node("Mul", [x, g.constant("states.step", step)], "scaled")
    x = g.node("Add", [x, g.constant("side.a", side[0] - own["states.zero"] * step)], "sum.side.a")
    second = g.node("Cast", ["token_type_ids"], "second", to=TensorProto.FLOAT)
    second_column = g.node("Unsqueeze", [second, last], "second.column")
    x = g.node("Add", [x, g.node("Mul", [second_column, g.constant("side.b", side[1] - side[0])], "side")], "sum.side")
    x = layers(g, encoder(own), x, first=LAYERS - JOINT)

    means = []
    for name, part in (("a", g.node("Sub", [g.constant("1f", np.float32(1)), second], "first")), ("b", second)):
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

    inputs = [
        helper.make_tensor_value_info("states", TensorProto.UINT8, ["batch", "length", HIDDEN]),
        helper.make_tensor_value_info("token_type_ids", TensorProto.INT64, ["batch", "length"]),
    ]
    output = helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"])
    graph = helper.make_graph(g.nodes, "reprise-verifier", inputs, [output], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="reprise", ir_version=10)
    onnx.checker.check_model(model)
    return model


def main():
    parser = argparse.ArgumentParser(description="the verifier's weights to ONNX")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--float32", action="store_true", help="leave the weights as they are: the reference for the tests")
    arguments = parser.parse_args()
    own, metadata = read_quantised(arguments.weights)
    model = build(own)
    graph = arguments.folder / "verifier.onnx"
    if arguments.float32:
        onnx.save(model, graph)
        return
    # The head stays as it is: it is small, and its two products decide.
    quantise(model, graph, keep=["head1.product", "head2.product"])
    manifest = {
        "format": 2, "model": metadata["model"], "weights": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
        "day_one_cut": float(metadata["day_one_cut"]), "files": {"verifier.onnx": hashlib.sha256(graph.read_bytes()).hexdigest()},
    }
    (arguments.folder / "verifier.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
