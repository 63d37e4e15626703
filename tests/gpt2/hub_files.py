"""A small GPT-2 with random weights, in the form that the Hub's repositories have."""

import json
from pathlib import Path

import numpy as np

from botlib.gpt2.vocabulary import learn

README = "---\nlicense: mit\ntags: [conversational]\n---\n\n# A tiny GPT-2\n"


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
    (folder / "README.md").write_text(README)
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


def hidden_states(weights: dict[str, np.ndarray], ids: list[int], heads: int = 2) -> np.ndarray:
    """GPT-2 as Radford et al. (2019) describe it, in NumPy, from the Hub's names."""

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x, name):
        return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    x = weights["wte.weight"][ids] + weights["wpe.weight"][: len(ids)]
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("h."))
    mask = np.triu(np.full((len(ids), len(ids)), -1e9), 1)
    for layer in range(layers):
        q, k, v = np.split(linear(norm(x, f"h.{layer}.ln_1"), f"h.{layer}.attn.c_attn"), 3, -1)
        parts = []
        for own_q, own_k, own_v in zip(*(np.split(m, heads, -1) for m in (q, k, v)), strict=True):
            scores = own_q @ own_k.T / np.sqrt(own_q.shape[-1]) + mask
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            parts.append(scores / scores.sum(-1, keepdims=True) @ own_v)
        x = x + linear(np.concatenate(parts, -1), f"h.{layer}.attn.c_proj")
        h = linear(norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
        h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
        x = x + linear(h, f"h.{layer}.mlp.c_proj")
    return norm(x, "ln_f")
