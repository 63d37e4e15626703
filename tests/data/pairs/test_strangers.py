"""Strangers' replies: another comment's, of the place that was asked for, and each used once."""

import numpy as np
import pandas as pd
import pytest

from botlib.data.pairs.strangers import strangers


@pytest.fixture
def real() -> pd.DataFrame:
    """Two subreddits, threads of one to nine comments, comments of one to four replies."""
    rng = np.random.default_rng(3)
    rows = []
    for thread in range(60):
        for comment in range(rng.integers(1, 10)):
            for reply in range(rng.integers(1, 5)):
                name = f"{thread}-{comment}"
                place, split = f"r{thread % 2}", "test" if thread % 3 else "validation"
                text = f"reply {reply} to {name}"
                rows.append((name, f"t{thread}", place, split, f"comment {name}", text))
    columns = ["comment_id", "submission_id", "subreddit", "split", "comment", "reply"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=1, ignore_index=True)


@pytest.mark.parametrize("place", ["subreddit", "thread"])
def test_a_stranger_answers_another_comment_of_the_same_place(real, place):
    other = strangers(real, place, seed=5)
    source = real.loc[other["row"]].reset_index(drop=True)
    assert (other["reply"] == source["reply"]).all()
    assert (other["comment_id"] != source["comment_id"]).all()
    assert (other["subreddit"] == source["subreddit"]).all()
    assert (other["split"] == source["split"]).all()
    same_thread = other["submission_id"] == source["submission_id"]
    assert same_thread.all() if place == "thread" else not same_thread.any()
    assert not other["row"].duplicated().any()
    assert len(other) > 0.6 * len(real)


def test_one_text_under_two_comments_is_no_stranger(real):
    thanks = real.assign(reply="Thanks!")
    assert strangers(thanks, "subreddit", seed=5).empty


def test_a_thread_of_one_comment_has_no_stranger():
    row = {"comment_id": "a", "submission_id": "t", "subreddit": "r", "comment": "c", "reply": "x"}
    assert strangers(pd.DataFrame([row]), "thread", seed=5).empty
    assert strangers(pd.DataFrame([row]).iloc[:0], "thread", seed=5).empty
