"""A comment is answered on the page by the bot's own models and rules, as fast as they write."""

import json

import numpy as np
import pytest

from botlib.app.bench import CachedScorer
from botlib.live.outbox import candidates
from tests.live import small_models


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory):
    from botlib.workspace import Workspace

    made = Workspace.open(tmp_path_factory.mktemp("models") / "w", create=True)
    small_models.fill(made)
    return made.models


@pytest.fixture
def trying(browser, site, models_folder):
    (site.workspace.root / "models").symlink_to(models_folder)
    return browser


def write(browser, text, n=4, **more):
    answer = browser.post("/api/try", text=text, n=n, **more)
    assert answer.status_code == 200, answer.json
    return [json.loads(line) for line in answer.text.splitlines()]


def link_to(site, reply):
    return f"https://www.reddit.com/r/writing/comments/{reply.post_id}/_/{reply.comment_id}/"


def test_candidates_come_while_they_are_written_each_with_its_verdict(trying):
    # More than the model's copies write together, so that some must come before others
    first, *between, last = write(trying, "How do you keep writing?", n=14)
    assert first["comment"]["text"] == "How do you keep writing?" and first["linked"] is False
    sizes = [len(line["candidates"]) for line in between]
    assert sizes == sorted(set(sizes)) and sizes[0] < 14 and sizes[-1] == 14
    assert last["done"] is True
    for one in between[-1]["candidates"]:
        assert 0 <= one["realism"] <= 1 and 0 <= one["rating"] <= 3
        assert one["decision"] in ("reply", "outranked", "refused") and one["reason"]


def test_the_threshold_decides_again_without_writing_or_scoring(trying, monkeypatch):
    first, *_, _ = lines = write(trying, "Rivers?", n=4, threshold=0)
    before = lines[-2]["candidates"]
    assert [one["decision"] for one in before].count("reply") == 1
    monkeypatch.setattr("botlib.bert.scorer.Scorer.predict", None)
    monkeypatch.setattr("botlib.gpt2.generator.Generator.generate", None)
    judge = f"/api/try/{first['trial']}/judge"
    strict = trying.post(judge, threshold=1.0, n=4).json["candidates"]
    assert {one["decision"] for one in strict} == {"refused"}
    assert all("realism" in one["reason"] or one["text"] == "" for one in strict)
    assert [one["text"] for one in strict] == [one["text"] for one in before]
    assert len(trying.post(judge, threshold=0.0, n=2).json["candidates"]) == 2
    again = trying.post(judge, threshold=0.0, n=4).json["candidates"]
    assert again == before


def test_a_link_is_read_with_its_thread_and_its_reply_can_be_proposed_once(trying, site):
    with site.outbox() as outbox:
        reply = outbox.replies()[0]
        outbox.execute("DELETE FROM candidates")
        outbox.execute("DELETE FROM changes")
        outbox.execute("DELETE FROM replies")
    first, *_, _ = lines = write(trying, link_to(site, reply), threshold=0)
    assert first["linked"] and first["refusal"] == ""
    assert first["comment"]["author"] == reply.author
    assert first["comment"]["subreddit"] == reply.subreddit
    assert first["comment"]["text"] == reply.comment
    best = next(one for one in lines[-2]["candidates"] if one["decision"] == "reply")
    asked = {"sample": best["sample"], "threshold": 0, "n": 4}
    assert trying.post(f"/api/try/{first['trial']}/propose", **asked).json == {"proposed": True}
    with site.outbox() as outbox:
        (queued,) = outbox.replies()
        assert (queued.state, queued.reply) == ("proposed", best["text"])
        assert queued.approved_by == "" and queued.subreddit == reply.subreddit
        texts = {other.text for other in candidates.for_reply(outbox, queued.id)}
        assert texts <= {one["text"] for one in lines[-2]["candidates"]} - {best["text"]}
    again = trying.post(f"/api/try/{first['trial']}/propose", **asked)
    assert again.status_code == 409 and "has a reply in the outbox" in again.json["error"]


def test_a_comment_that_the_bot_leaves_alone_says_why_and_gets_no_proposal(trying, site):
    with site.outbox() as outbox:
        reply = outbox.replies()[0]
    with site.reddit() as reddit:
        reddit.sandbox.state.change(f"t1_{reply.comment_id}", locked=True)
    first, *_ = write(trying, link_to(site, reply))
    assert "locked" in first["refusal"] and not first["linked"]
    asked = trying.post(f"/api/try/{first['trial']}/propose", sample=0, threshold=0, n=4)
    assert asked.status_code == 409


def test_a_refused_candidate_is_not_proposed(trying, site):
    with site.outbox() as outbox:
        reply = outbox.replies()[0]
    first, *_ = write(trying, link_to(site, reply), threshold=1)
    refused = trying.post(f"/api/try/{first['trial']}/propose", sample=0, threshold=1, n=4)
    assert refused.status_code == 409 and "refused" in refused.json["error"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "nothing to answer"),
        ("https://www.reddit.com/r/writing/comments/zzzzzz/_/yyyyyy/", "doesn't exist"),
        ("https://www.reddit.com/r/writing/", "isn't a link to a comment"),
        ("x" * 10_001, "at most 10,000"),
    ],
)
def test_what_cannot_be_answered_says_what_to_do(trying, text, said):
    answer = trying.post("/api/try", text=text, n=2)
    assert answer.status_code == 409 and said in answer.json["error"]


def test_odd_numbers_from_a_browser_end_nothing(trying):
    for odd in ({"temperature": -1}, {"top_p": 7}):
        assert trying.post("/api/try", text="Rivers?", n=1, **odd).status_code == 409
    lines = write(trying, "Rivers?", n="many", threshold="x", temperature="y")
    assert len(lines[-2]["candidates"]) == 20


def test_a_workspace_without_models_says_which_notebook_makes_them(browser):
    assert browser.get("/api/try").json["runs"] == []
    answer = browser.post("/api/try/load")
    assert answer.status_code == 409 and "run 0" in answer.json["error"]
    lines = write(browser, "Rivers?")
    assert "run 0" in lines[-1]["error"]


def test_remembered_scores_are_the_scorers_own():
    class Scorer:
        asked = 0
        threshold = 0.5

        def predict(self, comments, replies):
            self.asked += len(comments)
            return np.array([[len(c), len(r)] for c, r in zip(comments, replies, strict=True)])

    scorer = Scorer()
    remembered = CachedScorer(scorer)
    np.testing.assert_array_equal(remembered.predict(["a", "a"], ["b", "bb"]), [[1, 1], [1, 2]])
    np.testing.assert_array_equal(remembered.predict(["a"], ["bb"]), [[1, 2]])
    assert scorer.asked == 2 and remembered.threshold == 0.5
