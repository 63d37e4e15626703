"""What a classifier must beat: class frequencies, length, word length, TF-IDF."""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

from botlib.data.pairs import tfidf
from botlib.errors import BotlibError

CLASS_FREQUENCIES = "class frequencies"
LENGTH = "length only"
# Not length alone: long words are a choice of words
WORD_LENGTH = "length and characters per word"
TFIDF = "TF-IDF"
NAMES = (CLASS_FREQUENCIES, LENGTH, WORD_LENGTH, TFIDF)


class Baseline:
    """A fitted baseline: probabilities for rows of comment and reply.

    Attributes:
      name: one of `NAMES`.
      pipeline: scikit-learn's, fitted on columns comment and reply.
      classes: the labels, in the order of the columns of `predict_proba`.
    """

    def __init__(self, name: str, pipeline: Pipeline, classes: np.ndarray):
        self.name = name
        self.classes = classes
        self.pipeline = pipeline

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Returns probabilities, shape (n, classes), rows in the order given."""
        return self.pipeline.predict_proba(frame[["comment", "reply"]])


def fit(
    name: str, train: pd.DataFrame, label: str, *, max_rows: int = 100_000, seed: int = 0
) -> Baseline:
    """Fits one baseline on the pairs a classifier trains on.

    Args:
      name: one of `NAMES`.
      train: comment, reply and the label's column.
      label: "real", "rating" or another column of whole numbers.
      max_rows: more rows than this are sampled down; TF-IDF gains little from more.
      seed: of the sample.

    Returns:
      A `Baseline`.

    Raises:
      BotlibError: unknown name, no such column, no rows, or one class only.
    """
    if name not in NAMES:
        raise BotlibError(f"no baseline {name!r}: there are {', '.join(NAMES)}")
    if absent := {"comment", "reply", label} - set(train.columns):
        raise BotlibError(f"the training table lacks the column {min(absent)!r}")
    if train[label].nunique() < 2:
        raise BotlibError(
            f"the {len(train)} training rows have fewer than two values of {label!r}: "
            "a baseline needs at least two classes"
        )
    if len(train) > max_rows:
        train = train.sample(max_rows, random_state=seed)
    if name == TFIDF:
        pipeline = tfidf.fit_classes(train, label, seed=seed)
    else:
        pipeline = _PIPELINES[name]().fit(train[["comment", "reply"]], train[label])
    return Baseline(name, pipeline, pipeline.classes_)


def fit_all(
    train: pd.DataFrame,
    label: str,
    *,
    max_rows: int = 100_000,
    seed: int = 0,
    known: Collection[str] = (),
) -> dict[str, Baseline]:
    """Fits every baseline but the known ones; see `fit`."""
    names = [name for name in NAMES if name not in known]
    return {name: fit(name, train, label, max_rows=max_rows, seed=seed) for name in names}


def predict_all(baselines: dict[str, Baseline], frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns name → probabilities; for two classes the probability of the second, shape (n,)."""
    predictions = {name: model.predict_proba(frame) for name, model in baselines.items()}
    return {name: p[:, 1] if p.shape[1] == 2 else p for name, p in predictions.items()}


def fit_rankers(
    train: pd.DataFrame, *, max_pairs: int = 100_000, seed: int = 0, known: Collection[str] = ()
) -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    """Returns baselines that order replies to one comment: name → function of a table to scores.

    `LENGTH` puts the longer reply first; `TFIDF` is `tfidf.fit_siblings`.

    Args:
      train: comment_id, reply, reply_score, reply_created_utc (and what `sibling_pairs` may use).
      max_pairs: more pairs than this are sampled down.
      seed: of the sample.
      known: names that are left out.

    Raises:
      BotlibError: no two replies to one comment differ in score.
    """
    rankers = {LENGTH: lambda frame: _length(frame)[:, 0]}
    if TFIDF in known:
        return rankers
    vectors, weights = tfidf.fit_siblings(train, max_pairs=max_pairs, seed=seed)
    return rankers | {
        TFIDF: lambda frame: np.asarray(vectors.transform(frame["reply"]) @ weights),
    }


def _length_pipeline(features: Callable[[pd.DataFrame], np.ndarray]) -> Pipeline:
    return make_pipeline(
        FunctionTransformer(features),
        StandardScaler(),
        # Splines, since the likeliest length lies in the middle
        SplineTransformer(n_knots=6, extrapolation="linear"),
        LogisticRegression(max_iter=1000),
    )


def _length(frame: pd.DataFrame) -> np.ndarray:
    """Returns the logarithm of a reply's characters, (n, 1)."""
    return np.log1p(frame["reply"].str.len().to_numpy(dtype=float))[:, None]


def _word_length(frame: pd.DataFrame) -> np.ndarray:
    """Returns the logarithms of a reply's characters and of its characters per word, (n, 2)."""
    words = np.log1p(frame["reply"].str.split().str.len().to_numpy(dtype=float))
    return np.column_stack([_length(frame), _length(frame)[:, 0] - words])


_PIPELINES = {
    CLASS_FREQUENCIES: lambda: make_pipeline(DummyClassifier(strategy="prior")),
    LENGTH: lambda: _length_pipeline(_length),
    WORD_LENGTH: lambda: _length_pipeline(_word_length),
}
