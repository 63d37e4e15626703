"""The figures of the pairs draw the numbers of their tables."""

import matplotlib as mpl
import pandas as pd
import pytest

from botlib.evaluation.figures import pairs as data_plots

mpl.use("Agg")


@pytest.fixture
def pairs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subreddit": ["writing", "writing", "scifi", "scifi", "scifi"],
            "comment_id": list("aabcd"),
            "comment": ["one two", "one two", "a b c", "d", "e f g h"],
            "reply": ["x", "x y", "x y z", "x", "x y z w v"],
            "reply_score": [-3, 1, 2, 5, 900],
            "rating": [0, 1, 2, 3, 3],
        }
    )


def test_scores_and_ratings_by_subreddit(pairs):
    ax = data_plots.scores(pairs)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["writing", "scifi"]
    table = data_plots.scores_table(pairs)
    assert table.loc["scifi", "pairs"] == 3 and table.loc["scifi", "50%"] == 5
    shares = data_plots.ratings_table(pairs)
    assert shares.loc["scifi"].tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3])
    assert len(data_plots.ratings(pairs).patches) == 8


def test_lengths_count_a_comment_once(pairs):
    table = data_plots.lengths_table(pairs)
    assert table.loc["comments", "texts"] == 4 and table.loc["replies", "texts"] == 5
    assert table.loc["comments", "mean"] == 2.5
    assert {text.get_text() for text in data_plots.lengths(pairs).get_legend().get_texts()} == {
        *("comments", "replies")
    }


def test_months_without_a_pair_show_as_such():
    rows = {"2019_11": 5, "2020_02": 7}
    assert data_plots.months_table(rows)["pairs"].tolist() == [5, 0, 0, 7]
    assert [bar.get_height() for bar in data_plots.months(rows).patches] == [5, 0, 0, 7]


def test_rules_that_dropped_nothing_are_not_drawn():
    counts = pd.DataFrame(
        {"rule": ["(raw)", "bot", "short"], "dropped": [0, 0, 4], "left": [10, 10, 6]}
    )
    ax = data_plots.rules(counts)
    assert [bar.get_width() for bar in ax.patches] == [4]
    assert "6 pairs of 10 left" in ax.get_title()


def test_wide_scores_have_more_than_one_tick_and_the_bins_are_named(pairs):
    wide = pd.concat([pairs.assign(reply_score=score) for score in (-4, 1, 70, 900)])
    ticks = [tick for tick in data_plots.scores(wide).get_xticks() if tick > 0]
    assert len(ticks) > 3
    legend = data_plots.ratings(pairs).get_legend()
    assert all(":" in text.get_text() for text in legend.get_texts())
