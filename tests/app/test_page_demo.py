"""The page's flows in a browser once more, with the models that the demo trains and its threads."""

import contextlib

import pytest

from botlib.app.site import Site
from botlib.live import round as rounds
from botlib.live.models import Models
from botlib.live.reddit.client import connect
from botlib.settings import GenerateSettings, PostSettings
from tests.app.conftest import Served

# Collected again here, with the fixtures below
from tests.app.test_page import (  # noqa: F401
    no_waiting,
    test_a_phone_shows_every_tab_by_day_and_by_night,
    test_a_reply_is_tried_proposed_edited_approved_and_posted_once,
    test_a_restart_keeps_what_was_decided_and_what_was_being_typed,
    test_keys_judge_and_undo_without_a_mouse,
    test_nothing_moves_while_candidates_arrive,
    test_stop_ends_posting_at_once,
    test_the_second_browser_that_approves_the_same_reply_is_told,
)

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(1800)]
SUBREDDITS = "writing,scifi"


@pytest.fixture(scope="module")
def trained(demo):
    return demo, Models.load(demo)


@pytest.fixture
def site(workspace, trained):
    """Three replies of the demo's models to the demo's comments wait in a sandbox."""
    demo, models = trained
    for name in ("models", "raw_data"):
        (workspace.root / name).symlink_to(demo.root / name)
    settings = {"reddit": "sandbox", "subreddits": SUBREDDITS, "posts_per_subreddit": 6}
    made = Site(workspace, "sandbox", GenerateSettings(**settings), PostSettings(reddit="sandbox"))
    reading = connect("sandbox", workspace=workspace, subreddits=SUBREDDITS)
    with contextlib.closing(reading), made.outbox() as outbox:
        rounds.propose(
            workspace, reading, models, made.generate, made.post,
            threshold=0.3, stop=lambda: len(outbox.replies()) == 3,
        )  # fmt: skip
        assert len(outbox.replies()) == 3
    yield made
    made.close()


@pytest.fixture
def served(site):
    made = Served(site)
    yield made
    made.stop()
