"""Trains the judge of fit: whether a reply answers its comment; minutes, without a GPU.

The encoder stays as it is, and reads each text once. Two projections of its vectors learn to bring
a comment and its replies together, each against all others of its batch (InfoNCE, van den Oord et
al. 2018, arXiv:1807.03748). A small network weighs them with the words that both texts share and
their lengths; it is fitted on validation threads, against real replies to other comments.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.bert import embed
from botlib.bert import encoder as encoders
from botlib.bert import fit as form_of
from botlib.bert.blend import Words
from botlib.bert.encoder import Encoder
from botlib.bert.fit import FEATURES, KIND, TRAINED, VECTORS, WORDS
from botlib.data.pairs.strangers import PLACES, strangers
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.workspace import Workspace, atomic_file, atomic_folder

# Of the real replies of validation threads, so many are below the threshold
REFUSED = 0.1
# The encoder reads 250 texts a second on two busy cores
MAX_PAIRS = 40_000
MAX_VALIDATION_PAIRS = 8000
# Test comments in notebook 03
MOST_JUDGED = 2500
FOLDS = 3
EPOCHS, BATCH, LEARNING_RATE, TEMPERATURE = 6, 512, 1e-3, 0.07
# A small world needs more passes
LEAST_STEPS = 300
HIDDEN = 32
# With fewer validation pairs a network learns them by heart
LEAST_FOR_HIDDEN = 1000
WORD_VECTOR_WIDTH = 64
MAX_VOCABULARY = 50_000
TOKEN = r"(?u)\b\w\w+\b"


def train(
    training: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    encoder: Encoder | None,
    out: Path,
    seed: int = 2020,
    max_pairs: int = MAX_PAIRS,
    inputs: Iterable[Path] = (),
    cache: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Returns what validation chose, and how well each form judged there.

    Args:
      training: real pairs: comment_id, submission_id, subreddit, comment, reply.
      validation: the same, of other threads; decides the form and the threshold.
      encoder: a trained one, whose vectors are used as they are; None: vectors of words that are
        used alike, which need no encoder.
      out: the folder that `fit.Fit` loads.
      seed: of the draws.
      max_pairs: more training pairs than this are drawn down.
      inputs: files and folders the pairs came from, for the manifest.
      cache: a file that keeps the vectors of texts that were read, for other models.
      progress: show bars.

    Returns:
      form, threshold, refused, passed (place → share of strangers' replies at the threshold), auc
      (form → place → AUC); as config.json and model_card.json have it.

    Raises:
      BotlibError: too few pairs, or no comment with a stranger's reply to set against its own.
    """
    columns = ["comment_id", "submission_id", "subreddit", "comment", "reply"]
    training = drawn(training[columns], max_pairs, seed)
    validation = drawn(validation[columns], MAX_VALIDATION_PAIRS, seed)
    judged = _against_strangers(validation, seed)
    words = _words(training, encoder is None, seed)
    with atomic_folder(out) as folder:
        arrays = {"idf": words.idf, "word_vectors": words.weights}
        vectors = _reader(folder, words, encoder, cache, progress)
        arrays |= _projections(training, vectors, seed, progress)
        features = _features(judged, words, vectors, arrays)
        scores = {}
        for form in FEATURES:
            arrays |= _weights(form, features, judged, seed)
            scores[form] = _cross_fitted(form, features, judged, seed)
        choice = _choice(judged, scores)
        choice["training_pairs"], choice["validation_pairs"] = len(training), len(validation)
        _write(folder, choice, words, arrays, encoder)
        parameters = {"encoder": encoder.handle if encoder else "", "max_pairs": max_pairs}
        write_manifest(folder, inputs=inputs, parameters=parameters, seed=seed)
    return choice


def frozen(encoder: Encoder, workspace: Workspace) -> Encoder | None:
    """Returns the encoder whose vectors say what a text is about.

    MiniLM, which was trained for that, where its package is installed; else the classifiers' own
    encoder; None for one made from scratch, whose vectors say less than words do.
    """
    if encoder.handle.startswith("scratch"):
        return None
    try:
        return encoders.load("minilm", workspace)
    except BotlibError:
        return encoder


def held_out(real: pd.DataFrame, seed: int, most: int = MOST_JUDGED) -> dict[str, pd.DataFrame]:
    """Returns place → real pairs and strangers' replies to judge by: at most so many comments."""
    rows = drawn(real, most, seed)
    return {place: pairs_and_strangers(rows, place, seed) for place in PLACES}


def pairs_and_strangers(real: pd.DataFrame, place: str, seed: int) -> pd.DataFrame:
    """Returns real pairs (real = 1), and as many strangers' replies to the same comments (0)."""
    other = strangers(real, place, seed)
    own = real[real["comment_id"].isin(other["comment_id"])]
    return pd.concat([own.assign(real=1), other.assign(real=0)], ignore_index=True)


