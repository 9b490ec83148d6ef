"""MiniLM behind POST /v1/embeddings, for the peer that asks an endpoint for its vectors.

    python embeddings.py PORT MODEL_FOLDER
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from minilm import MiniLM

model = MiniLM(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.give({"object": "list", "data": []})

    def do_POST(self):
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = wish["input"] if isinstance(wish["input"], list) else [wish["input"]]
        self.give({
            "object": "list", "model": wish["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1},
            "data": [{"object": "embedding", "index": index, "embedding": model.embed(text).tolist()} for index, text in enumerate(texts)]})

    def give(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
