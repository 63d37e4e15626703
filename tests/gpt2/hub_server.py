"""A stand-in for the Hugging Face Hub: repositories of GPT-2 with random weights, over HTTP."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from botlib.gpt2.vocabulary import learn

COMMIT = "1" * 40


def gpt2_files(
    folder: Path, *, texts: list[str], layers: int = 2, width: int = 32, seed: int = 0, **config
) -> dict[str, np.ndarray]:
    """Writes config.json, vocab.json and merges.txt; returns weights under the Hub's names."""
    learn(texts, 400, folder)
    (folder / "encoder.json").rename(folder / "vocab.json")
    (folder / "vocab.bpe").rename(folder / "merges.txt")
    tokens = len(json.loads((folder / "vocab.json").read_text()))
    known = {"model_type": "gpt2", "vocab_size": tokens, "n_positions": 1024, "n_ctx": 1024}
    known |= {"n_embd": width, "n_layer": layers, "n_head": 2, "activation_function": "gelu_new"}
    (folder / "config.json").write_text(json.dumps(known | config))
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.2, shape).astype(np.float32)

    weights = {"wte.weight": random(tokens, width), "wpe.weight": random(1024, width)}
    for layer in range(layers):
        for name, shape in {
            "attn.c_attn": (width, 3 * width),
            "attn.c_proj": (width, width),
            "mlp.c_fc": (width, 4 * width),
            "mlp.c_proj": (4 * width, width),
        }.items():
            weights[f"h.{layer}.{name}.weight"] = random(*shape)
            weights[f"h.{layer}.{name}.bias"] = random(shape[1])
        for norm in ("ln_1", "ln_2"):
            weights[f"h.{layer}.{norm}.weight"] = 1 + random(width)
            weights[f"h.{layer}.{norm}.bias"] = random(width)
    weights |= {"ln_f.weight": 1 + random(width), "ln_f.bias": random(width)}
    return weights


class Hub(http.server.ThreadingHTTPServer):
    """Serves `OWNER/NAME/resolve/REVISION/FILE` as the Hub does; `broken` cuts or refuses."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repositories = dict(repositories)
        self.asked: list[str] = []
        self.gated: set[str] = set()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        owner, name, _, revision, file = self.path.lstrip("/").split("/", 4)
        self.server.asked.append(f"{self.command} {file}")
        folder = self.server.repositories.get(f"{owner}/{name}")
        if folder is None:
            return self._refuse(404, "RepoNotFound")
        if folder.name in self.server.gated:
            return self._refuse(403, "GatedRepo")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        if not (folder / file).is_file():
            return self._refuse(404, "EntryNotFound")
        content = (folder / file).read_bytes()
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if first else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        if body:
            self.wfile.write(content[first:])

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


def serve(repositories: Mapping[str, Path]) -> Iterator[Hub]:
    """Yields a running stand-in."""
    with Hub(repositories) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        yield hub
        hub.shutdown()
