"""A small linear head over the encoder's output, word counts and the form of the text.

A fine-tuned encoder knows what a text means, TF-IDF remembers single words of far more texts than
the encoder had time for, and form (length, questions, thanks) costs nothing. What is stored is
arrays and a word list; scoring needs neither TensorFlow nor scikit-learn. `blend_training` fits
the head.
"""

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from botlib.bert.embed import Embedder
from botlib.errors import BotlibError
from botlib.probabilities import log_softmax
from botlib.workspace import atomic_file

ARRAYS, WORDS = "blend.npz", "blend_words.json"
# Frozen vectors of a head, and their vocabulary
VECTORS = ("vectors.onnx", "vectors_vocab.txt")
# From so many replies on a bar is shown
LONG_WORK = 2000
# Shares of a text's tokens, so that a long text doesn't count twice
_SHARES = {
    "question": r"\?",
    "exclamation": r"!",
    "quotation": r"(?m)^>",
    "link": r"https?://|\]\(",
    "digit": r"\d",
    "line": r"\n",
    "capitals": r"\b[A-Z]{2,}\b",
    "capital": r"[A-Z]",
    "comma": r",",
    "full_stop": r"\.",
    "ellipsis": r"\.\.\.|…",
    "bracket": r"\(",
    "emphasis": r"\*",
    "emoji": r"[\U0001F300-\U0001FAFF\u2600-\u27BF]",
    "i": r"\b[Ii](?:'m|'ve|'d|'ll)?\b",
    "you": r"(?i)\byou(?:r|'re|'ll|'ve)?\b",
    "we": r"(?i)\b(?:we|our|us)\b",
    "they": r"(?i)\b(?:they|their|them|he|she|his|her)\b",
    "negation": r"(?i)\b(?:not|no|never|none|nothing)\b|n't\b",
    "thanks": r"(?i)\bthank(?:s| you)\b",
    "sorry": r"(?i)\bsorry\b",
    "laughter": r"(?i)\b(?:lol|lmao|haha+|rofl)\b",
    "swearing": r"(?i)\b(?:fuck\w*|shit\w*|damn|hell|crap)\b",
    "contrast": r"(?i)\b(?:but|however|though|although)\b",
    "hedge": r"(?i)\b(?:maybe|perhaps|probably|might|seems?|guess|think)\b",
    "agreement": r"(?i)\b(?:agree|exactly|this|same|true|yes|yeah|yep)\b",
    "disagreement": r"(?i)\b(?:disagree|wrong|actually|incorrect|nope)\b",
    "advice": r"(?i)\b(?:should|try|recommend|suggest|advice|make sure)\b",
}
_SURFACE_TOKEN = re.compile(r"\w+|[^\w\s]")
_SENTENCE = re.compile(r"[.!?\n]+")
_FORMS = ("log_chars", "log_words", "word_length", "distinct", "begins_capital", "ends_sentence")
_PATTERNS = [re.compile(pattern) for pattern in _SHARES.values()]
SURFACE_NAMES = (*_FORMS, "log_sentence", *_SHARES)


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
            rows, values = self.vector(text)
            if len(rows):
                result[number] = values @ self.weights[rows]
        return result

    def vector(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns a text's TF-IDF vector of length 1: the rows that aren't 0, and their values."""
        tokens = self._token.findall(text.lower())
        pairs = (f"{a} {b}" for a, b in itertools.pairwise(tokens))
        counts: dict[int, int] = {}
        for gram in (*tokens, *pairs):
            if (row := self._row_of.get(gram)) is not None:
                counts[row] = counts.get(row, 0) + 1
        rows = np.fromiter(counts, dtype=int)
        values = (1 + np.log(np.fromiter(counts.values(), dtype=float))) * self.idf[rows]
        return rows, values / max(float(np.linalg.norm(values)), 1e-12)


# The judges of a task: the encoder alone, with the head, and three that need no fine-tuned encoder:
# words, form and frozen vectors (if there are any) together, words alone, and for a rank the length
ENCODER, HEAD, PLAIN, TFIDF, LENGTH = "encoder", "head", "words and form", "TF-IDF", "length"
JUDGES = (ENCODER, HEAD, PLAIN, TFIDF, LENGTH)


class Blend:
    """A fitted head; see `blend_training.fit` and `load`.

    Attributes:
      task: "realism", "upvotes" or "rank".
      words: by "comment" and "reply", linear models over TF-IDF.
      arrays: the head's weights; see `blend_training`.
      embedder: reads texts for the frozen vectors; None where the head has none.
    """

    def __init__(
        self,
        task: str,
        words: dict[str, Words],
        arrays: dict[str, np.ndarray],
        embedder: Embedder | None = None,
    ) -> None:
        self.task, self.words, self.arrays, self.embedder = task, words, arrays, embedder

    def logits(
        self,
        encoder: np.ndarray,
        comments: Sequence[str],
        replies: Sequence[str],
        judge: str = HEAD,
    ) -> np.ndarray:
        """Returns a judge's logits, (n, classes), or for ranking scores, (n, 1).

        Args:
          encoder: the encoder's logits for the same pairs, of the same shape; only `HEAD` and
            `ENCODER` look at them.
          comments: one for each reply.
          replies: what answers them.
          judge: one of `JUDGES`.
        """
        comments, replies = list(comments), list(replies)
        if judge == ENCODER:
            return encoder
        if judge == TFIDF:
            return self.word_logits(comments, replies)
        if judge == LENGTH:
            return np.log1p([len(text) for text in replies])[:, None]
        return self.of_features(self.features(encoder, comments, replies), judge)

    def of_features(self, features: np.ndarray, judge: str = HEAD) -> np.ndarray:
        """Returns the logits of `HEAD` or `PLAIN` from `features`."""
        scaled = (features - self.arrays["mean"]) / self.arrays["scale"]
        end = "" if judge == HEAD else "_plain"
        return scaled @ self.arrays[f"head{end}"] + self.arrays[f"intercept{end}"]

    def word_logits(self, comments: list[str], replies: list[str]) -> np.ndarray:
        """Returns what TF-IDF alone says, (n, classes) or (n, 1)."""
        words = np.asarray(self.arrays["words_intercept"])
        words = words + self.words["reply"].logits(replies)
        if "comment" in self.words:
            words = words + self.words["comment"].logits(comments)
        return words

    def vector_logits(self, comments: list[str], replies: list[str]) -> np.ndarray:
        """Returns what the frozen vectors say, (n, classes) or (n, 1)."""
        both = self.embedder.embed([*comments, *replies], progress=len(replies) > LONG_WORK)
        pairs = pair_vectors(both[: len(comments)], both[len(comments) :], self.task)
        return pairs @ self.arrays["vector_weights"] + self.arrays["vector_intercept"]

    def features(self, encoder, comments, replies) -> np.ndarray:
        """Returns the head's inputs, (n, features)."""
        parts = [np.asarray(encoder, float), self.word_logits(comments, replies)]
        if self.embedder is not None:
            parts.append(self.vector_logits(comments, replies))
        if self.task == "rank":
            # The comment is the same for all that are compared
            return np.hstack([*parts, surface(replies)])
        forms = [surface(replies), surface(comments)]
        return np.hstack([*(log_softmax(part) for part in parts), *forms])

    def save(self, folder: Path) -> None:
        words = {
            name: {"vocabulary": model.vocabulary, "pattern": model.pattern}
            for name, model in self.words.items()
        }
        with atomic_file(folder / WORDS) as file:
            described = {"task": self.task, "words": words}
            if self.embedder is not None:
                described["do_lower_case"] = self.embedder.do_lower_case
            json.dump(described, file, ensure_ascii=False)
        arrays = dict(self.arrays)
        for name, model in self.words.items():
            arrays |= {f"{name}_idf": model.idf, f"{name}_weights": model.weights}
        with atomic_file(folder / ARRAYS, "wb") as file:
            np.savez_compressed(file, **{k: np.asarray(v, np.float32) for k, v in arrays.items()})


def pair_vectors(comments: np.ndarray, replies: np.ndarray, task: str) -> np.ndarray:
    """Returns what a linear model over frozen vectors looks at, float32 (n, features)."""
    # Unit vectors have small entries: ten times as large, they are about as large as other features
    first, second = 10 * comments, 10 * replies
    return np.hstack([second, first * second] if task == "rank" else [first, second])


def load(folder: Path, threads: int = 0) -> Blend | None:
    """Returns the head in a model's folder, or None if it has none.

    Args:
      folder: the model's.
      threads: CPU cores to read texts with; 0: all.

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
    embedder = None
    if "vector_weights" in arrays:
        embedder = Embedder(folder, described["do_lower_case"], threads, VECTORS)
    return Blend(described["task"], words, arrays, embedder)


def surface(texts: Sequence[str]) -> np.ndarray:
    """Returns float32 features of each text's form, (n, len(SURFACE_NAMES)): no model needed."""
    features = np.zeros((len(texts), len(SURFACE_NAMES)), dtype=np.float32)
    for row, text in enumerate(texts):
        tokens = _SURFACE_TOKEN.findall(text)
        words = [token.lower() for token in tokens if token.isalnum()]
        count = max(1, len(words))
        form = (
            np.log1p(len(text)),
            np.log1p(len(words)),
            sum(map(len, words)) / count,
            len(set(words)) / count,
            text[:1].isupper(),
            text[-1:] in (".", "!", "?"),
            np.log1p(count / max(1, len(_SENTENCE.findall(text)))),
        )
        shares = [len(pattern.findall(text)) / max(1, len(tokens)) for pattern in _PATTERNS]
        features[row] = (*form, *shares)
    return features
