"""The work that a GPU speeds up, on this machine's device: writing, judging, fine-tuning.

The same script runs on a Colab T4, any other card, or without one; it claims nothing about a
device that it did not run on. Weights are random, of the real models' shapes: GPT-2 124M, MiniLM.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks import bert, generation, generation_training
from benchmarks.random_gpt2 import random_model
from benchmarks.report import row, save
from benchmarks.worker import Worker, in_turn
from botlib.bert import embed, encoder
from botlib.workspace import Workspace

# Slowest first: the others are compared with it
TYPES = {"cuda": ("float32", "float16", "int8_float16"), "cpu": ("float32", "int8")}
TRAINING = {"float32": "off", "mixed precision": "on"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=1000, help="that are judged")
    parser.add_argument("--without-tensorflow", action="store_true", help="no judging or training")
    args = parser.parse_args()
    device = generation.device()
    name = card() if device == "cuda" else f"CPU, {os.cpu_count()} cores"
    rows = writing(device, args.runs)
    if not args.without_tensorflow:
        rows += judging(args.pairs, args.runs) + fine_tuning(device)
    for line in rows:
        line["device"] = name
    print(f"\n{table(rows, name)}\n")
    if device == "cuda":
        print(f"kept in {save('gpu', rows)}")


def writing(device: str, runs: int) -> list[dict]:
    """Ten replies of 60 tokens to each of 16 comments, by each way to compute."""
    checkpoint, _ = random_model()
    job = {"replies": generation.REPLIES, "tokens": generation.TOKENS, "device": device}
    job |= {"model": str(checkpoint / "ctranslate2"), "comments": generation.some_comments()}
    workers = {
        kind: Worker(generation.WORKERS, "ours", compute_type=kind, **job) for kind in TYPES[device]
    }
    return _compared("write replies, 124M", workers, runs, "tokens/s")


def judging(pairs: int, runs: int) -> list[dict]:
    """MiniLM: pairs judged, texts turned into vectors, and passes of training."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        frame = bert.real_pairs() if bert.REAL.is_dir() else bert.made_up_pairs(place)
        frame.head(pairs).to_csv(place / "pairs.csv", index=False)
        workspace = Workspace.open(bert.CACHE / "bert", create=True)
        bert.train_model(workspace, frame.head(4 * pairs), place / "model", minutes=0.3)
        (place / "encoder").mkdir()
        embed.export(encoder.load("minilm", workspace), place / "encoder")
        job = {"pairs": str(place / "pairs.csv"), "workspace": str(workspace.root)}
        job |= {"model": str(place / "model"), "encoder": str(place / "encoder")}
        score = {kind: Worker(bert.WORKERS, "ours_score", precision=kind, **job)
                 for kind in ("fp32", "int8")}  # fmt: skip
        rows = _compared("judge pairs, MiniLM", score, runs, "pairs/s")
        read = {"int8": Worker(bert.WORKERS, "ours_embed", **job)}
        rows += _compared("pairs to vectors, MiniLM", read, runs, "pairs/s")
        train = {"mixed precision": Worker(bert.WORKERS, "ours_train", share=3, **job)}
        return rows + _compared("train MiniLM", train, runs, "pairs/s")


def fine_tuning(device: str) -> list[dict]:
    """GPT-2 124M, windows of 1024 tokens (256 without a GPU), by gpt-2-simple through botlib."""
    base, _ = random_model()
    shape = {} if device == "cuda" else {"window": 256}
    speeds = {
        kind: generation_training.tokens_a_second(
            base, False, {"xla": "off", "mixed_precision": value, **shape}
        )
        for kind, value in TRAINING.items()
    }
    return [
        _row("fine-tune 124M", kind, speed, speeds["float32"], "tokens/s", 1)
        for kind, speed in speeds.items()
    ]


def _compared(work: str, workers: dict[str, Worker], runs: int, unit: str) -> list[dict]:
    in_turn(workers, runs)
    speeds = {kind: worker.speed for kind, worker in workers.items()}
    for worker in workers.values():
        worker.close()
    slowest = next(iter(speeds.values()))
    return [_row(work, kind, speed, slowest, unit, runs) for kind, speed in speeds.items()]


def _row(work: str, kind: str, speed: float, slowest: float, unit: str, runs: int) -> dict:
    return row(
        f"{work} ({kind})", speed, slowest, "the first way", unit=unit, target=None, runs=runs,
        less_is_better=False,
    )  # fmt: skip


def table(rows: list[dict], name: str) -> str:
    """Returns the rows as Markdown, ready for a README."""
    lines = [f"| work | {name} |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {r['work']} | {r['ours']:,.0f} {r['unit']} |" for r in rows)])


def card() -> str:
    """Returns the GPU's name as its driver has it."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


if __name__ == "__main__":
    main()
