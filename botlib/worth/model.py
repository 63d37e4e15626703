"""Predicts which comment is worth an answer: a random forest over time, place and text lengths.

There are two variants. `known` uses what a bot knows when it answers. `later` adds what becomes
known weeks later: the comment's score, its number of replies, and how old the reply's score was
when it was read. A table of old threads holds only these later values, so `later` looks better
than any bot can be: part of what it "predicts" has already happened. The gap between the two
shows how much.

A forest was chosen by measurement on real threads: as good as gradient boosting, whose trees
scikit-learn keeps private, and better than logistic regression at ranking comments.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.cores import cores
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.workspace import atomic_folder
from botlib.worth.forest import Forest

RATINGS = 4
KNOWN, LATER = "known", "later"
VARIANTS = (KNOWN, LATER)
# Rarer subreddits share the feature "other"
MAX_SUBREDDITS = 30
TREES = 100
# Measured on 31,000 real pairs; fewer rows get smaller leaves
LEAF = 20
# Keeps a variant below about 3 MB, whatever the data
MAX_LEAVES = 512
_HOUR = 3600.0


def features(
    frame: pd.DataFrame, subreddits: Iterable[str], text: np.ndarray | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Returns the features, a row for each reply, and the names of those known only later.

    Args:
      frame: comment, reply; subreddit, comment_id, reply_id, submission_id, comment_score and the
        three times, where known: what is missing is NaN. Positions ("the third reply") count
        the rows of this frame, so give it whole threads.
      subreddits: those that get a feature of their own.
      text: a text model's output for each reply, (n,) or (n, k); NaN where that model was
        trained on the row, since it would look too good there.

    Returns:
      float64 features, and the names of those that only `later` may use.
    """
    reply_time, comment_time = (
        _numbers(frame, "reply_created_utc"),
        _numbers(frame, "comment_created_utc"),
    )
    at_reply = {
        "minutes_since_comment": np.log1p(np.maximum(reply_time - comment_time, 0) / 60),
        "earlier_replies": _position(frame, "comment_id", reply_time),
        "earlier_in_thread": _position(frame, "submission_id", reply_time),
        "minutes_since_thread": np.log1p(_since_first(frame, "submission_id", reply_time) / 60),
        "depth": _depth(frame),
        "hour": (reply_time / _HOUR) % 24,
        "weekday": (reply_time / (24 * _HOUR) + 4) % 7 // 1,
        "years": reply_time / (365.25 * 24 * _HOUR),
        "comment_chars": _log_length(frame, "comment"),
        "reply_chars": _log_length(frame, "reply"),
    }
    for name in subreddits:
        at_reply[f"subreddit {name}"] = (_column(frame, "subreddit") == name).astype(float)
    if text is not None:
        columns = np.asarray(text, dtype=float).reshape(len(frame), -1)
        at_reply |= {f"text {number}": column for number, column in enumerate(columns.T)}
    later = {
        "comment_score": _numbers(frame, "comment_score"),
        "hours_until_read": np.log1p(
            np.maximum(_numbers(frame, "reply_retrieved_utc") - reply_time, 0) / _HOUR
        ),
        "replies_in_all": _size(frame, "comment_id"),
        "thread_in_all": _size(frame, "submission_id"),
    }
    return pd.DataFrame({**at_reply, **later}), list(later)


