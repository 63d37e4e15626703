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