def _against_strangers(validation: pd.DataFrame, seed: int) -> pd.DataFrame:
    frames = [pairs_and_strangers(validation, p, seed).assign(place=p) for p in PLACES]
    judged = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    if judged.groupby("real").size().reindex([0, 1]).fillna(0).min() < 2 * FOLDS:
        raise BotlibError(
            "the judge of fit needs validation comments of several threads in one subreddit: "
            "get more data with 01_data"
        )
    return judged


def drawn(frame: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Returns at most so many rows (0: all), in whole threads but the last."""
    codes, names = pd.factorize(frame["submission_id"])
    place = np.random.default_rng(seed).permutation(len(names))[codes]
    order = np.argsort(place, kind="stable")
    return frame.iloc[order[:most] if most else order].reset_index(drop=True)


def _words(training: pd.DataFrame, with_vectors: bool, seed: int) -> Words:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    texts = pd.unique(pd.concat([training["comment"], training["reply"]]))
    vectorizer = TfidfVectorizer(
        token_pattern=TOKEN, min_df=2, max_features=MAX_VOCABULARY, sublinear_tf=True,
        dtype=np.float32,
    )  # fmt: skip
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise BotlibError(
            "the judge of fit found no word that two texts share: get more data with 01_data"
        ) from error
    width = min(WORD_VECTOR_WIDTH, *counts.shape) if with_vectors else 0
    weights = np.zeros((counts.shape[1], 0))
    if width:
        weights = randomized_svd(counts, width, random_state=seed)[2].T
    return Words.of(vectorizer, weights)


def _reader(folder: Path, words: Words, encoder: Encoder | None, cache, progress: bool):
    """Returns a function of texts to vectors, after writing what it needs into the folder."""
    if encoder is None:
        return lambda texts: form_of.word_vectors(words, texts)
    embed.export(encoder, folder)
    embedder = embed.Embedder(folder, encoder.do_lower_case, cache=cache)
    return lambda texts: embedder.embed(texts, progress)


def _projections(training: pd.DataFrame, vectors, seed: int, progress: bool) -> dict:
    """Returns two matrices, (width, width), which start as the identity: the plain cosine."""
    from tqdm.auto import trange

    texts = [*training["comment"], *training["reply"]]
    both = vectors(texts)
    first, second = both[: len(training)], both[len(training) :]
    comment = pd.factorize(training["comment_id"])[0]
    rng = np.random.default_rng(seed)
    matrices = [np.eye(both.shape[1], dtype=np.float32) for _ in range(2)]
    adam = _Adam(matrices)
    batches = max(1, len(training) // BATCH)
    total = max(EPOCHS * batches, LEAST_STEPS)
    with trange(total, desc="training fit", unit="step", disable=not progress) as steps:
        for step in steps:
            if step % batches == 0:
                order = rng.permutation(len(training))
            rows = order[step % batches :: batches]
            gradients = _info_nce(first[rows], second[rows], matrices, comment[rows])
            rate = LEARNING_RATE * min(1.0, (step + 1) / 50)
            adam.step(gradients, rate * (0.5 + 0.5 * np.cos(np.pi * step / total)))
    return {"of_comment": matrices[0], "of_reply": matrices[1]}


def _info_nce(first, second, matrices, comment) -> list[np.ndarray]:
    """Returns the loss's gradients: each comment finds its reply in the batch, and vice versa."""
    a, b = first @ matrices[0], second @ matrices[1]
    norms = [np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (a, b)]
    a, b = a / norms[0], b / norms[1]
    logits = a @ b.T / TEMPERATURE
    siblings = comment[:, None] == comment[None, :]
    # Another reply to the same comment is no stranger
    logits[siblings & ~np.eye(len(a), dtype=bool)] = -1e4
    chances = sum(_softmax(logits, axis) for axis in (0, 1)) / 2
    error = (chances - np.eye(len(a), dtype=np.float32)) / (len(a) * TEMPERATURE)
    projections = []
    for unit, other, norm, inputs in (
        (a, error @ b, norms[0], first),
        (b, error.T @ a, norms[1], second),
    ):
        # Through the division by the length
        inner = (other - (other * unit).sum(axis=1, keepdims=True) * unit) / norm
        projections.append((inputs.T @ inner).astype(np.float32))
    return projections


def _softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


class _Adam:
    """Kingma & Ba 2015, arXiv:1412.6980, in place."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self.weights, self.time = weights, 0
        self.means = [np.zeros_like(w) for w in weights]
        self.squares = [np.zeros_like(w) for w in weights]

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        self.time += 1
        for weight, gradient, mean, square in zip(
            self.weights, gradients, self.means, self.squares, strict=True
        ):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            ahead = mean / (1 - 0.9**self.time)
            weight -= rate * ahead / (np.sqrt(square / (1 - 0.999**self.time)) + 1e-8)


def _features(judged: pd.DataFrame, words: Words, vectors, arrays: dict) -> dict:
    comments, replies = judged["comment"].tolist(), judged["reply"].tolist()
    both = vectors([*comments, *replies])
    features = form_of.vector_features(both[: len(judged)], both[len(judged) :], arrays)
    features |= {"words": form_of.word_cosine(words, comments, replies)}
    return features | form_of.lengths(comments, replies) | {
        "both": features["projected"] * features["vectors"]
    }  # fmt: skip


def _weights(form: str, features: dict, judged: pd.DataFrame, seed: int, rows=None) -> dict:
    """Returns a form's arrays, fitted on the rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    rows = np.arange(len(judged)) if rows is None else rows
    columns = np.column_stack([features[name] for name in FEATURES[form]]).astype(np.float64)[rows]
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    scale[scale < 1e-6] = 1.0
    scaled, y = (columns - mean) / scale, judged["real"].to_numpy()[rows]
    arrays = {"mean": mean, "scale": scale}
    if form == TRAINED and len(rows) >= LEAST_FOR_HIDDEN:
        network = MLPClassifier((HIDDEN,), early_stopping=True, max_iter=60, random_state=seed)
        network.fit(scaled, y)
        (hidden, weights), (bias, intercept) = network.coefs_, network.intercepts_
        arrays |= {"hidden": hidden, "bias": bias}
    else:
        line = LogisticRegression().fit(scaled, y)
        weights, intercept = line.coef_.T, line.intercept_
    arrays |= {"weights": weights[:, 0], "intercept": intercept[0]}
    return {f"{form} {name}": value for name, value in arrays.items()}


def _cross_fitted(form: str, features: dict, judged: pd.DataFrame, seed: int) -> np.ndarray:
    """Returns the P(fits) of judges that have not seen the row's thread."""
    codes, names = pd.factorize(judged["submission_id"])
    fold = np.random.default_rng(seed).permutation(len(names))[codes] % FOLDS
    scores = np.full(len(judged), 0.5, np.float32)
    for number in range(FOLDS):
        held, rest = fold == number, np.flatnonzero(fold != number)
        if held.any() and judged["real"].to_numpy()[rest].min(initial=1) == 0:
            arrays = _weights(form, features, judged, seed, rest)
            scores[held] = form_of.judge(arrays, form, features)[held]
    return scores


def _choice(judged: pd.DataFrame, scores: dict[str, np.ndarray]) -> dict[str, Any]:
    """The form with the highest mean AUC; the trained one only if it beats both baselines."""
    aucs = {form: _aucs(judged, score) for form, score in scores.items()}
    mean = {form: float(np.mean(list(by_kind.values()))) for form, by_kind in aucs.items()}
    best = max((VECTORS, WORDS), key=mean.get)
    form = TRAINED if mean[TRAINED] > mean[best] else best
    own = judged["real"].to_numpy() == 1
    threshold = float(np.quantile(scores[form][own], REFUSED))
    passed = {
        place: float((scores[form][~own & (judged["place"] == place)] >= threshold).mean())
        for place in aucs[form]
    }
    return {
        "form": form, "threshold": threshold, "refused": REFUSED, "passed": passed, "auc": aucs
    }  # fmt: skip


def _aucs(judged: pd.DataFrame, score: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    return {
        place: float(roc_auc_score(rows["real"], score[rows.index]))
        for place, rows in judged.groupby("place", sort=False)
    }


def _write(folder: Path, choice: dict, words: Words, arrays: dict, encoder) -> None:
    config = choice | {
        "task": "fit",
        "encoder": encoder.handle if encoder else "",
        "do_lower_case": encoder.do_lower_case if encoder else True,
        "max_tokens": embed.MAX_TOKENS,
    }
    card = config | {
        "baselines": [VECTORS, WORDS],
        "use": "Says whether a reply answers its comment, or was written to another one; not "
        "whether it is true, kind or good.",
    }
    stored = {"vocabulary": words.vocabulary, "pattern": words.pattern}
    for name, content in (
        ("config.json", config), ("model_card.json", card), (form_of.VOCABULARY, stored)
    ):  # fmt: skip
        with atomic_file(folder / name) as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
    with atomic_file(folder / form_of.ARRAYS, "wb") as file:
        np.savez_compressed(file, **{k: np.asarray(v, np.float32) for k, v in arrays.items()})
    # What the form doesn't need stays in the folder, for the notebook to show the others
    files = form_of.parts(choice["form"], encoder is not None)
    model_files.declare(folder, KIND, files)
