"""A notebook's main scores, kept in the folder of the model that they are about, for the report."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.workspace import atomic_file

FILE = "evaluation.json"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
      title: what, and on which data.
      sentence: what it means for this run.
      scores: a row a model (its baselines too), a column a figure.
      facts: what the report's verdict needs beside them: `gain` (over the best baseline, from
        `metrics.gain` or `pairwise_gain`) and `passing` (from `passing.curve`), where measured.
    """

    title: str
    sentence: str
    scores: pd.DataFrame
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def save(folder: Path, title: str, sentence: str, scores: pd.DataFrame, **facts: Any) -> None:
    """Writes `evaluation.json` into a model's folder; see `Evaluation`."""
    values = {"title": title, "sentence": sentence, "scores": scores.to_dict(orient="split")}
    with atomic_file(folder / FILE) as file:
        json.dump({**values, "facts": facts}, file, indent=1, default=float)


def load(folder: Path) -> Evaluation | None:
    """Returns what `save` wrote into a model's folder, or None."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    scores = pd.DataFrame(**values["scores"])
    return Evaluation(values["title"], values["sentence"], scores, values.get("facts", {}))
