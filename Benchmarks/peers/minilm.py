"""all-MiniLM-L6-v2 for the peers: the same graph and vocabulary that Reprise runs, through ONNX Runtime and the reference tokeniser."""

import pathlib

import numpy
import onnxruntime
from tokenizers import BertWordPieceTokenizer

DIMENSION = 384


class MiniLM:
    """Texts to unit vectors, with one thread a text as in Reprise's own configuration."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self.tokenizer.enable_truncation(256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])

    def embed(self, text):
        encoded = self.tokenizer.encode(text)
        return self.session.run(None, {
            "input_ids": numpy.array([encoded.ids], dtype=numpy.int64),
            "attention_mask": numpy.array([encoded.attention_mask], dtype=numpy.int64)})[0][0]
