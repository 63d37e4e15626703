"""All rows of a table sort, also those that are not drawn at first."""

import json
import re

import pandas as pd

from botlib.evaluation.figures import sortable

FRAME = pd.DataFrame({"reply": [f"r{i}" for i in range(950)], "score": [i / 7 for i in range(950)]})


def kept(page):
    return json.loads(re.search(r'application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_no_row_of_950_is_left_out_of_what_sorts():
    page = sortable.table(FRAME, rows=50).data
    assert page.count("<tr>") == 51
    assert len(kept(page)) == 900
    assert "50 of 950 rows" in page


def test_a_comment_cannot_end_the_script_that_holds_the_rows():
    frame = pd.DataFrame({"reply": ["a", "</script><b>x</b>"]})
    page = sortable.table(frame, rows=1).data
    assert "</script><b>" not in page
    assert kept(page) == [["</script><b>x</b>"]]


def test_the_report_keeps_a_long_table_short_and_says_so():
    page = sortable.shortened(sortable.table(FRAME, rows=50).data, 100)
    assert len(kept(page)) == 100
    assert "800 more rows are in the executed notebook" in page


def test_a_table_shows_text_as_reddit_does():
    page = sortable.table(pd.DataFrame({"comment": ["&gt; quoted\nanswer &amp; more"]})).data
    assert "&gt; quoted\nanswer &amp; more" in page
    assert "&amp;gt;" not in page and "\\n" not in page
