"""Whether Reddit still lets the account in: a suspended bot stops, and says so."""

import prawcore

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import optouts, refusals
from botlib.live.outbox.queue import Outbox
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client

_LOGIN = "the account's own page"


class ShutOut(BotlibError):
    """Reddit has suspended the account, or refuses it everything."""


def check(outbox: Outbox, reddit: Client) -> None:
    """Asks Reddit about the account itself: one request.

    What it finds is kept in the outbox, so that `status` says it and nothing is posted; an account
    that is well again lifts that.

    Raises:
      ShutOut: the account is suspended, or a 403 for its own page has repeated for hours.
    """
    if reddit.name is None:
        return
    try:
        suspended = bool(getattr(reddit.user.me(use_cache=False), "is_suspended", False))
    except prawcore.Forbidden:
        # A lone 403 is often a fault of the hour
        if not refusals.record(outbox, reddit.site, _LOGIN, "HTTP 403"):
            return
        _shut_out(outbox, reddit, "Reddit refuses the account everything (HTTP 403)")
    except UNREADABLE:
        # Whatever the round asks next says what is wrong
        return
    if suspended:
        _shut_out(outbox, reddit, "Reddit has suspended the account")
    refusals.clear(outbox, reddit.site, _LOGIN)
    optouts.let_in(outbox, reddit.site)


def _shut_out(outbox: Outbox, reddit: Client, reason: str) -> None:
    optouts.shut_out(outbox, reddit.site, reason)
    note("shut out", account=reddit.name, reason=reason)
    raise ShutOut(
        f"u/{reddit.name} is shut out: {reason}. Nothing is posted. Log in at "
        "https://www.reddit.com to see why, appeal at https://www.reddit.com/appeals, then start "
        "the bot again"
    )
