"""What 05 stores of the threads makes notebook 06 judge as the bot does."""

import numpy as np
import pandas as pd

from botlib import tables
from botlib.live import judging
from botlib.live import round as rounds
from botlib.live.models import Judges
from botlib.live.threads import Threads
from botlib.settings import GenerateSettings


class Scorer:
    """Scores by the texts' lengths: the same texts, the same numbers."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def predict(self, comments, replies, **_):
        lengths = np.array([[len(c), len(r)] for c, r in zip(comments, replies, strict=True)])
        numbers = 1 + np.sin(lengths @ np.arange(1, 2 * self.classes + 1).reshape(2, -1))
        return numbers / numbers.sum(axis=1, keepdims=True) if self.classes > 1 else numbers[:, 0]


class Context:
    """The later a comment, the more it is worth; remembers what it was asked."""

    def expected_rating(self, frame: pd.DataFrame) -> np.ndarray:
        self.asked = frame
        return frame["comment_created_utc"].to_numpy(float) % 1000


def make(outbox, client, workspace):
    """What 05 has in hand, and what it leaves in the workspace."""
    settings = GenerateSettings(reddit="sandbox", subreddits="writing,scifi", min_comment_score=0)
    reading = rounds.read(outbox, client, settings)
    rows = reading.comments.loc[reading.comments.index.repeat(3)].reset_index(drop=True)
    said = reading.threads.comments["comment"]
    replies = [f"Reply {n} to that, in {n % 7} words." for n in range(len(rows))]
    replies[4] = said.iloc[-1]  # of another thread than its own
    replies[0] = said[reading.threads.comments["post_id"] == rows["post_id"][0]].iloc[-1]
    proposed = rows.assign(sample=rows.index % 3, proposed_reply=replies, log_prob=-1.0)
    proposed = proposed[list(tables.PROPOSED.columns)]
    tables.write_table(workspace.proposed_replies("d"), proposed, tables.PROPOSED)
    threads = reading.threads
    tables.write_table(workspace.read_threads("d"), threads.comments, tables.READ_THREADS)
    return proposed, threads


def test_what_05_stores_is_judged_as_by_the_round_that_read_it(
    outbox, client, threads, sandbox, workspace, settings, clock
):
    for (post, below), wait in zip(threads, (5, 7, 11), strict=True):
        clock.sleep(wait)
        said = sandbox.state.add_comment(post["name"], "Rivers are long and old.", author="late")
        sandbox.state.add_comment(below[0]["name"], "So they are, so they are.", author="x")
        assert said["created_utc"] == clock()
    proposed, read = make(outbox, client, workspace)
    judges = Judges(
        realism=Scorer(1), upvotes=Scorer(4), rank=Scorer(1), context=Context()
    )  # fmt: skip
    options = {"threshold": 0.0, "now": clock() + 9}
    bot = judging.judge(proposed, judges, settings(), read, **options)
    asked = judges.context.asked
    stored = Threads.load(workspace.read_threads("d"))
    again = tables.read_table(workspace.proposed_replies("d"), tables.PROPOSED)
    notebook = judging.judge(again, judges, settings(), stored, **options)
    pd.testing.assert_frame_equal(notebook, bot, check_dtype=False)
    pd.testing.assert_frame_equal(judges.context.asked, asked, check_dtype=False)
    # The copy check saw the whole thread, and the context model the replies that were there
    assert bot["reason"][0] == "a near-copy of the thread"
    assert len(asked) > len(proposed.drop_duplicates("comment_id"))
    # The context model, not the rating, said which comment: the latest of each post
    chosen = bot[bot["decision"] == "reply"].set_index("post_id")
    latest = read.created()
    for post_id, row in chosen.iterrows():
        of_post = bot[(bot["post_id"] == post_id) & (bot["decision"] != "refused")]
        best = of_post["comment_id"].map(latest).max()
        assert latest[row["comment_id"]] == best


def test_pairs_and_texts_are_those_of_the_threads(outbox, client, threads, sandbox, workspace):
    (post, (comment, *_)), *_ = threads
    below = sandbox.state.add_comment(comment["name"], "Indeed.", author="x")
    _, read = make(outbox, client, workspace)
    (pair,) = read.pairs().to_dict("records")
    assert (pair["submission_id"], pair["comment_id"], pair["reply_id"]) == (
        *(post["id"], comment["id"], below["id"]),
    )
    assert (pair["comment"], pair["reply"]) == (comment["body"], "Indeed.")
    assert set(read.texts()) == {post["id"] for post, _ in threads}
    assert "Indeed." in read.texts()[post["id"]]


def test_tables_of_0_1_0_have_no_threads_and_are_judged_all_the_same(
    outbox, client, threads, workspace, settings
):
    proposed, _ = make(outbox, client, workspace)
    workspace.read_threads("d").unlink()
    judges = Judges(realism=Scorer(1), upvotes=Scorer(4), context=Context())
    none = Threads.load(workspace.read_threads("d"))
    chosen = judging.judge(proposed, judges, settings(), none, threshold=0.0)
    assert len(none) == 0 and none.files == []
    assert (chosen["decision"] == "reply").sum() == len(threads)


def test_a_comment_that_is_being_judged_is_not_written_to_again(outbox, client, threads, workspace):
    (post, (comment, *_)), *_ = threads
    row = {"subreddit": "writing", "post_id": post["id"], "comment_id": comment["id"]}
    outbox.propose("sandbox", [{**row, "reply": "Indeed."}])
    settings = GenerateSettings(reddit="sandbox", subreddits="writing,scifi")
    reading = rounds.read(outbox, client, settings, per_post=0)
    assert comment["id"] not in set(reading.comments["comment_id"])
    assert "it has a reply in the outbox" in set(reading.skipped["reason"])
    whole_post = rounds.read(outbox, client, settings)
    assert post["id"] not in set(whole_post.comments["post_id"])
