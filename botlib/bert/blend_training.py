"""Fits a head for a trained encoder, and measures whether it helps.

The head is fitted on threads that the encoder and the word counts have not seen, as stacking
demands (Wolpert 1992). Whether it is used is decided on the same threads by cross-fitting: each
fifth of them is judged by a head that was fitted on the other four.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.bert import reply_time
from botlib.bert.blend import ARRAYS, WORDS, Blend, Words
from botlib.bert.examples import TASKS
from botlib.bert.head_choice import choose
from botlib.bert.scorer import Scorer
from botlib.data.pairs import tfidf
from botlib.data.pairs.siblings import sibling_pairs
from botlib.workspace import atomic_file

# Fewer rows than this can't hold a head's forty weights
MIN_ROWS = 500
MAX_WORD_ROWS = 60_000
# The encoder reads these once more: some two minutes of MiniLM on two cores
MAX_HEAD_ROWS = 12_000
FOLDS = 5


def add(
    folder: Path,
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    seed: int = 2020,
    progress: bool = False,
) -> dict[str, Any]:
    """Returns whether a head helps a trained classifier; its folder then says if `Scorer` uses it.

    Args:
      folder: what `bert.train` wrote for its task, trained on `first`.
      first, second: see `fit`; at most `MAX_HEAD_ROWS` of `second` are scored, in whole threads.
      seed: of the draws.
      progress: show a bar while the encoder scores `second`.

    Returns:
      What was chosen, against what and by how much, as config.json and model_card.json have it
      under `head`; see `head_choice.choose`.
    """
    folder = Path(folder)
    scorer = Scorer(folder, blended=False)
    second = _whole_threads(second, scorer.task, seed)
    texts = second["comment"].tolist(), second["reply"].tolist()
    encoder = scorer.logits(*texts, progress)
    head = fit(first, second, encoder, task=scorer.task, seed=seed)
    if head is None:
        choice = {
            "used": False,
            "reason": f"a head needs {MIN_ROWS} replies that the encoder was not trained on "
            f"(rank: pairs of them); there are {len(second)}",
        }
    else:
        with_head = cross_fitted(head, second, encoder, seed=seed)
        alone = encoder / scorer.temperature
        choice = choose(scorer.task, second, alone, with_head, seed=seed)
    _record(folder, scorer.task, head, choice)
    return choice


def _record(folder: Path, task: str, head: Blend | None, choice: dict[str, Any]) -> None:
    """A head that isn't used stays in the folder, for the notebook to show what it costs."""
    kind = f"bert_{task}"
    parts = [name for name in model_files.needed(folder, kind) if name not in (ARRAYS, WORDS)]
    if head is not None:
        head.save(folder)
    else:
        for name in (ARRAYS, WORDS):
            (folder / name).unlink(missing_ok=True)
    model_files.declare(folder, kind, [*parts, ARRAYS, WORDS] if choice["used"] else parts)
    for name in ("config.json", "model_card.json"):
        if (folder / name).is_file():
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            with atomic_file(folder / name) as file:
                json.dump(content | {"head": choice}, file, indent=1)
                file.write("\n")


def fit(
    first: pd.DataFrame, second: pd.DataFrame, encoder: np.ndarray, *, task: str, seed: int = 2020
) -> Blend | None:
    """Returns a head: its word weights are fitted on `first`, the head itself on `second`.

    Args:
      first: rows the encoder was trained on: comment, reply and the label; for "rank" comment_id,
        reply_score and the times as far as known.
      second: rows of other threads, the same columns.
      encoder: the encoder's logits for `second`, (n, classes) or (n, 1).
      task: "realism", "upvotes" or "rank".
      seed: of the draw, if there are more than `MAX_WORD_ROWS`.

    Returns:
      The head; None where `second` is too small to fit one.
    """
    encoder = np.asarray(encoder, dtype=float).reshape(len(second), -1)
    label = TASKS[task][0]
    if task == "rank":
        if len(sibling_pairs(second, max_hours=np.inf, min_age_hours=0)) < MIN_ROWS:
            return None
        blend = Blend(task, *_rank_words(first, seed))
    else:
        if len(second) < MIN_ROWS or second[label].nunique() < encoder.shape[1]:
            return None
        blend = Blend(task, *_class_words(first, label, seed))
    features = blend.features(encoder, second["comment"].tolist(), second["reply"].tolist())
    return Blend(task, blend.words, blend.arrays | _head(task, features, second))


