"""Fits a head for a trained encoder, and measures whether it helps.

The head is fitted on threads that the encoder and the word counts have not seen, as stacking
demands (Wolpert 1992). Whether it is used is decided on the same threads by cross-fitting: each
fifth of them is judged by a head that was fitted on the other four.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.bert import embed, reply_time
from botlib.bert.blend import (
    ARRAYS,
    ENCODER,
    HEAD,
    LENGTH,
    PLAIN,
    TFIDF,
    VECTORS,
    WORDS,
    Blend,
    Words,
    pair_vectors,
)
from botlib.bert.embed import Embedder
from botlib.bert.examples import TASKS, draw
from botlib.bert.head_choice import choose
from botlib.bert.scorer import Scorer
from botlib.data.pairs import tfidf
from botlib.data.pairs.siblings import sibling_pairs
from botlib.workspace import atomic_file

# Fewer rows than this can't hold a head's forty weights
MIN_ROWS = 500
MAX_WORD_ROWS = 60_000
# What judges in the end; more rows than this add nothing that was measured
MAX_ALL_ROWS = 200_000
# Of twice as many the blend's macro AUC was 0.003 higher
MAX_VECTOR_ROWS = 30_000
# The encoder reads these once more: some two minutes of MiniLM on two cores
MAX_HEAD_ROWS = 12_000
FOLDS = 5


def add(
    folder: Path,
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    vectors: Path | None = None,
    cache: Path | None = None,
    seed: int = 2020,
    progress: bool = False,
) -> dict[str, Any]:
    """Returns which judge is used; the model's folder then says so to `Scorer`.

    The encoder alone, the encoder with a head, or a baseline that is as good as either: words, form
    and frozen vectors without the encoder, or words alone, or for a rank the length.

    Args:
      folder: what `bert.train` wrote for its task, trained on `first`.
      first, second: see `fit`; at most `MAX_HEAD_ROWS` of `second` are scored, in whole threads.
      vectors: the folder of a judge of fit, whose frozen encoder is used; None, or one without an
        encoder: the head has no vectors.
      cache: a file that keeps the vectors of texts that were read, for the next model.
      seed: of the draws.
      progress: show bars.

    Returns:
      What was chosen, against what and by how much, as config.json and model_card.json have it
      under `head`; see `head_choice.choose`.
    """
    folder = Path(folder)
    scorer = Scorer(folder, judge=ENCODER)
    every, second = second, _whole_threads(second, scorer.task, seed)
    texts = second["comment"].tolist(), second["reply"].tolist()
    encoder = scorer.logits(*texts, progress)
    embedder = _embedder(vectors, cache)
    head = fit(first, second, encoder, task=scorer.task, seed=seed, embedder=embedder)
    if head is None:
        choice = {
            "judge": ENCODER,
            "used": False,
            "reason": f"a head needs {MIN_ROWS} replies that the encoder was not trained on "
            f"(rank: pairs of them); there are {len(second)}",
        }
    else:
        features = head.features(encoder, *texts)
        with_head, plain = (
            cross_fitted(head, second, encoder, seed=seed, judge=judge, features=features)
            for judge in (HEAD, PLAIN)
        )
        baselines = {PLAIN: plain, TFIDF: head.word_logits(*texts)}
        if scorer.task == "rank":
            baselines[LENGTH] = head.logits(encoder, *texts, LENGTH)
        alone = encoder / scorer.temperature
        choice = choose(scorer.task, second, alone, with_head, baselines=baselines, seed=seed)
        # What judges was measured with the words of `first`; it keeps those of all pairs
        head = with_all_words(head, pd.concat([first, every], ignore_index=True), seed)
    _record(folder, scorer.task, head, choice)
    return choice


def _embedder(vectors: Path | None, cache: Path | None) -> Embedder | None:
    if vectors is None or not (Path(vectors) / embed.PARTS[0]).is_file():
        return None
    described = json.loads((Path(vectors) / "config.json").read_text(encoding="utf-8"))
    return Embedder(vectors, described["do_lower_case"], cache=cache)


def _record(folder: Path, task: str, head: Blend | None, choice: dict[str, Any]) -> None:
    """What isn't used stays in the folder, for the notebook to show what it costs."""
    kind = f"bert_{task}"
    of_head = (ARRAYS, WORDS, *VECTORS)
    of_encoder = ("vocab.txt", "model.onnx", "model_int8.onnx")
    parts = {name for name in model_files.needed(folder, kind) if name not in of_head}
    parts |= {name for name in of_encoder if (folder / name).is_file()}
    for name in of_head:
        (folder / name).unlink(missing_ok=True)
    if head is not None:
        head.save(folder)
        if head.embedder is not None:
            for source, name in zip(head.embedder.paths, VECTORS, strict=True):
                shutil.copyfile(source, folder / name)
    if choice["judge"] != ENCODER:
        parts |= {name for name in of_head if (folder / name).is_file()}
    if choice["judge"] not in (ENCODER, HEAD):
        parts -= set(of_encoder)
    model_files.declare(folder, kind, parts)
    for name in ("config.json", "model_card.json"):
        if (folder / name).is_file():
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            with atomic_file(folder / name) as file:
                json.dump(content | {"head": choice}, file, indent=1)
                file.write("\n")


