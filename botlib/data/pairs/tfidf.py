"""Word counts (TF-IDF) with a linear model: a baseline, and a part of the classifiers' head."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline

from botlib.data.pairs.siblings import sibling_pairs
from botlib.errors import BotlibError

_ROWS_TO_TUNE = 10_000


def fit_classes(train: pd.DataFrame, label: str, *, seed: int = 0) -> Pipeline:
    """Returns a logistic regression over the TF-IDF of comment and reply, fitted.

    Args:
      train: comment, reply and the label's column, of two values or more.
      label: the column of whole numbers to predict.
      seed: of the rows on which the regularisation is chosen.
    """
    pipeline = _pipeline(len(train)).set_params(logisticregression__C=_strength(train, label, seed))
    return pipeline.fit(train[["comment", "reply"]], train[label])


def fit_siblings(
    train: pd.DataFrame, *, max_pairs: int = 100_000, seed: int = 0
) -> tuple[TfidfVectorizer, np.ndarray]:
    """Returns a logistic regression on the differences of two siblings' TF-IDF vectors.

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
    vectors = _vectorizer(len(train), words=(1, 2))
    texts = vectors.fit_transform(train["reply"])
    difference = texts[pairs["better"].to_numpy()] - texts[pairs["worse"].to_numpy()]
    model = LogisticRegression(C=0.1, fit_intercept=False, max_iter=200, tol=1e-3)
    # Each pair both ways round, or there would be one class only
    model.fit(sparse.vstack([difference, -difference]), np.repeat([1, 0], len(pairs)))
    return vectors, model.coef_[0]


def _pipeline(rows: int) -> Pipeline:
    texts = ColumnTransformer(
        [
            ("comment", _vectorizer(rows, words=(1, 1)), "comment"),
            ("reply", _vectorizer(rows), "reply"),
        ]
    )
    return make_pipeline(texts, LogisticRegression(max_iter=200, tol=1e-3))


def _strength(train: pd.DataFrame, label: str, seed: int) -> float:
    """Returns the C with the least log loss on a fifth of (some of) the rows, held back.

    A baseline that overfits is easy to beat: on ratings C = 1 does worse than class frequencies.
    """
    rows = train.sample(min(len(train), _ROWS_TO_TUNE), random_state=seed)
    cut = len(rows) // 5
    held_out, fitted = rows[:cut], rows[cut:]
    if fitted[label].nunique() < train[label].nunique() or held_out.empty:
        return 1.0
    classes = np.unique(fitted[label])
    losses = {}
    for strength in (0.1, 1.0, 10.0):
        pipeline = _pipeline(len(fitted)).set_params(logisticregression__C=strength)
        pipeline.fit(fitted[["comment", "reply"]], fitted[label])
        p = pipeline.predict_proba(held_out[["comment", "reply"]])
        losses[strength] = log_loss(held_out[label], p, labels=classes)
    return min(losses, key=losses.get)


def _vectorizer(rows: int, words: tuple[int, int] = (1, 2)) -> TfidfVectorizer:
    # The pattern keeps single letters and punctuation, which tell a good deal about a reply
    return TfidfVectorizer(
        ngram_range=words,
        token_pattern=r"\w+|[^\w\s]",
        min_df=2 if rows > 1000 else 1,
        max_features=50_000,
        sublinear_tf=True,
        dtype=np.float32,
    )
