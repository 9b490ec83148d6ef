"""The vector index against the flat oracle: recall, latency, rates and memory.

python3 Benchmarks/index.py            1,000,000 vectors; some 15 minutes and 6 GB
python3 Benchmarks/index.py --quick    50,000 vectors; under a minute
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ROOT / "Sources"
# What the index needs of the room of values, and nothing that needs a package.
VALUES = ["EntryID", "UnitVector", "VectorIndex", "IndexSnapshot", "StoreGeneration", "Timestamp", "Digest"]


def build(folder):
    def run(*command):
        subprocess.run([str(part) for part in command], cwd=folder, check=True)

    (folder / "module.modulemap").write_text(f'module CSimilarity {{ header "{SOURCES}/CSimilarity/include/CSimilarity.h" }}\n')
    swift = ["swiftc", "-O", "-wmo", "-parse-as-library", "-swift-version", "6", "-package-name", "reprise", "-I", folder]
    for feature in ["ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault"]:
        swift += ["-enable-upcoming-feature", feature]
    run("clang", "-O2", "-c", "-o", "CSimilarity.o", SOURCES / "CSimilarity/CSimilarity.c", "-I", SOURCES / "CSimilarity/include")
    values = [SOURCES / f"SemanticCache/{name}.swift" for name in VALUES]
    run(*swift, "-emit-module", "-module-name", "SemanticCache", "-c", "-o", "SemanticCache.o", *values)
    run(*swift, "-emit-module", "-module-name", "VectorSearch", "-c", "-o", "VectorSearch.o", *sorted((SOURCES / "VectorSearch").rglob("*.swift")))
    run(*swift, "-module-name", "IndexBenchmark", "-o", "index", ROOT / "Benchmarks/index/main.swift", "VectorSearch.o", "SemanticCache.o", "CSimilarity.o")
    return folder / "index"


def main():
    arguments = sys.argv[1:]
    sizes = ["50000", "200"] if "--quick" in arguments else arguments or ["1000000", "400"]
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        program = build(pathlib.Path(folder))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
        sys.exit(subprocess.run([str(program), *sizes]).returncode)


if __name__ == "__main__":
    main()
