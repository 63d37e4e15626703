"""Which comment is worth an answer: gradient boosting over when, where and to whom one answers.

Two models are trained alike. `known` uses what is known when one answers. `later` adds what time
has touched: the comment's score and its number of replies, both seen weeks later, and how old the
reply's score was when it was read. A table of old threads holds only such later values, so `later`
looks better than any bot can be: part of what it "predicts" has already happened. The gap between
the two is the measure of that.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.errors import BotlibError
from botlib.workspace import atomic_folder, write_manifest
from botlib.worth.trees import Trees

RATINGS = 4
KNOWN, LATER = "known", "later"
VARIANTS = (KNOWN, LATER)
# Rarer subreddits share the feature "other"
MAX_SUBREDDITS = 30
_ROWS_FOR_THREADS = 20_000
_HOUR = 3600.0


def features(
    frame: pd.DataFrame, subreddits: Iterable[str], text: np.ndarray | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Returns the model's features, one row a reply, and which of them time has touched.

    Args:
      frame: comment, reply; subreddit, comment_id, reply_id, submission_id, comment_score and the
        three times as far as known: what is missing is NaN. Positions ("the third reply") count
        the rows of this frame, so give it whole threads.
      subreddits: those that get a feature of their own.
      text: what a text model says of each reply, (n,) or (n, k); NaN where it was trained on the
        row, since it would flatter itself.

    Returns:
      float64 features, and the names of those that only `later` may use.
    """
    reply_time, comment_time = (
        _numbers(frame, "reply_created_utc"),
        _numbers(frame, "comment_created_utc"),
    )
    known = {
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
        known[f"subreddit {name}"] = (_column(frame, "subreddit") == name).astype(float)
    if text is not None:
        columns = np.asarray(text, dtype=float).reshape(len(frame), -1)
        known |= {f"text {number}": column for number, column in enumerate(columns.T)}
    later = {
        "comment_score": _numbers(frame, "comment_score"),
        "hours_until_read": np.log1p(
            np.maximum(_numbers(frame, "reply_retrieved_utc") - reply_time, 0) / _HOUR
        ),
        "replies_in_all": _size(frame, "comment_id"),
        "thread_in_all": _size(frame, "submission_id"),
    }
    return pd.DataFrame({**known, **later}), list(later)


def train(
    frame: pd.DataFrame,
    *,
    out: Path,
    text: np.ndarray | None = None,
    seed: int = 2020,
    max_rounds: int = 300,
    inputs: Iterable[Path] = (),
) -> pd.DataFrame:
    """Trains both variants and writes them to one folder.

    Args:
      frame: training rows of bert_gan_real.csv, whole threads, with their rating (0 to 3).
      out: the folder `ContextModel` loads.
      text: see `features`; `ContextModel.predict` then wants it too.
      seed: of the rows held back for early stopping, and of the trees.
      max_rounds: of boosting; fewer if a tenth of the rows, held back, says so.
      inputs: files the rows came from, for the manifest.

    Returns:
      Index: variant; columns rounds, rows, features.

    Raises:
      BotlibError: a missing column, or ratings of one kind only.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    if missing := {"comment", "reply", "rating"} - set(frame.columns):
        raise BotlibError(f"the context model's training rows lack the column {min(missing)!r}")
    if frame["rating"].nunique() < 2:
        raise BotlibError(
            f"the context model's {len(frame)} training rows have one rating only: take more data"
        )
    names = _column(frame, "subreddit")
    subreddits = pd.Series(names[names != ""]).value_counts().index[:MAX_SUBREDDITS].tolist()
    columns, later = features(frame, subreddits, text)
    ratings = frame["rating"].to_numpy(dtype=int)
    rows, trees = {}, {}
    for variant in VARIANTS:
        chosen = columns if variant == LATER else columns.drop(columns=later)
        # scikit-learn 1.9 can't bin a column without any number; a constant says as little
        chosen = chosen.fillna(dict.fromkeys(chosen.columns[chosen.isna().all()], 0.0))
        model = HistGradientBoostingClassifier(
            learning_rate=0.08,
            max_iter=max_rounds,
            max_leaf_nodes=31,
            min_samples_leaf=min(40, max(1, len(frame) // 20)),
            l2_regularization=1.0,
            # Too few rows can't spare any for early stopping
            early_stopping=len(frame) >= 1000,
            n_iter_no_change=10,
            random_state=seed,
        )
        # On few rows threads wait for each other longer than they work
        with threadpool_limits(1 if len(frame) < _ROWS_FOR_THREADS else None):
            model.fit(chosen.to_numpy(), ratings)
        trees[variant] = Trees.from_model(model)
        _check_copy(model, trees[variant], chosen.to_numpy()[:1000])
        rows[variant] = {"rounds": model.n_iter_, "rows": len(frame), "features": chosen.shape[1]}
    config = {
        "ratings": sorted(set(ratings.tolist())),
        "subreddits": subreddits,
        "features": list(columns),
        "touched_by_time": later,
        "text_columns": 0
        if text is None
        else int(np.asarray(text).reshape(len(frame), -1).shape[1]),
    }
    with atomic_folder(out) as folder:
        for variant, fitted in trees.items():
            fitted.save(folder / f"{variant}.npz")
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        model_files.declare(folder, "context", ["config.json", *(f"{v}.npz" for v in VARIANTS)])
        parameters = {"max_rounds": max_rounds}
        write_manifest(folder, inputs=inputs, parameters=parameters, seed=seed, extra=rows)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


class ContextModel:
    """What `train` wrote.

    Args:
      folder: usually `workspace.context`.
      variant: "known" (for a bot) or "later" (for the comparison).

    Raises:
      BotlibError: the folder or a file is missing or damaged, or another variant is asked for.
    """

    def __init__(self, folder: Path, variant: str = KNOWN) -> None:
        if variant not in VARIANTS:
            raise BotlibError(f"variant must be one of {', '.join(VARIANTS)}; not {variant!r}")
        folder = Path(folder)
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise BotlibError(
                f"no context model in {folder} ({error}): run 04_bert_upvotes first"
            ) from error
        model_files.needed(folder, "context")
        self.variant = variant
        self._trees = Trees.load(folder / f"{variant}.npz")

    def predict(self, frame: pd.DataFrame, text: np.ndarray | None = None) -> np.ndarray:
        """Returns the probabilities of the four ratings, (n, 4), in the order of the rows.

        Args:
          frame: see `features`; unknown times and places may be missing.
          text: what the text model says of each reply; NaN, or None, if nothing.

        Raises:
          BotlibError: `text` has another width than in training.
        """
        width = self.config["text_columns"]
        if text is None and width:
            text = np.full((len(frame), width), np.nan)
        if text is not None and np.asarray(text).size != len(frame) * width:
            raise BotlibError(
                f"the context model was trained with {width} columns of a text model's output, "
                f"not with {np.asarray(text).shape}"
            )
        columns, later = features(frame, self.config["subreddits"], text if width else None)
        chosen = columns if self.variant == LATER else columns.drop(columns=later)
        found = self._trees.predict_proba(chosen.to_numpy())
        probabilities = np.zeros((len(frame), RATINGS))
        probabilities[:, self.config["ratings"]] = found
        return probabilities

    def expected_rating(self, frame: pd.DataFrame, text: np.ndarray | None = None) -> np.ndarray:
        """Returns 1·p1 + 2·p2 + 3·p3 of each row, (n,): the higher, the more worth an answer."""
        return self.predict(frame, text) @ np.arange(RATINGS)


def _check_copy(model, trees: Trees, rows: np.ndarray) -> None:
    """The arrays must say what scikit-learn says, or its insides have changed."""
    if not np.allclose(model.predict_proba(rows), trees.predict_proba(rows), atol=1e-6):
        raise BotlibError(
            "this scikit-learn keeps its trees in another way; install one between 1.6 and 1.9"
        )


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
    """How many rows of the same group are earlier; NaN without ids or times."""
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
    """How many replies of this frame lead to the row: 0 if its comment is no reply here itself."""
    if not {"comment_id", "reply_id"} <= set(frame.columns):
        return np.full(len(frame), np.nan)
    row_of = {reply: row for row, reply in enumerate(frame["reply_id"])}
    parent = np.array([row_of.get(comment, -1) for comment in frame["comment_id"]], dtype=int)
    depth, at = np.zeros(len(frame)), parent.copy()
    # One step up the chains a round; a damaged table with a circle ends after a hundred
    for _ in range(100):
        if not (at >= 0).any():
            break
        depth += at >= 0
        at = np.where(at >= 0, parent[at], -1)
    return depth
