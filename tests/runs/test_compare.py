"""Two runs: what differs comes first, what may be chance is said, what is equal is left out."""

import pandas as pd
import pytest

from botlib.__main__ import main
from botlib.runs import summary
from botlib.runs.compare import compare
from botlib.runs.summary import Section


def run(folder, **values):
    folder.mkdir()
    table = pd.DataFrame({"model": list(values), "auc": list(values.values())})
    summary.save([Section("Realism", "", table, "03_bert_realism")], [], folder)
    return folder


@pytest.fixture
def two(tmp_path):
    same = {"TF-IDF": "0.700 [0.680, 0.720]"}
    first = run(tmp_path / "one", BERT="0.800 [0.790, 0.810]", head="0.80 [0.70, 0.90]", **same)
    second = run(tmp_path / "two", BERT="0.900 [0.890, 0.910]", head="0.82 [0.72, 0.92]", **same)
    return first, second


def test_clear_differences_come_first_and_equal_rows_are_left_out(two, tmp_path):
    table = compare(*two, tmp_path / "page.html")
    assert table["figure"].tolist() == ["BERT: auc", "head: auc"]
    assert table["verdict"].tolist() == ["more than chance", "may be chance"]
    assert table["difference"].iloc[0] == "+0.100 [+0.086, +0.114]"
    assert table.attrs["equal"] == 1
    page = (tmp_path / "page.html").read_text()
    assert "1 difference is more than chance" in page
    assert "TF-IDF" not in page


def test_a_figure_that_only_one_run_has_is_named(tmp_path):
    first = run(tmp_path / "one", rank="0.6")
    second = run(tmp_path / "two")
    table = compare(first, second, tmp_path / "page.html")
    assert table["verdict"].tolist() == ["only in one run"]


def test_the_same_run_twice_differs_in_nothing(two, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["compare", str(two[0]), str(two[0]), "--page", str(page)]) == 0
    assert "nothing differs" in capsys.readouterr().out
    assert "Nothing differs." in page.read_text()


def test_runs_of_0_1_0_can_still_be_compared(two, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    text = '[{"title": "Realism", "sentence": "", "table": {"index": [0], '
    text += '"columns": ["model", "auc"], "data": [["BERT", "0.5 [0.4, 0.6]"]]}}]'
    (old / "summary.json").write_text(text)
    table = compare(old, two[1], tmp_path / "page.html")
    assert table["figure"].iloc[0] == "BERT: auc"


def test_a_folder_that_is_no_run_is_named(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 1
    assert "has no summary.json" in capsys.readouterr().err
