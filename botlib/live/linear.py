"""A small linear text classifier over hashed words and pieces of words: log-odds by kind.

The safety filter and the opt-out requests share it. Inference needs only NumPy; `fit` needs
scikit-learn, and is run by hand when the training sentences of a classifier change.
"""

import random
import re
import zlib
from collections.abc import Callable, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np

WEIGHTS = "weights.npz"
_CHOICE = re.compile(r"\{([^{}]*)\}")


def features(words: list[str], slots: int) -> np.ndarray:
    """Returns the sorted hash slots of a text's words, runs of two and three words, and pieces.

    Args:
      words: of one text, in order.
      slots: their number, a power of two.
    """
    names = {f"1{word}" for word in words}
    padded = ["^", *words, "$"]
    names |= {f"2{a} {b}" for a, b in pairwise(padded)}
    names |= {f"3{a} {b} {c}" for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)}
    names |= {f"4{a} {b}" for a, b in zip(words, words[2:], strict=False)}
    for word in set(words):
        if len(word) > 3:
            word_with_edges = f"<{word}>"
            names |= {f"5{word_with_edges[i : i + 4]}" for i in range(len(word_with_edges) - 3)}
    hashes = [zlib.crc32(name.encode()) % slots for name in names]
    return np.unique(np.array(hashes, np.int64))


def load(package: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns weights of shape (slots, kinds) and biases of shape (kinds,), both float32."""
    with resources.files(package).joinpath(WEIGHTS).open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        return stored["weights"].astype(np.float32) * stored["scale"], stored["bias"]


def readings(line: str, most: int) -> list[str]:
    """Returns up to `most` different readings of a line with choices, `{a|b}`, always the same."""
    draw = random.Random(zlib.crc32(line.encode()))
    unique_readings: dict[str, None] = {}
    for _ in range(most * 3):
        text = line
        while _CHOICE.search(text):
            text = _CHOICE.sub(lambda match: draw.choice(match[1].split("|")), text)
        unique_readings[" ".join(text.replace(" ,", ",").split())] = None
        if len(unique_readings) == most:
            break
    return list(unique_readings)


def fit(
    rows: Sequence[np.ndarray],
    labels: Sequence[Sequence[bool]],
    target: Path,
    *,
    slots: int,
    length: Callable[[np.ndarray], float],
    penalty: float,
    counts: Sequence[float] | None = None,
) -> Path:
    """Fits one logistic regression a kind and stores int8 weights; returns where.

    Args:
      rows: what `features` returned, one a text.
      labels: for each kind, whether each text is of it.
      target: the `.npz` to write.
      slots: as for `features`.
      length: what a text's weights are divided by, from its slots.
      penalty: scikit-learn's `C`.
      counts: how much each text counts; None: all alike.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([np.full(len(row), 1 / length(row)) for row in rows])
    indptr = np.cumsum([0, *map(len, rows)])
    matrix = sparse.csr_matrix((values, np.concatenate(rows), indptr), (len(rows), slots))
    models = [
        LogisticRegression(C=penalty, max_iter=300).fit(matrix, list(kind), counts)
        for kind in labels
    ]
    weights = np.concatenate([model.coef_ for model in models]).T
    scale = np.float32(np.abs(weights).max() / 127)
    np.savez_compressed(
        target,
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale,
        bias=np.concatenate([model.intercept_ for model in models]).astype(np.float32),
    )
    print(f"{len(rows):,} sentences, {target.stat().st_size / 1024:.0f} KB: {target}")
    return target
