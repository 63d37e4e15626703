"""Trains the classifier on the sentences beside it: `python -m botlib.live.optout.train`."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from botlib.live import linear
from botlib.live.optout import classifier
from botlib.live.optout.clauses import clauses_of, without_quotes
from botlib.live.optout.grammar import DELETE, STOP

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
    """Yields (what it asks for, sentence, weight); what stands in talk.txt asks nothing."""
    folder = resources.files(__package__) / "sentences"
    for name, kinds in _KINDS.items():
        for line in _lines(folder / f"{name}.txt"):
            several = linear.readings(line, MOST_READINGS)
            for reading in several:
                yield kinds, reading, 1.0 if kinds or len(several) > 1 else NEAR_MISS
    for line in _lines(folder / "talk.txt"):
        for reading in linear.readings(line, MOST_READINGS // 4):
            yield set(), reading, 1.0


def _lines(path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("# ")]


def train(path: Path | None = None) -> Path:
    """Fits one logistic regression a kind, stores int8 weights, returns where.

    Args:
      path: of the `.npz`; by default the one that the bot reads.
    """
    kinds, texts, counts = zip(*training_sentences(), strict=True)
    rows = [
        classifier.features(
            classifier.words_of([clause for _, clause in clauses_of(without_quotes(text))])
        )
        for text in texts
    ]
    target = path or Path(str(resources.files(__package__) / linear.WEIGHTS))
    return linear.fit(
        rows,
        [[kind in asked for asked in kinds] for kind in classifier.KINDS],
        target,
        slots=classifier.SLOTS,
        length=classifier.length,
        penalty=PENALTY,
        counts=counts,
    )


if __name__ == "__main__":
    train()
