"""Training examples from a table of pairs: encoded texts, labels, weights and siblings, checked."""

import dataclasses

import numpy as np
import pandas as pd

from botlib.bert.features import EncodedPairs, PairFeatures
from botlib.errors import BotlibError

# task → (the column that holds the label, the classes' names in order)
TASKS: dict[str, tuple[str, list[str]]] = {
    "realism": ("real", ["fake", "real"]),
    "upvotes": ("rating", ["rating_0", "rating_1", "rating_2", "rating_3"]),
    "rank": ("reply_score", []),
}
# What a batch holds beside BERT's inputs and the groups, as float32
TARGETS = ("labels", "weights", "times", "offsets")
# Lengths are rounded up to this: matrix kernels like it, and fewer shapes are met
LENGTH_MULTIPLE = 8


@dataclasses.dataclass(frozen=True)
class Examples:
    """Encoded pairs with what is to be learned about them; every array has one entry a pair.

    Attributes:
      pairs: the features.
      labels: class numbers (int), or scores (float) for ranking.
      weights: how much each pair counts in the loss.
      groups: which pairs are siblings (the same number); -1 throughout where it doesn't matter.
      times: seconds; siblings are compared only if they are close in time.
      offsets: what a pair's ranking score owes to other things than its text, in log-odds.
    """

    pairs: EncodedPairs
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    times: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the padded inputs and the targets of some pairs."""
        return {
            **self.pairs.pad(rows, multiple=LENGTH_MULTIPLE),
            "groups": self.groups[rows].astype(np.int32),
            **{name: getattr(self, name)[rows].astype(np.float32) for name in TARGETS},
        }


def checked(frame: pd.DataFrame, task: str, role: str) -> pd.DataFrame:
    """Returns the pairs that a task can learn from; for "rank" those whose siblings differ.

    Raises:
      BotlibError: no pairs, a missing column, labels out of range, one class only.
    """
    if task not in TASKS:
        raise BotlibError(f"task must be one of {', '.join(TASKS)}; not {task!r}")
    label, classes = TASKS[task]
    required = ["comment", "reply", label] + ([] if classes else ["comment_id"])
    if missing := [column for column in required if column not in frame.columns]:
        raise BotlibError(f"the {role} pairs lack the column {missing[0]!r}")
    if frame.empty:
        raise BotlibError(
            f"there are no {role} pairs for {task}: "
            "get more data with 01_data, or check the column split of bert_gan_real.csv"
        )
    if classes:
        present = sorted(frame[label].unique())
        if bad := [value for value in present if value not in range(len(classes))]:
            raise BotlibError(
                f"the {role} pairs have {label} {bad[0]}, not 0 to {len(classes) - 1}"
            )
        if len(present) == 1:
            raise BotlibError(
                f"all {len(frame)} {role} pairs have {label} {present[0]}: "
                "a classifier needs at least two classes"
            )
        return frame.reset_index(drop=True)
    counts = frame.groupby("comment_id")[label].transform("nunique")
    if not (counts > 1).any():
        raise BotlibError(
            f"no two {role} replies to one comment have different scores, so there is nothing to "
            "rank: get more data with 01_data"
        )
    return frame[counts > 1].reset_index(drop=True)


def draw(frame: pd.DataFrame, task: str, rows: int, seed: int) -> pd.DataFrame:
    """Returns at most `rows` pairs, drawn by the seed; siblings are drawn together."""
    if not rows or len(frame) <= rows:
        return frame
    generator = np.random.default_rng(seed)
    if task != "rank":
        return frame.iloc[np.sort(generator.permutation(len(frame))[:rows])].reset_index(drop=True)
    codes, names = pd.factorize(frame["comment_id"])
    place = generator.permutation(len(names))[codes]
    fits = np.cumsum(np.bincount(place)) <= rows
    return frame[fits[place]].reset_index(drop=True)


def examples_of(
    frame: pd.DataFrame, task: str, features: PairFeatures, class_weights: str
) -> Examples:
    """Returns the pairs encoded, with what is to be learned about them."""
    label, classes = TASKS[task]
    labels = frame[label].to_numpy(np.float64 if task == "rank" else np.int64)
    weights = np.ones(len(frame))
    groups, times, offsets = np.full(len(frame), -1), np.zeros(len(frame)), np.zeros(len(frame))
    if classes and class_weights == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        weights = (len(labels) / ((counts > 0).sum() * np.maximum(counts, 1)))[labels]
    if task == "rank":
        groups = pd.factorize(frame["comment_id"])[0]
        if "offset" in frame:
            offsets = frame["offset"].to_numpy(np.float64)
        elif "reply_created_utc" in frame:
            created = frame["reply_created_utc"].astype("Float64")
            # Since the first sibling: float32 can't tell two seconds of this century apart
            first = created.groupby(groups).transform("min")
            times = (created - first).fillna(0).to_numpy(np.float64)
    pairs = features.encode(frame["comment"].tolist(), frame["reply"].tolist())
    return Examples(pairs, labels, weights, groups, times, offsets)
