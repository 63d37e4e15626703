"""From scored candidates to replies on the sandbox, once."""

import pandas as pd
import pytest

from botlib import tables
from botlib.data.pairs.conversations import Above
from botlib.errors import BotlibError
from botlib.gpt2 import conversation
from botlib.gpt2.generator import Decoder, Generator
from botlib.live import choose, judging
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.live.policy import DISCLOSURE
from botlib.live.posting import sending
from botlib.live.reddit.client import connect
from botlib.live.reddit.comments import read_comments
from botlib.live.threads import Threads
from botlib.sandbox.server import Sandbox
from tests.live import small_models


@pytest.fixture
def approved(outbox, client, scored, settings):
    chosen = choose.choose(scored, threshold=0.5)
    queued = rounds.queue(outbox, chosen, client)
    assert sending.approve_in_sandbox(outbox, client, settings()) == 3
    return queued


def test_posts_the_best_reply_of_each_post_once(approved, client, sandbox, workspace, settings):
    first = sending.post_approved(workspace, client, settings())
    again = sending.post_approved(workspace, client, settings())
    assert first["decision"].tolist() == ["posted"] * 3
    assert again.empty
    assert sandbox.writes == 3
    written = sandbox.replies()
    assert sorted(written["comment_id"]) == sorted(approved["comment_id"])
    assert written["post_id"].is_unique
    assert all(text.endswith(DISCLOSURE) and "😀 שלום" in text for text in written["reply"])


def test_dry_run_sends_and_changes_nothing(approved, client, sandbox, workspace, settings, outbox):
    before = outbox.table()
    decisions = sending.post_approved(workspace, client, settings(dry_run=True))
    assert decisions["decision"].tolist() == ["would post"] * 3
    assert sandbox.writes == 0
    pd.testing.assert_frame_equal(outbox.table(), before)


def test_dry_run_counts_what_it_would_post(approved, client, workspace, settings):
    decisions = sending.post_approved(workspace, client, settings(dry_run=True, max_per_day=2))
    assert decisions["decision"].tolist() == ["would post", "would post", "waits"]


def test_queueing_twice_proposes_once(outbox, client, scored, sandbox):
    chosen = choose.choose(scored, threshold=0.5)
    assert set(rounds.queue(outbox, chosen, client)["decision"]) == {"proposed"}
    before = sandbox.counts["requests"]
    assert set(rounds.queue(outbox, chosen, client)["decision"]) == {"known"}
    # One question for all comments and posts together
    assert sandbox.counts["requests"] == before + 1


def test_nothing_unapproved_is_posted(outbox, client, scored, sandbox, workspace, settings):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    decisions = sending.post_approved(workspace, client, settings(approve="person"))
    assert decisions.empty
    assert sandbox.writes == 0


def test_a_setting_approves_nothing_on_the_live_site(outbox, client, settings, monkeypatch):
    outbox.propose("live", [_given()])
    monkeypatch.setattr(type(client), "site", "live")
    with pytest.raises(BotlibError, match="a person approves"):
        sending.approve_in_sandbox(outbox, client, settings())
    assert sending.approve_in_sandbox(outbox, client, settings(approve="person")) == 0


def test_what_is_meant_for_the_sandbox_is_never_posted_live(
    approved, client, workspace, settings, monkeypatch, sandbox
):
    monkeypatch.setattr(type(client), "site", "live")
    assert sending.post_approved(workspace, client, settings(reddit="live", approve="person")).empty
    assert sandbox.writes == 0


def test_live_refuses_what_only_a_setting_approved(
    client, workspace, settings, monkeypatch, sandbox, outbox
):
    outbox.propose("live", [_given()])
    outbox.approve(1, "setting approve=sandbox")
    monkeypatch.setattr(type(client), "site", "live")
    decisions = sending.post_approved(workspace, client, settings(reddit="live", approve="person"))
    assert decisions["decision"].tolist() == ["waits"]
    assert decisions["reason"].tolist() == ["no person approved it"]
    assert sandbox.writes == 0


@pytest.mark.parametrize("allowed", ["", "philosophy"])
def test_posts_nothing_outside_the_allow_list(
    approved, client, workspace, settings, sandbox, allowed
):
    decisions = sending.post_approved(workspace, client, settings(allowed_subreddits=allowed))
    assert set(decisions["decision"]) == {"waits"}
    assert decisions["reason"].str.contains("allow").all()
    assert sandbox.writes == 0


def test_the_stop_switch_stops(approved, client, workspace, settings, sandbox):
    workspace.stop_switch.touch()
    decisions = sending.post_approved(workspace, client, settings())
    assert decisions["reason"].str.contains("stop switch").all()
    assert sandbox.writes == 0
    workspace.stop_switch.unlink()
    assert set(sending.post_approved(workspace, client, settings())["decision"]) == {"posted"}


def test_waits_between_posts(approved, client, workspace, settings, clock):
    waits = []
    sending.post_approved(
        workspace,
        client,
        settings(min_pause_minutes=1, max_pause_minutes=11),
        clock=clock,
        sleep=waits.append,
    )
    assert len(waits) == 2
    assert all(60 <= seconds <= 660 for seconds in waits)


