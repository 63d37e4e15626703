import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from botlib.evaluation import metrics, slices
from botlib.evaluation.figures import classifier, style
from botlib.evaluation.figures import slices as slice_plots

NAMES = ("rating 0", "rating 1", "rating 2", "rating 3", "micro", "macro")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(result):
    """The axes of whatever a figure function returns."""
    first = result[0] if isinstance(result, list) else result
    return getattr(first, "ax_", first)


@pytest.fixture
def models(two_class):
    return {"BERT": two_class.p.to_numpy(), "TF-IDF": two_class.p.to_numpy() ** 0.2 * 0.9}


@pytest.mark.parametrize("name", ["roc", "precision_recall", "det", "reliability"])
def test_curves_have_titles_labels_legends_and_styles(name, two_class, models):
    ax = drawn(getattr(classifier, name)(two_class.real, models))
    assert ax.get_title() and ax.get_xlabel() and ax.get_ylabel()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0].startswith("BERT") and texts[1].startswith("TF-IDF")
    bert, tfidf = ax.get_lines()[:2]
    assert not bert.is_dashed() and tfidf.is_dashed()
    for line, model in ((bert, "BERT"), (tfidf, "TF-IDF")):
        assert line.get_color() == style.style(model)["color"]


def test_figures_take_axes_and_return_their_display(two_class, models, four_class):
    y, p, _ = four_class
    _, axes = plt.subplots(1, 5)
    labels = ("generated", "real")
    assert classifier.roc(two_class.real, models, ax=axes[0])[0].ax_ is axes[0]
    shown = classifier.confusion(two_class.real, two_class.p > 0.5, labels=labels, ax=axes[1])
    assert shown.ax_ is axes[1] and shown.confusion_matrix.sum() == len(two_class)
    histogram = classifier.score_histogram(two_class.real, two_class.p, threshold=0.9, ax=axes[2])
    assert histogram is axes[2]
    assert classifier.by_threshold(two_class.real, two_class.p, ax=axes[3]) is axes[3]
    curves = classifier.roc_per_class(y, p, labels=["low", "1", "some", "many"], ax=axes[4])
    assert len(curves) == 6
    assert curves[4].roc_auc == pytest.approx(metrics.multiclass(y, p, resamples=0)["auc_micro"])


def test_tables_hold_the_figures_numbers(two_class, models):
    y, p = two_class.real, two_class.p
    assert classifier.roc_table(y, models).loc["BERT", "AUC"] == pytest.approx(
        metrics.binary(y, p, resamples=0)["auc"]
    )
    assert classifier.precision_recall_table(y, models).shape == (2, 5)
    assert classifier.det_table(y, models).loc["BERT", "equal error rate"] < 0.3
    matrix = classifier.confusion_table(y, p > 0.5, labels=("generated", "real"))
    assert matrix.to_numpy().sum() == len(y)
    assert classifier.score_histogram_table(y, p).loc["real", "50%"] > 0.5


def test_slices_are_drawn_with_their_tables(two_class, models, siblings):
    by_decoder = {name: slices.auc_by_decoder(two_class, p) for name, p in models.items()}
    assert by_decoder["BERT"].index.tolist() == ["T 0.7 · k 40 · p 1", "T 1 · k 40 · p 1"]
    assert by_decoder["BERT"].fakes.sum() == (two_class.real == 0).sum()
    by_length = {name: slices.auc_by_length(two_class, p) for name, p in models.items()}
    score = siblings.reply.str.len().to_numpy(float)
    by_gap = {"length only": metrics.pairwise_by(siblings, score)}
    by_subreddit = {"length only": metrics.pairwise_by(siblings, score, by="subreddit")}
    lifts = {"length only": metrics.lift(siblings, score)}
    for ax in (
        slice_plots.by_decoder(by_decoder),
        slice_plots.by_length(by_length),
        slice_plots.pairwise_by(by_gap),
        slice_plots.pairwise_by(by_subreddit),
        slice_plots.lift(lifts),
    ):
        assert ax.get_title() and ax.get_xlabel()
        ax.figure.canvas.draw()
    assert slice_plots.pairwise_by(by_gap).get_ylabel() == "gap between the scores (pairs)"
    assert slice_plots.pairwise_by(by_subreddit).get_ylabel() == "subreddit (pairs)"
    assert "[" in slice_plots.lift_table(lifts).loc["length only", "lift (points)"]


def test_a_band_without_any_pair_is_not_drawn():
    rows = {
        "pairwise": [0.8, float("nan")],
        "low": [0.7, float("nan")],
        "high": [0.9, float("nan")],
    }
    frame = pd.DataFrame({**rows, "pairs": [30, 0]}, index=pd.Index(["1", "2–4"], name="gap"))
    ax = slice_plots.pairwise_by({"BERT rank": frame})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1 (30)"]


def test_every_figure_of_a_classifier_has_the_same_size(two_class, models):
    y, p = two_class.real, two_class.p
    drawn = [
        classifier.roc(y, models)[0].figure_,
        classifier.confusion(y, p >= 0.5, labels=("generated", "real")).figure_,
        classifier.reliability(y, {"BERT": p}).figure,
        classifier.by_threshold(y, p).figure,
        classifier.score_histogram(y, p).figure,
    ]
    assert {tuple(figure.get_size_inches()) for figure in drawn} == {style.FIGURE_SIZE}


def test_no_share_stands_on_a_log_axis(two_class):
    assert classifier.score_histogram(two_class.real, two_class.p).get_yscale() == "linear"


def test_precision_is_drawn_for_the_live_mix_too(two_class):
    ax = classifier.by_threshold(two_class.real, two_class.p)
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert lines["precision, 10% real"][0] == pytest.approx(0.1)
    assert lines["fakes that pass"][0] == 1


def test_the_colours_of_a_matrix_mean_the_same_while_a_threshold_moves(two_class):
    shown = [
        classifier.confusion(two_class.real, two_class.p >= at, labels=("generated", "real"))
        for at in (0.1, 0.9)
    ]
    assert shown[0].im_.get_clim() == shown[1].im_.get_clim()


def test_the_models_of_one_figure_never_look_alike(monkeypatch):
    monkeypatch.setattr(style, "_assigned", {})
    names = ["BERT", "BERT alone", "class frequencies", "length only", "TF-IDF", "yours", "mine"]
    assert len({str(style.line_style(name)) for name in names}) == len(names)


def test_models_differ_in_grey():
    looks = [(s[1], s[2]) for name, s in style.STYLES.items() if name not in NAMES]
    assert len(set(map(str, looks))) == len(looks)
    ratings = [style.STYLES[name] for name in NAMES]
    assert len({str(s[1]) for s in ratings}) == len(ratings)
    for color, *_ in style.STYLES.values():
        assert matplotlib.colors.is_color_like(color)
        luminance = np.dot(matplotlib.colors.to_rgb(color), [0.2126, 0.7152, 0.0722])
        assert luminance < 0.75  # legible on white
