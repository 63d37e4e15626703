"""Which candidate wins, and the reason each other one doesn't."""

import numpy as np
import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.live.choose import choose, coverage, expected_rating
from botlib.live.copies import CopyIndex

LOW, HIGH = [0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]


def frame(*rows) -> pd.DataFrame:
    """Rows of post, comment, reply, prob_real, ratings."""
    made = []
    for number, (post, comment, reply, real, ratings) in enumerate(rows):
        made.append(
            {
                "subreddit": "writing",
                "post_id": post,
                "title": "t",
                "post_score": 1,
                "comment_id": comment,
                "comment_score": 5,
                "comment": "How does one begin?",
                "sample": number,
                "proposed_reply": reply,
                "log_prob": -1.0,
                "prob_real": real,
                **{f"prob_rating_{k}": p for k, p in enumerate(ratings)},
            }
        )
    return pd.DataFrame(made)


def test_expected_rating():
    assert expected_rating([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]).tolist() == pytest.approx([2.0, 0])


def test_best_of_each_post():
    chosen = choose(
        frame(
            ("p", "a", "One way is this.", 0.95, LOW),
            ("p", "a", "Another is that.", 0.95, HIGH),
            ("p", "b", "Begin at the end.", 0.95, [0.3, 0.2, 0.2, 0.3]),
            ("q", "c", "Don't.", 0.95, LOW),
        )
    )
    assert chosen["decision"].tolist() == ["outranked", "reply", "outranked", "reply"]
    assert chosen["rank"].tolist() == [3, 1, 2, 1]
    assert chosen["reason"].tolist() == [
        "candidate 1 of this comment ranks higher",
        "best of 3",
        "another comment of this post is a better one to answer",
        "best of 1",
    ]


def test_one_reply_for_each_comment_where_asked():
    rows = frame(("p", "a", "One.", 0.95, LOW), ("p", "b", "Two.", 0.95, HIGH))
    assert choose(rows, per_post=False)["decision"].tolist() == ["reply", "reply"]


@pytest.mark.parametrize(
    ("reply", "real", "ratings", "reason"),
    [
        ("Yes.", 0.899, HIGH, "realism 0.899 is below 0.9"),
        ("Yes.", np.nan, HIGH, "no realism score"),
        ("Yes.", 0.95, [0.1, np.nan, 0.1, 0.8], "no upvote score"),
        ("  \n", 0.95, HIGH, "empty"),
        ("x" * 1001, 0.95, HIGH, "1001 characters are more than 1000"),
        ("As [user] said.", 0.95, HIGH, "holds the placeholder [user]"),
        ("Look at www.example.org", 0.95, HIGH, "holds a link, which a model makes up"),
        ("how does one  BEGIN", 0.95, HIGH, "a near-copy of the thread"),
        (
            "See a lawyer; I'd sue them.",
            0.95,
            HIGH,
            "off-topic for a bot: legal advice (see a lawyer)",
        ),
    ],
)
def test_refusals(reply, real, ratings, reason):
    chosen = choose(frame(("p", "a", reply, real, ratings)))
    assert chosen["decision"].tolist() == ["refused"]
    assert chosen["reason"].tolist() == [reason]
    assert chosen["rank"].isna().all()


def test_the_same_candidate_counts_once():
    chosen = choose(frame(("p", "a", "Yes, do.", 0.95, LOW), ("p", "a", "yes,  do.", 0.99, HIGH)))
    assert chosen["decision"].tolist() == ["reply", "refused"]
    assert chosen["reason"].iloc[1] == "same as an earlier candidate"


def test_near_copies_of_thread_and_training():
    said = "The first page is the hardest one to write, so write it last of all."
    learned = "Read the whole thing aloud to a friend before you change a single word of it."
    rows = frame(
        ("p", "a", said.replace("hardest", "worst") + " Really.", 0.95, HIGH),
        ("p", "b", learned.upper(), 0.95, HIGH),
        ("p", "c", "I write the last page first, and then forget the others.", 0.95, HIGH),
    )
    chosen = choose(
        rows, thread_texts={"p": [said]}, training_replies=CopyIndex([learned, "Thank you."])
    )
    assert chosen["reason"].tolist() == [
        "a near-copy of the thread",
        "a near-copy of a training reply",
        "best of 1",
    ]


