import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.evaluation import metrics
from botlib.evaluation.figures import interactive
from botlib.evaluation.figures.explorer import ThresholdExplorer, coverage_curve


@pytest.fixture
def explorer(two_class):
    two_class["comment"] = "what <b>now</b>?"
    return ThresholdExplorer(two_class, two_class.p, threshold=0.8)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    monkeypatch.setattr("IPython.display.display", things.append)
    yield things
    plt.close("all")


def test_numbers_follow_the_threshold(explorer, two_class):
    low, high = explorer.numbers(0.2).iloc[0], explorer.numbers().iloc[0]
    assert high.threshold == 0.8 and high.kept == (two_class.p > 0.8).sum() < low.kept
    assert high.precision > low.precision and high.recall < low.recall
    judged = explorer.judged(0.2)
    expected = metrics.binary(two_class.real, two_class.p, threshold=0.2, resamples=0)
    assert judged.loc["false_positives", "value"] == expected["false_positives"]


def test_replies_just_above_and_just_below(explorer, two_class):
    beside = explorer.beside()
    assert beside.kept.tolist() == ["yes"] * 3 + ["no"] * 3
    above = np.sort(two_class.p[two_class.p > 0.8])[:3]
    assert beside.probability[:3].tolist() == pytest.approx(above[::-1], abs=1e-4)
    assert beside.probability.is_monotonic_decreasing
    assert explorer.beside(1.0).kept.tolist() == ["no"] * 3
    assert explorer.beside(0.0).kept.tolist() == ["yes"] * 3


def test_live_candidates_have_no_labels(explorer, two_class):
    live = ThresholdExplorer(two_class.drop(columns="real"), two_class.p, label=None)
    assert live.numbers().columns.tolist() == ["threshold", "kept", "coverage"]
    assert "truth" not in live.beside()
    assert live.figure().axes[0].get_title()
    with pytest.raises(BotlibError, match="no labels"):
        live.judged()


def test_the_slider_changes_figure_and_tables(explorer, shown):
    box = explorer.show(interactive=True)
    slider, output = box.children
    before = list(shown)
    slider.value = 0.3
    assert len(shown) == 2 * len(before) == 6
    assert before[1].data != shown[4].data and before[2].data != shown[5].data
    assert "0.300" in shown[4].data
    assert slider.value == 0.3 and output is not None


def test_in_batch_the_same_stands_still(explorer, shown):
    assert not interactive.is_interactive()
    assert explorer.show() is None
    figure, steps, beside = shown
    assert "threshold of 0.8" in figure.axes[0].get_title()
    assert steps.data.count("<tr") == 1 + len(explorer.steps())
    assert "&lt;b&gt;" in beside.data and "<b>" not in beside.data


def test_a_kernel_that_may_ask_is_interactive(monkeypatch):
    class Shell:
        class kernel:
            _allow_stdin = True

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.delenv(interactive.BATCH_VARIABLE, raising=False)
    assert interactive.is_interactive()
    monkeypatch.setenv(interactive.BATCH_VARIABLE, "1")
    assert not interactive.is_interactive()
    Shell.kernel._allow_stdin = False
    monkeypatch.delenv(interactive.BATCH_VARIABLE)
    assert not interactive.is_interactive()


def test_errors_name_the_column(two_class):
    with pytest.raises(BotlibError, match="'comment'"):
        ThresholdExplorer(two_class, two_class.p)
    with pytest.raises(BotlibError, match="a probability for each row"):
        ThresholdExplorer(two_class.assign(comment=""), [0.5])


def test_the_coverage_curve_names_the_share_at_the_threshold_in_use():
    coverage = pd.DataFrame({"threshold": [0.0, 0.5, 1.0], "share": [1.0, 0.6, 0.0]})
    assert "60% at 0.5" in coverage_curve(coverage, threshold=0.5).get_title()
