"""Builds the int8 ONNX graph of all-MiniLM-L6-v2 from its published float32 weights.

    python convert.py model.safetensors out.onnx [--states verifier.safetensors] [--float32]

The graph takes `input_ids` and `attention_mask` (int64, [batch, length]) and gives `embedding` (float32, [batch, 384]): the
mean of the last layer over the tokens whose mask is 1, scaled to length one. It is written node by node here, from the
description of BERT (Devlin et al. 2018, arXiv:1810.04805) and the configuration in the package that carries the weights:
6 layers, 12 heads of 32, inner size 1536, exact GELU, layer norm with epsilon 1e-12 after each residual.

With `--states` it also gives `states` (uint8, [batch, length, 384]), what the verifier reads of each token in place of the token: the
fourth layer's output plus what the verifier's training found worth keeping of the words themselves and of the last layer, in bytes by a
scale and a zero point a component. The embedding is the same with and without.

Three things are arranged for speed, none of which changes the function: query, key and value are one product; the attention
scale is inside the query's weights; the token type, always 0, is inside the position table.

Quantisation is dynamic (QInt8 weights per output channel; activations scaled at run time), MatMul and Gather, constant right
operand only, with weights in 7 bits (`reduce_range`): the byte products then cannot saturate on processors that have AVX2 but
no VNNI, so the model is as accurate there as elsewhere.
"""

import argparse
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, HIDDEN, EPSILON = 6, 12, 384, 1e-12
# The last layers, which the verifier has as its own.
JOINT = 2
HEAD = HIDDEN // HEADS
OPSET = 20


# Names of types in a safetensors file; tensors of others are passed over.
KINDS = {"F32": np.dtype("<f4"), "I8": np.int8}


def tensors(path):
    """The tensors of a safetensors file by name, and its metadata: 8 bytes of header length, a JSON header, then the raw little-endian data."""
    blob = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + size])
    data = memoryview(blob)[8 + size :]
    metadata = header.pop("__metadata__", {})
    found = {}
    for name, entry in header.items():
        if entry["dtype"] in KINDS:
            start, end = entry["data_offsets"]
            found[name] = np.frombuffer(data[start:end], dtype=KINDS[entry["dtype"]]).reshape(entry["shape"])
    return found, metadata


def read_safetensors(path):
    """All float32 tensors of a safetensors file."""
    return {name: value for name, value in tensors(path)[0].items() if value.dtype == np.float32}


def read_quantised(path):
    """The tensors of a file in which matrices are int8 with one float32 scale a row (`NAME.scale`), as float32, and the file's metadata."""
    raw, metadata = tensors(path)
    found = {}
    for name, value in raw.items():
        if not name.endswith(".scale"):
            found[name] = value.astype(np.float32) * raw[name + ".scale"][:, None] if value.dtype == np.int8 else value
    return found, metadata


class Graph:
    """Collects nodes and constants in order, so that the same weights always give the same bytes."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, weight, bias, name):
        """x @ weight + bias, with the weight as [in, out]."""
        product = self.node("MatMul", [x, self.constant(name + ".weight", weight)], name + ".product")
        return self.node("Add", [product, self.constant(name + ".bias", bias)], name)

    def norm(self, x, weight, bias, name):
        inputs = [x, self.constant(name + ".weight", weight), self.constant(name + ".bias", bias)]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=EPSILON)


def layers(g, weights, x, penalty=None, first=0):
    """The encoder's layers from `first` on over tokens [batch, length, 384]; `penalty` keeps padding out of the attention, where there is any."""
    split = g.constant("shape.split", np.array([0, 0, HEADS, HEAD], np.int64))
    joined = g.constant("shape.joined", np.array([0, 0, HIDDEN], np.int64))
    for layer in range(first, LAYERS):
        def weight(name):
            return weights[f"encoder.layer.{layer}.{name}.weight"]

        def bias(name):
            return weights[f"encoder.layer.{layer}.{name}.bias"]

        at, scale = f"{layer}.", np.float32(1 / np.sqrt(HEAD))
        parts = ["attention.self.query", "attention.self.key", "attention.self.value"]
        matrices, biases = [weight(p).T for p in parts], [bias(p) for p in parts]
        matrices[0], biases[0] = matrices[0] * scale, biases[0] * scale
        fused = g.linear(x, np.concatenate(matrices, axis=1), np.concatenate(biases), at + "qkv")
        names = [at + "query", at + "key", at + "value"]
        g.nodes.append(helper.make_node("Split", [fused], names, name=at + "split", axis=2, num_outputs=3))
        heads = [g.node("Reshape", [name, split], name + ".heads") for name in names]
        query = g.node("Transpose", [heads[0]], at + "query.t", perm=[0, 2, 1, 3])
        key = g.node("Transpose", [heads[1]], at + "key.t", perm=[0, 2, 3, 1])
        value = g.node("Transpose", [heads[2]], at + "value.t", perm=[0, 2, 1, 3])
        scores = g.node("MatMul", [query, key], at + "scores")
        if penalty is not None:
            scores = g.node("Add", [scores, penalty], at + "scores.masked")
        share = g.node("Softmax", [scores], at + "share", axis=-1)
        context = g.node("Transpose", [g.node("MatMul", [share, value], at + "mixed")], at + "mixed.t", perm=[0, 2, 1, 3])
        context = g.node("Reshape", [context, joined], at + "context")
        attended = g.linear(context, weight("attention.output.dense").T, bias("attention.output.dense"), at + "attended")
        x = g.node("Add", [attended, x], at + "residual.1")
        x = g.norm(x, weight("attention.output.LayerNorm"), bias("attention.output.LayerNorm"), at + "norm.1")
        inner = g.linear(x, weight("intermediate.dense").T, bias("intermediate.dense"), at + "inner")
        inner = g.node("Gelu", [inner], at + "gelu")
        outer = g.linear(inner, weight("output.dense").T, bias("output.dense"), at + "outer")
        x = g.node("Add", [outer, x], at + "residual.2")
        x = g.norm(x, weight("output.LayerNorm"), bias("output.LayerNorm"), at + "norm.2")
    return x


