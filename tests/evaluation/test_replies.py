"""Variety and perplexity are counted as defined, and their sentences say what the numbers say."""

import math

import numpy as np
import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.evaluation import replies, sentences

PEOPLE = [f"w{i} w{i + 1} w{i + 2} w{i + 3} w{i + 4}" for i in range(0, 400, 5)]


def test_distinct_pairs_and_repeated_runs_are_counted_by_hand():
    rows = replies.diversity({"human": ["a b c d a b c d"], "T 1": ["x y", "x y", "x z"]})
    # Three pairs from each: (a b) (b c) (c d), and (x y) (x y) (x z)
    assert rows.loc["human", "distinct-2"] == 1.0
    assert rows.loc["T 1", "distinct-2"] == pytest.approx(2 / 3)
    # a b c d, b c d a, c d a b, d a b c, a b c d: one of five was there before
    assert rows.loc["human", "self-repetition"] == pytest.approx(0.2)
    assert rows.loc["T 1", "self-repetition"] == 0.0
    assert rows["words"].tolist() == [8, 2]


def test_more_text_of_the_same_kind_is_not_less_varied():
    rng = np.random.default_rng(1)
    texts = [" ".join(f"w{i}" for i in rng.integers(0, 200, 20)) for _ in range(400)]
    rows = replies.diversity({"human": texts[:80], "T 1": texts[80:]}, resamples=20)
    assert rows.loc["T 1", "distinct-2"] == pytest.approx(rows.loc["human", "distinct-2"], abs=0.02)


def test_the_sentence_tells_dull_from_varied():
    dull = replies.diversity({"human": PEOPLE, "T 0.1": ["go on and go on and go on"] * 80})
    text = sentences.diversity(dull)
    assert "(T 0.1) is far less varied than human replies" in text
    assert text.endswith("That is more than in human replies.")
    same = sentences.diversity(replies.diversity({"human": PEOPLE, "T 1": PEOPLE[::-1]}))
    assert "as varied as human replies" in same
    assert same.endswith("No generated reply repeats four of its own words.")


def test_nothing_to_compare_is_named():
    with pytest.raises(BotlibError, match="'T 1' has no reply of two words"):
        replies.diversity({"human": PEOPLE, "T 1": ["", "a"]})


@pytest.fixture
def scores() -> pd.DataFrame:
    tokens = np.repeat([5, 20, 200], 50)
    nats = np.repeat([4.0, 3.0, 2.0], 50) + np.random.default_rng(2).normal(0, 0.1, 150)
    return pd.DataFrame({"log_prob": -nats * tokens, "tokens": tokens})


def test_perplexity_is_per_token_and_by_length(scores):
    rows = replies.perplexity_by_length(scores, resamples=50)
    assert rows.index.tolist() == ["1–7", "16–31", "≥ 128"]
    assert rows["perplexity"].tolist() == pytest.approx([math.exp(n) for n in (4, 3, 2)], rel=0.05)
    assert ((rows["low"] < rows["perplexity"]) & (rows["perplexity"] < rows["high"])).all()
    text = sentences.perplexity_by_length(rows)
    assert text.startswith("Perplexity is lowest on replies of ≥ 128 tokens (7.")
    assert "overlap" not in text
    assert "All replies" in sentences.perplexity_by_length(rows.head(1))


def test_a_run_without_held_out_replies_says_so(scores):
    rows = replies.perplexity_by_length(scores.head(0))
    assert replies.perplexity_points(rows).get_title()
    assert "validation_pairs is 0" in sentences.perplexity_by_length(rows)


def test_replies_are_told_apart_by_decoder():
    values = {"real": [1, 0, 0], "reply": ["a", "b", "c"], "temperature": [np.nan, 0.7, 1.0]}
    groups = replies.groups_of(pd.DataFrame(values | {"top_k": 40, "top_p": 1.0}))
    assert groups == {"human": ["a"], "T 0.7 · k 40 · p 1": ["b"], "T 1 · k 40 · p 1": ["c"]}


def test_figures_have_titles_units_and_the_tables_numbers(scores):
    rows = replies.perplexity_by_length(scores, resamples=20)
    ax = replies.perplexity_points(rows)
    assert ax.get_title() and "tokens" in ax.get_xlabel() and ax.get_ylabel() == "perplexity"
    assert ax.get_xticklabels()[0].get_text() == "1–7\n(50)"
    table = replies.diversity({"human": PEOPLE, "T 1": PEOPLE}, resamples=20)
    for measure in ("distinct-2", "self-repetition"):
        ax = replies.diversity_bars(table, measure)
        assert ax.get_title() and measure in ax.get_xlabel()
        assert [bar.get_width() for bar in ax.patches] == table[measure].tolist()
    assert ax.patches[0].get_hatch() and not ax.patches[1].get_hatch()  # told apart in grey
