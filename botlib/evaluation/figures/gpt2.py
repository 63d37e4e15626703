"""Figures of GPT-2's training and replies; each takes `ax` and returns the axes."""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from botlib.evaluation.figures.interactive import BATCH_VARIABLE
from botlib.evaluation.figures.style import axes, finish

TRAINING = {"color": "#0072B2", "linestyle": "-"}
VALIDATION = {"color": "#D55E00", "linestyle": "--", "marker": "o", "markersize": 4}


def loss_curve(losses: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws the training loss (solid) and the validation loss of replies (dashed) over steps.

    Args:
      losses: losses.csv of a run.
      ax: where; a new figure if None.

    Returns:
      The axes; the numbers are in `loss_table`.
    """
    ax = axes(ax)
    ax.plot(losses["step"], losses["loss"], color=TRAINING["color"], alpha=0.25, linewidth=0.8)
    # A mean over steps belongs to their middle; at their end it would lag behind validation
    means = losses.groupby(_rounds(losses, 20))[["step", "loss"]].mean()
    ax.plot(means["step"], means["loss"], label="training (comment and reply)", **TRAINING)
    rounds = losses.dropna(subset=["validation_loss"])
    if not rounds.empty:
        ax.plot(
            rounds["step"],
            rounds["validation_loss"],
            label="validation (held-out replies)",
            **VALIDATION,
        )
        # By position: a resumed run's rows may repeat an index
        best = rounds.iloc[int(rounds["validation_loss"].argmin())]
        ax.axvline(best["step"], color="0.6", linewidth=0.8, linestyle=":")
    finish(ax, "GPT-2 fine-tuning", "step", "nats per token", "upper right")
    return ax


def loss_table(losses: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a round: step, mean training loss, validation, perplexity, speed."""
    grouped = losses.groupby(_rounds(losses, 1))
    return pd.DataFrame(
        {
            "step": grouped["step"].last(),
            "minutes": grouped["seconds"].last() / 60,
            "training loss": grouped["loss"].mean(),
            "validation loss": grouped["validation_loss"].last(),
            "perplexity": grouped["perplexity"].last(),
            "tokens/s": grouped["tokens_per_s"].median(),
        }
    ).reset_index(drop=True)


def _rounds(losses: pd.DataFrame, spans: int) -> np.ndarray:
    """Returns the round of each step; without validations, which of so many equal spans."""
    ends = losses["validation_loss"].notna().to_numpy()
    if not ends.any():
        return np.arange(len(losses)) * min(spans, len(losses)) // max(1, len(losses))
    return np.cumsum(ends) - ends


def live_curve() -> Callable[[pd.DataFrame, pd.DataFrame], None]:
    """Returns what `finetune(on_round=…)` calls: the loss curve, updated in place in a notebook.

    In a batch run nobody watches it, and the same curve is drawn once when training has ended.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    handles = []
    if os.environ.get(BATCH_VARIABLE):
        return lambda losses, samples: None

    def show(losses: pd.DataFrame, samples: pd.DataFrame) -> None:
        ax = loss_curve(losses)
        if handles:
            handles[0].update(ax.figure)
        else:
            handles.append(display(ax.figure, display_id=True))
        # Else the notebook shows it once more when the cell ends
        plt.close(ax.figure)

    return show
