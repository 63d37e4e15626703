"""Outcomes of our replies: scores after an hour, a day, a week; removals; deletions."""

import json
import re

import numpy as np
import pandas as pd

from botlib.data.pairs.ratings import rating_as_in, rating_of
from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import lookups, optouts
from botlib.live.outbox.queue import Outbox, as_table
from botlib.live.outbox.schema import POSTED, Reply
from botlib.live.policy import DISCLOSURE, author_name
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE, short
from botlib.live.reddit.client import Client
from botlib.live.reddit.things import CommentFields
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

AGES = (1.0, 24.0, 168.0)  # hours
# This many removals in a row shut a subreddit: its moderators don't want us
STREAK = 3
_HOUR = 3600.0


def follow(
    outbox: Outbox, reddit: Client, *, delete_below: int = -1, dry_run: bool = True
) -> pd.DataFrame:
    """Checks posted replies: records scores and removals, deletes disliked ones.

    The archive has scores only 36 hours after posting; until then nothing is recorded. One request
    for each hundred replies, without login: only the author still sees removed replies.

    Args:
      outbox: holds the replies and their earlier outcomes.
      reddit: the client.
      delete_below: replies with a lower score are deleted.
      dry_run: writes nothing to Reddit.

    Returns:
      One row a reply that was checked: id, subreddit, hours, score, fate ("there", "removed",
      "deleted", "gone").

    Raises:
      BotlibError: Reddit can't be read now.
    """
    if reddit.from_archive:
        _find_links(outbox, reddit)
    now = outbox.clock()
    open_replies = [(reply, age) for reply, age in followed(outbox, reddit.site) if reply.reply_id]
    recorded_hours = {reply.id: age for reply, age in open_replies}
    rows = []
    for reply, fields in _read_replies(reddit, [reply for reply, _ in open_replies]):
        hours = (now - reply.sent) / _HOUR
        score, fate = _fate(fields)
        if reddit.from_archive and score is None and fate in ("there", "gone"):
            # Not in the archive yet, or not with its score: both take a day or two
            continue
        disliked = fate == "there" and score is not None and score < delete_below
        if disliked and dry_run is False:
            try:
                reason = f"score {score} is below {delete_below}"
                delete_reply(outbox, reddit, reply, reason, score)
                fate = "deleted"
            except UNREADABLE as error:
                # A failed deletion must not stop the round; the next round tries again
                note("error", reply=reply.id, reason=f"can't be deleted now: {short(error)}")
        elif fate != "there" or any(recorded_hours[reply.id] < age <= hours for age in AGES):
            _record(outbox, reply, score, fate)
        if fate == "removed":
            shut_after_streak(outbox, reply)
        rows.append((reply.id, reply.subreddit, hours, score, fate))
        note("outcome", reply=reply.id, subreddit=reply.subreddit, hours=hours, score=score,
             fate=fate)  # fmt: skip
    return pd.DataFrame(rows, columns=["id", "subreddit", "hours", "score", "fate"])


def followed(outbox: Outbox, site: str) -> list[tuple[Reply, float]]:
    """Returns the posted replies whose outcome is still open, and their age at the last look.

    Those are in hours, 0 before the first look. A reply is followed for eight days, or until it is
    removed or deleted.
    """
    since = outbox.clock() - (AGES[-1] + 24) * _HOUR
    recent = [reply for reply in outbox.sent_since(site, since) if reply.state == POSTED]
    rows = outbox.select(
        "SELECT reply, MAX(hours), MAX(fate != 'there') FROM outcomes "
        "WHERE reply IN (SELECT value FROM json_each(?)) GROUP BY reply",
        json.dumps([reply.id for reply in recent]),
    )
    looks = {reply: (hours, ended) for reply, hours, ended in rows}
    never = (0.0, False)
    looks_of_recent = [(reply, *looks.get(reply.id, never)) for reply in recent]
    return [(reply, hours) for reply, hours, ended in looks_of_recent if not ended]


def _read_replies(reddit: Client, replies: list[Reply]) -> list[tuple[Reply, CommentFields]]:
    read_only = reddit.read_only
    try:
        reddit.read_only = True
        names = [f"t1_{reply.reply_id}" for reply in replies]
        fields_by_name = things.info(reddit, names)
    except UNREADABLE as error:
        raise BotlibError(f"our replies can't be read now ({error}): run this again") from error
    finally:
        if not read_only:
            reddit.read_only = False
    return [(reply, fields_by_name.get(f"t1_{reply.reply_id}", {})) for reply in replies]


def _find_links(outbox: Outbox, reddit: Client) -> None:
    """Finds replies that were posted by hand without giving their link: two requests each."""
    for reply, _ in followed(outbox, reddit.site):
        if reply.reply_id:
            continue
        try:
            submission = reddit.submission(reply.post_id)
            submission.comments.replace_more(limit=0)
            for comment in submission.comments.list():
                if _is_ours(things.comment(comment), reply):
                    outbox.record_reddit_id(reply.id, comment.id)
                    break
        except UNREADABLE as error:
            note("error", reply=reply.id, reason=f"its thread can't be read now: {short(error)}")


def _is_ours(fields: CommentFields, reply: Reply) -> bool:
    # The disclosure identifies it; copying may lose quotes and emphasis
    body_words, disclosure_words = (
        re.findall(r"\w+", text) for text in (str(fields.get("body") or ""), DISCLOSURE)
    )
    return (
        fields.get("parent_id") == f"t1_{reply.comment_id}"
        and body_words[-len(disclosure_words) :] == disclosure_words
    )


