"""The figures of a classifier, one function each, drawn by scikit-learn's displays.

Each takes `ax` (a new figure if None) and returns the axes or displays; where a model's numbers are
given as name → probabilities, every model keeps its colour and line style in all figures. The table
of a figure's numbers is the function of the same name with `_table`, or named in its docstring.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from sklearn import metrics as sk

from botlib.evaluation import calibration as cal
from botlib.evaluation.figures.style import (
    CHANCE,
    GENERATED,
    HUMAN,
    MATRIX_MAP,
    as_model,
    axes,
    finish,
    style,
    words,
)
from botlib.evaluation.metrics import one_hot

Models = Mapping[str, np.ndarray]
# Fakes for each real reply in the mix nearer to a bot's: ten candidates, one as good as a person's
LIVE_FAKES = 9


def roc(
    y: Sequence[int], models: Models, *, ax: Axes | None = None, title: str = "ROC"
) -> list[sk.RocCurveDisplay]:
    """Draws ROC curves; numbers: `roc_table`.

    Args:
      y: labels 0 and 1, shape (n,).
      models: name → probabilities of 1, shape (n,).
      ax: where; a new figure if None.
      title: of the figure.

    Returns:
      scikit-learn's displays, one a model.
    """
    ax = axes(ax)
    displays = []
    for name, p in _varied(models):
        with as_model(ax, name):
            displays.append(sk.RocCurveDisplay.from_predictions(y, p, name=name, ax=ax))
    ax.plot([0, 1], [0, 1], **CHANCE)
    finish(ax, title, "false positive rate", "true positive rate (recall)", "lower right")
    return displays


def _varied(models: Models) -> list[tuple[str, np.ndarray]]:
    """Returns the models whose probabilities differ: a constant draws no curve but chance."""
    return [(name, p) for name, p in models.items() if np.ptp(p) > 0]


def roc_table(y: Sequence[int], models: Models, rates: Sequence[float] = (0.01, 0.05, 0.1, 0.2)):
    """Returns the curves' numbers: AUC, and the recall at some false positive rates."""
    rows = {}
    for name, p in models.items():
        fpr, tpr, _ = sk.roc_curve(y, p)
        at = {f"recall at {rate:.0%} false positives": np.interp(rate, fpr, tpr) for rate in rates}
        rows[name] = {"AUC": sk.roc_auc_score(y, p), **at}
    return pd.DataFrame.from_dict(rows, orient="index")


def precision_recall(
    y: Sequence[int],
    models: Models,
    *,
    ax: Axes | None = None,
    title: str = "Precision and recall",
) -> list[sk.PrecisionRecallDisplay]:
    """Draws precision–recall curves and the share of 1 as chance; see `roc`."""
    ax = axes(ax)
    displays = []
    for name, p in _varied(models):
        with as_model(ax, name):
            displays.append(sk.PrecisionRecallDisplay.from_predictions(y, p, name=name, ax=ax))
    ax.axhline(np.mean(y), **CHANCE)
    finish(ax, title, "recall", "precision", "lower left")
    return displays


def precision_recall_table(
    y: Sequence[int], models: Models, recalls: Sequence[float] = (0.5, 0.8, 0.9, 0.95)
) -> pd.DataFrame:
    """Returns average precision, and the precision at some recalls."""
    rows = {}
    for name, p in models.items():
        precision, recall, _ = sk.precision_recall_curve(y, p)
        at = {f"precision at recall {r:g}": precision[recall >= r].max() for r in recalls}
        rows[name] = {"average precision": sk.average_precision_score(y, p), **at}
    return pd.DataFrame.from_dict(rows, orient="index")


def det(
    y: Sequence[int],
    models: Models,
    *,
    ax: Axes | None = None,
    title: str = "Detection error trade-off",
) -> list[sk.DetCurveDisplay]:
    """Draws DET curves (both error rates on normal-deviate scales); see `roc`."""
    ax = axes(ax)
    displays = []
    equal = det_table(y, models)["equal error rate"]
    for name, p in _varied(models):
        label = f"{name} (equal = {equal[name]:.0%})"
        with as_model(ax, name):
            displays.append(sk.DetCurveDisplay.from_predictions(y, p, name=label, ax=ax))
    finish(ax, title, "false positive rate", "false negative rate", "upper right")
    return displays


