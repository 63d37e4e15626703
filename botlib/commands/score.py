"""`score`: scores a table of comments and replies with a trained classifier."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib import options
from botlib.errors import BotlibError
from botlib.tables import ID, REAL, TEXT, Table, read_table, write_table
from botlib.workspace import Workspace

_COLUMNS = {"comment_id": ID, "reply_id": ID, "comment": TEXT, "reply": TEXT}
# Where a comment stands: the judge of ratings was trained with it
_PLACE = {"subreddit": TEXT, "title": TEXT, "depth": TEXT}
PAIRS = Table(
    "pairs to score",
    writer="",
    columns=_COLUMNS | _PLACE,
    cure=f"give --pairs a CSV with the columns {', '.join(_COLUMNS)}",
    optional=tuple(_PLACE),
)
# As in botlib/bert/scorer.py, which would make --help slow
PRECISIONS = ("auto", "fp32", "int8")
MODELS = ("bert_realism", "bert_fit", "bert_upvotes", "bert_rank", "rank")


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    score = subparsers.add_parser(
        "score",
        help="score pairs of comment and reply",
        description="Scores a CSV with comment_id, reply_id, comment, reply, and if known "
        "subreddit, title and depth, which the ratings read. Needs no TensorFlow.",
    )
    options.add_workspace(score)
    score.add_argument("--model", required=True, choices=MODELS, help="which classifier")
    score.add_argument(
        "--pairs", required=True, metavar="FILE", help="the CSV to score; - is standard input"
    )
    score.add_argument(
        "--out", required=True, metavar="FILE", help="the CSV to write; - is standard output"
    )
    score.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="auto: int8 where it has the same AUC",
    )
    score.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Writes comment_id, reply_id and the scores, a row for each pair, in the same order.

    Realism gives prob_real; fit gives prob_fit; ratings give prob_rating_0 to 3 and score, the
    expected rating; rank gives score, which compares replies to the same comment only. The
    columns subreddit, title (of the post) and depth (comments above the comment) may be absent:
    ratings know more with them.
    """
    from botlib.bert import place
    from botlib.bert.fit import Fit
    from botlib.bert.scorer import Scorer

    workspace = Workspace.open(args.workspace)
    pairs = _pairs(args.pairs)
    folder = workspace.bert_rank if args.model == "rank" else workspace.models / args.model
    scorer = Fit(folder) if args.model == "bert_fit" else Scorer(folder, args.precision)
    reads = getattr(scorer, "reads", place.COMMENT)
    depths = [int(depth) if depth.isdecimal() else None for depth in pairs["depth"]]
    comments = place.texts(pairs, pairs["title"], depths, reads)
    scores = scorer.predict(comments, pairs["reply"].tolist(), progress=True)
    table = pairs[["comment_id", "reply_id"]].assign(**named_scores(scorer.task, scores))
    columns = {name: ID if name.endswith("_id") else REAL for name in table.columns}
    summary = f"{len(table)} pairs scored by {folder} ({scorer.precision})"
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "scores.csv" if args.out == "-" else Path(args.out)
        write_table(out, table, Table(args.out, "score", columns))
        if args.out == "-":
            sys.stdout.write(out.read_text(encoding="utf-8"))
            print(summary, file=sys.stderr)
        else:
            print(f"{args.out}: {summary}")
    return 0


def _pairs(name: str) -> pd.DataFrame:
    if name != "-":
        return read_table(Path(name), PAIRS)
    # `read_table` reads a file twice, first its columns; a pipe can be read only once
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.csv"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            return read_table(path, PAIRS)
        except BotlibError as error:
            raise BotlibError(str(error).replace(str(path), "standard input")) from None


def named_scores(task: str, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the output of `Scorer.predict` as named columns."""
    if task == "rank":
        return {"score": scores}
    if task == "fit":
        return {"prob_fit": scores}
    if task == "realism":
        return {"prob_real": scores[:, 1]}
    ratings = {f"prob_rating_{rating}": scores[:, rating] for rating in range(scores.shape[1])}
    return ratings | {"score": scores @ np.arange(scores.shape[1])}
