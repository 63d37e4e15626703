"""Trains the classifier on the sentences beside it: `python -m botlib.live.safety.train`."""

import itertools
import random
import re
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from botlib.live.safety import classifier
from botlib.live.safety.normalise import plain
from botlib.live.safety.rules import FILES, KINDS

# Of one line's readings; more would drown the lines with few
MOST_READINGS = 60
# How little large weights cost: rows are short, so this is mild
PENALTY = 750.0
_CHOICE = re.compile(r"\{([^{}]*)\}")


def readings(line: str, most: int = MOST_READINGS) -> list[str]:
    """Returns up to `most` different readings of a line with choices, `{a|b}`, always the same."""
    draw = random.Random(zlib.crc32(line.encode()))
    found: dict[str, None] = {}
    for _ in range(most * 3):
        text = line
        while _CHOICE.search(text):
            text = _CHOICE.sub(lambda match: draw.choice(match[1].split("|")), text)
        found[" ".join(text.replace(" ,", ",").split())] = None
        if len(found) == most:
            break
    return list(found)


def training_sentences() -> Iterator[tuple[str, str]]:
    """Yields (kind, sentence); the kind is "" for what a bot may answer."""
    folder = resources.files(__package__) / "sentences"
    harmless: list[str] = []
    for kind in (*KINDS, ""):
        path = folder / f"{FILES.get(kind, kind) or 'harmless'}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for reading in readings(line):
                    yield kind, reading
                    if not kind:
                        harmless.append(reading)
    # Long sentences too, or many small words would add up to an alarm
    random.Random(0).shuffle(harmless)
    for first, second in itertools.pairwise(harmless):
        yield "", f"{first} and {second}"


def train(path: Path | None = None) -> Path:
    """Fits one logistic regression a kind, stores int8 weights, returns where.

    Args:
      path: of the `.npz`; by default the one that the bot reads.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    kinds, texts = zip(*training_sentences(), strict=True)
    rows = [
        classifier.features(list(itertools.chain(*classifier.sentences(plain(t))))) for t in texts
    ]
    values = np.concatenate([np.full(len(row), 1 / classifier.length(row)) for row in rows])
    indptr = np.cumsum([0, *map(len, rows)])
    shape = (len(rows), classifier.SLOTS)
    matrix = sparse.csr_matrix((values, np.concatenate(rows), indptr), shape)
    models = [
        LogisticRegression(C=PENALTY, max_iter=300).fit(matrix, [other == kind for other in kinds])
        for kind in KINDS
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
