"""What became of our replies: scores after an hour, a day, a week; removals; what to delete."""

import re

import numpy as np
import pandas as pd

from botlib.data.pairs.ratings import rating_as_in, rating_of
from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, Reply
from botlib.live.policy import DISCLOSURE, author_name
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE, short
from botlib.live.reddit.client import Client
from botlib.live.reddit.things import CommentFields
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

AGES = (1.0, 24.0, 168.0)  # hours
# So many removals in a row shut a subreddit: its moderators don't want us
STREAK = 3
_HOUR = 3600.0


def follow(
    outbox: Outbox, reddit: Client, *, delete_below: int = -1, dry_run: bool = True
) -> pd.DataFrame:
    """Looks after posted replies: writes down scores and removals, deletes what people dislike.

    The archive shows scores only 36 hours after posting: until then it isn't asked to say anything.
    One request for each hundred replies, made without our name: their author alone still sees
    replies that moderators removed.

    Args:
      outbox: which replies, and how they fared before.
      reddit: where.
      delete_below: replies with a lower score are deleted.
      dry_run: writes nothing to Reddit.

    Returns:
      One row a reply that was looked at: id, subreddit, hours, score, fate ("there", "removed",
      "deleted", "gone").

    Raises:
      BotlibError: Reddit can't be read now.
    """
    if reddit.from_archive:
        _find_links(outbox, reddit)
    now = outbox.clock()
    seen = dict(outbox.execute("SELECT reply, MAX(hours) FROM outcomes GROUP BY reply"))
    gone = {
        reply for (reply,) in outbox.execute("SELECT reply FROM outcomes WHERE fate != 'there'")
    }
    replies = [
        reply
        for reply in outbox.replies(reddit.site, [POSTED])
        if reply.id not in gone
        and reply.reply_id
        and (now - (reply.sent or now)) / _HOUR <= AGES[-1] + 24
    ]
    rows = []
    for reply, fields in _look(reddit, replies):
        hours = (now - reply.sent) / _HOUR
        score, fate = _fate(fields)
        if reddit.from_archive and score is None and fate in ("there", "gone"):
            # Not stored there yet, or not read a second time: both take a day or two
            continue
        disliked = fate == "there" and score is not None and score < delete_below
        if disliked and dry_run is False:
            try:
                reason = f"score {score} is below {delete_below}"
                delete_reply(outbox, reddit, reply, reason, score)
                fate = "deleted"
            except UNREADABLE as error:
                # One reply that can't go must not stop the round; the next one tries again
                note("error", reply=reply.id, reason=f"can't be deleted now: {short(error)}")
        elif fate != "there" or any(seen.get(reply.id, 0) < age <= hours for age in AGES):
            _record(outbox, reply, score, fate)
        if fate == "removed":
            _shut_after_streak(outbox, reply)
        rows.append((reply.id, reply.subreddit, hours, score, fate))
        note("outcome", reply=reply.id, subreddit=reply.subreddit, hours=hours, score=score,
             fate=fate)  # fmt: skip
    return pd.DataFrame(rows, columns=["id", "subreddit", "hours", "score", "fate"])


def _look(reddit: Client, replies: list[Reply]) -> list[tuple[Reply, CommentFields]]:
    read_only = reddit.read_only
    try:
        reddit.read_only = True
        names = [f"t1_{reply.reply_id}" for reply in replies]
        found = things.info(reddit, names)
    except UNREADABLE as error:
        raise BotlibError(f"our replies can't be read now ({error}): run this again") from error
    finally:
        if not read_only:
            reddit.read_only = False
    return [(reply, found.get(f"t1_{reply.reply_id}", {})) for reply in replies]