def det_table(
    y: Sequence[int], models: Models, rates: Sequence[float] = (0.01, 0.05, 0.1, 0.2)
) -> pd.DataFrame:
    """Returns the false negative rate at some false positive rates, and where both are equal."""
    rows = {}
    for name, p in models.items():
        fpr, fnr, _ = sk.det_curve(y, p)
        order = np.argsort(fpr, kind="stable")
        fpr, fnr = fpr[order], fnr[order]
        equal = np.argmin(np.abs(fpr - fnr))
        at = {f"misses at {rate:.0%} false positives": np.interp(rate, fpr, fnr) for rate in rates}
        rows[name] = {"equal error rate": (fpr[equal] + fnr[equal]) / 2, **at}
    return pd.DataFrame.from_dict(rows, orient="index")


def confusion(
    y: Sequence[int],
    called: Sequence[int],
    *,
    labels: Sequence[str],
    most: int | None = None,
    ax: Axes | None = None,
    title: str = "Confusion matrix",
) -> sk.ConfusionMatrixDisplay:
    """Draws the confusion matrix in replies; numbers: `confusion_table`.

    Args:
      y: labels 0 … k-1, shape (n,).
      called: predicted labels, shape (n,).
      labels: the k names, e.g. ("generated", "real").
      most: the count that is darkest, so that several matrices share one scale; the class with
        most replies if None.
      ax: where; a new figure if None.
      title: of the figure.
    """
    ax = axes(ax)
    most = most or int(np.bincount(np.asarray(y, dtype=int)).max())
    display = sk.ConfusionMatrixDisplay.from_predictions(
        y,
        called,
        labels=list(range(len(labels))),
        display_labels=list(labels),
        ax=ax,
        cmap=MATRIX_MAP,
        values_format=",d",
        colorbar=False,
        im_kw={"vmin": 0, "vmax": most},
    )
    finish(ax, title, "predicted (replies)", "true (replies)", None)
    ax.grid(visible=False)
    return display


def confusion_table(
    y: Sequence[int], called: Sequence[int], *, labels: Sequence[str]
) -> pd.DataFrame:
    """Returns the confusion matrix: rows true, columns predicted, in replies."""
    matrix = sk.confusion_matrix(y, called, labels=list(range(len(labels))))
    return pd.DataFrame(
        matrix,
        index=pd.Index(labels, name="true"),
        columns=[f"predicted {label}" for label in labels],
    )


def reliability(
    y: Sequence[int],
    models: Models,
    *,
    bins: int = 10,
    ax: Axes | None = None,
    title: str = "Calibration",
) -> Axes:
    """Draws predicted probability against the observed share; numbers: `metrics.calibration`."""
    ax = axes(ax)
    for name, p in models.items():
        rows = cal.calibration(y, p, bins)
        error = cal.expected_calibration_error(y, p, bins)
        label = f"{name} (error {error:.3f})"
        ax.plot(rows["predicted"], rows["observed"], label=label, **style(name), markersize=4)
    ax.plot([0, 1], [0, 1], **{**CHANCE, "label": "perfect"})
    finish(ax, title, "predicted probability (mean of a bin)", "observed share", "upper left")
    return ax


def score_histogram(
    y: Sequence[int],
    p: Sequence[float],
    *,
    labels: Sequence[str] = ("generated", "real"),
    threshold: float | None = None,
    bins: int = 20,
    ax: Axes | None = None,
    title: str = "Probability of being real",
) -> Axes:
    """Draws the probabilities of both classes as histograms; numbers: `score_histogram_table`."""
    ax = axes(ax)
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    edges = np.linspace(0, 1, bins + 1)
    looks = ((GENERATED, "//", "--"), (HUMAN, "", "-"))
    for value, (color, hatch, linestyle) in enumerate(looks):
        weights = np.full(int((y == value).sum()), 1 / max(1, (y == value).sum()))
        shape = {"bins": edges, "weights": weights, "color": color}
        name = f"{labels[value]} ({int((y == value).sum()):,})"
        ax.hist(p[y == value], alpha=0.35, hatch=hatch, label=name, **shape)
        ax.hist(p[y == value], histtype="step", linestyle=linestyle, linewidth=1.4, **shape)
    if threshold is not None:
        ax.axvline(threshold, color="black", linewidth=1.2, label="threshold")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    halves = (f"half of the {labels[v]} ones are above {np.median(p[y == v]):.2f}" for v in (0, 1))
    words(ax, "; ".join(halves))
    finish(ax, title, "probability of being real", "share of the class", "upper center")
    return ax


