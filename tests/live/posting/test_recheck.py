"""What changed since a person approved takes the approval back, or ends the matter."""

import pytest

from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.posting import recheck, sending


@pytest.fixture
def approved(outbox, client, scored):
    """One reply of each of three posts, approved by a person."""
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    for reply in outbox.replies():
        outbox.approve(reply.id, "ann")
    return outbox.get(1)


@pytest.fixture
def post(workspace, client, settings, clock, outbox):
    def run(**changes):
        decisions = sending.post_approved(workspace, client, settings(**changes), clock=clock)
        first = decisions.set_index("id").loc[1]
        return first["decision"], first["reason"], outbox.get(1)

    return run


def change(sandbox, fullname, **fields):
    sandbox.state.change(fullname, **fields)


@pytest.mark.parametrize(
    ("text", "decision", "reason"),
    [
        ("I am suicidal and want to die.", "given up", "crisis"),
        ("Edit: no bots please", "given up", "keep out"),
        ("A wholly different thought.", "asks again", "edited"),
        ("[deleted]", "given up", "deleted"),
    ],
)
def test_a_comment_edited_since_approval_is_not_answered(
    approved, sandbox, post, text, decision, reason
):
    change(sandbox, f"t1_{approved.comment_id}", body=text)
    done, why, after = post()
    assert (done, reason in why) == (decision, True), why
    assert approved.comment_id not in set(sandbox.replies()["comment_id"])
    if decision == "asks again":
        # The person is shown the new words, and why they are asked again
        assert (after.state, after.approved_by, after.comment) == ("proposed", "", text)
        assert "edited" in after.reason


def test_whoever_approves_the_new_words_is_not_asked_a_third_time(
    approved, sandbox, post, outbox, workspace
):
    change(sandbox, f"t1_{approved.comment_id}", body="A wholly different thought.")
    assert post()[0] == "asks again"
    outbox.approve(1, "ann", saw=outbox.get(1))
    assert post()[0] == "posted"


def test_a_comment_that_sank_is_asked_about_once_more(approved, sandbox, post, outbox):
    change(sandbox, f"t1_{approved.comment_id}", score=-30)
    done, why, after = post()
    assert (done, after.state, after.comment_score) == ("asks again", "proposed", -30)
    assert why == "the comment's score is now -30"
    outbox.approve(1, "ann")
    change(sandbox, f"t1_{approved.comment_id}", score=-31)
    assert post()[0] == "asks again"
    outbox.approve(1, "ann")
    assert post()[0] == "posted"


def test_the_setting_says_which_score_is_too_low(approved, sandbox, post):
    change(sandbox, f"t1_{approved.comment_id}", score=2)
    assert post(min_comment_score=1)[0] == "posted"


@pytest.mark.parametrize("field", ["title", "selftext"])
@pytest.mark.parametrize("text", ["I want to kill myself tonight", "No bots please."])
def test_a_post_that_turned_is_not_answered(approved, sandbox, post, field, text):
    change(sandbox, f"t3_{approved.post_id}", **{field: text})
    done, why, after = post()
    assert (done, after.state) == ("given up", "given up"), why


@pytest.mark.parametrize("text", ["I want to kill myself tonight", "no bots please"])
def test_the_comments_above_count_too(outbox, client, sandbox, threads, post, settings, text):
    (thread, (above, *_)), *_ = threads
    below = sandbox.state.add_comment(above["name"], "Why would you?", author="kind", score=9)
    row = {"subreddit": "writing", "post_id": thread["id"], "comment_id": below["id"]}
    outbox.propose("sandbox", [{**row, "comment": below["body"], "reply": "Indeed."}])
    outbox.approve(1, "ann")
    change(sandbox, above["name"], body=text)
    assert post()[0] == "given up"
    assert sandbox.writes == 0


def test_what_others_said_meanwhile_is_not_said_again(approved, sandbox, post, outbox, clock):
    clock.sleep(60)
    sandbox.state.add_comment(f"t1_{approved.comment_id}", approved.reply, author="quick")
    done, why, _ = post()
    assert (done, why) == ("asks again", "somebody has written the same meanwhile")
    # A person's own words are theirs to say
    outbox.edit(1, f"As said: {approved.reply}", "ann")
    assert post()[0] == "posted"


def test_a_dry_run_says_it_would_ask_and_changes_nothing(approved, sandbox, post, outbox):
    change(sandbox, f"t1_{approved.comment_id}", body="A wholly different thought.")
    before = outbox.table()
    done, _, _ = post(dry_run=True)
    assert done == "would ask again"
    assert outbox.table().equals(before)


def test_an_approval_of_forty_days_ago_posts_nothing(approved, sandbox, post, clock):
    clock.sleep(40 * 86400)
    done, why, after = post()
    assert (done, after.state) == ("asks again", "proposed")
    assert why == "approved 960 hours ago, and an approval counts for 48"
    assert sandbox.writes == 0


def test_an_approval_that_runs_out_between_two_posts_posts_nothing(
    approved, sandbox, workspace, client, settings, clock
):
    clock.sleep(48 * 3600 - 1)
    done = sending.post_approved(
        workspace,
        client,
        settings(min_pause_minutes=1, max_pause_minutes=1),
        clock=clock,
        sleep=clock.sleep,
    )
    assert done["decision"].tolist() == ["posted", "asks again", "asks again"]
    assert sandbox.writes == 1


def test_approvals_stay_where_the_setting_says_so(approved, post, clock):
    clock.sleep(40 * 86400)
    assert post(approval_hours=0)[0] == "posted"


def test_a_setting_never_approves_again_what_was_taken_back(
    approved, sandbox, post, outbox, client, settings
):
    change(sandbox, f"t1_{approved.comment_id}", body="A wholly different thought.")
    post()
    assert sending.approve_in_sandbox(outbox, client, settings()) == 0
    assert outbox.get(1).state == "proposed"


def test_nothing_that_stayed_as_it_was_is_asked_again(approved, sandbox, post):
    change(sandbox, f"t1_{approved.comment_id}", score=40, edited=1.0)
    assert post()[0] == "posted"


def test_asking_costs_two_requests(approved, client, sandbox):
    before = sandbox.counts["requests"]
    assert recheck.look(client, approved, client.name, 3) == (None, None)
    assert sandbox.counts["requests"] == before + 2
