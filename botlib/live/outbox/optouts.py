"""Where the bot may not post: people who opted out, subreddits shut to it, sites that pause it."""

from datetime import UTC, datetime

from botlib.live.outbox.queue import Outbox

# Seconds: "retry-after: inf" must not end the bot; Reddit's own windows last ten minutes
MAX_PAUSE = 3600.0


def opt_out(outbox: Outbox, author: str, reason: str) -> bool:
    """Notes that a person wants no replies; returns whether that is new."""
    return bool(
        outbox.execute(
            "INSERT INTO opted_out VALUES (?, ?, ?) ON CONFLICT (author) DO NOTHING RETURNING 1",
            person(author),
            outbox.clock(),
            reason,
        )
    )


def opted_out(outbox: Outbox, author: str) -> str:
    """Returns why a person gets no replies, or ""."""
    rows = outbox.execute("SELECT reason FROM opted_out WHERE author = ?", person(author))
    return rows[0][0] if rows else ""


def opt_in(outbox: Outbox, author: str) -> bool:
    """Lets a person be answered again; returns whether they had opted out."""
    return bool(
        outbox.execute("DELETE FROM opted_out WHERE author = ? RETURNING 1", person(author))
    )


def person(name: str) -> str:
    """Returns a user's bare name: "u/NAME", "/user/NAME" and "NAME" are the same."""
    return name.strip().strip("/").rpartition("/")[2]


def all_opted_out(outbox: Outbox, newest: int = -1) -> list[dict[str, str]]:
    """Returns the people who opted out: author, since (ISO 8601, UTC), reason; oldest first.

    Args:
      outbox: the queue.
      newest: only so many, the latest; -1: all.
    """
    rows = outbox.select(
        "SELECT author, time, reason FROM opted_out ORDER BY time DESC, author DESC LIMIT ?", newest
    )
    return [
        {
            "author": author,
            "since": datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds"),
            "reason": reason,
        }
        for author, time, reason in rows[::-1]
    ]


def count_opted_out(outbox: Outbox) -> int:
    """Returns how many people opted out."""
    return outbox.execute("SELECT COUNT(*) FROM opted_out")[0][0]


def shut(outbox: Outbox, site: str, subreddit: str, reason: str) -> None:
    """Shuts a subreddit to the bot until a person reopens it."""
    outbox.execute(
        "INSERT INTO shut VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        site,
        subreddit,
        outbox.clock(),
        reason,
    )


def reopen(outbox: Outbox, site: str, subreddit: str) -> bool:
    """Reopens a subreddit; returns whether it was shut."""
    return bool(
        outbox.execute(
            "DELETE FROM shut WHERE site = ? AND subreddit = ? RETURNING 1", site, subreddit
        )
    )


def shut_reason(outbox: Outbox, site: str, subreddit: str) -> str:
    """Returns why a subreddit is shut to the bot, or ""."""
    rows = outbox.execute(
        "SELECT reason FROM shut WHERE site = ? AND subreddit = ?", site, subreddit
    )
    return rows[0][0] if rows else ""


def shut_subreddits(outbox: Outbox, site: str) -> dict[str, str]:
    """Returns the subreddits of a site that are shut to the bot, and why, by name."""
    query = "SELECT subreddit, reason FROM shut WHERE site = ? ORDER BY subreddit"
    return dict(outbox.execute(query, site))


def shut_out(outbox: Outbox, site: str, reason: str) -> None:
    """Notes that a site refuses the account: nothing is posted there until it is let in."""
    outbox.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", f"shut out: {site}", reason)


def shut_out_reason(outbox: Outbox, site: str) -> str:
    """Returns why a site refuses the account, or ""."""
    rows = outbox.execute("SELECT value FROM about WHERE key = ?", f"shut out: {site}")
    return rows[0][0] if rows else ""


def let_in(outbox: Outbox, site: str) -> None:
    """Notes that a site accepts the account again."""
    outbox.execute("DELETE FROM about WHERE key = ?", f"shut out: {site}")


def pause(outbox: Outbox, site: str, until: float, reason: str) -> None:
    """Posts nothing on a site until a time (seconds since 1970), but at most for an hour.

    A pause until a later time stays.
    """
    until = min(until, outbox.clock() + MAX_PAUSE)
    outbox.execute(
        "INSERT INTO quiet VALUES (?, ?, ?) ON CONFLICT (site) DO UPDATE "
        "SET until = excluded.until, reason = excluded.reason WHERE excluded.until > until",
        site,
        until,
        reason,
    )


def paused(outbox: Outbox, site: str) -> tuple[float, str]:
    """Returns until when a site is paused, and why; (0, "") if it isn't."""
    now = outbox.clock()
    # Earlier versions took a pause from a header as it was, even an endless one
    outbox.execute("UPDATE quiet SET until = MIN(until, ?) WHERE site = ?", now + MAX_PAUSE, site)
    rows = outbox.execute("SELECT until, reason FROM quiet WHERE site = ?", site)
    return rows[0] if rows and rows[0][0] > now else (0.0, "")


def resume(outbox: Outbox, site: str) -> bool:
    """Ends a site's pause; returns whether there was a pause."""
    until, _ = paused(outbox, site)
    outbox.execute("DELETE FROM quiet WHERE site = ?", site)
    return bool(until)