def _find_links(outbox: Outbox, reddit: Client) -> None:
    """Looks for replies that were posted by hand and whose link nobody gave: two requests each."""
    for reply in outbox.replies(reddit.site, [POSTED]):
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
    # Our line tells; quotes and emphasis may not survive being copied
    said, line = (re.findall(r"\w+", text) for text in (str(fields.get("body") or ""), DISCLOSURE))
    return fields.get("parent_id") == f"t1_{reply.comment_id}" and said[-len(line) :] == line


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
    """Deletes a reply of ours on Reddit, and writes that down.

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


def _shut_after_streak(outbox: Outbox, reply: Reply) -> None:
    fates = outbox.execute(
        "SELECT outcomes.fate FROM replies JOIN outcomes ON outcomes.reply = replies.id "
        "WHERE replies.site = ? AND replies.subreddit = ? COLLATE NOCASE "
        "GROUP BY replies.id HAVING outcomes.time = MAX(outcomes.time) "
        "ORDER BY replies.sent DESC LIMIT ?",
        reply.site,
        reply.subreddit,
        STREAK,
    )
    if len(fates) == STREAK and all(fate == "removed" for (fate,) in fates):
        optouts.shut(outbox, reply.site, reply.subreddit, f"{STREAK} replies in a row were removed")


def table(outbox: Outbox, site: str | None = None) -> pd.DataFrame:
    """Returns how posted replies fared: predicted rating, scores at each age, fate.

    Columns: id, subreddit, reply, predicted (0 to 3), score_1h, score_24h, score_168h (the first
    look at that age or later; missing before), fate.
    """
    posted = outbox.table(site, [POSTED])
    rows = outbox.execute("SELECT reply, hours, score, fate FROM outcomes ORDER BY time")
    seen = pd.DataFrame(rows, columns=["id", "hours", "score", "fate"])
    result = posted[["id", "subreddit", "reply"]].assign(predicted=posted["score"])
    for age, until in zip(AGES, (*AGES[1:], np.inf), strict=True):
        first = seen[(seen["hours"] >= age) & (seen["hours"] < until)].drop_duplicates("id")
        scores = first.set_index("id")["score"].astype("Int64")
        result[f"score_{age:g}h"] = result["id"].map(scores).astype("Int64")
    last = seen.drop_duplicates("id", keep="last").set_index("id")["fate"]
    result["fate"] = result["id"].map(last).fillna("there")
    return result


def calibration(
    fared: pd.DataFrame, age: float = 24.0, rated: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Returns, for each rounded predicted rating, how replies really fared.

    Args:
      fared: from `table`.
      age: in hours, one of AGES.
      rated: from `rated_pairs`, which says what a rating means; None: the tutorial's bins.

    Returns:
      A table: predicted (rounded), replies, mean_score, mean_rating (0 to 3), removed.
    """
    known = fared.assign(score=fared[f"score_{age:g}h"], bin=fared["predicted"].round())
    scores = known["score"].dropna()
    if rated is None:
        ratings = rating_of(scores)
    else:
        ratings = rating_as_in(rated, scores, known.loc[scores.index, "subreddit"])
    known["rating"] = pd.Series(ratings, scores.index).astype("Float64")
    groups = known.groupby("bin")
    return pd.DataFrame(
        {
            "replies": groups["score"].count(),
            "mean_score": groups["score"].mean(),
            "mean_rating": groups["rating"].mean(),
            "removed": groups["fate"].agg(lambda fates: (fates == "removed").sum()),
        }
    ).reset_index(names="predicted")


def rated_pairs(workspace: Workspace) -> pd.DataFrame | None:
    """Returns the scores and ratings that the judges learned from, if the workspace has them.

    Columns: subreddit, reply_score, rating.
    """
    if not workspace.bert_gan_real.exists():
        return None
    columns = ["subreddit", "reply_score", "rating"]
    rated = read_table(workspace.bert_gan_real, BERT_GAN_REAL, columns).dropna()
    return None if rated.empty else rated


def rank_correlation(fared: pd.DataFrame, age: float = 24.0) -> float:
    """Returns Spearman's correlation of predicted rating and score; NaN for fewer than three."""
    known = fared[["predicted", f"score_{age:g}h"]].dropna().astype(float)
    if len(known) < 3:
        return float("nan")
    ranks = known.rank()
    return float(ranks.iloc[:, 0].corr(ranks.iloc[:, 1]))


def rank_sentence(fared: pd.DataFrame, age: float = 24.0) -> str:
    """Reads `rank_correlation`: did the replies of which more was expected fare better?"""
    value = rank_correlation(fared, age)
    if np.isnan(value):
        return (
            f"rank correlation (Spearman) of what was expected with what came: not known yet, "
            f"fewer than three replies are {age:g} hours old or all fared alike"
        )
    return f"rank correlation (Spearman) of what was expected with what came: {value:.2f}"