def test_ties_go_to_the_more_real_then_more_probable_then_earlier():
    rows = frame(
        ("p", "a", "One.", 0.95, HIGH),
        ("p", "a", "Two.", 0.96, HIGH),
        ("p", "a", "Three.", 0.96, HIGH),
        ("p", "a", "Four.", 0.96, HIGH),
    )
    rows.loc[1, "log_prob"] = -5.0
    assert choose(rows)["rank"].tolist() == [4, 3, 1, 2]


def test_rank_model_orders_within_a_comment_and_worth_across():
    rows = frame(
        ("p", "a", "One.", 0.95, HIGH),
        ("p", "a", "Two.", 0.95, LOW),
        ("p", "b", "Three.", 0.95, LOW),
    )
    by_rank = choose(rows, rank_score=[0.0, 5.0, 9.0])
    # Ranking scores of different comments don't compare: expected rating decides, a tie here
    assert by_rank["decision"].tolist() == ["outranked", "reply", "outranked"]
    by_worth = choose(rows, comment_worth={"a": 1.0, "b": 2.0})
    assert by_worth["decision"].tolist() == ["outranked", "outranked", "reply"]
    unknown = choose(rows, comment_worth={"b": 2.0})
    assert unknown["decision"].tolist() == ["outranked", "outranked", "reply"]


def test_the_order_of_rows_stays(scored):
    chosen = choose(scored.sample(frac=1, random_state=1), threshold=0.6)
    assert chosen["sample"].tolist() == scored.sample(frac=1, random_state=1)["sample"].tolist()
    best = choose(scored, threshold=0.6).query("decision == 'reply'")
    again = chosen.query("decision == 'reply'")
    assert sorted(best["proposed_reply"]) == sorted(again["proposed_reply"])


def test_missing_column_is_named(scored):
    with pytest.raises(BotlibError, match="prob_rating_2"):
        choose(scored.drop(columns="prob_rating_2"))


def test_coverage_falls_from_all_to_none(scored):
    curve = coverage(scored, [0.0, 0.75, 1.0])
    assert curve["share"].tolist()[0] == 1.0
    assert curve["comments"].is_monotonic_decreasing
    best = scored.groupby("comment_id")["prob_real"].max()
    assert curve["comments"].tolist()[1] == (best >= 0.75).sum()


def test_copy_index_shares():
    index = CopyIndex(["a b c d e f g h i j"], words=8)
    assert index.share("a b c d e f g h i j") == 1.0
    assert index.share("a b c d e f g h") == 1.0
    assert index.share("a b c d e f g x") == 0.0
    # A shorter text must be the whole of another
    assert index.share("a b c") == 0.0
    assert CopyIndex(["Thank you!"]).share("thank YOU") == 1.0
    assert CopyIndex([]).share("a b") == 0.0
    assert index.share("😀") == 0.0
    # A run never goes from one text into the next
    assert CopyIndex(["a b c d", "e f g h"]).share("a b c d e f g h") == 0.0


def test_copy_index_is_kept_and_read_back(tmp_path):
    index = CopyIndex(["a b c d e f g h i j", "Grüße 😀", ""])
    path = tmp_path / "cache" / "index.npz"
    assert CopyIndex.load(path) is None
    index.save(path)
    again = CopyIndex.load(path)
    assert again.share("a b c d e f g h") == 1.0
    assert again.share("grüße") == 1.0
    assert len(again) == len(index)
    path.write_bytes(path.read_bytes()[:40])
    assert CopyIndex.load(path) is None


def test_a_reply_that_answers_another_comment_is_refused_in_words():
    candidates = frame(
        ("p", "a", "Begin with a person who wants something.", 0.95, LOW),
        ("p", "a", "The brakes need oil.", 0.95, HIGH),
    )
    chosen = choose(candidates, fit=[0.8, 0.1], fit_threshold=0.3)
    assert chosen["decision"].tolist() == ["reply", "refused"]
    assert chosen["reason"][1] == "fit 0.100 is below 0.300: it may answer another comment"
    assert choose(candidates)["decision"].tolist() == ["outranked", "reply"]
    assert choose(candidates, fit=[0.8, np.nan])["reason"][1] == "no fit score"


def test_the_better_fit_goes_first_by_its_weight():
    candidates = frame(
        ("p", "a", "Begin with a person who wants something.", 0.95, LOW),
        ("p", "a", "The brakes need oil.", 0.95, HIGH),
    )
    for weight, winner in ((0.0, 1), (0.1, 1), (1.0, 0)):
        chosen = choose(candidates, rank_score=[0.0, 1.0], fit=[0.9, 0.4], fit_weight=weight)
        assert chosen["rank"].idxmin() == winner
