"""GPT-2 generation against gpt-2-simple and transformers: speed, memory, what int8 costs.

The 124M shape with random weights serves for speed; what int8 costs is measured on a trained
model. transformers gets an environment of its own in `.cache/benchmarks`, made when first needed.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import generation_training
from benchmarks.random_gpt2 import CACHE, random_model
from benchmarks.report import row, write
from benchmarks.worker import Worker, in_turn

COMMENTS, REPLIES, TOKENS = 16, 10, 60
# The slow peers answer so many of the comments; their cost is the same for each
LOADED_COMMENTS, TUTORIAL_COMMENTS = 4, 1
WORKERS = "generation_workers.py"
PEER_PACKAGES = ("torch==2.13.0", "transformers>=5,<6")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--comments", type=int, default=COMMENTS)
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of each reply")
    parser.add_argument("--without-transformers", action="store_true")
    parser.add_argument("--without-tutorial", action="store_true", help="it takes minutes")
    parser.add_argument("--without-training", action="store_true")
    parser.add_argument("--workspace", help="one with a trained GPT-2, for what int8 costs")
    parser.add_argument("--run-name", default="run1")
    args = parser.parse_args()
    where = device()
    print(f"device: {where}, {os.cpu_count()} cores")
    rows = speed(args, where)
    # What is measured is kept, should the rest be interrupted
    write("generation", rows)
    rows += generation_training.measure(args)
    write("generation", rows)


def speed(args: argparse.Namespace, device: str) -> list[dict]:
    """Ours against each peer, in turn, same shape, same comments."""
    checkpoint, seconds = random_model()
    comments = some_comments()[: args.comments]
    common = {"replies": REPLIES, "tokens": args.tokens, "device": device}
    common["checkpoint"] = str(checkpoint)
    compute = "int8" if device == "cpu" else "int8_float16"
    us = Worker(
        WORKERS, "ours", model=str(checkpoint / "ctranslate2"), comments=comments,
        compute_type=compute, **common,
    )  # fmt: skip
    full = Worker(
        WORKERS, "ours", model=str(checkpoint / "ctranslate2"),
        comments=comments[: len(comments) // 2], compute_type=full_name(device), **common,
    )  # fmt: skip
    loaded = Worker(WORKERS, "gpt_2_simple_loaded", comments=comments[:LOADED_COMMENTS], **common)
    peers = {"gpt-2-simple, loaded once": loaded, f"ours, {full_name(device)}": full}
    if not args.without_transformers:
        peers["transformers"] = best_transformers(checkpoint, comments, common)
    in_turn({"ours": us, **peers}, args.runs)
    targets = {"gpt-2-simple, loaded once": 10, "transformers": 3}
    rows = [
        row(
            f"generate ({compute})", us.speed, peer.speed, name, unit="tokens/s",
            target=targets.get(name), runs=args.runs, less_is_better=False,
        )
        for name, peer in peers.items()
    ]  # fmt: skip
    rows.append(
        row(
            "peak memory", us.memory, loaded.memory, "gpt-2-simple, loaded once", unit="MB",
            target=3, runs=1,
        )
    )  # fmt: skip
    rows.append(
        row("load the model", us.load, loaded.load, "gpt-2-simple", unit="s", target=None, runs=1)
    )
    rows.append(
        row(
            "convert 124M, once, against one load", seconds, loaded.load, "gpt-2-simple",
            unit="s", target=None, runs=1,
        )
    )  # fmt: skip
    for worker in (*peers.values(),):
        worker.close()
    if not args.without_tutorial:
        some = comments[:TUTORIAL_COMMENTS]
        tutorial = Worker(WORKERS, "gpt_2_simple_tutorial", comments=some, **common)
        tutorial.run()
        each = statistics.median(tutorial.seconds) / len(some)
        rows.insert(
            0,
            row(
                "a comment, 10 replies", statistics.median(us.seconds) / len(comments), each,
                "gpt-2-simple as the tutorial calls it", unit="s", target=200, runs=1,
            ),
        )  # fmt: skip
        tutorial.close()
    us.close()
    return rows


def best_transformers(checkpoint: Path, comments: list[str], common: dict) -> Worker:
    """The fastest of fp32 and bf16 with batches of 4, 8 and 16 comments, by a short trial."""
    from botlib.data.pairs.text import prompt
    from botlib.gpt2.vocabulary import Vocabulary

    prompts = Vocabulary(checkpoint).encode([prompt(comment) for comment in comments])
    found: dict[tuple[str, int], float] = {}
    types = ("float32", "bfloat16") if common["device"] == "cpu" else ("float16", "bfloat16")
    job = {"prompts": prompts, "threads": os.cpu_count(), **common}
    for dtype in types:
        for batch in (4, 8, 16):
            trial = Worker(
                WORKERS, "transformers_generate", peer_python(),
                **job | {"tokens": common["tokens"] // 4 + 1, "dtype": dtype, "batch": batch},
            )  # fmt: skip
            trial.run()
            trial.close()
            found[dtype, batch] = trial.speed
            print(f"transformers {dtype}, {batch} comments: {trial.speed:,.0f} tokens/s")
    dtype, batch = max(found, key=found.get)
    peer = peer_python()
    return Worker(WORKERS, "transformers_generate", peer, dtype=dtype, batch=batch, **job)


def peer_python() -> str:
    """Returns the Python of transformers' own environment, made if it isn't there."""
    folder = CACHE / "transformers"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER_PACKAGES], check=True)
        ready.touch()
    return str(python)


def some_comments() -> list[str]:
    """Sixteen comments of one to three lines."""
    topics = ("plot", "first contact", "free will", "gradient descent")
    texts = (
        "I give up on {}. What would you do?",
        "Nobody told me how hard {} is. I tried for a week and then read it all again.",
        "Does {} get easier? Asking for a friend, and thanks for any advice at all.",
        "{} again!",
    )
    return [text.format(topic) for topic in topics for text in texts][:COMMENTS]


def full_name(device: str) -> str:
    return "float32" if device == "cpu" else "float16"


def device() -> str:
    """Returns where CTranslate2 computes here: cuda or cpu."""
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


if __name__ == "__main__":
    main()
