"""Does the model read the conversation? A table and a sentence that say no more than they know."""

import numpy as np
import pandas as pd
import pytest

from botlib.evaluation import listening


def _scores(gain: float, spread: float, count: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 40, count)
    stranger = -4.0 * tokens
    return pd.DataFrame(
        {
            "submission_id": [f"t{number // 4}" for number in range(count)],
            "tokens": tokens,
            "log_prob": stranger + tokens * rng.normal(gain, spread, count),
            "stranger_log_prob": stranger,
        }
    )


@pytest.mark.parametrize(
    ("gain", "spread", "says"),
    [
        (0.1, 0.1, "the model reads the conversation"),
        (0.0, 0.5, "may be chance"),
        (-0.1, 0.1, "misleads the model"),
    ],
)
def test_the_sentence_follows_the_interval(gain, spread, says):
    table = listening.listening(_scores(gain, spread))
    assert says in listening.sentence(table, "thread")
    value, low, high = table.loc["gain, nats a token"]
    assert low < value < high and value == pytest.approx(gain, abs=0.1)
    own, other = table["value"].iloc[:2]
    assert np.log(other) - np.log(own) == pytest.approx(value)
    assert f"{own:.1f}" in listening.sentence(table)


def test_intervals_draw_whole_threads():
    scores = _scores(0.1, 0.3)
    # Replies of one thread are alike: four copies of a reply tell no more than one
    copies = scores.loc[np.repeat(np.arange(0, 200, 4), 4)].reset_index(drop=True)
    copies["submission_id"] = np.repeat(np.arange(50), 4)
    apart = copies.assign(submission_id=range(200))
    wide, narrow = (listening.listening(frame).iloc[-1] for frame in (copies, apart))
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])


def test_without_held_out_replies_the_sentence_says_so():
    table = listening.listening(_scores(0, 1).iloc[:0])
    assert "validation_pairs is 0" in listening.sentence(table)
