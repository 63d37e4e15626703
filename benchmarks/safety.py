"""What the safety filter stops, by kind, and what it stops by mistake among real comments.

`--choose` finds the classifier's thresholds on the first half of the comments; the table is
measured on the other half of another draw, and on sentences that nothing was trained on.
"""

import argparse
import random
import statistics
import time
from collections import Counter
from pathlib import Path

import numpy as np
import orjson
from scipy.stats import binomtest

from benchmarks.report import row, write
from botlib.data.dumps.files import blocks
from botlib.live.safety import KINDS, concern
from botlib.live.safety.classifier import scores
from botlib.live.safety.normalise import views
from botlib.live.safety.rules import FILES, first_phrase

SENTENCES = Path(__file__).parents[1] / "tests" / "live" / "safety" / "sentences"
COMMENTS = 20_000
# Of the comments that no phrase stops, by each kind of the classifier
EACH = 0.0002
# What the list of phrases of version 0.1.0 stopped of the same sentences and comments
BEFORE = {
    "crisis": 5,
    "medical advice": 4,
    "legal advice": 3,
    "harassment": 8,
    "minors": 7,
    "personal data": 8,
    "harmless": 9,
    "comments": 76,
    "milliseconds": 0.050,
}
# What this filter stopped when it first met these sentences. Phrases that it lacked were added
# since, so this, not the count of today, says how many unseen wordings it stops.
FIRST = {
    "crisis": 23,
    "medical advice": 27,
    "legal advice": 27,
    "harassment": 29,
    "minors": 27,
    "personal data": 32,
    "harmless": 6,
}


def sentences(name: str) -> list[str]:
    """Returns the held-out sentences of a kind, or the "harmless" ones."""
    text = (SENTENCES / f"{FILES.get(name, name)}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Returns Wilson's 95 % interval of a share."""
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def comments(folder: Path, count: int = COMMENTS, seed: int = 0) -> list[str]:
    """Returns comments drawn from dumps: each with its text, deleted ones left out."""
    draw = random.Random(seed)
    kept: list[str] = []
    seen = 0
    for path in sorted(folder.glob("*_comments.zst")):
        for block in blocks(path):
            for line in block.splitlines():
                text = orjson.loads(line).get("body") or ""
                if text in ("", "[deleted]", "[removed]"):
                    continue
                seen += 1
                # Each of those seen is kept with the same chance (reservoir sampling)
                if len(kept) < count:
                    kept.append(text)
                elif (place := draw.randrange(seen)) < count:
                    kept[place] = text
    draw.shuffle(kept)
    return kept


def choose(texts: list[str]) -> None:
    """Prints the thresholds at which each kind of the classifier stops the share EACH."""
    read = [views(text) for text in texts]
    values = np.array([scores(reading[0])[0] for reading in read if not first_phrase(reading)[0]])
    for kind, threshold in zip(KINDS, np.quantile(values, 1 - EACH, axis=0), strict=True):
        print(f'    "{kind}": {threshold:.1f},')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=Path, default=Path("../shared/data/reddit_college"))
    parser.add_argument("--seed", type=int, default=11, help="of the draw of comments")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--show", type=int, default=0, help="prints that many alarms to look at")
    arguments = parser.parse_args()
    texts = comments(arguments.dumps, seed=0 if arguments.choose else arguments.seed)
    half = len(texts) // 2
    if arguments.choose:
        choose(texts[:half])
        return
    peer = "the list of phrases of 0.1.0"
    rows = []
    for kind in (*KINDS, "harmless"):
        given = sentences(kind)
        stopped = sum(bool(concern(text)) for text in given)
        line = row(
            f"{kind}: sentences stopped",
            stopped,
            BEFORE[kind],
            peer,
            unit=f"of {len(given)}",
            target=None,
            runs=1,
            less_is_better=kind == "harmless",
        )
        first = [FIRST[kind], *wilson(FIRST[kind], len(given))]
        rows.append(line | {"interval": wilson(stopped, len(given)), "at first sight": first})
    alarms, times = [], []
    for text in texts[half:]:
        began = time.process_time()
        # Past the memory of texts already judged
        reason = concern.__wrapped__(text)
        times.append((time.process_time() - began) * 1e3)
        if reason:
            alarms.append((reason, text))
    line = row(
        "real comments stopped",
        len(alarms),
        BEFORE["comments"],
        peer,
        unit=f"of {half}",
        target=None,
        runs=1,
    )
    kinds = Counter(reason.split(" (")[0] for reason, _ in alarms)
    rows.append(line | {"interval": wilson(len(alarms), half), "kinds": dict(kinds)})
    rows.append(
        row(
            "a real comment, median",
            statistics.median(times),
            BEFORE["milliseconds"],
            peer,
            unit="ms",
            target=None,
            runs=len(times),
        )
    )
    write("safety", rows)
    for reason, text in random.Random(1).sample(alarms, min(arguments.show, len(alarms))):
        print(f"--- {reason}\n{' '.join(text.split())[:300]}")


if __name__ == "__main__":
    main()
