"""What a classifier must beat: class frequencies, mere length, TF-IDF with logistic regression."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

from botlib.errors import BotlibError
from botlib.evaluation.ranking import sibling_pairs

CLASS_FREQUENCIES = "class frequencies"
LENGTH = "length only"
TFIDF = "TF-IDF"
_ROWS_TO_TUNE = 10_000
NAMES = (CLASS_FREQUENCIES, LENGTH, TFIDF)


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
    pipeline = _PIPELINES[name](len(train))
    if name == TFIDF:
        pipeline.set_params(logisticregression__C=_strength(train, label, seed))
    pipeline.fit(train[["comment", "reply"]], train[label])
    return Baseline(name, pipeline, pipeline.classes_)


def fit_all(
    train: pd.DataFrame, label: str, *, max_rows: int = 100_000, seed: int = 0
) -> dict[str, Baseline]:
    """Fits every baseline; see `fit`."""
    return {name: fit(name, train, label, max_rows=max_rows, seed=seed) for name in NAMES}


def predict_all(baselines: dict[str, Baseline], frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns name → probabilities; for two classes the probability of the second, shape (n,)."""
    predictions = {name: model.predict_proba(frame) for name, model in baselines.items()}
    return {name: p[:, 1] if p.shape[1] == 2 else p for name, p in predictions.items()}


def fit_rankers(
    train: pd.DataFrame, *, max_pairs: int = 100_000, seed: int = 0
) -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    """Returns baselines that order replies to one comment: name → function of a table to scores.

    `LENGTH` puts the longer reply first; `TFIDF` is `fit_rank_words`.

    Args:
      train: comment_id, reply, reply_score, reply_created_utc (and what `sibling_pairs` may use).
      max_pairs: more pairs than this are sampled down.
      seed: of the sample.

    Raises:
      BotlibError: no two replies to one comment differ in score.
    """
    vectors, weights = fit_rank_words(train, max_pairs=max_pairs, seed=seed)
    return {
        LENGTH: lambda frame: _lengths(frame[["reply"]])[:, 0],
        TFIDF: lambda frame: np.asarray(vectors.transform(frame["reply"]) @ weights),
    }


def fit_rank_words(
    train: pd.DataFrame, *, max_pairs: int = 100_000, seed: int = 0
) -> tuple[TfidfVectorizer, np.ndarray]:
    """Fits a logistic regression on the difference of two siblings' TF-IDF vectors.

    Over pairs at most a day apart that differ by a point or more.

    Returns:
      The vectorizer of replies and the weights of its columns, (V,).

    Raises:
      BotlibError: no two replies to one comment differ in score.
    """
    pairs = sibling_pairs(train, max_hours=24, min_age_hours=0)
    if pairs.empty:
        raise BotlibError(
            "no two replies to one comment differ in score: there is nothing to learn a rank from"
        )
    if len(pairs) > max_pairs:
        pairs = pairs.sample(max_pairs, random_state=seed)
    vectors = _tfidf(len(train), words=(1, 2))
    texts = vectors.fit_transform(train["reply"])
    difference = texts[pairs["better"].to_numpy()] - texts[pairs["worse"].to_numpy()]
    model = LogisticRegression(C=0.1, fit_intercept=False, max_iter=200, tol=1e-3)
    # Each pair both ways round, or there would be one class only
    model.fit(sparse.vstack([difference, -difference]), np.repeat([1, 0], len(pairs)))
    return vectors, model.coef_[0]


def _length_pipeline(rows: int) -> Pipeline:
    return make_pipeline(
        FunctionTransformer(_lengths),
        StandardScaler(),
        # Splines, since the likeliest length lies in the middle
        SplineTransformer(n_knots=6, extrapolation="linear"),
        LogisticRegression(max_iter=1000),
    )


def _tfidf_pipeline(rows: int) -> Pipeline:
    texts = ColumnTransformer(
        [("comment", _tfidf(rows, words=(1, 1)), "comment"), ("reply", _tfidf(rows), "reply")]
    )
    return make_pipeline(texts, LogisticRegression(max_iter=200, tol=1e-3))


def _strength(train: pd.DataFrame, label: str, seed: int) -> float:
    """Returns the C with the least log loss on a fifth of (some of) the rows, held back.

    A baseline that overfits is easy to beat: on ratings C = 1 does worse than class frequencies.
    """
    rows = train.sample(min(len(train), _ROWS_TO_TUNE), random_state=seed)
    cut = len(rows) // 5
    held, kept = rows[:cut], rows[cut:]
    if kept[label].nunique() < train[label].nunique() or held.empty:
        return 1.0
    classes = np.unique(kept[label])
    losses = {}
    for strength in (0.1, 1.0, 10.0):
        pipeline = _tfidf_pipeline(len(kept)).set_params(logisticregression__C=strength)
        pipeline.fit(kept[["comment", "reply"]], kept[label])
        p = pipeline.predict_proba(held[["comment", "reply"]])
        losses[strength] = log_loss(held[label], p, labels=classes)
    return min(losses, key=losses.get)


def _tfidf(rows: int, words: tuple[int, int] = (1, 2)) -> TfidfVectorizer:
    # The pattern keeps single letters and punctuation, which tell a good deal about a reply
    return TfidfVectorizer(
        ngram_range=words,
        token_pattern=r"\w+|[^\w\s]",
        min_df=2 if rows > 1000 else 1,
        max_features=50_000,
        sublinear_tf=True,
        dtype=np.float32,
    )


def _lengths(frame: pd.DataFrame) -> np.ndarray:
    reply = frame["reply"]
    return np.column_stack(
        [np.log1p(reply.str.len().astype(float)), np.log1p(reply.str.count(r"\s").astype(float))]
    )


_PIPELINES = {
    CLASS_FREQUENCIES: lambda rows: make_pipeline(DummyClassifier(strategy="prior")),
    LENGTH: _length_pipeline,
    TFIDF: _tfidf_pipeline,
}
