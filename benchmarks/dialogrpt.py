"""DialogRPT without PyTorch against transformers: the same scores, pairs a second, memory.

The medium shape with random weights in the Hub's form; transformers in an environment of its own.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from benchmarks.generation import peer_python, some_comments
from benchmarks.random_gpt2 import CACHE, write_vocabulary
from benchmarks.report import row, write
from benchmarks.worker import Worker, in_turn

WIDTH, LAYERS, HEADS, TOKENS = 1024, 24, 16, 50257
WORKERS = "dialogrpt_workers.py"
BOUND = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    hub, made = random_model()
    with tempfile.TemporaryDirectory() as scores:
        comments = some_comments()
        pairs = [[c, r] for c in comments for r in (comments[0], comments[5])]
        common = {"pairs": pairs, "threads": os.cpu_count(), "scores": scores}
        int8 = Worker(WORKERS, "ours", model=str(made), precision="int8", **common)
        fp32 = Worker(WORKERS, "ours", model=str(made), precision="fp32", **common)
        peer = Worker(
            WORKERS, "transformers_score", peer_python(), model=str(hub), ids=ids(made, pairs),
            **common,
        )  # fmt: skip
        in_turn({"int8": int8, "fp32": fp32, "transformers": peer}, args.runs)
        found = {name: np.array(json.loads((Path(scores) / f"{name}.json").read_text()))
                 for name in ("int8", "fp32", "transformers")}  # fmt: skip
    name, runs = "transformers fp32", args.runs
    speeds = {"int8": int8, "fp32": fp32}
    rows = [
        row(f"rank replies, DialogRPT medium ({precision})", worker.speed, peer.speed, name,
            unit="pairs/s", target=3.0 if precision == "int8" else 1.0, runs=runs,
            less_is_better=False)
        for precision, worker in speeds.items()
    ]  # fmt: skip
    rows.append(
        row("peak memory (int8)", int8.memory, peer.memory, name, unit="MB", target=1, runs=runs)
    )
    differs = float(np.abs(found["fp32"] - found["transformers"]).max())
    rows.append(
        row("largest difference of a score (fp32)", differs, BOUND, "bound", unit="logits",
            target=1, runs=1)
    )  # fmt: skip
    alike = float(np.corrcoef(found["int8"], found["transformers"])[0, 1])
    print(f"int8's scores correlate with transformers' by {alike:.4f} (random weights)")
    write("dialogrpt", rows)


def random_model() -> tuple[Path, Path]:
    """Returns the medium shape in the Hub's form, and made into our graphs."""
    from botlib.bert import dialogrpt_build

    hub, made = CACHE / "dialogrpt-medium-random", CACHE / "dialogrpt-medium-made"
    if not (hub / "model.safetensors").is_file():
        hub.mkdir(parents=True, exist_ok=True)
        write_vocabulary(hub)
        for ours, theirs in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
            (hub / ours).rename(hub / theirs)
        config = {"model_type": "gpt2", "architectures": ["GPT2ForSequenceClassification"]}
        config |= {"vocab_size": TOKENS, "n_positions": 1024, "n_ctx": 1024, "n_embd": WIDTH}
        config |= {"n_layer": LAYERS, "n_head": HEADS, "activation_function": "gelu_new"}
        config |= {"num_labels": 1, "pad_token_id": TOKENS - 1}
        (hub / "config.json").write_text(json.dumps(config))
        save_file(_weights(), hub / "model.safetensors", metadata={"format": "pt"})
    if not (made / "config.json").is_file():
        dialogrpt_build.make(
            made, "random", lambda name: hub / name if (hub / name).is_file() else None
        )
    return hub, made


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return 0.02 * rng.standard_normal(shape, dtype=np.float32)

    ones, zeros = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
    found = {"transformer.wte.weight": random(TOKENS, WIDTH), "score.weight": random(1, WIDTH)}
    found |= {"transformer.wpe.weight": random(1024, WIDTH)}
    found |= {"transformer.ln_f.weight": ones, "transformer.ln_f.bias": zeros}
    for layer in range(LAYERS):
        at = f"transformer.h.{layer}"
        for name, rows, columns in (
            ("attn.c_attn", 1, 3), ("attn.c_proj", 1, 1), ("mlp.c_fc", 1, 4), ("mlp.c_proj", 4, 1),
        ):  # fmt: skip
            found[f"{at}.{name}.weight"] = random(rows * WIDTH, columns * WIDTH)
            found[f"{at}.{name}.bias"] = random(columns * WIDTH)
        for norm in ("ln_1", "ln_2"):
            found |= {f"{at}.{norm}.weight": ones, f"{at}.{norm}.bias": zeros}
    return found


def ids(made: Path, pairs: list[list[str]]) -> list[list[int]]:
    """The tokens that both score, as ours encodes them."""
    from botlib.bert.dialogrpt import DialogRpt

    return DialogRpt(made, "int8").encode(*zip(*pairs, strict=True))


if __name__ == "__main__":
    main()
