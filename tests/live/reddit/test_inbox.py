"""Who writes to the bot is heard once, whatever a person read in a browser meanwhile."""

import pytest

from botlib.errors import BotlibError
from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox import inbox_log, optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED
from botlib.live.posting import sending
from botlib.live.reddit import inbox


@pytest.fixture
def posted(outbox, client, scored, workspace, settings, clock):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    sending.post_approved(workspace, client, settings(), clock=clock)
    replies = outbox.replies(states=[POSTED])
    assert len(replies) == 3
    return replies


@pytest.mark.parametrize(
    "text",
    ["stop", "STOP.", "Please stop!", "Stop it", "opt out", "I'd like to opt-out", "Unsubscribe",
     "stop replying to me", "leave me alone!!"],
)  # fmt: skip
def test_stop_opts_out(outbox, client, sandbox, posted, text):
    sandbox.state.add_comment(f"t1_{posted[0].reply_id}", text, author="Tired_Person")
    heard = inbox.listen(outbox, client, dry_run=False)
    assert heard.to_dict("records") == [
        {"author": "Tired_Person", "request": "stop", "done": "opted out"}
    ]
    assert optouts.opted_out(outbox, "tired_person")
    assert inbox.listen(outbox, client, dry_run=False).empty


@pytest.mark.parametrize(
    "text", ["Don't stop here, tell me more", "The bus stop?", "Nonstop fun", "Thanks!", "😀"]
)
def test_other_words_opt_nobody_out(outbox, client, sandbox, posted, text):
    sandbox.state.add_comment(f"t1_{posted[0].reply_id}", text, author="ann")
    assert inbox.listen(outbox, client, dry_run=False).empty
    assert not optouts.opted_out(outbox, "ann")


def test_less_plain_words_opt_out_below_the_bots_own_comment(outbox, client, sandbox, posted):
    text = "I never want to see this bot again"
    sandbox.state.add_comment(f"t1_{posted[0].reply_id}", text, author="ann")
    assert inbox.listen(outbox, client, dry_run=False)["request"].tolist() == ["stop"]
    assert optouts.opted_out(outbox, "ann")


def test_a_message_opts_out_too(outbox, client, sandbox):
    sandbox.state.add_message("ann", "your bot", "please stop")
    assert inbox.listen(outbox, client, dry_run=True)["done"].tolist() == ["opted out"]
    # A dry run marks nothing as read, so it is heard again
    assert inbox.listen(outbox, client, dry_run=False)["done"].tolist() == ["had opted out"]
    assert inbox.listen(outbox, client, dry_run=False).empty


def test_delete_is_for_whom_was_answered(outbox, client, sandbox, posted):
    target, other = posted[0], posted[1]
    sandbox.state.add_comment(f"t1_{target.reply_id}", "delete", author="someone_else")
    inbox.listen(outbox, client, dry_run=False)
    assert sandbox.counts.get("deletions", 0) == 0
    sandbox.state.add_comment(f"t1_{target.reply_id}", "Delete this please", author=target.author)
    inbox.listen(outbox, client, dry_run=True)
    assert sandbox.counts.get("deletions", 0) == 0
    inbox.listen(outbox, client, dry_run=False)
    assert sandbox.state.get(f"t1_{target.reply_id}")["body"] == "[deleted]"
    assert sandbox.state.get(f"t1_{other.reply_id}")["body"] != "[deleted]"


def test_a_ban_shuts_the_subreddit(outbox, client, sandbox, posted):
    subject = "You've been permanently banned from participating in r/scifi"
    sandbox.state.add_comment(f"t1_{posted[0].reply_id}", subject, author="joker")
    sandbox.state.add_message(None, subject.replace("scifi", "writing"), "", subreddit="writing")
    inbox.listen(outbox, client, dry_run=False)
    assert optouts.shut_reason(outbox, "sandbox", "writing") == "we are banned there"
    assert optouts.shut_reason(outbox, "sandbox", "scifi") == ""


def test_what_a_person_read_in_a_browser_is_heard_all_the_same(outbox, client, sandbox):
    sandbox.state.add_message("ann", "your bot", "please stop", new=False)
    assert inbox.listen(outbox, client, dry_run=False)["author"].tolist() == ["ann"]


def test_nothing_is_lost_while_the_bot_was_off(outbox, client, sandbox, clock):
    sandbox.state.add_message("ann", "hello", "Nice bot.")
    inbox.listen(outbox, client, dry_run=False)
    clock.sleep(30 * 86400)
    # More than one page, the first ones days old when the bot wakes up
    sandbox.state.add_message("eve", "", "stop")
    for number in range(250):
        clock.sleep(3600)
        sandbox.state.add_message(f"p{number}", "hi", "What do you think of rivers?")
    clock.sleep(20 * 86400)
    assert inbox.listen(outbox, client, dry_run=False)["author"].tolist() == ["eve"]


