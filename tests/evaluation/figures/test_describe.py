"""A figure's words are its numbers, so that who doesn't see it misses none of them."""

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest

from botlib.evaluation.figures import classifier, overview, pairs
from botlib.evaluation.figures.describe import describe

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture
def closed_figures():
    yield
    plt.close("all")


def test_bars_are_named_with_their_values():
    counts = pd.DataFrame({"rule": ["(raw)", "bot"], "dropped": [0, 1200], "left": [5000, 3800]})
    words = describe(pairs.rules(counts).figure)
    assert "3,800 pairs of 5,000" in words
    assert "bot 1,200" in words


def test_a_confusion_matrix_is_read_row_by_row():
    display = classifier.confusion([0, 0, 1], [0, 1, 1], labels=("generated", "real"))
    assert "generated: 1 as generated, 1 as real" in describe(display.figure_)
    assert "real: 0 as generated, 1 as real" in describe(display.figure_)


def test_points_with_intervals_have_their_models_names():
    rows = [("BERT", 0.94, 0.92, 0.95), ("TF-IDF", 0.8, np.nan, np.nan)]
    ax = overview.beside_baselines(rows, own=["BERT"], title="Realism", x="AUC")
    assert describe(ax.figure) == "Realism. BERT 0.94; TF-IDF 0.8."


def test_a_long_curve_is_told_by_its_ends():
    _, ax = plt.subplots()
    ax.plot(np.arange(100), np.linspace(7, 1, 100), label="loss")
    assert describe(ax.figure) == "loss: from 7 at 0 to 1 at 99."


def test_a_figure_for_the_page_has_no_black_text_and_no_background():
    rows = [("BERT", 0.94, 0.92, 0.95)]
    ax = overview.beside_baselines(rows, own=["BERT"], title="Realism", x="AUC", chance=0.5)
    svg = overview.as_svg(ax.figure, 'Realism: "0.94"')
    assert 'aria-label="Realism: &quot;0.94&quot;"' in svg
    assert "currentColor" in svg
    assert "#000000" not in svg and "#ffffff" not in svg


def test_an_executed_copy_keeps_every_figure_and_its_words(tmp_path):
    code = [
        "from botlib.evaluation.figures import describe, pairs\ndescribe.install(get_ipython())",
        "pairs.months({'2019_01': 3, '2019_02': 4});",
        "ax = pairs.months({'2019_01': 5, '2019_02': 6})\n1",
    ]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    cells = [nbformat.v4.new_code_cell(cell) for cell in code]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}),
        tmp_path / "in.ipynb",
    )
    done = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), progress_bar=False
    )
    shown = [o for cell in done.cells for o in cell.outputs if "image/png" in o.get("data", {})]
    words = [output["data"]["text/plain"] for output in shown]
    assert words == [
        "Raw pairs by month. 2019-01 3, 2019-02 4.",
        "Raw pairs by month. 2019-01 5, 2019-02 6.",
    ]