def states(g, reading, embedded, middle, last):
    """The output `states` of tokens as words, after the fourth layer and after the last; `reading` holds the verifier's weights."""
    low = g.node("MatMul", [embedded, g.constant("states.low.weight", reading["low.weight"].T)], "states.low")
    high = g.node("MatMul", [last, g.constant("states.high.weight", reading["high.weight"].T)], "states.high")
    mixed = g.node("Add", [g.node("Add", [middle, low], "states.middle"), high], "states.mixed")
    # One scale for all after scaling each component: the runtime's quantisation by component takes forty times as long.
    scaled = g.node("Mul", [mixed, g.constant("states.scale", np.float32(1) / reading["states.step"])], "states.scaled")
    placed = g.node("Add", [scaled, g.constant("states.zero", reading["states.zero"])], "states.placed")
    g.node("QuantizeLinear", [placed, g.constant("states.one", np.float32(1)), g.constant("states.none", np.uint8(0))], "states")


def build(weights, reading=None):
    """The float32 model as an onnx ModelProto; `reading` holds the verifier's weights when it shall give `states` too."""
    g = Graph()
    first = g.constant("axis.first", np.array([0], np.int64))
    last = g.constant("axis.last", np.array([-1], np.int64))
    tokens = g.constant("axis.tokens", np.array([1], np.int64))

    length = g.node("Shape", ["input_ids"], "length", start=1, end=2)
    words = g.node("Gather", [g.constant("words", weights["embeddings.word_embeddings.weight"]), "input_ids"], "word")
    table = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    places = g.node("Slice", [g.constant("places", table), first, length, first], "place")
    x = g.node("Add", [words, places], "sum")
    x = g.norm(x, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"], "embedded")

    mask = g.node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    absent = g.node("Sub", [g.constant("1f", np.float32(1)), mask], "absent")
    penalty = g.node("Mul", [absent, g.constant("minus", np.float32(-10000))], "penalty")
    penalty = g.node("Unsqueeze", [penalty, g.constant("axes.heads", np.array([1, 2], np.int64))], "penalty.heads")

    embedded, x = x, layers(g, weights, x, penalty)

    column = g.node("Unsqueeze", [mask, last], "mask.column")
    total = g.node("ReduceSum", [g.node("Mul", [x, column], "kept"), tokens], "total", keepdims=0)
    # A vector of length one does not depend on the divisor of the mean, so the sum is scaled at once.
    norm = g.node("ReduceL2", [total, last], "norm", keepdims=1)
    norm = g.node("Max", [norm, g.constant("tiny", np.float32(1e-12))], "norm.positive")
    g.node("Div", [total, norm], "embedding")

    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    present = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "length"])
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])]
    if reading is not None:
        states(g, reading, embedded, f"{LAYERS - JOINT - 1}.norm.2", x)
        outputs.append(helper.make_tensor_value_info("states", TensorProto.UINT8, ["batch", "length", HIDDEN]))
    graph = helper.make_graph(g.nodes, "all-MiniLM-L6-v2", [ids, present], outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="reprise", ir_version=10)
    onnx.checker.check_model(model)
    return model


def quantise(model, destination, reduce_range=True, keep=()):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float32.onnx"
        onnx.save(model, source)
        quantize_dynamic(
            source, destination, op_types_to_quantize=["MatMul", "Gather"], per_channel=True, reduce_range=reduce_range,
            weight_type=QuantType.QInt8, nodes_to_exclude=list(keep), extra_options={"MatMulConstBOnly": True})


def main():
    parser = argparse.ArgumentParser(description="safetensors of all-MiniLM-L6-v2 to ONNX")
    parser.add_argument("weights")
    parser.add_argument("destination")
    parser.add_argument("--states", metavar="VERIFIER", help="give the verifier's states too, by these weights of its own")
    parser.add_argument("--float32", action="store_true", help="leave the weights as they are: the reference for the tests")
    parser.add_argument("--full-range", action="store_true", help="8-bit weights, for comparison only")
    arguments = parser.parse_args()
    model = build(read_safetensors(arguments.weights), read_quantised(arguments.states)[0] if arguments.states else None)
    if arguments.float32:
        onnx.save(model, arguments.destination)
    else:
        quantise(model, arguments.destination, reduce_range=not arguments.full_range)


if __name__ == "__main__":
    main()
