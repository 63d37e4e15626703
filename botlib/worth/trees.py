"""Boosted trees as plain arrays: fitted by scikit-learn, stored without pickle, run by NumPy."""

from pathlib import Path

import numpy as np

from botlib.errors import BotlibError
from botlib.probabilities import softmax

_FIELDS = (
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "is_leaf",
    "value",
)


class Trees:
    """A fitted HistGradientBoostingClassifier's trees.

    A pickle runs whatever code it holds and opens only under the scikit-learn that wrote it, and a
    model travels from Colab to a laptop with another version. Arrays do neither.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    @classmethod
    def from_model(cls, model) -> "Trees":
        """Takes the trees of a model whose features are all numbers (no categories).

        Raises:
          BotlibError: this scikit-learn keeps its trees in another way.
        """
        try:
            rounds = [[tree.nodes for tree in trees] for trees in model._predictors]
            baseline = np.asarray(model._baseline_prediction, dtype=float).ravel()
            nodes = [tree for trees in rounds for tree in trees]
            arrays = {name: np.concatenate([tree[name] for tree in nodes]) for name in _FIELDS}
        except (AttributeError, ValueError, IndexError) as error:
            raise BotlibError(
                f"this scikit-learn keeps its trees in another way ({error}); "
                "install one between 1.6 and 1.9"
            ) from error
        starts = np.cumsum([0, *(len(tree) for tree in nodes)])
        return cls(
            {
                **arrays,
                "starts": starts,
                "baseline": baseline,
                "outputs": np.tile(np.arange(len(rounds[0])), len(rounds)),
            }
        )

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **self._arrays)

    @classmethod
    def load(cls, path: Path) -> "Trees":
        """Reads what `save` wrote.

        Raises:
          BotlibError: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {
                    name: stored[name] for name in (*_FIELDS, "starts", "baseline", "outputs")
                }
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise BotlibError(f"{path} can't be read ({error}): train the model again") from error
        return cls(arrays)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Returns probabilities, (n, classes), for features of shape (n, width); NaN is missing."""
        raw = self._raw(np.asarray(features, dtype=float))
        if raw.shape[1] == 1:
            p = 1 / (1 + np.exp(-raw[:, 0]))
            return np.column_stack([1 - p, p])
        return softmax(raw)

    def _raw(self, features: np.ndarray) -> np.ndarray:
        a = self._arrays
        raw = np.tile(a["baseline"], (len(features), 1))
        rows = np.arange(len(features))
        for start, output in zip(a["starts"][:-1], a["outputs"], strict=True):
            node = np.full(len(features), start)
            # All rows go down together, until each has reached its leaf
            while True:
                inner = a["is_leaf"][node] == 0
                if not inner.any():
                    break
                at, which = node[inner], rows[inner]
                value = features[which, a["feature_idx"][at]]
                left = np.where(
                    np.isnan(value),
                    a["missing_go_to_left"][at] == 1,
                    value <= a["num_threshold"][at],
                )
                node[inner] = start + np.where(left, a["left"][at], a["right"][at]).astype(int)
            raw[:, output] += a["value"][node]
        return raw
