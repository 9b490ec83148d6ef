"""A cross-encoder of all-MiniLM-L6-v2's shape: `[CLS] a [SEP] b [SEP]` in, one logit out (natural log of the odds that one answer serves both).

BERT as in Devlin et al. 2018: 6 layers, 12 heads of 32, inner size 1536, exact GELU, layer norm after each residual. The head reads the first token, and the
means of either wording's tokens as their product and their distance: what the base model was trained to compare, before any of this training.
The embedding tables and the first two layers stay those of the base model.
"""

import math
import struct
import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

LAYERS, HEADS, HIDDEN, INNER, HEAD_INNER = 6, 12, 384, 1536, 192
# The first layers stay as they are in the base: they change least in training, and need no gradients then.
FROZEN = 2


KINDS = {"F32": torch.float32, "I8": torch.int8}


def read_safetensors(path):
    blob = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in KINDS:
            start, end = entry["data_offsets"]
            found[name] = torch.frombuffer(bytearray(blob[8 + size + start : 8 + size + end]), dtype=KINDS[entry["dtype"]]).reshape(entry["shape"])
    return found


class Layer(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.query, self.key, self.value, self.attended = (nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.inner, self.outer = nn.Linear(HIDDEN, INNER), nn.Linear(INNER, HIDDEN)
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12), nn.LayerNorm(HIDDEN, eps=1e-12)
        self.dropout = dropout

    def forward(self, x, bias):
        b, n, _ = x.shape
        q, k, v = (f(x).view(b, n, HEADS, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, n, HIDDEN)
        x = self.norm1(x + F.dropout(self.attended(y), self.dropout, self.training))
        return self.norm2(x + F.dropout(self.outer(F.gelu(self.inner(x))), self.dropout, self.training))


class CrossEncoder(nn.Module):
    def __init__(self, base, dropout=0.1):
        super().__init__()
        self.words = nn.Parameter(base["embeddings.word_embeddings.weight"], requires_grad=False)
        self.places = nn.Parameter(base["embeddings.position_embeddings.weight"], requires_grad=False)
        self.types = nn.Parameter(base["embeddings.token_type_embeddings.weight"], requires_grad=False)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        self.head1, self.head2 = nn.Linear(3 * HIDDEN, HEAD_INNER), nn.Linear(HEAD_INNER, 1)
        self.cosine = nn.Parameter(torch.tensor(6.0))
        self._load(base)
        for module in (self.norm, *self.layers[:FROZEN]):
            module.requires_grad_(False)

    def _load(self, base):
        def take(module, name):
            module.weight.data.copy_(base[name + ".weight"])
            module.bias.data.copy_(base[name + ".bias"])

        take(self.norm, "embeddings.LayerNorm")
        for i, layer in enumerate(self.layers):
            at = f"encoder.layer.{i}."
            take(layer.query, at + "attention.self.query")
            take(layer.key, at + "attention.self.key")
            take(layer.value, at + "attention.self.value")
            take(layer.attended, at + "attention.output.dense")
            take(layer.norm1, at + "attention.output.LayerNorm")
            take(layer.inner, at + "intermediate.dense")
            take(layer.outer, at + "output.dense")
            take(layer.norm2, at + "output.LayerNorm")
        nn.init.normal_(self.head1.weight, std=0.02), nn.init.zeros_(self.head1.bias)
        nn.init.normal_(self.head2.weight, std=0.02), nn.init.constant_(self.head2.bias, -4.0)

    def encode(self, ids, types, mask):
        bias = ((1 - mask.float()) * -10000.0)[:, None, None, :]
        with torch.no_grad():
            x = self.norm(F.embedding(ids, self.words) + self.places[: ids.shape[1]] + F.embedding(types, self.types))
            for layer in self.layers[:FROZEN]:
                x = layer(x, bias)
        for layer in self.layers[FROZEN:]:
            x = layer(x, bias)
        return x

    def train(self, mode=True):
        super().train(mode)
        for layer in self.layers[:FROZEN]:
            layer.train(False)
        return self

    def trained(self):
        """The tensors that differ from the base model, by name."""
        fixed = ("words", "places", "types", "norm.", *(f"layers.{i}." for i in range(FROZEN)))
        return {n: q for n, q in self.state_dict().items() if not n.startswith(fixed)}

    def forward(self, ids, types, mask):
        x = self.encode(ids, types, mask)
        return verdict(x, types, mask, self)


def verdict(x, types, mask, model):
    """The logit of pairs by their tokens after the last layer, with `model`'s head on the first token and on the means of either wording's tokens."""
    second = (types * mask).float()
    first = mask.float() - second
    a = (x * first[..., None]).sum(1) / first.sum(1, keepdim=True)
    b = (x * second[..., None]).sum(1) / second.sum(1, keepdim=True)
    features = torch.cat([x[:, 0], a * b, (a - b).abs()], 1)
    hidden = F.dropout(F.gelu(model.head1(features)), 0.1, model.training)
    return model.head2(hidden).squeeze(1) + model.cosine * F.cosine_similarity(a, b)


def batch_of(token_lists):
    """Pairs of id lists (without special tokens) as padded tensors: ids, types, mask."""
    rows = [([101, *a, 102, *b, 102], len(a) + 2) for a, b in token_lists]
    width = max(len(r) for r, _ in rows)
    ids, types, mask = (torch.zeros(len(rows), width, dtype=torch.long) for _ in range(3))
    for i, (row, second) in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
        types[i, second : len(row)] = 1
    return ids, types, mask
