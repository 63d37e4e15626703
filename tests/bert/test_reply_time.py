import numpy as np
import pandas as pd
import pytest

from botlib.bert import reply_time
from botlib.data.pairs.siblings import sibling_pairs
from botlib.errors import BotlibError
from botlib.evaluation import metrics


@pytest.fixture
def replies() -> pd.DataFrame:
    """200 comments with three replies each; being early is worth points, and so is length."""
    rng = np.random.default_rng(6)
    n = 600
    delay = rng.exponential(10_000, n).astype(int)
    words = rng.integers(1, 40, n)
    score = 12 - 3 * np.log1p(delay / 60) + words / 3 + rng.normal(scale=2, size=n)
    return pd.DataFrame(
        {
            "comment_id": np.repeat([f"c{i}" for i in range(200)], 3),
            "submission_id": np.repeat([f"t{i}" for i in range(50)], 12),
            "reply": ["word " * int(count) for count in words],
            "reply_score": score.round().astype(int),
            "comment_created_utc": 1_500_000_000,
            "reply_created_utc": 1_500_000_000 + delay,
        }
    )


def test_offsets_know_that_the_early_reply_wins(replies):
    offset = reply_time.time_offsets(replies)
    order = sibling_pairs(replies, max_hours=np.inf, min_age_hours=0)
    assert np.mean(offset[order.better] > offset[order.worse]) > 0.65
    early_first = np.corrcoef(offset, replies.reply_created_utc)[0, 1]
    assert early_first < -0.5


def test_text_learns_more_once_time_is_taken_as_given(replies):
    length = replies.reply.str.len().to_numpy(float)
    offset = reply_time.time_offsets(replies)
    together = offset / offset.std() + length / length.std()
    share = [
        metrics.pairwise(replies, s, max_hours=np.inf, min_gap=3, resamples=0)["pairwise"]
        for s in (offset, length, together)
    ]
    assert share[2] > max(share[:2])


def test_unknown_times_owe_nothing(replies):
    unknown = replies.assign(
        reply_created_utc=pd.array([pd.NA] * 600, dtype="Int64"),
        comment_created_utc=pd.array([pd.NA] * 600, dtype="Int64"),
    )
    assert np.array_equal(reply_time.time_offsets(unknown), np.zeros(600))
    without = replies.drop(columns="comment_created_utc")
    assert np.isfinite(reply_time.time_offsets(without)).all()


def test_nothing_to_rank_is_an_error(replies):
    with pytest.raises(BotlibError, match="nothing to rank"):
        reply_time.time_offsets(replies.drop_duplicates("comment_id"))


def test_a_comment_with_many_pairs_does_not_rule(replies):
    pairs = sibling_pairs(replies, max_hours=np.inf, min_age_hours=0)
    weights = reply_time.pair_weights(replies, pairs)
    assert weights.shape == (len(pairs),) and (weights > 0).all()
    three = pairs.assign(weight=weights, comment=replies.comment_id.to_numpy()[pairs.better])
    heavy = three.groupby("comment").weight.sum() / three.groupby("comment").gap.apply(
        lambda gap: np.log1p(gap).mean()
    )
    assert heavy.max() < 2.2
