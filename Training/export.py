"""Writes the verifier's weights as one file: `python export.py --checkpoint FILE --cut LOGIT --out verifier.safetensors`.

Matrices become integers from -64 to 64 with one scale a row, which is what the set-up's own quantisation would choose (7 bits, symmetric, per output channel), so
that nothing is lost a second time; everything else stays float32. The file is in the safetensors format; `evaluate.py` writes the notes beside it.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch

STEPS = 64


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--cut", type=float, required=True, help="the logit that is served from on day one")
    p.add_argument("--name", default="reprise verifier 2")
    p.add_argument("--out", type=Path, required=True)
    o = p.parse_args()
    tensors = {}
    for name, value in sorted(torch.load(o.checkpoint).items()):
        value = value.numpy().astype("<f4")
        if value.ndim == 2 and name.startswith(("layers.", "low.", "high.")):
            scale = np.abs(value).max(axis=1) / STEPS
            tensors[name] = np.clip(np.rint(value / scale[:, None]), -STEPS, STEPS).astype(np.int8)
            tensors[name + ".scale"] = scale.astype("<f4")
        else:
            tensors[name] = value
    header, offset = {"__metadata__": {"model": o.name, "day_one_cut": repr(o.cut)}}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "I8" if value.dtype == np.int8 else "F32", "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    blob = struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values())
    o.out.write_bytes(blob)
    print(len(blob), "bytes")


if __name__ == "__main__":
    main()
