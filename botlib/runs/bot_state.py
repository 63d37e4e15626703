"""The state of a workspace's bot: stopped or not, and the replies waiting for each site."""

import dataclasses
import os
from datetime import UTC, datetime
from pathlib import Path

from pandas import DataFrame

from botlib.errors import BotlibError
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import HANDED_OVER, POSTED, POSTING, PROPOSED, READY
from botlib.terminal import text_table
from botlib.workspace import Workspace, atomic_file

DAY = 86400.0


@dataclasses.dataclass(frozen=True)
class Site:
    """A site's replies in the outbox.

    Attributes:
      site: "live" or "sandbox".
      waiting: replies that wait for approval.
      approved: replies that a person approved.
      posted_24h: replies posted in the last 24 hours, which the limits count.
      unclear: replies whose POST had no clear answer: they may be on Reddit.
      asks: those of them of which only a person can find out.
      handed_over: replies that a person took to post by hand, and said nothing of since.
      shut: subreddits shut to the bot, and why.
      paused_until: ISO 8601 in UTC; "" if Reddit didn't ask to wait.
      paused_why: Reddit's reason.
      shut_out: why Reddit refuses the account; "" if it doesn't.
    """

    site: str
    waiting: int
    approved: int
    posted_24h: int
    unclear: int
    asks: int
    handed_over: int
    shut: dict[str, str]
    paused_until: str
    paused_why: str
    shut_out: str = ""


@dataclasses.dataclass(frozen=True)
class Bot:
    """The bot of one workspace.

    Attributes:
      stopped: whether the stop switch is on.
      why: the reason in it.
      opted_out: how many people opted out.
      sites: the live site and the sandbox.
      error: why the outbox can't be read; "" if it can be.
    """

    stopped: bool
    why: str
    opted_out: int
    sites: list[Site]
    error: str = ""


def read(workspace: Workspace) -> Bot | None:
    """Returns the bot's state, or None if no bot has run here."""
    # A link to nowhere stops the bot, too
    stopped = os.path.lexists(workspace.stop_switch)
    why = _reason(workspace.stop_switch) if stopped else ""
    if not workspace.outbox.exists():
        return Bot(stopped, why, 0, []) if stopped else None
    try:
        with Outbox(workspace.outbox) as outbox:
            sites = [site_of(outbox, site) for site in ("live", "sandbox")]
            return Bot(stopped, why, optouts.count_opted_out(outbox), sites)
    except BotlibError as error:
        return Bot(stopped, why, 0, [], str(error))


def stop(workspace: Workspace, reason: str = "") -> None:
    """Writes the stop switch: from now on nothing is posted, and a reply in hand is the last."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with atomic_file(workspace.stop_switch) as file:
        file.write(f"{now} {reason}".strip() + "\n")


def start(workspace: Workspace) -> list[str]:
    """Removes the stop switch and ends pauses; returns the sites that were paused."""
    workspace.stop_switch.unlink(missing_ok=True)
    with Outbox(workspace.outbox) as outbox:
        return [site for site in ("live", "sandbox") if optouts.resume(outbox, site)]


def _reason(switch: Path) -> str:
    try:
        return switch.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        return f"{switch.name} can't be read: {error.strerror}"


def site_of(outbox: Outbox, site: str) -> Site:
    """Returns the state of one site."""
    now = outbox.clock()
    until, why = optouts.paused(outbox, site)
    posted = [reply for reply in outbox.sent_since(site, now - DAY) if reply.state == POSTED]
    return Site(
        site=site,
        waiting=len(outbox.replies(site, [PROPOSED])),
        approved=len(outbox.replies(site, READY)),
        posted_24h=len(posted),
        unclear=len(outbox.replies(site, [POSTING])),
        asks=sum(reply.asks for reply in outbox.replies(site, [POSTING])),
        handed_over=len(outbox.replies(site, [HANDED_OVER])),
        shut=optouts.shut_subreddits(outbox, site),
        paused_until=datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds")
        if until
        else "",
        paused_why=why,
        shut_out=optouts.shut_out_reason(outbox, site),
    )


def as_text(bot: Bot) -> str:
    """Returns the state as lines of text."""
    lines = ["bot: not stopped"]
    if bot.stopped:
        cure = "`python -m botlib start --workspace DIR` lets it post again"
        lines = [f"bot: stopped ({bot.why or 'no reason given'}); {cure}"]
    if bot.error:
        return "\n".join([*lines, bot.error])
    if bot.sites:
        rows = [
            {
                "site": site.site,
                "wait for approval": site.waiting,
                "approved": site.approved,
                "posted in 24 h": site.posted_24h,
                "unclear": site.unclear,
                "shut": ", ".join(f"r/{name}" for name in site.shut) or "–",
                "paused until (UTC)": site.paused_until.removesuffix("+00:00") or "–",
            }
            for site in bot.sites
        ]
        lines += [text_table(DataFrame(rows)), f"people who opted out: {bot.opted_out}"]
    for site in bot.sites:
        lines += [f"{site.site}: r/{name} is shut: {why}" for name, why in site.shut.items()]
        if site.shut_out:
            lines.append(f"{site.site}: the account is shut out: {site.shut_out}")
        if site.asks:
            cure = f"python -m botlib review{' --live' if site.site == 'live' else ''}"
            lines.append(f"{site.site}: {site.asks} unclear: say in `{cure}` if they were posted")
        if site.handed_over:
            cure = "python -m botlib hand-over"
            lines.append(
                f"{site.site}: {site.handed_over} handed over: say in `{cure}` how it went"
            )
        if site.paused_why:
            lines.append(f"{site.site}: paused: {site.paused_why}")
    return "\n".join(lines)
