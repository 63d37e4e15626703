"""A random forest as plain arrays: fitted by scikit-learn, stored without pickle, run by NumPy."""

from pathlib import Path

import numpy as np

from botlib.errors import BotlibError

_NODES = ("feature", "threshold", "missing_left", "left", "right", "probability")
# Rows that go down all trees together: each needs a few bytes a tree
_CHUNK = 4096


class Forest:
    """A fitted RandomForestClassifier's trees.

    A pickle runs whatever code it holds and opens only under the scikit-learn that wrote it, and a
    model travels from Colab to a laptop with another version. Arrays do neither.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    @classmethod
    def from_model(cls, model) -> "Forest":
        """Returns the trees of a fitted `RandomForestClassifier`, by its documented attributes."""
        trees = [member.tree_ for member in model.estimators_]
        roots = np.cumsum([0, *(tree.node_count for tree in trees)])
        leaf = np.concatenate([tree.children_left for tree in trees]) < 0
        own = np.repeat(roots[:-1], np.diff(roots))
        children = {
            side: np.concatenate([getattr(tree, f"children_{side}") for tree in trees])
            for side in ("left", "right")
        }
        here = np.arange(roots[-1])
        values = np.concatenate([tree.value[:, 0, :] for tree in trees])
        # What an inner node says is never read, and zeros are stored in no space
        values = np.where(leaf[:, None], values / values.sum(axis=1, keepdims=True), 0)
        arrays = {
            "feature": np.concatenate([tree.feature for tree in trees]).clip(0).astype(np.int16),
            "threshold": np.concatenate([tree.threshold for tree in trees]),
            "missing_left": np.concatenate([tree.missing_go_to_left for tree in trees]) == 1,
            # A leaf leads to itself
            **{
                side: np.where(leaf, here, own + child).astype(np.int32)
                for side, child in children.items()
            },
            "probability": values.astype(np.float32),
            "roots": roots[:-1].astype(np.int32),
        }
        return cls(arrays)

    def save(self, path: Path) -> None:
        """Writes the arrays to an `.npz`."""
        np.savez_compressed(path, **self._arrays)

    @classmethod
    def load(cls, path: Path) -> "Forest":
        """Returns what `save` wrote.

        Raises:
          BotlibError: the file is missing or damaged, or botlib 0.1.0 wrote it.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                if "baseline" in stored:
                    raise BotlibError(
                        f"{path} was written by botlib 0.1.0, whose worth model this version "
                        "can't use: run 04_bert_upvotes again"
                    )
                arrays = {name: stored[name] for name in (*_NODES, "roots")}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise BotlibError(
                f"{path} can't be read ({error}): run 04_bert_upvotes again"
            ) from error
        return cls(arrays)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Returns probabilities, (n, classes), for features of shape (n, width); NaN is missing."""
        # scikit-learn compares in float32
        rows = np.asarray(features, dtype=np.float32)
        parts = [self._mean(rows[i : i + _CHUNK]) for i in range(0, len(rows), _CHUNK)]
        return np.concatenate([np.empty((0, self._arrays["probability"].shape[1])), *parts])

    def _mean(self, rows: np.ndarray) -> np.ndarray:
        a = self._arrays
        total = np.zeros((len(rows), a["probability"].shape[1]))
        number = np.arange(len(rows))
        for root in a["roots"]:
            node = np.full(len(rows), root)
            while True:
                value = rows[number, a["feature"][node]]
                left = np.where(
                    np.isnan(value), a["missing_left"][node], value <= a["threshold"][node]
                )
                below = np.where(left, a["left"][node], a["right"][node])
                if np.array_equal(below, node):
                    break
                node = below
            total += a["probability"][node]
        return total / len(a["roots"])