def _fate(fields: CommentFields) -> tuple[int | None, str]:
    if not fields:
        return None, "gone"
    hidden = fields.get("score_hidden")
    score = fields.get("score") if isinstance(fields.get("score"), int) and not hidden else None
    body = fields.get("body")
    if body == "[removed]":
        return score, "removed"
    if body == "[deleted]" or not author_name(fields):
        return score, "deleted"
    return score, "there"


def delete_reply(
    outbox: Outbox, reddit: Client, reply: Reply, reason: str, score: int | None = None
) -> None:
    """Deletes a reply of ours on Reddit, and records it.

    Raises:
      PRAW's errors, see `checks.UNREADABLE`: it can't be deleted now.
    """
    reddit.comment(reply.reply_id).delete()
    _record(outbox, reply, score, "deleted")
    note("deleted", reply=reply.id, subreddit=reply.subreddit, reason=reason)


def _record(outbox: Outbox, reply: Reply, score: int | None, fate: str) -> None:
    now = outbox.clock()
    outbox.execute(
        "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        reply.id,
        now,
        (now - (reply.sent or now)) / _HOUR,
        score,
        fate,
    )


def shut_after_streak(outbox: Outbox, reply: Reply) -> None:
    """Shuts the subreddit of a removed reply if the latest replies there were all removed."""
    fates = outbox.select(
        "SELECT (SELECT fate FROM outcomes WHERE reply = id ORDER BY time DESC LIMIT 1) AS fate "
        "FROM replies WHERE site = ? AND subreddit = ? COLLATE NOCASE AND sent IS NOT NULL "
        "AND fate IS NOT NULL ORDER BY sent DESC LIMIT ?",
        *(reply.site, reply.subreddit, STREAK),
    )
    if len(fates) == STREAK and all(fate == "removed" for (fate,) in fates):
        optouts.shut(outbox, reply.site, reply.subreddit, f"{STREAK} replies in a row were removed")


def table(outbox: Outbox, site: str, most: int = 0) -> pd.DataFrame:
    """Returns the outcomes of posted replies: predicted rating, scores at each age, fate.

    Columns: id, subreddit, reply, predicted (0 to 3), score_1h, score_24h, score_168h (the first
    look at that age or later; missing before), fate.

    Args:
      outbox: the queue.
      site: "live" or "sandbox".
      most: only so many replies, those that were posted last; 0: all.
    """
    replies = lookups.newest_posted(outbox, site, most) if most else outbox.replies(site, [POSTED])
    posted = as_table(replies)
    rows = outbox.select(
        "SELECT reply, hours, score, fate FROM outcomes "
        "WHERE reply IN (SELECT value FROM json_each(?)) ORDER BY time",
        json.dumps(posted["id"].tolist()),
    )
    looks = pd.DataFrame(rows, columns=["id", "hours", "score", "fate"])
    result = posted[["id", "subreddit", "reply"]].assign(predicted=posted["score"])
    for age, until in zip(AGES, (*AGES[1:], np.inf), strict=True):
        first_looks = looks[(looks["hours"] >= age) & (looks["hours"] < until)].drop_duplicates(
            "id"
        )
        scores = first_looks.set_index("id")["score"].astype("Int64")
        result[f"score_{age:g}h"] = result["id"].map(scores).astype("Int64")
    last_fates = looks.drop_duplicates("id", keep="last").set_index("id")["fate"]
    result["fate"] = result["id"].map(last_fates).fillna("there")
    return result


def calibration(
    results: pd.DataFrame, age: float = 24.0, rated: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Returns the outcomes of replies for each rounded predicted rating.

    Args:
      results: from `table`.
      age: in hours, one of AGES.
      rated: from `rated_pairs`, which define the ratings; None: the tutorial's bins.

    Returns:
      A table: predicted (rounded), replies, mean_score, mean_rating (0 to 3), removed.
    """
    rows = results.assign(score=results[f"score_{age:g}h"], bin=results["predicted"].round())
    scores = rows["score"].dropna()
    if rated is None:
        ratings = rating_of(scores)
    else:
        ratings = rating_as_in(rated, scores, rows.loc[scores.index, "subreddit"])
    rows["rating"] = pd.Series(ratings, scores.index).astype("Float64")
    groups = rows.groupby("bin")
    return pd.DataFrame(
        {
            "replies": groups["score"].count(),
            "mean_score": groups["score"].mean(),
            "mean_rating": groups["rating"].mean(),
            "removed": groups["fate"].agg(lambda fates: (fates == "removed").sum()),
        }
    ).reset_index(names="predicted")


def rated_pairs(workspace: Workspace) -> pd.DataFrame | None:
    """Returns the scores and ratings of the training data, if the workspace has them.

    Columns: subreddit, reply_score, rating.
    """
    if not workspace.bert_gan_real.exists():
        return None
    columns = ["subreddit", "reply_score", "rating"]
    rated = read_table(workspace.bert_gan_real, BERT_GAN_REAL, columns).dropna()
    return None if rated.empty else rated


def rank_correlation(results: pd.DataFrame, age: float = 24.0) -> float:
    """Returns Spearman's correlation of predicted rating and score; NaN for fewer than three."""
    pairs = results[["predicted", f"score_{age:g}h"]].dropna().astype(float)
    if len(pairs) < 3:
        return float("nan")
    ranks = pairs.rank()
    return float(ranks.iloc[:, 0].corr(ranks.iloc[:, 1]))


def rank_sentence(results: pd.DataFrame, age: float = 24.0) -> str:
    """Returns `rank_correlation` as a sentence."""
    value = rank_correlation(results, age)
    if np.isnan(value):
        return (
            "rank correlation (Spearman) of predicted rating and score: unknown, since fewer than "
            f"three replies are {age:g} hours old or all have the same score"
        )
    return f"rank correlation (Spearman) of predicted rating and score: {value:.2f}"