def fit(
    first: pd.DataFrame,
    second: pd.DataFrame,
    encoder: np.ndarray,
    *,
    task: str,
    seed: int = 2020,
    embedder: Embedder | None = None,
) -> Blend | None:
    """Returns a head: words and vectors are weighed on `first`, the head itself on `second`.

    Args:
      first: rows the encoder was trained on: comment, reply and the label; for "rank" comment_id,
        reply_score and the times as far as known.
      second: rows of other threads, the same columns.
      encoder: the encoder's logits for `second`, (n, classes) or (n, 1).
      task: "realism", "upvotes" or "rank".
      seed: of the draws, if there are more rows than `MAX_WORD_ROWS` or `MAX_VECTOR_ROWS`.
      embedder: reads texts for frozen vectors; None: the head has none.

    Returns:
      The head; None where `second` is too small to fit one.
    """
    encoder = np.asarray(encoder, dtype=float).reshape(len(second), -1)
    if not _enough(task, second, encoder.shape[1]):
        return None
    words, arrays = _words(task, first, seed, MAX_WORD_ROWS)
    if embedder is not None:
        arrays |= vector_weights(task, first, embedder, seed=seed)
    blend = Blend(task, words, arrays, embedder)
    features = blend.features(encoder, second["comment"].tolist(), second["reply"].tolist())
    arrays = blend.arrays | _head(task, features, second, encoder.shape[1])
    return Blend(task, words, arrays, embedder)


def _enough(task: str, second: pd.DataFrame, outputs: int) -> bool:
    if task == "rank":
        return len(sibling_pairs(second, max_hours=np.inf, min_age_hours=0)) >= MIN_ROWS
    return len(second) >= MIN_ROWS and second[TASKS[task][0]].nunique() >= outputs


def _words(task: str, rows: pd.DataFrame, seed: int, most: int) -> tuple[dict, dict]:
    if task == "rank":
        return _rank_words(rows, seed)
    return _class_words(rows, TASKS[task][0], seed, most)


def with_all_words(head: Blend, rows: pd.DataFrame, seed: int) -> Blend:
    """Returns the head with words that were weighed on all pairs."""
    words, arrays = _words(head.task, rows, seed, MAX_ALL_ROWS)
    return Blend(head.task, words, head.arrays | arrays, head.embedder)