def cross_fitted(
    head: Blend, second: pd.DataFrame, encoder: np.ndarray, *, seed: int = 2020
) -> np.ndarray:
    """Returns the logits of heads that have not seen the row's thread, shape of `encoder`.

    Args:
      head: from `fit`; its words are used, its weights are not.
      second: what it was fitted on.
      encoder: the encoder's logits for `second`.
      seed: of the folds.
    """
    encoder = np.asarray(encoder, dtype=float).reshape(len(second), -1)
    features = head.features(encoder, second["comment"].tolist(), second["reply"].tolist())
    fold = _thread_numbers(second, seed) % FOLDS
    logits = np.zeros_like(encoder)
    for number in range(FOLDS):
        held = fold == number
        rest = second[~held]
        if _learnable(head.task, rest, encoder.shape[1]):
            arrays = _head(head.task, features[~held], rest)
            scaled = (features[held] - arrays["mean"]) / arrays["scale"]
            logits[held] = scaled @ arrays["head"] + arrays["intercept"]
        else:
            logits[held] = encoder[held]
    return logits


def _learnable(task: str, rows: pd.DataFrame, outputs: int) -> bool:
    if task == "rank":
        return len(sibling_pairs(rows, max_hours=np.inf, min_age_hours=0)) > 1
    return rows[TASKS[task][0]].nunique() == outputs


def _whole_threads(frame: pd.DataFrame, task: str, seed: int) -> pd.DataFrame:
    if task == "rank":
        frame = frame[frame.duplicated("comment_id", keep=False)]
    order = _thread_numbers(frame, seed)
    kept = np.cumsum(np.bincount(order)) <= MAX_HEAD_ROWS
    return frame[kept[order]] if len(frame) > MAX_HEAD_ROWS else frame


def _thread_numbers(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Each row's thread, as its place in a random order of the threads."""
    threads = frame["submission_id" if "submission_id" in frame else "comment_id"]
    return np.random.default_rng(seed).permutation(threads.nunique())[pd.factorize(threads)[0]]


def _class_words(first: pd.DataFrame, label: str, seed: int) -> tuple[dict, dict]:
    rows = first if len(first) <= MAX_WORD_ROWS else first.sample(MAX_WORD_ROWS, random_state=seed)
    pipeline = tfidf.fit_classes(rows, label, seed=seed)
    texts, (coef, intercept) = pipeline[0], _per_class(pipeline[-1])
    words, start = {}, 0
    for name in ("comment", "reply"):
        vectorizer = texts.named_transformers_[name]
        stop = start + len(vectorizer.get_feature_names_out())
        words[name] = Words.of(vectorizer, coef[:, start:stop].T)
        start = stop
    return words, {"words_intercept": intercept}


def _rank_words(first: pd.DataFrame, seed: int) -> tuple[dict, dict]:
    vectorizer, weights = tfidf.fit_siblings(first, seed=seed)
    return {"reply": Words.of(vectorizer, weights[:, None])}, {"words_intercept": np.zeros(1)}


def _head(task: str, features: np.ndarray, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns the arrays of a head: mean, scale, head (features, outputs), intercept."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    scaled = (features - mean) / scale
    fitted = _fit_rank(scaled, rows) if task == "rank" else _fit_classes(scaled, rows, task)
    coef, intercept = fitted
    return {"mean": mean, "scale": scale, "head": coef.T, "intercept": intercept}


def _fit_classes(scaled: np.ndarray, rows: pd.DataFrame, task: str) -> tuple:
    from sklearn.linear_model import LogisticRegression

    return _per_class(LogisticRegression(C=0.1, max_iter=300).fit(scaled, rows[TASKS[task][0]]))


def _fit_rank(scaled: np.ndarray, rows: pd.DataFrame) -> tuple:
    from sklearn.linear_model import LogisticRegression

    pairs = sibling_pairs(rows, max_hours=np.inf, min_age_hours=0)
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    sign = np.where(np.arange(len(pairs)) % 2, 1, -1)
    # Time is a feature of the fit, not of the head: what it explains is not put on the text
    both = np.hstack([scaled, reply_time.time_features(rows)])
    differences = (both[better] - both[worse]) * sign[:, None]
    model = LogisticRegression(C=0.1, fit_intercept=False, max_iter=300)
    model.fit(differences, sign, sample_weight=reply_time.pair_weights(rows, pairs))
    return model.coef_[:, : scaled.shape[1]], np.zeros(1)


def _per_class(model) -> tuple[np.ndarray, np.ndarray]:
    """Returns (classes, features) and (classes,): two classes share one row in scikit-learn."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    nought = np.zeros_like(model.coef_)
    return np.vstack([nought, model.coef_]), np.concatenate([[0.0], model.intercept_])