def test_dry_run_must_be_false_itself(settings):
    with pytest.raises(BotlibError, match="dry_run"):
        settings(dry_run="false")
    with pytest.raises(BotlibError, match="dry_run"):
        settings(dry_run=0)


def test_state_lives_on_between_two_notebooks(workspace, settings):
    for month, subreddit in (("2019_05", "writing"), ("2019_06", "scifi")):
        tables.write_table(workspace.raw_month(month), _raw(subreddit), tables.RAW)
    with connect("sandbox", workspace=workspace, subreddits="writing,scifi") as reddit:
        reading = read_comments(reddit, "writing,scifi", listing="hot")
        assert set(reading.comments["subreddit"]) == {"writing", "scifi"}
        ids = sorted(reading.comments["comment_id"])
        given = reading.comments.iloc[0]
    with Outbox(workspace.outbox) as outbox:
        row = {**_given(), **{k: given[k] for k in ("subreddit", "post_id", "comment_id")}}
        outbox.propose("sandbox", [row])
        outbox.approve(1, "a test")
    with connect("sandbox", workspace=workspace, subreddits="writing,scifi") as reddit:
        again = read_comments(reddit, "writing,scifi", listing="hot")
        assert sorted(again.comments["comment_id"]) == ids
        assert sending.post_approved(workspace, reddit, settings())["decision"].tolist() == [
            "posted"
        ]
    with connect("sandbox", workspace=workspace, subreddits="writing,scifi") as reddit:
        assert reddit.sandbox.replies()["comment_id"].tolist() == [given["comment_id"]]
        third = read_comments(reddit, "writing,scifi", listing="hot")
        assert "the post has a reply of ours" in set(third.skipped["reason"])


def test_sandbox_without_threads_says_what_to_do(workspace):
    tables.write_table(workspace.raw_month("2019_05"), _raw("writing"), tables.RAW)
    with pytest.raises(BotlibError, match="scifi"):
        Sandbox.from_workspace(workspace, ["scifi"])


def test_port_taken(sandbox):
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(BotlibError, match=f"port {port} is taken"):
        Sandbox(port=port).start()


def test_no_candidates_is_no_error(outbox, client, workspace, settings):
    empty = pd.DataFrame(columns=list(tables.PROPOSED.columns))
    scored = judging.score(empty, None, None, Threads.of([]))
    chosen = choose.choose(scored)
    tables.write_table(workspace.reply_score_predictions("x"), chosen, tables.PREDICTIONS)
    assert rounds.queue(outbox, chosen, client).empty
    assert sending.post_approved(workspace, client, settings()).empty


def test_no_comments_is_no_error():
    empty = pd.DataFrame(columns=["comment", "above"])
    assert rounds.candidates(empty, None).empty


@pytest.mark.parametrize("kind", ["comment", "title", "thread"])
def test_the_generator_gets_the_conversation_in_the_form_of_its_training(tmp_path, kind):
    small_models.make_generator(tmp_path / "run", seed=0)
    folder = tmp_path / "run" / "ctranslate2"
    context = conversation.Context(kind, tokens=90, turns=1)
    conversation.write(folder, "separator", context)
    generator = Generator(tmp_path / "run", threads=1)
    asked = []
    sample = generator.engine.sample
    generator.engine.sample = lambda prompts, *rest: asked.extend(prompts) or sample(prompts, *rest)
    above = Above("Rivers", "Which are dry?", ("Robots may dream.", "too far up"))
    comments = pd.DataFrame(
        {"comment": ["Try to write."], "above": [above], "comment_id": "c", "post_id": "p"}
    ).reindex(columns=[*tables.PROPOSED.columns, "above"])
    decoder = Decoder(max_tokens=5)
    rounds.candidates(comments, generator, n=1, decoder=decoder)
    form = generator.conversation
    (text,) = form.examples(["Try to write. [SEP] Read it."], [above], window=128)
    (prompt,) = asked
    assert text[: len(prompt)] == prompt
    shown = form.vocabulary.decode(prompt)
    assert ("Rivers" in shown) == (kind != "comment")
    assert ("Robots may dream." in shown) == (kind == "thread")
    assert "too far up" not in shown


def _given() -> dict:
    names = ("subreddit", "post_id", "comment_id", "reply")
    return dict(zip(names, ("writing", "p", "c", "Indeed."), strict=True))


def _raw(subreddit: str, threads: int = 60) -> pd.DataFrame:
    rows = [
        {
            "subreddit": subreddit,
            "submission_id": f"{subreddit}{thread}",
            "title": f"Title {thread}",
            "submission": "Text",
            "submission_author": "asker",
            "submission_score": 12,
            "comment_id": f"c{subreddit}{thread}{n}",
            "comment": "A comment, with\n\ntwo lines",
            "comment_author": f"someone{n}",
            "comment_score": 5 + n,
            "comment_created_utc": 1_559_000_000 + 1000 * n,
            "reply_id": f"r{subreddit}{thread}{n}",
            "reply": "A reply",
            "reply_author": "other",
            "reply_score": 2,
            "reply_created_utc": 1_559_000_500 + 1000 * n,
            "reply_retrieved_utc": pd.NA,
        }
        for thread in range(threads)
        for n in range(2)
    ]
    return pd.DataFrame(rows)
