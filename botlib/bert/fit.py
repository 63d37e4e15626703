"""Does a reply answer its comment? Vectors of both texts, and the words they share; NumPy alone.

Three forms, of which training ships what judges best on validation threads: "trained" (projections
of the vectors, together with both cosines and the lengths), "vector cosine" and "TF-IDF cosine".
`fit_training` fits all three.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from botlib import model_files
from botlib.bert.blend import Words
from botlib.bert.embed import PARTS as EMBEDDER
from botlib.bert.embed import Embedder
from botlib.errors import BotlibError

KIND = "bert_fit"
TRAINED, VECTORS, WORDS = "trained", "vector cosine", "TF-IDF cosine"
# What each form looks at, in the order of its weights
FEATURES = {
    TRAINED: ("projected", "vectors", "words", "both", "comment_words", "reply_words"),
    VECTORS: ("vectors",),
    WORDS: ("words",),
}
ARRAYS, VOCABULARY = "fit.npz", "fit_words.json"


def parts(form: str, encoder: bool) -> list[str]:
    """Returns the files that a form needs."""
    embedder = EMBEDDER if encoder and form != WORDS else ()
    return ["config.json", ARRAYS, VOCABULARY, *embedder]


class Fit:
    """A trained judge of fit.

    Args:
      folder: what `fit_training.train` wrote.
      threads: CPU cores to use; 0: all.
      form: one of `FEATURES`; None: what validation chose.

    Attributes:
      config: what config.json says.
      form: which form judges.
      threshold: at least so probable are all but `config["refused"]` of the real replies.

    Raises:
      BotlibError: the folder is missing, damaged, or lacks a part.
    """

    task = "fit"
    classes = ("fit",)

    def __init__(self, folder: Path, threads: int = 0, form: str | None = None) -> None:
        folder = Path(folder)
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self.form = form or self.config["form"]
            self.threshold = float(self.config["threshold"])
            model_files.needed(folder, KIND)
            stored = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                self.arrays = {name: arrays[name].astype(np.float32) for name in arrays.files}
            self._words = Words(
                stored["vocabulary"],
                self.arrays.pop("idf"),
                self.arrays.pop("word_vectors"),
                stored["pattern"],
            )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BotlibError(
                f"no judge of fit in {folder} ({error}): run {model_files.KINDS[KIND]}"
            ) from error
        self.precision = "int8" if self.config["encoder"] else "fp32"
        self._embedder = None
        if self.form != WORDS and self.config["encoder"]:
            self._embedder = Embedder(folder, self.config["do_lower_case"], threads)

    def predict(
        self, comments: Sequence[str], replies: Sequence[str], progress: bool = False
    ) -> np.ndarray:
        """Returns the probability that each reply answers its comment, float32 (n,).

        Against a real reply to another comment, one of two: half of these from the same thread,
        half from the same subreddit.

        Raises:
          BotlibError: there are not as many replies as comments.
        """
        if len(comments) != len(replies):
            raise BotlibError(f"{len(comments)} comments, but {len(replies)} replies")
        features = self.features(list(comments), list(replies), progress)
        return judge(self.arrays, self.form, features)

    def features(
        self, comments: list[str], replies: list[str], progress: bool = False
    ) -> dict[str, np.ndarray]:
        """Returns what the form looks at: name → (n,)."""
        names = FEATURES[self.form]
        features = (
            {"words": word_cosine(self._words, comments, replies)} if "words" in names else {}
        )
        if "vectors" in names:
            vectors = self.vectors([*comments, *replies], progress)
            first, second = vectors[: len(comments)], vectors[len(comments) :]
            features |= vector_features(first, second, self.arrays)
        if self.form == TRAINED:
            features |= lengths(comments, replies) | {
                "both": features["projected"] * features["vectors"]
            }
        return features

    def read_with(self, embedder: Embedder) -> None:
        """Lets another session of the same frozen encoder read, which remembers texts."""
        self._embedder = embedder

    def vectors(self, texts: list[str], progress: bool = False) -> np.ndarray:
        """Returns a vector of length 1 for each text: the encoder's, or of its words."""
        if self._embedder is None:
            return word_vectors(self._words, texts)
        return self._embedder.embed(texts, progress)


def predict_all_forms(
    folder: Path, comments: Sequence[str], replies: Sequence[str], progress: bool = True
) -> dict[str, np.ndarray]:
    """Returns P(fits) of "fit", the form that validation chose, and of the others by their names.

    The texts are read once; see `Fit.predict`.
    """
    trained, chosen = Fit(folder, form=TRAINED), Fit(folder)
    features = trained.features(list(comments), list(replies), progress)
    scores = {form: judge(trained.arrays, form, features) for form in FEATURES}
    return {"fit": scores.pop(chosen.form), **scores}


def judge(arrays: dict[str, np.ndarray], form: str, features: dict[str, np.ndarray]) -> np.ndarray:
    """Returns P(fits), float32 (n,), from what a form looks at and its weights."""
    columns = np.column_stack([features[name] for name in FEATURES[form]]).astype(np.float64)
    get = {name: arrays[f"{form} {name}"] for name in ("mean", "scale", "weights", "intercept")}
    columns = (columns - get["mean"]) / get["scale"]
    if f"{form} hidden" in arrays:
        # One hidden layer: how much a cosine says depends on the lengths
        columns = np.maximum(columns @ arrays[f"{form} hidden"] + arrays[f"{form} bias"], 0)
    logits = columns @ get["weights"] + float(get["intercept"])
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def vector_features(
    first: np.ndarray, second: np.ndarray, arrays: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns the cosines of comments' and replies' vectors, as they are and projected."""
    features = {"vectors": (first * second).sum(axis=1)}
    if "of_comment" in arrays:
        ours, theirs = project(first, arrays["of_comment"]), project(second, arrays["of_reply"])
        features["projected"] = (ours * theirs).sum(axis=1)
    return features


def project(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns vectors · matrix, each of length 1."""
    return unit(vectors @ matrix)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Returns the rows, each of length 1; a row of zeros stays one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def word_vectors(words: Words, texts: Sequence[str]) -> np.ndarray:
    """Returns vectors of words that are used alike (latent semantic analysis), of length 1."""
    return unit(words.logits(texts)).astype(np.float32)


def word_cosine(words: Words, comments: Sequence[str], replies: Sequence[str]) -> np.ndarray:
    """Returns the cosine of each pair's TF-IDF vectors, float32 (n,)."""
    distinct = dict.fromkeys([*comments, *replies])
    vectors = {}
    for text in distinct:
        rows, values = words.vector(text)
        vectors[text] = dict(zip(rows.tolist(), values.tolist(), strict=True))
    return np.array(
        [_dot(vectors[c], vectors[r]) for c, r in zip(comments, replies, strict=True)], np.float32
    )


def lengths(comments: Sequence[str], replies: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns the logarithms of the texts' words: a short reply fits many comments."""
    return {
        name: np.log1p([len(text.split()) for text in texts]).astype(np.float32)
        for name, texts in (("comment_words", comments), ("reply_words", replies))
    }


def _dot(first: dict[int, float], second: dict[int, float]) -> float:
    short, long = (first, second) if len(first) < len(second) else (second, first)
    return sum(value * long.get(row, 0.0) for row, value in short.items())
