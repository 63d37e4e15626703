"""Threads for a sandbox without data: whole, of the test split, under any name."""

from botlib.data.pairs.splits import split_of
from botlib.data.sample import threads


def test_made_up_threads_are_the_ones_that_no_model_of_the_sample_has_seen():
    frame = threads.of_test_split(["writing", "College", "GradSchool"], seed=2020)
    assert set(split_of(frame["submission_id"])) == {"test"}
    assert frame.groupby("subreddit")["submission_id"].nunique().min() > 20
    assert (frame.groupby("submission_id")["subreddit"].nunique() == 1).all()
    assert not frame["comment"].str.startswith("[").any()
    again = threads.of_test_split(["writing", "College", "GradSchool"], seed=2020)
    assert again.equals(frame)