def score_histogram_table(
    y: Sequence[int], p: Sequence[float], labels: Sequence[str] = ("generated", "real")
) -> pd.DataFrame:
    """Returns quantiles of the probability for both classes."""
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return pd.DataFrame(
        [[(y == v).sum(), *np.quantile(p[y == v], quantiles)] for v in (0, 1)],
        index=list(labels),
        columns=["replies", *(f"{q:.0%}" for q in quantiles)],
    )


def by_threshold(
    y: Sequence[int],
    p: Sequence[float],
    *,
    threshold: float | None = None,
    ax: Axes | None = None,
    title: str = "What a threshold keeps",
) -> Axes:
    """Draws what is kept and how much of that is real over the threshold.

    Precision depends on the mix: it is drawn for these rows, and for one real reply in ten, nearer
    to what a bot meets, whose candidates are generated. Numbers: `metrics.by_threshold`.
    """
    ax = axes(ax)
    at = np.linspace(0, 0.999, 200)
    rows = cal.by_threshold(y, p, at)
    y = np.asarray(y)
    passed = cal.by_threshold(1 - y, p, at)["recall"]
    passing = rows["recall"] + LIVE_FAKES * passed
    live = (rows["recall"] / passing).where(passing > 0)
    looks = (
        ("real replies kept", rows["recall"], "#D55E00", "-."),
        ("fakes that pass", passed, "#0072B2", "-"),
        (f"precision, {y.mean():.0%} real", rows["precision"], "#000000", "--"),
        (f"precision, {1 / (1 + LIVE_FAKES):.0%} real", live, "#777777", ":"),
    )
    for label, values, color, linestyle in looks:
        ax.plot(at, values, color=color, linestyle=linestyle, linewidth=1.8, label=label)
    if threshold is not None:
        ax.axvline(threshold, color="black", linewidth=1.2, label="threshold")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    marks = [0.5, 0.9] if threshold is None else [threshold]
    values = (f"{name} {np.interp(m, at, v):.0%}" for m in marks for name, v, *_ in looks)
    words(ax, f"At {' and '.join(f'{m:g}' for m in marks)}: {', '.join(values)}")
    finish(ax, title, "threshold on the probability of being real", "share", "best")
    return ax


def roc_per_class(
    y: Sequence[int],
    probabilities: np.ndarray,
    *,
    labels: Sequence[str],
    ax: Axes | None = None,
    title: str = "ROC per rating, micro and macro",
) -> list[sk.RocCurveDisplay]:
    """Draws one class against the rest, each, with micro and macro averages, as the tutorial did.

    The macro curve is the mean of the classes' curves; its AUC in the legend is that of the curve.
    Numbers: `metrics.table(metrics.multiclass(y, probabilities))`.

    Args:
      y: labels 0 … k-1, shape (n,).
      probabilities: shape (n, k).
      labels: the k names.
      ax: where; a new figure if None.
      title: of the figure.
    """
    ax = axes(ax)
    y, probabilities = np.asarray(y), np.asarray(probabilities)
    hot = one_hot(y, probabilities.shape[1])
    grid = np.linspace(0, 1, 201)
    displays, curves = [], []
    for c in np.flatnonzero(hot.any(axis=0) & ~hot.all(axis=0)):
        fpr, tpr, _ = sk.roc_curve(hot[:, c], probabilities[:, c])
        curves.append(np.interp(grid, fpr, tpr))
        displays.append(_curve(ax, fpr, tpr, labels[c], f"rating {c}"))
    fpr, tpr, _ = sk.roc_curve(hot.ravel(), probabilities.ravel())
    displays.append(_curve(ax, fpr, tpr, "micro", "micro"))
    mean = np.concatenate([[0.0], np.mean(curves, axis=0)])
    displays.append(_curve(ax, np.concatenate([[0.0], grid]), mean, "macro", "macro"))
    ax.plot([0, 1], [0, 1], **CHANCE)
    finish(ax, title, "false positive rate", "true positive rate (recall)", "lower right")
    return displays


def _curve(ax: Axes, fpr, tpr, name: str, look: str) -> sk.RocCurveDisplay:
    with as_model(ax, look):
        display = sk.RocCurveDisplay(fpr=fpr, tpr=tpr, roc_auc=sk.auc(fpr, tpr))
        return display.plot(ax=ax, name=name)
