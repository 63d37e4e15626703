"""`score`: judges a table of comments and replies with a trained classifier."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from botlib.bert.scorer import PRECISIONS, Scorer
from botlib.errors import BotlibError
from botlib.tables import ID, REAL, TEXT, Table, read_table, write_table
from botlib.workspace import Workspace

PAIRS = Table(
    "pairs to score", "whoever has pairs to judge", dict.fromkeys(("comment_id", "reply_id"), ID)
    | dict.fromkeys(("comment", "reply"), TEXT)
)  # fmt: skip
MODELS = ("bert_realism", "bert_upvotes", "bert_rank", "rank")


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    score = subparsers.add_parser(
        "score",
        help="judge pairs of comment and reply",
        description="Scores a CSV of comment_id, reply_id, comment, reply; no TensorFlow needed.",
    )
    score.add_argument("--workspace", required=True, metavar="DIR", help="has the trained models")
    score.add_argument("--model", required=True, choices=MODELS, help="which classifier")
    score.add_argument("--pairs", required=True, type=Path, metavar="FILE", help="the CSV to judge")
    score.add_argument("--out", required=True, type=Path, metavar="FILE", help="the CSV to write")
    score.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="auto: int8 where it costs no AUC"
    )
    score.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Writes comment_id, reply_id and the scores, a line for each pair, in their order.

    The scores are prob_real; or prob_rating_0 to 3 and score, the rating expected; or score, where
    only differences between replies to one comment mean something.
    """
    if not args.pairs.is_file():
        columns = ", ".join(PAIRS.columns)
        raise BotlibError(f"{args.pairs} is missing: give --pairs a CSV with the columns {columns}")
    workspace = Workspace.open(args.workspace)
    folder = workspace.bert_rank if args.model == "rank" else workspace.models / args.model
    scorer = Scorer(folder, args.precision)
    pairs = read_table(args.pairs, PAIRS)
    scores = scorer.predict(pairs["comment"].tolist(), pairs["reply"].tolist(), progress=True)
    found = pairs[["comment_id", "reply_id"]].assign(**named_scores(scorer.task, scores))
    columns = {name: ID if name.endswith("_id") else REAL for name in found.columns}
    write_table(args.out, found, Table(str(args.out), "score", columns))
    print(f"{args.out}: {len(found)} pairs scored by {folder} ({scorer.precision})")
    return 0


def named_scores(task: str, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what `Scorer.predict` gave as named columns."""
    if task == "rank":
        return {"score": scores}
    if task == "realism":
        return {"prob_real": scores[:, 1]}
    ratings = {f"prob_rating_{rating}": scores[:, rating] for rating in range(scores.shape[1])}
    return ratings | {"score": scores @ np.arange(scores.shape[1])}
