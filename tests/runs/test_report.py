"""The report stands by itself: verdict first, figures in words, no noise of the notebooks."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

from botlib.evaluation import record
from botlib.evaluation.figures.describe import describe
from botlib.runs import page, report
from botlib.runs.pipeline import Result
from botlib.tables import PREDICTIONS, write_table
from botlib.terminal import text_table

ROOT = Path(__file__).resolve().parents[2]


def scores(auc):
    return pd.DataFrame({"model": ["BERT", "length only"], "auc": [auc, 0.5]})


@pytest.fixture
def judged(workspace):
    """A workspace whose realism model reached an AUC of 0.8."""
    workspace.bert_realism.mkdir(parents=True)
    record.save(workspace.bert_realism, "Realism", "Better than <nothing>.", scores(0.8))
    return workspace


def test_an_empty_workspace_still_has_a_page_that_says_what_failed(workspace, tmp_path):
    failed = Result("01_data", "failed", None, 1.0, "01_data failed in cell 3: no dumps")
    text = report.build(workspace, tmp_path, [failed]).read_text()
    assert "no dumps" in text
    assert "The run failed in 01_data." in text
    assert "run 05_generate" in report.best_replies_text(workspace)


def test_the_summary_shows_scores_beside_their_baselines_and_escapes_text(judged, tmp_path):
    text = report.build(judged, tmp_path, []).read_text()
    assert "length only: 0.50" in text
    assert "Better than &lt;nothing&gt;." in text
    assert "0.800" in text
    assert "length only" in text


def test_the_terminal_says_the_verdict_and_what_to_do_next(judged):
    said = report.verdict_text(judged, [])
    assert said.splitlines()[0].startswith("Usable with care")
    assert "Next: " in said


@pytest.fixture
def executed(tmp_path):
    """An executed copy with two equal figures, a progress bar, a badge and a table."""
    _, ax = plt.subplots(figsize=(2, 1))
    ax.bar(["a", "b"], [3, 4])
    ax.set_title("Letters")
    file = io.BytesIO()
    ax.figure.savefig(file)
    data = {"image/png": base64.b64encode(file.getvalue()).decode()}
    data["text/plain"] = describe(ax.figure)
    plt.close(ax.figure)
    bar = "training: 100%|█████| 30/30 [00:04<00:00,  7.2step/s]\n"
    figure = nbformat.v4.new_output("display_data", data)
    code = nbformat.v4.new_code_cell("secret_code()")
    code.outputs = [nbformat.v4.new_output("stream", text=bar + "B is more than a.\n"), figure]
    again = nbformat.v4.new_code_cell("again()", outputs=[figure])
    badge = "[![Open in Colab](https://colab.test/badge.svg)](https://colab.test/x)"
    cells = [nbformat.v4.new_markdown_cell(f"# 1 · Letters\n\n{badge}"), code, again]
    path = tmp_path / "01_data.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return Result("01_data", "done", path, 3.0)


def test_each_figure_stands_once_with_its_sentence_and_its_numbers_as_alt(
    workspace, tmp_path, executed
):
    text = report.build(workspace, tmp_path, [executed]).read_text()
    assert text.count("<img ") == 1
    assert 'alt="Letters. a 3, b 4."' in text
    assert "<figcaption>B is more than a.</figcaption>" in text


def test_the_page_has_no_bars_no_badge_no_code_and_no_request(workspace, tmp_path, executed):
    text = report.build(workspace, tmp_path, [executed]).read_text()
    assert "30/30" not in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "secret_code" not in text
    assert 'href="01_data.ipynb"' in text


def test_a_column_without_any_value_is_left_out():
    frame = pd.DataFrame({"model": ["BERT"], "gap 20": ["nan"], "auc": [0.8]})
    assert "gap 20" not in page.table(frame)
    assert "nan" not in page.table(frame)


def test_replies_are_shown_as_reddit_shows_them_best_and_worst(workspace, tmp_path):
    rows = [
        {
            **dict.fromkeys(PREDICTIONS.columns, 0),
            **{"comment_id": f"c{i}", "post_id": f"p{i}", "subreddit": "writing"},
            **{"title": "On verbs", "comment": "&gt; quoted", "proposed_reply": f"reply {i} <b>"},
            **{"score": i / 3, "prob_real": 0.9, "decision": "reply", "reason": "best of 3"},
        }
        for i in range(8)
    ]
    write_table(workspace.reply_score_predictions("2026-11-23"), pd.DataFrame(rows), PREDICTIONS)
    text = report.build(workspace, tmp_path, []).read_text()
    assert "&gt; quoted" in text and "&amp;gt;" not in text
    first, last = text.index("reply 7 &lt;b&gt;"), text.index("reply 0 &lt;b&gt;")
    assert first < text.index("The three worst") < last
    assert "reply 4" not in text.split("The run in figures")[0]


def test_a_reader_who_stops_early_sees_no_traceback(workspace):
    # More than a pipe holds, so that the writer meets its closed end
    for number in range(900):
        (workspace.models / "gpt2" / f"run{number}").mkdir(parents=True)
    line = f"{sys.executable} -m botlib status --workspace {workspace.root} | true"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_a_terminal_table_is_cut_and_aligned_to_the_left():
    frame = pd.DataFrame({"comment": ["a\nb", "x" * 50], "score": [0.12345, float("nan")]})
    assert text_table(frame, width=10).splitlines() == [
        "comment     score",
        "a b         0.123",
        "xxxxxxxxx…  –",
    ]
