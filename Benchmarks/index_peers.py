"""Libraries that could have been the index, and the index itself, on vectors of the same making, one core, in one run: hnswlib, usearch, faiss.

python3 Benchmarks/index_peers.py [COUNT]      needs numpy and any of hnswlib, usearch, faiss-cpu from PyPI; the compiler for the last row

Prints recall@1 against an exact search, p50 of a search, inserts a second, bytes a vector, and recall after 30 % were removed and replaced. The last row is
what Benchmarks/index.py measures of as many vectors drawn in the same way: with the time of its thread, where the others are timed by the clock.
"""

import os
import pathlib
import resource
import subprocess
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
import numpy  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
DIMENSION, QUERIES, M, BUILD, SEARCH = 384, 400, 16, 128, 192
rng = numpy.random.default_rng(1)
basis = rng.normal(size=(48, DIMENSION)).astype("float32") / 20
centres = rng.normal(size=(max(10, COUNT // 100), 48)).astype("float32")


def unit(vectors):
    return (vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def prompts(count):
    share = rng.random(count)
    latent = centres[(share * share * len(centres)).astype(int)] + 0.7 * rng.normal(size=(count, 48))
    return unit(latent @ basis + 0.1 * rng.normal(size=(count, DIMENSION)))


def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Hnswlib:
    def __init__(self):
        import hnswlib
        self.index = hnswlib.Index("ip", DIMENSION)
        self.index.init_index(COUNT, M=M, ef_construction=BUILD, allow_replace_deleted=True)
        self.index.set_num_threads(1)
        self.index.set_ef(SEARCH)

    def add(self, ids, vectors):
        self.index.add_items(vectors, ids, replace_deleted=True)

    def remove(self, ids):
        for number in ids:
            self.index.mark_deleted(number)

    def search(self, query):
        return self.index.knn_query(query, k=8)[0][0][0]


class Usearch:
    def __init__(self, kind):
        from usearch.index import Index
        self.index = Index(ndim=DIMENSION, metric="cos", dtype=kind, connectivity=M, expansion_add=BUILD, expansion_search=SEARCH)

    def add(self, ids, vectors):
        self.index.add(ids, vectors, threads=1)

    def remove(self, ids):
        self.index.remove(ids, threads=1)

    def search(self, query):
        return self.index.search(query, 8, threads=1).keys[0]


class Faiss:
    def __init__(self):
        import faiss
        faiss.omp_set_num_threads(1)
        inner = faiss.IndexHNSWSQ(DIMENSION, faiss.ScalarQuantizer.QT_8bit, M, faiss.METRIC_INNER_PRODUCT)
        inner.hnsw.efConstruction, inner.hnsw.efSearch = BUILD, SEARCH
        inner.train(prompts(5000))
        self.index, self.ids = inner, []

    def add(self, ids, vectors):
        self.index.add(vectors)
        self.ids += list(ids)

    remove = None  # IndexHNSW cannot remove.

    def search(self, query):
        return self.ids[self.index.search(query[None], 8)[1][0][0]]


def measure(index, vectors, queries):
    found, times = 0, []
    for query in queries:
        start = time.perf_counter()
        best = index.search(query)
        times.append(time.perf_counter() - start)
        similarities = vectors @ query
        found += similarities[int(best)] >= similarities.max() - 1e-5
    return found / len(queries), sorted(times)[len(times) // 2] * 1000


def own():
    """The row of the project's index, from the table that its own benchmark prints."""
    benchmark = pathlib.Path(__file__).with_name("index.py")
    done = subprocess.run([sys.executable, str(benchmark), str(COUNT), str(QUERIES)], capture_output=True, text=True)
    if done.returncode != 0:
        return f"| ScopedIndex | not measured: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]} | | | | |"
    rows = [line.split("|")[1:3] for line in done.stdout.splitlines() if line.startswith("| ")]
    measured = {name.strip(): value.strip() for name, value in rows}
    recall, p50, after = (float(measured[name]) for name in ("built: recall@1", "built: p50 ms", "others in their place: recall@1"))
    rate, size = measured["inserts a second, linked, one core"], measured["bytes an entry in the index, as the process grew"]
    return f"| ScopedIndex | {recall:.4f} | {p50:.2f} | {float(rate):.0f} | {size} | {after:.4f} |"


def main():
    vectors = prompts(COUNT)
    fresh = prompts(COUNT)
    gone = numpy.flatnonzero(rng.random(COUNT) < 0.3)
    near = unit(vectors[rng.integers(COUNT, size=QUERIES // 2)] + 0.4 / DIMENSION**0.5 * rng.normal(size=(QUERIES // 2, DIMENSION)))
    queries = numpy.concatenate([near, prompts(QUERIES // 2)])
    print(f"{COUNT} vectors, M {M}, build width {BUILD}, search width {SEARCH}, load {os.getloadavg()[0]:.1f}\n")
    print("| library | recall@1 | p50 ms | inserts/s | bytes a vector | recall@1 after 30 % replaced |\n|---|---|---|---|---|---|")
    kinds = {"hnswlib float32": Hnswlib, "usearch f32": lambda: Usearch("f32"), "usearch f16": lambda: Usearch("f16"),
             "usearch i8": lambda: Usearch("i8"), "faiss HNSW SQ8": Faiss}
    for name, make in kinds.items():
        try:
            before = memory()
            index = make()
        except ImportError:
            print(f"| {name} | not installed | | | | |")
            continue
        start = time.perf_counter()
        for first in range(0, COUNT, 1000):
            index.add(numpy.arange(first, min(COUNT, first + 1000)), vectors[first:first + 1000])
        rate = COUNT / (time.perf_counter() - start)
        size = (memory() - before) / COUNT
        recall, p50 = measure(index, vectors, queries)
        after = "cannot remove"
        if index.remove:
            index.remove(gone)
            mixed = vectors.copy()
            mixed[gone] = fresh[gone]
            index.add(gone, mixed[gone])
            after = f"{measure(index, mixed, queries)[0]:.4f}"
        print(f"| {name} | {recall:.4f} | {p50:.2f} | {rate:.0f} | {size:.0f} | {after} |", flush=True)
        del index
    print(own())


if __name__ == "__main__":
    main()
