"""What the rules dropped: how many pairs each, and a few of them to look at."""

import dataclasses

import numpy as np
import pandas as pd

from botlib.data.pairs.text import clean_text

# Examples kept of each rule, and letters kept of each text
_EXAMPLES, _LETTERS = 5, 200


@dataclasses.dataclass
class Dropped:
    """Counts, and the first few examples, of what each rule dropped; the same on each run.

    Attributes:
      counts: rule → pairs.
      examples: rule → (comment, reply) of the first few; names are scrubbed, long texts cut.
    """

    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    examples: dict[str, list[tuple[str, str]]] = dataclasses.field(default_factory=dict)

    def add(self, rule: str, frame: pd.DataFrame, drop: np.ndarray) -> None:
        """Note that a rule dropped these rows of a table of pairs."""
        rows = self.few(rule, np.flatnonzero(drop))
        self.note(rule, int(drop.sum()), frame[["comment", "reply"]].iloc[rows])

    def few(self, rule: str, rows: np.ndarray) -> np.ndarray:
        """Return the rows, of those a rule dropped, that it still has room for as examples."""
        return rows[: _EXAMPLES - len(self.examples.get(rule, ()))]

    def note(self, rule: str, count: int, few: pd.DataFrame) -> None:
        """Note that a rule dropped so many pairs, of which `few` serve as examples."""
        self.counts[rule] = self.counts.get(rule, 0) + count
        examples = self.examples.setdefault(rule, [])
        for texts in few.itertuples(index=False):
            comment, reply = (_cut(clean_text(text)) for text in texts)
            examples.append((comment, reply))

    def table(self) -> pd.DataFrame:
        """Return the examples as a table: rule, comment, reply."""
        rows = [(rule, *pair) for rule, pairs in self.examples.items() for pair in pairs]
        return pd.DataFrame(rows, columns=["rule", "comment", "reply"])


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
