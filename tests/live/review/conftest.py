"""Three replies that wait for a person, one of them with a text that is hard to carry."""

import pytest

from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox.schema import ASK

TRICKY = '=1+1 😀 שלום\n\nsecond paragraph, "quoted"; and more'


@pytest.fixture
def waiting(outbox, client, scored):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    outbox.execute("UPDATE replies SET reply = ?, proposed_reply = ? WHERE id = 1", TRICKY, TRICKY)
    return outbox.replies()


@pytest.fixture
def states(outbox):
    return lambda: {reply.id: reply.state for reply in outbox.replies()}


@pytest.fixture
def hostile(outbox, waiting):
    """Reddit's texts with escape sequences, direction overrides, entities and markup."""
    outbox.execute(
        "UPDATE replies SET title = ?, comment = ?, author = ?, reason = ?",
        "\x1b]0;owned\x07A \u202etitle\u202c\x9b2J\n[1 of 9]",
        "5 &gt; 3 &amp; \x1b[31mred\x1b[0m\r\nnext\x00 <script>alert(1)</script>\u2066",
        "ann\x1b[2J",
        "odd \x1b[1m",
    )
    return outbox.replies()


@pytest.fixture
def unclear(outbox, waiting):
    """Reply 1 may be on Reddit: neither place could be read for an hour."""
    outbox.approve(1, "ann")
    outbox.execute(
        "UPDATE replies SET state = 'posting', reason = ? WHERE id = 1", f"dropped{ASK}: look"
    )
