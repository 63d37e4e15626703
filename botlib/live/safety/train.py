"""Trains the classifier on the sentences beside it: `python -m botlib.live.safety.train`."""

import itertools
import random
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from botlib.live import linear
from botlib.live.safety import classifier
from botlib.live.safety.normalise import plain
from botlib.live.safety.rules import FILES, KINDS

# The most readings of a line; more would outweigh lines with few
MOST_READINGS = 60
# scikit-learn's C: large, since rows are short
PENALTY = 750.0


def training_sentences() -> Iterator[tuple[str, str]]:
    """Yields (kind, sentence); the kind is "" for what a bot may answer."""
    folder = resources.files(__package__) / "sentences"
    harmless: list[str] = []
    for kind in (*KINDS, ""):
        path = folder / f"{FILES.get(kind, kind) or 'harmless'}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for reading in linear.readings(line, MOST_READINGS):
                    yield kind, reading
                    if not kind:
                        harmless.append(reading)
    # Also long sentences, or many harmless words would add up to an alarm
    random.Random(0).shuffle(harmless)
    for sentence, next_sentence in itertools.pairwise(harmless):
        yield "", f"{sentence} and {next_sentence}"


def train(path: Path | None = None) -> Path:
    """Fits a logistic regression for each kind; returns the path of the int8 weights.

    Args:
      path: of the `.npz`; by default the one that the bot reads.
    """
    kinds, texts = zip(*training_sentences(), strict=True)
    rows = [
        classifier.features(list(itertools.chain(*classifier.sentences(plain(t))))) for t in texts
    ]
    target = path or Path(str(resources.files(__package__) / linear.WEIGHTS))
    return linear.fit(
        rows,
        [[other == kind for other in kinds] for kind in KINDS],
        target,
        slots=classifier.SLOTS,
        length=classifier.length,
        penalty=PENALTY,
    )


if __name__ == "__main__":
    train()
