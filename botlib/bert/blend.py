"""An encoder's opinion, word counts and the text's form in one judgement, by a small linear head.

A fine-tuned encoder knows what a text means, TF-IDF remembers single words of far more texts than
the encoder had time for, and form (length, questions, thanks) costs nothing. The head is fitted on
threads that neither has seen, as stacking demands (Wolpert 1992); all three look at the text only.
What is stored is arrays and a word list; scoring needs neither TensorFlow nor scikit-learn.
"""

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.bert.surface import surface
from botlib.errors import BotlibError
from botlib.probabilities import log_softmax
from botlib.workspace import atomic_file

# task → the column that holds the label
LABELS = {"upvotes": "rating", "realism": "real"}
ARRAYS, WORDS = "blend.npz", "blend_words.json"
# Fewer rows than this can't hold a head's forty weights
MIN_ROWS = 500
MAX_WORD_ROWS = 60_000
# The encoder reads these once more: some two minutes of MiniLM on two cores
MAX_HEAD_ROWS = 12_000


class Words:
    """A linear model over TF-IDF, as scikit-learn's TfidfVectorizer makes it, without scikit-learn.

    Args:
      vocabulary: words and word pairs, in the order of the rows of `weights`.
      idf: (V,) their inverse document frequencies.
      weights: (V, k) of a linear model.
      pattern: what a token is.
    """

    def __init__(
        self, vocabulary: Sequence[str], idf: np.ndarray, weights: np.ndarray, pattern: str
    ) -> None:
        self.vocabulary = list(vocabulary)
        self.idf, self.weights, self.pattern = idf, weights, pattern
        self._row_of = {word: row for row, word in enumerate(self.vocabulary)}
        self._token = re.compile(pattern)

    @classmethod
    def of(cls, vectorizer, weights: np.ndarray) -> "Words":
        """Takes a fitted TfidfVectorizer and the weights of a model over its columns."""
        names = vectorizer.get_feature_names_out().tolist()
        return cls(names, vectorizer.idf_, np.asarray(weights), vectorizer.token_pattern)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Returns weights · TF-IDF of each text, (n, k)."""
        result = np.zeros((len(texts), self.weights.shape[1]))
        for number, text in enumerate(texts):
            tokens = self._token.findall(text.lower())
            pairs = (f"{a} {b}" for a, b in itertools.pairwise(tokens))
            counts: dict[int, int] = {}
            for gram in (*tokens, *pairs):
                if (row := self._row_of.get(gram)) is not None:
                    counts[row] = counts.get(row, 0) + 1
            if counts:
                rows = np.fromiter(counts, dtype=int)
                values = (1 + np.log(np.fromiter(counts.values(), dtype=float))) * self.idf[rows]
                result[number] = values @ self.weights[rows] / np.linalg.norm(values)
        return result


class Blend:
    """A fitted head; see `fit` and `load`."""

    def __init__(self, task: str, words: dict[str, Words], arrays: dict[str, np.ndarray]) -> None:
        self.task, self._words, self._arrays = task, words, arrays

    def logits(
        self, encoder: np.ndarray, comments: Sequence[str], replies: Sequence[str]
    ) -> np.ndarray:
        """Returns blended logits, (n, classes), or for ranking scores, (n, 1).

        Args:
          encoder: the encoder's logits for the same pairs, of the same shape.
          comments: one for each reply.
          replies: what answers them.
        """
        features = self._features(encoder, list(comments), list(replies))
        scaled = (features - self._arrays["mean"]) / self._arrays["scale"]
        return scaled @ self._arrays["head"] + self._arrays["intercept"]

    def _features(self, encoder, comments, replies) -> np.ndarray:
        words = np.asarray(self._arrays["words_intercept"])
        words = words + self._words["reply"].logits(replies)
        if "comment" in self._words:
            words = words + self._words["comment"].logits(comments)
        if self.task == "rank":
            # The comment is the same for all that are compared
            return np.hstack([encoder, words, surface(replies)])
        forms = [surface(replies), surface(comments)]
        return np.hstack([log_softmax(encoder), log_softmax(words), *forms])

    def save(self, folder: Path) -> None:
        words = {
            name: {"vocabulary": model.vocabulary, "pattern": model.pattern}
            for name, model in self._words.items()
        }
        with atomic_file(folder / WORDS) as file:
            json.dump({"task": self.task, "words": words}, file, ensure_ascii=False)
        arrays = dict(self._arrays)
        for name, model in self._words.items():
            arrays |= {f"{name}_idf": model.idf, f"{name}_weights": model.weights}
        with atomic_file(folder / ARRAYS, "wb") as file:
            np.savez_compressed(file, **{k: np.asarray(v, np.float32) for k, v in arrays.items()})


def load(folder: Path) -> Blend | None:
    """Returns the head in a model's folder, or None if it has none.

    Raises:
      BotlibError: it is damaged.
    """
    if not (Path(folder) / ARRAYS).is_file():
        return None
    try:
        described = json.loads((Path(folder) / WORDS).read_text(encoding="utf-8"))
        with np.load(Path(folder) / ARRAYS, allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(float) for name in stored.files}
        words = {
            name: Words(
                model["vocabulary"],
                arrays.pop(f"{name}_idf"),
                arrays.pop(f"{name}_weights"),
                model["pattern"],
            )
            for name, model in described["words"].items()
        }
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise BotlibError(f"the head in {folder} is damaged ({error}): train it again") from error
    return Blend(described["task"], words, arrays)


def add(
    folder: Path,
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    seed: int = 2020,
    progress: bool = False,
) -> bool:
    """Fits a head for a trained classifier and puts it into its folder, where `Scorer` finds it.

    Args:
      folder: what `bert.train` wrote for its task, trained on `first`.
      first, second: see `fit`; at most `MAX_HEAD_ROWS` of `second` are scored, in whole threads.
      seed: of the draw.
      progress: show a bar while the encoder scores `second`.

    Returns:
      Whether there were rows enough for a head; without one the encoder judges alone.
    """
    from botlib.bert.scorer import Scorer

    scorer = Scorer(folder, blended=False)
    second = _whole_threads(second, scorer.task, seed)
    encoder = scorer.logits(second["comment"].tolist(), second["reply"].tolist(), progress)
    head = fit(first, second, encoder, task=scorer.task, seed=seed)
    if head is not None:
        head.save(Path(folder))
        kind = f"bert_{scorer.task}"
        model_files.declare(folder, kind, [*model_files.needed(Path(folder), kind), ARRAYS, WORDS])
    return head is not None


def _whole_threads(frame: pd.DataFrame, task: str, seed: int) -> pd.DataFrame:
    if task == "rank":
        frame = frame[frame.duplicated("comment_id", keep=False)]
    threads = frame["submission_id" if "submission_id" in frame else "comment_id"]
    place = np.random.default_rng(seed).permutation(threads.nunique())
    order = place[pd.factorize(threads)[0]]
    kept = np.cumsum(np.bincount(order)) <= MAX_HEAD_ROWS
    return frame[kept[order]] if len(frame) > MAX_HEAD_ROWS else frame


def fit(
    first: pd.DataFrame, second: pd.DataFrame, encoder: np.ndarray, *, task: str, seed: int = 2020
) -> Blend | None:
    """Fits words on `first`, and the head on `second`.

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
    if task == "rank":
        return _fit_rank(first, second, encoder, seed)
    label = LABELS[task]
    if len(second) < MIN_ROWS or second[label].nunique() < encoder.shape[1]:
        return None
    return _fit_classes(first, second, encoder, task, seed)


