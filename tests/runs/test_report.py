"""The page stands by itself, and two runs can be laid side by side."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from botlib.__main__ import main
from botlib.evaluation import record
from botlib.runs import report, summary
from botlib.runs.pipeline import Result
from botlib.runs.summary import Section
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
    page = report.build(workspace, tmp_path, [failed])
    assert "no dumps" in page.read_text()
    assert "run 05_generate" in report.best_replies_text(workspace)


def test_the_summary_shows_scores_beside_their_baselines_and_escapes_text(judged, tmp_path):
    text = report.build(judged, tmp_path, []).read_text()
    assert "Better than &lt;nothing&gt;." in text
    assert "0.800" in text
    assert "length only" in text


def test_two_runs_side_by_side(judged, tmp_path, capsys):
    for name, auc in (("one", 0.8), ("two", 0.9)):
        record.save(judged.bert_realism, "Realism", "", scores(auc))
        (tmp_path / name).mkdir()
        report.build(judged, tmp_path / name, [])
    page = tmp_path / "compare.html"
    assert main(["compare", str(tmp_path / "one"), str(tmp_path / "two"), "--page", str(page)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "BERT auc" in line)
    assert line.split()[-2:] == ["0.8", "0.9"]
    text = page.read_text()
    assert "0.900" in text
    assert "first run" in text and "second run" in text


def test_a_reader_who_stops_early_sees_no_traceback(workspace):
    # More than a pipe holds, so that the writer meets its closed end
    for number in range(900):
        (workspace.models / "gpt2" / f"run{number}").mkdir(parents=True)
    line = f"{sys.executable} -m botlib status --workspace {workspace.root} | true"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_a_folder_that_is_no_run_is_named(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 1
    assert "has no summary.json" in capsys.readouterr().err


def test_a_section_only_one_run_has_is_shown_as_missing(tmp_path):
    for name, sections in (("one", [Section("Rank", "", scores(0.6))]), ("two", [])):
        (tmp_path / name).mkdir()
        summary.save(sections, tmp_path / name)
    table = report.compare(tmp_path / "one", tmp_path / "two", tmp_path / "page.html")
    assert table["second"].isna().all()
    assert "not in this run" in (tmp_path / "page.html").read_text()


def test_a_terminal_table_is_cut_and_aligned_to_the_left():
    frame = pd.DataFrame({"comment": ["a\nb", "x" * 50], "score": [0.12345, float("nan")]})
    assert text_table(frame, width=10).splitlines() == [
        "comment     score",
        "a b         0.123",
        "xxxxxxxxx…  –",
    ]
