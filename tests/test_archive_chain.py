"""From a subreddit's name to a reply in a person's hands, without data, a GPU or a key."""

import os
import time

import pytest

from botlib.__main__ import main
from botlib.live import review
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, PROPOSED
from botlib.live.posting import by_hand
from botlib.live.reddit.client import connect_to_read
from botlib.runs import pipeline
from botlib.settings import PostSettings
from botlib.workspace import Workspace
from tests.conftest import SMALL
from tests.data.archive.server import ArchiveServer

QUICK = {k: v for k, v in SMALL.items() if k not in ("sample_threads", "max_tokens")}
QUICK |= {"03.encoder": "scratch:2x32", "04.encoder": "scratch:2x32", "threshold": "0.0"}
QUICK |= {
    "base_model": "scratch",
    "03.max_tokens": "40",
    "05.max_tokens": "40",
    "scratch_vocabulary": "800",
}


@pytest.fixture
def archive(reddit_college, monkeypatch):
    """r/College as the archive has it, of which the newest comments came a minute ago."""
    newest = int(time.time()) - 60
    with ArchiveServer.of_dumps(reddit_college, ["College"], newest=newest) as server:
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.address)
        for name in list(os.environ):
            if name.startswith("REDDIT_"):
                monkeypatch.delenv(name)
        yield server


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_name_is_enough_to_read_replies_to_todays_comments(archive, tmp_path, capsys):
    options = [word for name, value in QUICK.items() for word in ("-p", name, value)]
    root = str(tmp_path / "my-bot")
    command = ["run", "--workspace", root, "--subreddits", "College", "--source", "archive"]
    assert main([*command, "-p", "archive_items", "25000", *options]) == 0, capsys.readouterr().out
    workspace = Workspace.open(root)
    assert set(pipeline._states(workspace)) == set(pipeline.STEPS)
    day = time.time() - 86400
    created = {key: row["created_utc"] for key, row in archive._rows["comments"].items()}
    with Outbox(workspace.outbox) as outbox:
        waiting = outbox.replies("live", [PROPOSED])
        assert waiting and all(created[reply.comment_id] >= day for reply in waiting)
        best = waiting[0]
        outbox.approve(best.id, review.person())
        settings = PostSettings(reddit="archive")
        link = f"https://www.reddit.com/r/College/comments/{best.post_id}/_/zzzzzz/"
        answers = iter(["take", link])
        shown = []
        with connect_to_read("live", workspace) as reddit:
            done = by_hand.in_terminal(
                workspace, outbox, settings, reddit,
                by="ann", ask=lambda _: next(answers), show=shown.append,
            )  # fmt: skip
        assert done["posted"] == 1 and outbox.get(best.id).state == POSTED
        assert best.reply in "\n".join(shown)
    assert {path.split("/")[2] for path, _ in archive.requests} <= {
        "posts", "comments", "time_series", "subreddits"
    }  # fmt: skip
    assert all("botlib/" in agent for agent in archive.agents)