def test_each_message_is_heard_once_and_old_ones_are_not_read_again(outbox, client, sandbox, clock):
    for number in range(120):
        sandbox.state.add_message(f"p{number}", "", "stop")
        clock.sleep(6 * 3600)
    assert len(inbox.listen(outbox, client, dry_run=False)) == 120
    with Outbox(outbox.path, clock=clock) as reopened:
        before = sandbox.counts["requests"]
        assert inbox.listen(reopened, client, dry_run=False).empty
        assert sandbox.counts["requests"] - before == 1


def test_a_message_that_shows_late_is_heard(outbox, client, sandbox, clock):
    sandbox.state.add_message("ann", "", "hello")
    inbox.listen(outbox, client, dry_run=False)
    sandbox.state.add_message("eve", "", "stop", created_utc=clock.now - 7200)
    assert inbox.listen(outbox, client, dry_run=False)["author"].tolist() == ["eve"]


def test_a_message_with_the_subject_stop_opts_out(outbox, client, sandbox):
    sandbox.state.add_message("ann", "STOP", "")
    sandbox.state.add_message("eve", "re: your bot", "stop and delete")
    heard = inbox.listen(outbox, client, dry_run=False)
    assert heard["request"].tolist() == ["stop", "stop", "delete"]
    assert optouts.opted_out(outbox, "eve")


def test_stop_and_delete_in_one_comment_does_both(outbox, client, sandbox, posted):
    target = posted[0]
    sandbox.state.add_comment(f"t1_{target.reply_id}", "stop and delete", author=target.author)
    heard = inbox.listen(outbox, client, dry_run=False)
    assert heard["request"].tolist() == ["stop", "delete"]
    assert optouts.opted_out(outbox, target.author)
    assert sandbox.state.get(f"t1_{target.reply_id}")["body"] == "[deleted]"


def test_a_delete_that_fails_is_tried_again_and_stops_nobody_else(
    outbox, client, sandbox, posted, clock
):
    target = posted[0]
    sandbox.state.add_comment(f"t1_{target.reply_id}", "delete", author=target.author)
    sandbox.state.add_message("eve", "", "stop")
    sandbox.faults = lambda method, path: "403" if path == "/api/del/" else None
    heard = inbox.listen(outbox, client, dry_run=False)
    assert "tried again" in heard["done"].iloc[0]
    assert optouts.opted_out(outbox, "eve")
    for _ in range(5):
        clock.sleep(86400)
        sandbox.state.add_message("p", "hi", "What do you think?")
        inbox.listen(outbox, client, dry_run=False)
    sandbox.faults = None
    assert inbox.listen(outbox, client, dry_run=False)["done"].tolist() == ["1 replies"]
    assert sandbox.state.get(f"t1_{target.reply_id}")["body"] == "[deleted]"
    assert inbox.listen(outbox, client, dry_run=False).empty


BAN = "You've been permanently banned from participating in r/writing"


@pytest.mark.parametrize(
    "fields",
    [
        {"author": None, "subreddit": "writing"},
        {"author": None},
        {"author": "reddit"},
        {"author": "some_mod", "subreddit": "writing", "distinguished": "moderator"},
        {"author": "some_admin", "distinguished": "admin"},
    ],
)
def test_a_ban_by_reddit_or_moderators_shuts_the_subreddit(outbox, client, sandbox, fields):
    sandbox.state.add_message(fields.pop("author"), BAN, "Rule 3", **fields)
    assert inbox.listen(outbox, client, dry_run=False)["request"].tolist() == ["ban"]
    assert optouts.shut_reason(outbox, "sandbox", "Writing") == "we are banned there"


@pytest.mark.parametrize(
    "fields",
    [
        {"author": "joker"},
        {"author": "[deleted]"},
        {"author": "some_mod", "subreddit": "scifi", "distinguished": "moderator"},
    ],
)
def test_nobody_else_can_shut_a_subreddit_by_writing_that_the_bot_is_banned(
    outbox, client, sandbox, fields
):
    sandbox.state.add_message(fields.pop("author"), BAN, BAN, **fields)
    inbox.listen(outbox, client, dry_run=False)
    assert optouts.shut_reason(outbox, "sandbox", "writing") == ""


def test_the_bots_own_words_opt_nobody_out(outbox, client, sandbox, posted):
    sandbox.state.add_message(client.name, "", "stop")
    quote = f"> {sandbox.state.get(f't1_{posted[0].reply_id}')['body']}"
    sandbox.state.add_comment(f"t1_{posted[0].reply_id}", f"{quote}\n\nNice.", author="ann")
    assert inbox.listen(outbox, client, dry_run=False).empty


def test_a_client_that_only_reads_hears_nothing(outbox, client, sandbox, monkeypatch):
    sandbox.state.add_message("ann", "your bot", "please stop")
    monkeypatch.setattr(client, "name", None)
    assert inbox.listen(outbox, client, dry_run=False).empty


def test_an_inbox_that_cannot_be_read_is_one_clear_line(outbox, client, sandbox):
    sandbox.faults = lambda method, path: "503"
    with pytest.raises(BotlibError, match="inbox can't be read"):
        inbox.listen(outbox, client)
    assert inbox_log.read_since(outbox, "sandbox") == 0