def train(
    frame: pd.DataFrame,
    *,
    out: Path,
    text: np.ndarray | None = None,
    seed: int = 2020,
    trees: int = TREES,
    inputs: Iterable[Path] = (),
) -> pd.DataFrame:
    """Trains both variants and writes them to one folder.

    Args:
      frame: training rows of bert_gan_real.csv, whole threads, with their rating (0 to 3).
      out: the folder `ContextModel` loads.
      text: see `features`; give it to `ContextModel.predict`, too.
      seed: of the trees.
      trees: how many each variant has.
      inputs: files the rows came from, for the manifest.

    Returns:
      Index: variant; columns trees, rows, features.

    Raises:
      BotlibError: a column is missing, or all rows have the same rating.
    """
    from sklearn.ensemble import RandomForestClassifier

    if missing := {"comment", "reply", "rating"} - set(frame.columns):
        raise BotlibError(
            f"the worth model's training rows have no column {min(missing)!r}: run 01_data again"
        )
    if frame["rating"].nunique() < 2:
        raise BotlibError(
            f"all {len(frame)} training rows of the worth model have the same rating: "
            "run 01_data with more months or subreddits"
        )
    names = _column(frame, "subreddit")
    subreddits = pd.Series(names[names != ""]).value_counts().index[:MAX_SUBREDDITS].tolist()
    columns, later = features(frame, subreddits, text)
    ratings = frame["rating"].to_numpy(dtype=int)
    report, forests = {}, {}
    for variant in VARIANTS:
        chosen = columns if variant == LATER else columns.drop(columns=later)
        # A column without any number can't be split; a constant says as little
        chosen = chosen.fillna(dict.fromkeys(chosen.columns[chosen.isna().all()], 0.0))
        model = RandomForestClassifier(
            trees,
            min_samples_leaf=min(LEAF, max(1, len(frame) // 100)),
            max_leaf_nodes=MAX_LEAVES,
            n_jobs=cores(),
            random_state=seed,
        )
        forests[variant] = Forest.from_model(model.fit(chosen.to_numpy(), ratings))
        report[variant] = {"trees": trees, "rows": len(frame), "features": chosen.shape[1]}
    config = {
        "ratings": sorted(set(ratings.tolist())),
        "subreddits": subreddits,
        "features": list(columns),
        "known_later": later,
        "text_columns": 0
        if text is None
        else int(np.asarray(text).reshape(len(frame), -1).shape[1]),
    }
    with atomic_folder(out) as folder:
        for variant, forest in forests.items():
            forest.save(folder / f"{variant}.npz")
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        model_files.declare(folder, "context", ["config.json", *(f"{v}.npz" for v in VARIANTS)])
        write_manifest(folder, inputs=inputs, parameters={"trees": trees}, seed=seed, extra=report)
    return pd.DataFrame.from_dict(report, orient="index").rename_axis("variant")


class ContextModel:
    """What `train` wrote.

    Args:
      folder: usually `workspace.context`.
      variant: "known" (for a bot) or "later" (for the comparison).

    Raises:
      BotlibError: the folder or a file is missing or damaged, botlib 0.1.0 wrote it, or there is
        no such variant.
    """

    def __init__(self, folder: Path, variant: str = KNOWN) -> None:
        if variant not in VARIANTS:
            raise BotlibError(f"variant must be one of {', '.join(VARIANTS)}; not {variant!r}")
        folder = Path(folder)
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise BotlibError(
                f"there is no worth model in {folder} ({error}): run 04_bert_upvotes first"
            ) from error
        model_files.needed(folder, "context")
        self.variant = variant
        self._forest = Forest.load(folder / f"{variant}.npz")

    def predict(self, frame: pd.DataFrame, text: np.ndarray | None = None) -> np.ndarray:
        """Returns the probabilities of the four ratings, (n, 4), in the order of the rows.

        Args:
          frame: see `features`; unknown times and places may be missing.
          text: the text model's output for each reply; NaN, or None, where there is none.

        Raises:
          BotlibError: `text` is not as wide as in training.
        """
        width = self.config["text_columns"]
        if text is None and width:
            text = np.full((len(frame), width), np.nan)
        if text is not None and np.asarray(text).size != len(frame) * width:
            raise BotlibError(
                f"the worth model was trained with {width} columns of text output; this text "
                f"has the shape {np.asarray(text).shape}: run 04_bert_upvotes again"
            )
        columns, later = features(frame, self.config["subreddits"], text if width else None)
        chosen = columns if self.variant == LATER else columns.drop(columns=later)
        probabilities = np.zeros((len(frame), RATINGS))
        probabilities[:, self.config["ratings"]] = self._forest.predict_proba(chosen.to_numpy())
        return probabilities

    def expected_rating(self, frame: pd.DataFrame, text: np.ndarray | None = None) -> np.ndarray:
        """Returns each row's mean rating, 1·p1 + 2·p2 + 3·p3, (n,): high is worth an answer."""
        return self.predict(frame, text) @ np.arange(RATINGS)


def _column(frame: pd.DataFrame, name: str) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    return frame[name].to_numpy(dtype=object)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def _log_length(frame: pd.DataFrame, name: str) -> np.ndarray:
    return np.log1p(frame[name].str.len().to_numpy(dtype=float))


def _position(frame: pd.DataFrame, by: str, time: np.ndarray) -> np.ndarray:
    """Returns how many rows of the same group are earlier; NaN without ids or times."""
    if by not in frame:
        return np.full(len(frame), np.nan)
    return pd.Series(time).groupby(frame[by].to_numpy()).rank(method="min").to_numpy() - 1


def _since_first(frame: pd.DataFrame, by: str, time: np.ndarray) -> np.ndarray:
    if by not in frame:
        return np.full(len(frame), np.nan)
    return time - pd.Series(time).groupby(frame[by].to_numpy()).transform("min").to_numpy()


def _size(frame: pd.DataFrame, by: str) -> np.ndarray:
    if by not in frame:
        return np.full(len(frame), np.nan)
    return frame.groupby(by)[by].transform("size").to_numpy(dtype=float)


def _depth(frame: pd.DataFrame) -> np.ndarray:
    """Returns how many replies of this frame lead to each row; 0 for a reply to a comment."""
    if not {"comment_id", "reply_id"} <= set(frame.columns):
        return np.full(len(frame), np.nan)
    row_of = {reply: row for row, reply in enumerate(frame["reply_id"])}
    parent = np.array([row_of.get(comment, -1) for comment in frame["comment_id"]], dtype=int)
    depth, at = np.zeros(len(frame)), parent.copy()
    # Each round goes one step up; the limit ends a circle in a damaged table
    for _ in range(100):
        if not (at >= 0).any():
            break
        depth += at >= 0
        at = np.where(at >= 0, parent[at], -1)
    return depth
