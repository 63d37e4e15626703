"""The judge of ratings reads the same of a comment's place in training and in the bot."""

import numpy as np
import pandas as pd
import pytest

from botlib import tables
from botlib.bert import place
from botlib.data.pairs.conversations import COMMENT, POST, Conversations
from botlib.live import judging
from botlib.live.threads import Threads


@pytest.fixture
def conversations() -> Conversations:
    """A post, a comment on it, an answer to that, and an answer to the answer."""
    rows = [
        {"kind": POST, "id": "p1", "submission_id": "p1", "title": "Rivers", "text": "Why?"},
        {"kind": COMMENT, "id": "c1", "submission_id": "p1", "text": "Water.", "parent_id": ""},
        {"kind": COMMENT, "id": "c2", "submission_id": "p1", "text": "Wet.", "parent_id": "c1"},
        {"kind": COMMENT, "id": "c3", "submission_id": "p1", "text": "Very.", "parent_id": "c2"},
    ]
    frame = pd.DataFrame(rows).fillna("")
    return Conversations(frame.reindex(columns=list(tables.CONVERSATIONS.columns), fill_value=""))


@pytest.fixture
def threads() -> Threads:
    """The same thread as 05 reads it, and an answer whose parent Reddit left out."""
    parents = {"c3": "c2", "c1": "", "c2": "c1", "c9": "missing"}
    rows = [
        {"subreddit": "writing", "post_id": "p1", "comment_id": name, "parent_id": parent,
         "author": "a", "comment": "x", "created_utc": 1}
        for name, parent in parents.items()
    ]  # fmt: skip
    return Threads.of(rows)


def test_training_and_the_bot_read_the_same(conversations, threads):
    names = ["c1", "c2", "c3", "unknown"]
    pairs = pd.DataFrame({"comment_id": names, "subreddit": "writing", "comment": "Hello"})
    trained = place.in_place(pairs, conversations)["comment"].tolist()
    assert trained == [
        *(f"Hello\nr_writing turn_{depth} Rivers" for depth in range(3)),
        "Hello\nr_writing",
    ]
    proposed = pd.DataFrame({"comment_id": names[:3], "subreddit": "writing", "title": "Rivers",
                             "comment": "Hello", "proposed_reply": "Oh"})  # fmt: skip

    class Ratings:
        reads = place.PLACE

        def predict(self, comments, replies):
            self.read = comments
            return np.full((len(comments), 4), 0.25)

    class Realism:
        def predict(self, comments, replies):
            assert set(comments) == {"Hello"}
            return np.ones(len(comments))

    ratings = Ratings()
    judging.score(proposed, Realism(), ratings, threads)
    assert ratings.read == trained[:3]
    # A model of an earlier version reads the comment alone
    del Ratings.reads
    judging.score(proposed, Realism(), ratings, threads)
    assert ratings.read == ["Hello"] * 3


def test_without_any_turns_no_comment_is_called_the_first(conversations):
    """BigQuery's tables have none."""
    pairs = pd.DataFrame({"comment_id": ["c1"], "subreddit": "writing", "comment": "Hello"})
    assert place.in_place(pairs, conversations)["comment"][0] == "Hello\nr_writing Rivers"


def test_a_depth_that_isnt_known_is_not_made_up(threads):
    assert threads.depths() == {"c3": 2, "c1": 0, "c2": 1, "c9": None}
    circle = threads.comments.assign(parent_id=["c2", "c3", "c3", "c1"])
    assert set(Threads(circle).depths().values()) == {None}


@pytest.mark.parametrize(
    ("where", "read"),
    [
        (("", "", None), "Hi"),
        (("", "", 0), "Hi"),
        (("a", "", 7), "Hi\nr_a turn_3"),
        (("", "T", 1), "Hi\nT"),
    ],
)
def test_what_is_not_known_is_left_out(where, read):
    assert place.text("Hi", *where) == read