def _fit_classes(first, second, encoder, task, seed) -> Blend:
    from sklearn.linear_model import LogisticRegression

    from botlib.evaluation import baselines

    label = LABELS[task]
    fitted = baselines.fit(baselines.TFIDF, first, label, max_rows=MAX_WORD_ROWS, seed=seed)
    texts, (coef, intercept) = fitted.pipeline[0], _per_class(fitted.pipeline[-1])
    words, start = {}, 0
    for name in ("comment", "reply"):
        vectorizer = texts.named_transformers_[name]
        stop = start + len(vectorizer.get_feature_names_out())
        words[name] = Words.of(vectorizer, coef[:, start:stop].T)
        start = stop
    return _head(
        Blend(task, words, {"words_intercept": intercept}),
        (encoder, second["comment"].tolist(), second["reply"].tolist()),
        lambda features: LogisticRegression(C=0.1, max_iter=300).fit(features, second[label]),
    )


def _fit_rank(first, second, encoder, seed) -> Blend | None:
    from sklearn.linear_model import LogisticRegression

    from botlib.bert import rank
    from botlib.evaluation import baselines
    from botlib.evaluation.ranking import sibling_pairs

    pairs = sibling_pairs(second, max_hours=np.inf, min_age_hours=0)
    if len(pairs) < MIN_ROWS:
        return None
    vectorizer, weights = baselines.fit_rank_words(first, seed=seed)
    words = {"reply": Words.of(vectorizer, weights[:, None])}
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    sign = np.where(np.arange(len(pairs)) % 2, 1, -1)
    # Time is a feature of the fit, not of the head: what it explains is not put on the text
    times = rank.time_features(second)

    def fitted(features: np.ndarray):
        both = np.hstack([features, times])
        differences = (both[better] - both[worse]) * sign[:, None]
        model = LogisticRegression(C=0.1, fit_intercept=False, max_iter=300)
        model.fit(differences, sign, sample_weight=rank.pair_weights(second, pairs))
        model.coef_ = model.coef_[:, : features.shape[1]]
        model.intercept_ = np.zeros(1)
        return model

    texts = second["comment"].tolist(), second["reply"].tolist()
    return _head(Blend("rank", words, {"words_intercept": np.zeros(1)}), (encoder, *texts), fitted)


def _head(blend: Blend, inputs: tuple, fitted) -> Blend:
    features = blend._features(*inputs)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    model = fitted((features - mean) / scale)
    ranks = blend.task not in LABELS
    coef, intercept = (model.coef_, model.intercept_) if ranks else _per_class(model)
    head = {"mean": mean, "scale": scale, "head": coef.T, "intercept": intercept}
    return Blend(blend.task, blend._words, {**blend._arrays, **head})


def _per_class(model) -> tuple[np.ndarray, np.ndarray]:
    """Returns (classes, features) and (classes,): two classes share one row in scikit-learn."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    nought = np.zeros_like(model.coef_)
    return np.vstack([nought, model.coef_]), np.concatenate([[0.0], model.intercept_])
