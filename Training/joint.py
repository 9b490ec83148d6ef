"""The verifier: two layers over the tokens of both wordings, each of which the base model has read alone.

A token comes in as the base model's fourth layer left it, plus what training finds worth keeping of the word itself (before the first layer) and of the last layer,
plus a mark of whose it is. Then as the cross-encoder's: two layers that see all tokens, and a head on the first token and both means.
"""

import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from model import HEAD_INNER, HIDDEN, LAYERS, Layer, verdict

JOINT = 2


class JointReader(nn.Module):
    def __init__(self, base, dropout=0.1):
        super().__init__()
        self.words = nn.Parameter(base["embeddings.word_embeddings.weight"], requires_grad=False)
        places = base["embeddings.position_embeddings.weight"] + base["embeddings.token_type_embeddings.weight"][0]
        self.places = nn.Parameter(places, requires_grad=False)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12).requires_grad_(False)
        self.norm.weight.data.copy_(base["embeddings.LayerNorm.weight"])
        self.norm.bias.data.copy_(base["embeddings.LayerNorm.bias"])
        self.low, self.high = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(2))
        nn.init.zeros_(self.low.weight), nn.init.zeros_(self.high.weight)
        self.side = nn.Parameter(torch.zeros(2, HIDDEN))
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(JOINT))
        self.head1, self.head2 = nn.Linear(3 * HIDDEN, HEAD_INNER), nn.Linear(HEAD_INNER, 1)
        self.cosine = nn.Parameter(torch.tensor(6.0))

    def start_from(self, cross_encoder):
        """Takes the last layers and the head of a trained cross-encoder, by name."""
        for i, layer in enumerate(self.layers):
            at = f"layers.{LAYERS - JOINT + i}."
            layer.load_state_dict({n[len(at) :]: v for n, v in cross_encoder.items() if n.startswith(at)})
        for name, head in (("head1.", self.head1), ("head2.", self.head2)):
            head.load_state_dict({n[len(name) :]: v for n, v in cross_encoder.items() if n.startswith(name)})
        self.cosine.data.copy_(cross_encoder["cosine"].reshape(()))

    def go_on_from(self, weights):
        """Takes the weights of an exported verifier (`export.py`), as read by `read_safetensors`."""
        own = {}
        for name in self.trained():
            value = weights[name].float()
            own[name] = value * weights[name + ".scale"][:, None] if name + ".scale" in weights else value
        self.load_state_dict(own, strict=False)

    def trained(self):
        """The tensors that are this model's own, by name."""
        return {n: q for n, q in self.state_dict().items() if not n.startswith(("words", "places", "norm."))}

    def mixed(self, ids, places, middle, last):
        """The states of tokens, before they are marked and meet."""
        with torch.no_grad():
            word = self.norm(F.embedding(ids, self.words) + self.places[places])
        return middle + self.low(word) + self.high(last)

    def forward(self, ids, places, types, mask, middle, last):
        x = self.mixed(ids, places, middle, last) + self.side[types]
        bias = ((1 - mask.float()) * -10000.0)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, bias)
        return verdict(x, types, mask, self)


class States:
    """What `states.py` wrote."""

    def __init__(self, prefix):
        found = json.loads(open(prefix + ".json").read())
        self.ids = dict(zip(found["texts"], found["ids"]))
        self.offsets = dict(zip(found["texts"], found["offsets"]))
        self.middle, self.last = (np.load(f"{prefix}.{name}.npy", mmap_mode="r") for name in ("middle", "last"))

    def length(self, pair):
        return len(self.ids[pair[0]]) + len(self.ids[pair[1]])

    def batch(self, pairs):
        """Pairs of texts as padded tensors: ids, places, types, mask, middle, last."""
        width = max(map(self.length, pairs))
        ids, places, types, mask = (torch.zeros(len(pairs), width, dtype=torch.long) for _ in range(4))
        middle, last = (np.zeros((len(pairs), width, HIDDEN), np.float32) for _ in range(2))
        for i, pair in enumerate(pairs):
            at = 0
            for kind, text in enumerate(pair):
                own, offset = self.ids[text], self.offsets[text]
                end = at + len(own)
                ids[i, at:end], places[i, at:end] = torch.tensor(own), torch.arange(len(own))
                types[i, at:end], mask[i, at:end] = kind, 1
                middle[i, at:end], last[i, at:end] = self.middle[offset : offset + len(own)], self.last[offset : offset + len(own)]
                at = end
        return ids, places, types, mask, torch.from_numpy(middle), torch.from_numpy(last)
