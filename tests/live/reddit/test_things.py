"""Reddit's things have a shape where they come in; further in nobody looks into PRAW's objects."""

import ast
from pathlib import Path

import pytest
from praw.models import Comment, Redditor, Submission, Subreddit

import botlib
from botlib.live.reddit import things

PACKAGE = Path(botlib.__file__).parent


def test_only_the_border_looks_into_praws_objects():
    inside = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path == Path(things.__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "vars"
            if called or (isinstance(node, ast.Attribute) and node.attr == "__dict__"):
                inside.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert inside == []


@pytest.fixture
def reddit(client):
    return client


def test_a_comment_that_lacks_fields_costs_no_request_and_no_crash(reddit):
    before = reddit.requests_made
    fields = things.comment(Comment(reddit, id="2b0"))
    assert fields == {"id": "2b0"}
    assert reddit.requests_made == before


def test_people_and_subreddits_are_their_names_however_praw_holds_them(reddit):
    data = {"id": "2b0", "author": "ann", "subreddit": "writing", "body": "hi", "score": None}
    fields = things.comment(Comment(reddit, _data=data))
    assert fields["author"] == "ann" and type(fields["author"]) is str
    assert fields["subreddit"] == "writing" and type(fields["subreddit"]) is str
    assert fields["score"] is None and "parent_id" not in fields
    assert isinstance(Comment(reddit, _data=data).author, Redditor)


def test_whose_account_is_gone_has_no_name(reddit):
    data = {"id": "2b0", "author": "[deleted]", "body": "[deleted]"}
    assert things.comment(Comment(reddit, _data=data))["author"] is None
    assert (
        things.post(Submission(reddit, _data={"id": "1b", "author": "[deleted]"}))["author"] is None
    )


def test_nothing_of_praws_own_leaves_the_border(reddit):
    found = things.info(reddit, ["t3_nothing", "t3_nothing"])
    assert found == {}
    fields = things.subreddit(Subreddit(reddit, display_name="writing"))
    assert not any(name.startswith("_") for name in fields)
