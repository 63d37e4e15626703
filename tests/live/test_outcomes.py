"""How replies fared, and who wants quiet."""

import pandas as pd
import pytest

from botlib.data.pairs.ratings import rating_of
from botlib.errors import BotlibError
from botlib.live import choose, outcomes
from botlib.live import round as rounds
from botlib.live.outbox import optouts
from botlib.live.outbox.schema import POSTED
from botlib.live.posting import sending


@pytest.fixture
def posted(outbox, client, scored, workspace, settings, clock):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    sending.post_approved(workspace, client, settings(), clock=clock)
    replies = outbox.replies(states=[POSTED])
    assert len(replies) == 3
    return replies


def follow(outbox, client, **options):
    return outcomes.follow(outbox, client, **{"dry_run": False, **options})


def test_scores_at_each_age_beside_the_prediction(outbox, client, sandbox, posted, clock):
    for hours, score in ((0.5, 2), (0.6, 3), (23, 7), (150, 9)):
        clock.sleep(hours * 3600)
        for reply in posted:
            sandbox.state.change(f"t1_{reply.reply_id}", score=score + reply.id)
        before = sandbox.counts["requests"]
        follow(outbox, client)
        # One question for all of them (the first time a token, too)
        assert sandbox.counts["requests"] - before <= 2
    table = outcomes.table(outbox, "sandbox")
    assert table["predicted"].tolist() == [reply.score for reply in posted]
    assert table["score_1h"].tolist() == [3 + reply.id for reply in posted]
    assert table["score_24h"].tolist() == [7 + reply.id for reply in posted]
    assert table["score_168h"].tolist() == [9 + reply.id for reply in posted]
    assert set(table["fate"]) == {"there"}
    clock.sleep(30 * 86400)
    assert follow(outbox, client).empty


def test_calibration_and_rank_correlation():
    fared = pd.DataFrame(
        {
            "predicted": [0.2, 1.1, 1.2, 2.8],
            "score_24h": pd.array([-1, 1, 3, 9], dtype="Int64"),
            "fate": ["removed", "there", "there", "there"],
        }
    )
    table = outcomes.calibration(fared)
    assert table["predicted"].tolist() == [0, 1, 3]
    assert table["mean_rating"].tolist() == [0, 1.5, 3]
    assert table["removed"].tolist() == [1, 0, 0]
    assert outcomes.rank_correlation(fared) == pytest.approx(1.0)
    assert pd.isna(outcomes.rank_correlation(fared.head(2)))
    assert outcomes.rank_sentence(fared).endswith("1.00")
    assert "unknown, since fewer than three" in outcomes.rank_sentence(fared.head(2))


@pytest.mark.parametrize("bins", ["tutorial", "quantiles"])
def test_outcomes_are_rated_as_the_judges_learned_it(bins):
    scores = pd.Series([1, 2, 3, 4, 10, 20, 30, 40])
    names = pd.Series(["small"] * 4 + ["big"] * 4)
    rated = pd.DataFrame(
        {"subreddit": names, "reply_score": scores, "rating": rating_of(scores, bins, names)}
    )
    fared = pd.DataFrame(
        {
            "subreddit": ["Small", "Big", "unknown"],
            "predicted": [0.0, 1.0, 2.0],
            "score_24h": pd.array([4, 4, 4], dtype="Int64"),
            "fate": "there",
        }
    )
    found = outcomes.calibration(fared, rated=rated)["mean_rating"].tolist()
    assert found == ([2, 2, 2] if bins == "tutorial" else [3, 0, 0])


def test_a_reply_that_cannot_be_deleted_stops_neither_the_others_nor_the_round(
    outbox, client, sandbox, posted, clock
):
    clock.sleep(600)
    for reply in posted:
        sandbox.state.change(f"t1_{reply.reply_id}", score=-5)
    times = iter(["403"])
    sandbox.faults = lambda method, path: next(times, None) if path == "/api/del/" else None
    assert follow(outbox, client)["fate"].tolist() == ["there", "deleted", "deleted"]
    # The next round tries it again
    assert follow(outbox, client)["fate"].tolist() == ["deleted"]


def test_disliked_replies_are_deleted_unless_dry_run(outbox, client, sandbox, posted, clock):
    clock.sleep(600)
    sandbox.state.change(f"t1_{posted[0].reply_id}", score=-2)
    sandbox.state.change(f"t1_{posted[1].reply_id}", score=-1)
    sandbox.state.change(f"t1_{posted[2].reply_id}", score=-9, score_hidden=True)
    writes = sandbox.writes
    assert set(follow(outbox, client, dry_run=True)["fate"]) == {"there"}
    assert sandbox.writes == writes
    assert follow(outbox, client)["fate"].tolist() == ["deleted", "there", "there"]
    assert sandbox.counts["deletions"] == 1
    assert outcomes.table(outbox, "sandbox")["fate"].tolist() == ["deleted", "there", "there"]
    assert len(follow(outbox, client)) == 2


