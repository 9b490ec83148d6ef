"""Lays MiniLM where CacheLLM's embedding library looks for it, so that it need not be downloaded.

    python cachellm_model.py MODEL_FOLDER CACHE_FOLDER

The library pools by itself, so the graph's output is the last layer instead of the pooled vector; the weights stay the same bytes.
"""

import json
import pathlib
import sys

import onnx
from onnx import TensorProto, helper
from tokenizers import BertWordPieceTokenizer

source, cache = map(pathlib.Path, sys.argv[1:])
repository = cache / "models--Qdrant--all-MiniLM-L6-v2-onnx"
folder = repository / "snapshots" / ("0" * 40)
folder.mkdir(parents=True, exist_ok=True)
(repository / "refs").mkdir(exist_ok=True)
(repository / "refs/main").write_text("0" * 40)

model = onnx.load(source / "model.onnx")
last = "5.norm.2"
assert any(last in node.output for node in model.graph.node), f"the graph has no {last}"
del model.graph.output[:]
model.graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", "length", 384]))
onnx.save(model, folder / "model.onnx")

BertWordPieceTokenizer(str(source / "vocab.txt"), lowercase=True).save(str(folder / "tokenizer.json"))
special = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
(folder / "special_tokens_map.json").write_text(json.dumps(special))
(folder / "tokenizer_config.json").write_text(json.dumps({**special, "model_max_length": 256, "tokenizer_class": "BertTokenizer", "do_lower_case": True}))
(folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 384, "pad_token_id": 0, "max_position_embeddings": 512}))