def cross_fitted(
    head: Blend,
    second: pd.DataFrame,
    encoder: np.ndarray,
    *,
    seed: int = 2020,
    judge: str = HEAD,
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the logits of heads that have not seen the row's thread, shape of `encoder`.

    Args:
      head: from `fit`; its words are used, its weights are not.
      second: what it was fitted on.
      encoder: the encoder's logits for `second`.
      seed: of the folds.
      judge: `HEAD`, or `PLAIN` for the head without the encoder.
      features: what `head.features` said of these rows, if it is known.
    """
    encoder = np.asarray(encoder, dtype=float).reshape(len(second), -1)
    if features is None:
        features = head.features(encoder, second["comment"].tolist(), second["reply"].tolist())
    fold = _thread_numbers(second, seed) % FOLDS
    logits = np.zeros_like(encoder)
    for number in range(FOLDS):
        held = fold == number
        rest = second[~held]
        if _learnable(head.task, rest, encoder.shape[1]):
            arrays = _head(head.task, features[~held], rest, encoder.shape[1])
            logits[held] = Blend(head.task, {}, arrays).of_features(features[held], judge)
        elif judge == HEAD:
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
    fits = np.cumsum(np.bincount(order)) <= MAX_HEAD_ROWS
    return frame[fits[order]] if len(frame) > MAX_HEAD_ROWS else frame


def _thread_numbers(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Each row's thread, as its place in a random order of the threads."""
    threads = frame["submission_id" if "submission_id" in frame else "comment_id"]
    return np.random.default_rng(seed).permutation(threads.nunique())[pd.factorize(threads)[0]]


def _class_words(rows: pd.DataFrame, label: str, seed: int, most: int) -> tuple[dict, dict]:
    rows = rows if len(rows) <= most else rows.sample(most, random_state=seed)
    pipeline = tfidf.fit_classes(rows, label, seed=seed)
    texts, (coef, intercept) = pipeline[0], _per_class(pipeline[-1])
    words, start = {}, 0
    for name in ("comment", "reply"):
        vectorizer = texts.named_transformers_[name]
        stop = start + len(vectorizer.get_feature_names_out())
        words[name] = Words.of(vectorizer, coef[:, start:stop].T)
        start = stop
    return words, {"words_intercept": intercept}


def _rank_words(rows: pd.DataFrame, seed: int) -> tuple[dict, dict]:
    vectorizer, weights = tfidf.fit_siblings(rows, seed=seed)
    return {"reply": Words.of(vectorizer, weights[:, None])}, {"words_intercept": np.zeros(1)}


def vector_weights(
    task: str, rows: pd.DataFrame, embedder: Embedder, *, seed: int = 2020
) -> dict[str, np.ndarray]:
    """Returns a linear model over frozen vectors, fitted on at most `MAX_VECTOR_ROWS` rows."""
    from sklearn.linear_model import LogisticRegression

    rows = draw(rows.reset_index(drop=True), task, MAX_VECTOR_ROWS, seed)
    both = embedder.embed([*rows["comment"], *rows["reply"]], progress=True)
    columns = pair_vectors(both[: len(rows)], both[len(rows) :], task)
    if task == "rank":
        # Some 35,000 pairs and 768 weights: less regularised, it orders worse than length does
        weights, intercept = _fit_rank(columns, rows, strength=1e-4)
    else:
        # 24,000 real pairs: macro AUC 0.620; with C = 0.1 it was 0.604
        model = LogisticRegression(C=5e-4, max_iter=500, tol=1e-3)
        weights, intercept = _per_class(model.fit(columns, rows[TASKS[task][0]]))
    return {"vector_weights": weights.T, "vector_intercept": intercept}


def _head(
    task: str, features: np.ndarray, rows: pd.DataFrame, outputs: int
) -> dict[str, np.ndarray]:
    """Returns the arrays of a head: mean, scale, and weights and intercepts of `HEAD` and `PLAIN`.

    The first columns of the features are the encoder's outputs; `PLAIN` doesn't see them.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    scaled = (features - mean) / scale
    arrays = {"mean": mean, "scale": scale}
    for end in ("", "_plain"):
        if end:
            scaled[:, :outputs] = 0.0
        fitted = _fit_rank(scaled, rows) if task == "rank" else _fit_classes(scaled, rows, task)
        arrays |= {f"head{end}": fitted[0].T, f"intercept{end}": fitted[1]}
    return arrays


def _fit_classes(scaled: np.ndarray, rows: pd.DataFrame, task: str) -> tuple:
    from sklearn.linear_model import LogisticRegression

    return _per_class(LogisticRegression(C=0.01, max_iter=300).fit(scaled, rows[TASKS[task][0]]))


def _fit_rank(scaled: np.ndarray, rows: pd.DataFrame, strength: float = 0.1) -> tuple:
    from sklearn.linear_model import LogisticRegression

    pairs = sibling_pairs(rows, max_hours=np.inf, min_age_hours=0)
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    sign = np.where(np.arange(len(pairs)) % 2, 1, -1)
    # Time is a feature of the fit, not of the head: what it explains is not put on the text
    both = np.hstack([scaled, reply_time.time_features(rows)])
    differences = (both[better] - both[worse]) * sign[:, None]
    model = LogisticRegression(C=strength, fit_intercept=False, max_iter=500, tol=1e-3)
    model.fit(differences, sign, sample_weight=reply_time.pair_weights(rows, pairs))
    return model.coef_[:, : scaled.shape[1]], np.zeros(1)


def _per_class(model) -> tuple[np.ndarray, np.ndarray]:
    """Returns (classes, features) and (classes,): two classes share one row in scikit-learn."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    nought = np.zeros_like(model.coef_)
    return np.vstack([nought, model.coef_]), np.concatenate([[0.0], model.intercept_])
