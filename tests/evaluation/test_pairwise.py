import numpy as np
import pandas as pd
import pytest

from botlib.data.pairs.siblings import sibling_pairs
from botlib.errors import BotlibError
from botlib.evaluation import metrics

HOUR = 3600


@pytest.fixture
def thread() -> pd.DataFrame:
    """One comment with four replies, and one with a single reply."""
    return pd.DataFrame(
        {
            "submission_id": "t",
            "subreddit": "GradSchool",
            "comment_id": ["a", "a", "a", "a", "b"],
            "reply_score": [10, 3, 3, 40, 99],
            "reply_created_utc": np.array([0, 0.5, 2, 0.9, 0]) * HOUR,
            "reply_retrieved_utc": np.array([99, 99, 99, 99, 99]) * HOUR,
        }
    )


def test_pairs_are_near_in_time_and_far_in_score(thread):
    pairs = sibling_pairs(thread, min_gap=5)
    assert set(zip(pairs.better, pairs.worse, strict=True)) == {(0, 1), (3, 0), (3, 1)}
    assert pairs.set_index(["better", "worse"]).loc[(3, 0), "hours"] == pytest.approx(0.9)
    everything = sibling_pairs(thread, max_hours=np.inf)
    assert len(everything) == 5  # equal scores are no pair
    thread.loc[3, "reply_retrieved_utc"] = HOUR
    assert len(sibling_pairs(thread, min_gap=5)) == 1


def test_pairwise_counts_ties_one_half(thread):
    assert metrics.pairwise(thread, [2, 1, 0, 3, 0], resamples=0)["pairwise"] == 1.0
    assert metrics.pairwise(thread, [-2, -1, 0, -3, 0], resamples=0)["pairwise"] == 0.0
    assert metrics.pairwise(thread, np.zeros(5), resamples=0)["pairwise"] == 0.5
    assert metrics.pairwise(thread, np.zeros(5), min_gap=20)["pairs"] == 2
    none = metrics.pairwise(thread, np.zeros(5), min_gap=500)
    assert none["pairs"] == 0 and np.isnan(none["pairwise"])


def test_pairwise_by_gap_and_subreddit_count_every_pair_once(siblings):
    score = siblings.reply.str.len().to_numpy()
    by_gap = metrics.pairwise_by(siblings, score)
    assert by_gap.pairs.sum() == len(sibling_pairs(siblings))
    assert by_gap.index.tolist() == ["1", "2–4", "5–9", "10–19", "20–49", "≥ 50"]
    assert by_gap.loc["20–49", "pairwise"] > by_gap.loc["1", "pairwise"]
    by_subreddit = metrics.pairwise_by(siblings, score, by="subreddit")
    assert by_subreddit.index.tolist() == ["College", "GradSchool"]
    total = metrics.pairwise(siblings, score)
    assert by_subreddit.pairs.sum() == total["pairs"]
    assert total["intervals"]["pairwise"][0] > 0.6
    with pytest.raises(BotlibError, match="colour"):
        metrics.pairwise_by(siblings, score, by="colour")


def test_lift_of_an_oracle_a_fool_and_of_chance(siblings):
    true = siblings.reply_score.to_numpy(float)
    oracle = metrics.lift(siblings, true, resamples=20)
    assert oracle["chosen"] == oracle["best"] and oracle["of_possible"] == pytest.approx(1)
    assert oracle["won"] > 0.95
    assert metrics.lift(siblings, -true, resamples=20)["lift"] < 0
    equal = metrics.lift(siblings, np.zeros(len(true)), resamples=20)
    assert equal["lift"] == pytest.approx(0) and equal["won"] == pytest.approx(0.5)
    chance = metrics.lift(siblings, np.random.default_rng(5).normal(size=len(true)))
    low, high = chance["intervals"]["lift"]
    assert low < 0 < high
    assert chance["comments"] == 60


def test_missing_scores_and_lone_replies_are_errors(siblings):
    with pytest.raises(BotlibError, match="none missing"):
        metrics.pairwise(siblings, np.full(len(siblings), np.nan))
    with pytest.raises(BotlibError, match="scores of shape"):
        metrics.pairwise(siblings, [1.0])
    alone = siblings.drop_duplicates("comment_id")
    with pytest.raises(BotlibError, match="nothing to rank"):
        metrics.lift(alone, np.zeros(len(alone)))


def test_gain_over_another_score(siblings):
    length = siblings.reply.str.len().to_numpy(float)
    noise = np.random.default_rng(1).normal(size=len(length))
    gain = metrics.pairwise_gain(siblings, length, noise)
    alone = [metrics.pairwise(siblings, s, resamples=0)["pairwise"] for s in (length, noise)]
    assert gain["gain"] == pytest.approx(alone[0] - alone[1])
    assert gain["intervals"]["gain"][0] > 0
    assert metrics.pairwise_gain(siblings, length, length)["intervals"]["gain"] == (0.0, 0.0)