def test_removals_are_seen_though_reddit_hides_them_from_us(outbox, client, sandbox, posted, clock):
    clock.sleep(600)
    name = f"t1_{posted[0].reply_id}"
    sandbox.state.change(name, _removed=True)
    ours = next(iter(client.info(fullnames=[name])))
    assert ours.body != "[removed]"
    assert follow(outbox, client)["fate"].tolist() == ["removed", "there", "there"]
    assert not client.read_only


def test_three_removals_in_a_row_shut_a_subreddit(outbox, client, sandbox, clock):
    for number in range(4):
        post = sandbox.state.add_post("writing", f"Post {number}")
        made = sandbox.state.add_comment(post["name"], "Ours", author="sandbox_bot")
        row = ("writing", post["id"], f"c{number}", "Ours")
        names = ("subreddit", "post_id", "comment_id", "reply")
        outbox.propose("sandbox", [dict(zip(names, row, strict=True))])
        outbox.approve(number + 1, "a test")
        outbox.mark_sending(number + 1)
        outbox.mark_posted(number + 1, made["id"])
        clock.sleep(60)
        if number:
            assert optouts.shut_reason(outbox, "sandbox", "writing") == ""
            sandbox.state.change(made["name"], _removed=True)
            follow(outbox, client)
    assert "3 replies in a row were removed" in optouts.shut_reason(outbox, "sandbox", "Writing")


def test_replies_that_cannot_be_read_are_one_clear_line(outbox, client, sandbox, posted):
    sandbox.faults = lambda method, path: "503"
    with pytest.raises(BotlibError, match="replies can't be read"):
        follow(outbox, client)
    assert not client.read_only


def test_a_ban_noticed_while_posting(outbox, client, sandbox, scored, workspace, settings, clock):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    sandbox.state.add_subreddit("writing", user_is_banned=True)
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    found = decisions.groupby("subreddit")["decision"].agg(list)
    assert found["scifi"] == ["posted"]
    # They wait for a person who looks why, and reopens the subreddit
    assert found["writing"] == ["waits", "waits"]
    assert sandbox.counts["POST /api/comment"] == 1
    assert optouts.shut_reason(outbox, "sandbox", "writing") == "we are banned there"


def test_a_lone_403_costs_nothing_and_a_repeated_one_shuts_the_subreddit(
    outbox, client, sandbox, scored, workspace, settings, clock
):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    sandbox.faults = lambda method, path: "403" if path.startswith("/api/comment") else None
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert set(decisions["decision"]) == {"unknown"}
    assert not optouts.shut_reason(outbox, "sandbox", "writing")
    for _ in range(6):
        clock.sleep(3601)
        sending.post_approved(workspace, client, settings(), clock=clock)
    assert "403" in optouts.shut_reason(outbox, "sandbox", "writing")
    sent = sandbox.counts["POST /api/comment"]
    for _ in range(3):
        clock.sleep(3601)
        sending.post_approved(workspace, client, settings(), clock=clock)
    assert sandbox.counts["POST /api/comment"] == sent
    assert {reply.state for reply in outbox.replies()} <= {"given up", "approved"}


def test_a_single_refusal_is_no_reason_to_give_a_reply_up(
    outbox, client, sandbox, scored, workspace, settings, clock
):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    waiting = len(outbox.replies(states=["approved"]))
    faults = ["403", "404", "413", "451"] + [None] * 100
    sandbox.faults = lambda method, path: faults.pop(0) if path.startswith("/api/comment") else None
    for _ in range(6):
        sending.post_approved(workspace, client, settings(), clock=clock)
        clock.sleep(3601)
    assert [reply.state for reply in outbox.replies()] == ["posted"] * waiting


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"over18": True}, "over-18"),
        ({"quarantine": True}, "quarantined"),
        ({"subreddit_type": "private"}, "403"),
    ],
)
def test_subreddits_that_changed(
    outbox, client, sandbox, scored, workspace, settings, clock, about, reason
):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    for name in ("writing", "scifi"):
        sandbox.state.add_subreddit(name, **about)
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert set(decisions["decision"]) == {"waits"}
    assert decisions["reason"].str.contains(reason).all()
    assert sandbox.writes == 0
