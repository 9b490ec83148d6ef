"""GPTCache's own server with its OpenAI route, set up through its API: MiniLM, faiss and sqlite, its default evaluation and threshold.

    python gptcache_proxy.py PORT UPSTREAM MODEL_FOLDER DATA_FOLDER THRESHOLD ENTRIES

Three things differ from its defaults. The embedding is the model that Reprise uses, so that models are not what is compared. The eviction
limit is raised from 1,000 to what the run stores. Tokens are not counted, because the counter fetches its table over the network.
"""

import os
import sys

port, upstream, model, data, threshold, entries = sys.argv[1:]
os.chdir(data)

import openai  # noqa: E402
import uvicorn  # noqa: E402
from gptcache import Cache, Config  # noqa: E402
from gptcache.adapter.api import init_similar_cache  # noqa: E402
from gptcache.manager import manager_factory  # noqa: E402
from gptcache.processor.pre import last_content  # noqa: E402
from gptcache_server import server  # noqa: E402

from minilm import DIMENSION, MiniLM  # noqa: E402


class Embedding:
    dimension = DIMENSION

    def __init__(self, folder):
        self.model = MiniLM(folder)

    def to_embeddings(self, data, **_):
        return self.model.embed(data)


openai.api_base = upstream
cache = Cache()
init_similar_cache(
    data_dir=data, cache_obj=cache, pre_func=last_content, embedding=Embedding(model),
    data_manager=manager_factory(
        "sqlite,faiss", data_dir=data, vector_params={"dimension": DIMENSION}, eviction_params={"max_size": int(entries)}),
    config=Config(similarity_threshold=float(threshold), enable_token_counter=False))
server.openai_cache = cache
uvicorn.run(server.app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
