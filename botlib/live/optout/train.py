"""Trains the classifier on the sentences beside it: `python -m botlib.live.optout.train`."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from botlib.live.optout import classifier
from botlib.live.optout.clauses import clauses_of, without_quotes
from botlib.live.optout.grammar import DELETE, STOP
from botlib.live.safety.train import readings

PENALTY = 3.0
# Of one line's readings; more would drown the lines with few
MOST_READINGS = 40
# How much a line of talk without choices counts: a near miss, written for its own sake
NEAR_MISS = 5.0
_KINDS = {
    "stop": {STOP},
    "delete": {DELETE},
    "both": {STOP, DELETE},
    "ordinary": set(),
}


def training_sentences() -> Iterator[tuple[set[str], str, float]]:
    """Yields (what it asks for, sentence, weight); the safety filter's sentences are talk."""
    folder = resources.files(__package__) / "sentences"
    for name, kinds in _KINDS.items():
        for line in _lines(folder / f"{name}.txt"):
            several = readings(line, MOST_READINGS)
            for reading in several:
                yield kinds, reading, 1.0 if kinds or len(several) > 1 else NEAR_MISS
    talk = resources.files("botlib.live.safety") / "sentences"
    for name in ("harmless", "harassment", "crisis", "legal", "medical", "personal"):
        for line in _lines(talk / f"{name}.txt"):
            for reading in readings(line, MOST_READINGS // 4):
                yield set(), reading, 1.0


def _lines(path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("# ")]


def train(path: Path | None = None) -> Path:
    """Fits one logistic regression a kind, stores int8 weights, returns where.

    Args:
      path: of the `.npz`; by default the one that the bot reads.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    kinds, texts, counts = zip(*training_sentences(), strict=True)
    rows = [
        classifier.features(
            classifier.words_of([clause for _, clause in clauses_of(without_quotes(text))])
        )
        for text in texts
    ]
    values = np.concatenate([np.full(len(row), 1 / classifier.length(row)) for row in rows])
    indptr = np.cumsum([0, *map(len, rows)])
    shape = (len(rows), classifier.SLOTS)
    matrix = sparse.csr_matrix((values, np.concatenate(rows), indptr), shape)
    models = [
        LogisticRegression(C=PENALTY, max_iter=300).fit(
            matrix, [kind in asked for asked in kinds], counts
        )
        for kind in classifier.KINDS
    ]
    weights = np.concatenate([model.coef_ for model in models]).T
    scale = np.float32(np.abs(weights).max() / 127)
    stored = {
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale,
        "bias": np.concatenate([model.intercept_ for model in models]).astype(np.float32),
    }
    target = path or Path(str(resources.files(__package__) / classifier.WEIGHTS))
    np.savez_compressed(target, **stored)
    print(f"{len(texts):,} sentences, {target.stat().st_size / 1024:.0f} KB: {target}")
    return target


if __name__ == "__main__":
    train()
