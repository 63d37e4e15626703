"""Move a threshold and see what it keeps; a still figure and tables where nothing can be moved."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from botlib.errors import BotlibError
from botlib.evaluation import calibration
from botlib.evaluation.figures import classifier, style
from botlib.evaluation.metrics import binary, table
from botlib.probabilities import at_least

BESIDE = 3
SHOWN = ["comment", "reply"]


def coverage_curve(
    coverage: pd.DataFrame, *, threshold: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draws `choose.coverage`: the share of comments that still get a reply, by threshold."""
    ax = style.axes(ax)
    ax.plot(coverage["threshold"], coverage["share"], color=style.HUMAN, linewidth=1.8)
    title = "Comments that still get a reply"
    if threshold is not None:
        share = float(np.interp(threshold, coverage["threshold"], coverage["share"]))
        ax.axvline(threshold, color="black", linewidth=1.2)
        title += f": {share:.0%} at {threshold:g}"
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return style.finish(ax, title, "realism threshold", "share of comments", None)


class ThresholdExplorer:
    """What a threshold on a probability keeps.

    Args:
      frame: rows with the texts in `columns`, and the label where it is known.
      p: probability of being real, (n,).
      label: the column of labels 0 and 1; None where nobody knows (live candidates).
      columns: what is shown of a reply.
      threshold: where to begin.

    Raises:
      BotlibError: no rows, lengths that differ, or a column is missing.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        p: Sequence[float],
        *,
        label: str | None = "real",
        columns: Sequence[str] = tuple(SHOWN),
        threshold: float = 0.9,
    ) -> None:
        self.p = np.asarray(p, dtype=float)
        self.columns = list(columns)
        self.threshold = float(threshold)
        needed = [*self.columns, *([label] if label else [])]
        if missing := [column for column in needed if column not in frame.columns]:
            raise BotlibError(f"the explorer's rows lack the column {missing[0]!r}")
        if frame.empty or len(frame) != len(self.p):
            raise BotlibError(
                f"the explorer needs a probability for each row: {len(frame)} rows, "
                f"{len(self.p)} probabilities"
            )
        self.frame = frame.reset_index(drop=True)
        self.y = self.frame[label].to_numpy(dtype=int) if label else None

    def numbers(self, threshold: float | None = None) -> pd.DataFrame:
        """Returns threshold, kept, coverage and, where labels are known, precision and recall."""
        at = [self.threshold if threshold is None else threshold]
        if self.y is not None:
            return calibration.by_threshold(self.y, self.p, at)
        rows = calibration.by_threshold(np.ones(len(self.p)), self.p, at)
        return rows[["threshold", "kept", "coverage"]]

    def beside(self, threshold: float | None = None) -> pd.DataFrame:
        """Returns the replies just above and just below the threshold, highest first."""
        at = self.threshold if threshold is None else threshold
        order = np.argsort(-self.p, kind="stable")
        passes = at_least(self.p, at)
        cut = int(passes.sum())
        rows = order[max(0, cut - BESIDE) : cut + BESIDE]
        replies = self.frame.loc[rows, self.columns].reset_index(drop=True)
        replies.insert(0, "probability", self.p[rows].round(4))
        replies.insert(1, "kept", np.where(passes[rows], "yes", "no"))
        if self.y is not None:
            replies.insert(2, "truth", np.where(self.y[rows] == 1, "real", "generated"))
        return replies

    def figure(self, threshold: float | None = None):
        """Returns a figure: a confusion matrix, or a histogram where there are no labels."""
        at = self.threshold if threshold is None else threshold
        if self.y is None:
            ax = style.axes(None)
            ax.hist(self.p, bins=np.linspace(0, 1, 21), color=style.HUMAN, alpha=0.6)
            ax.axvline(at, color="black", linewidth=1.2, label=f"threshold {at:g}")
            style.thousands(ax.yaxis)
            title = f"{at_least(self.p, at).sum():,} of {len(self.p):,} candidates are real enough"
            style.finish(ax, title, "probability of being real", "candidates")
            return ax.figure
        # The whole curve stands in a figure of its own; here is what one threshold does
        shown = classifier.confusion(
            self.y,
            at_least(self.p, at),
            labels=("generated", "real"),
            title=f"At a threshold of {at:g}",
        )
        return shown.figure_

    def show(self, interactive: bool | None = None) -> Any:
        """Shows a slider with what moves with it; in batch a figure and tables of some thresholds.

        Args:
          interactive: None asks whether a person can move a slider here: a notebook kernel whose
            front end is a browser, not papermill or nbconvert.

        Returns:
          The widget, or None in batch, where everything is displayed at once.
        """
        from botlib.evaluation.figures import interactive as front

        if front.is_interactive() if interactive is None else interactive:
            return front.slider(self)
        return front.still(self)

    def steps(self) -> list[float]:
        """Returns thresholds worth a row in the still version, the chosen one among them."""
        return sorted({0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, self.threshold})

    def judged(self, threshold: float | None = None) -> pd.DataFrame:
        """Returns the nine figures of the tutorial at the threshold; needs labels of both kinds."""
        if self.y is None:
            raise BotlibError("live candidates have no labels, so their metrics are unknown")
        at = self.threshold if threshold is None else threshold
        return table(binary(self.y, self.p, threshold=at, resamples=0))[["value"]]
