"""GPT-2s with random weights, in the shapes whose speed is measured; made once, then kept."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"
SIZES = {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12}
# The offline profile's shape
SHAPE = {"n_vocab": 4096, "n_ctx": 1024, "n_embd": 256, "n_head": 4, "n_layer": 4}


def random_model() -> tuple[Path, float]:
    """Returns the 124M shape with random weights, and the seconds its conversion took."""
    folder = CACHE / "gpt2-124M-random"
    if not (folder / "model.ckpt.index").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hparams.json").write_text(json.dumps(SIZES))
        write_vocabulary(folder)
        code = (
            "import sys; from pathlib import Path; "
            "from botlib.gpt2.base import random_weights; "
            "random_weights(Path(sys.argv[1]), 0)"
        )
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=ROOT)
    from botlib.gpt2.convert import convert, read_weights

    read_weights(folder)
    started = time.perf_counter()
    shutil.rmtree(folder / "ctranslate2", ignore_errors=True)
    convert(folder, folder, folder / "ctranslate2", "int8")
    return folder, time.perf_counter() - started


def write_vocabulary(folder: Path) -> None:
    """As many tokens as GPT-2 has: bytes, pairs of bytes, and the end of text."""
    from tokenizers import pre_tokenizers

    from botlib.gpt2.vocabulary import END_OF_TEXT

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [(a, b) for a in alphabet for b in alphabet][: SIZES["n_vocab"] - 257]
    tokens = [*alphabet, *(a + b for a, b in pairs), END_OF_TEXT]
    (folder / "encoder.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in pairs), ""]
    (folder / "vocab.bpe").write_text("\n".join(lines), encoding="utf-8")


def random_base() -> Path:
    """Returns a small base model's folder."""
    folder = CACHE / "gpt2-laptop-random"
    if not (folder / "model.ckpt.index").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        code = """
import json, sys
from pathlib import Path
from botlib.gpt2 import base, vocabulary
folder, shape = Path(sys.argv[1]), json.loads(sys.argv[2])
words = [f"w{a}{b}" for a in range(300) for b in range(300)]
vocabulary.learn(words, shape["n_vocab"], folder)
shape["n_vocab"] = len(vocabulary.Vocabulary(folder))
(folder / "hparams.json").write_text(json.dumps(shape))
base.random_weights(folder, 0)
"""
        command = [sys.executable, "-c", code, str(folder), json.dumps(SHAPE)]
        subprocess.run(command, check=True, cwd=ROOT)
    return folder
