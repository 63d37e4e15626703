"""What changed since a person approved: the comment, its thread and its score as they are now."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from praw.models import Comment

from botlib.live import safety
from botlib.live.choose import NEAR_COPY
from botlib.live.copies import CopyIndex
from botlib.live.optout.wishes import wants_no_bot
from botlib.live.outbox.schema import APPROVED, Reply
from botlib.live.policy import author_name, unanswerable
from botlib.live.reddit import things
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import tidy
from botlib.live.reddit.things import CommentFields, PostFields

# What may be a fault of the hour: believed when it repeats
GONE, LEFT = "the comment or its post is gone", "the comment left its thread"


@dataclasses.dataclass(frozen=True)
class Objection:
    """Why an approved reply is not posted.

    Attributes:
      reason: for the person who approved it.
      final: it may never be posted; else the approval is taken back, and a person looks again.
      seen: what the person must be shown: comment, title and comment_score as they are now, as
        `Outbox.take_back` takes them.
    """

    reason: str
    final: bool = True
    seen: dict[str, Any] = dataclasses.field(default_factory=dict)


def look(
    reddit: Client, reply: Reply, me: str | None, min_score: int | None = None
) -> tuple[Objection | None, Comment | None]:
    """Asks Reddit how things stand just before posting: two requests.

    Args:
      reddit: where.
      reply: an approved one.
      me: the bot's own name.
      min_score: the comment needs a score above this; None: any will do.

    Returns:
      What speaks against posting (None: nothing), and our reply if it is there already.

    Raises:
      PRAW's errors: it can't be read; see `checks.UNREADABLE`.
    """
    names = [f"t1_{reply.comment_id}", f"t3_{reply.post_id}"]
    found = things.info(reddit, names)
    comment, post = (found.get(name) for name in names)
    if comment is None or post is None:
        return Objection(GONE), None
    if found := _cannot(reply, comment, post, me):
        return Objection(found), None
    above, below = conversation(reddit, reply)
    if above is None:
        return Objection(LEFT), None
    for answer in below:
        if me and author_name(things.comment(answer)).lower() == me.lower():
            return None, answer
    others = [things.comment(answer) for answer in below]
    return objection(reply, comment, post, above, others, min_score=min_score), None


def objection(
    reply: Reply,
    comment: CommentFields,
    post: PostFields,
    above: Sequence[CommentFields] = (),
    below: Sequence[CommentFields] = (),
    *,
    min_score: int | None = None,
) -> Objection | None:
    """Returns what speaks against posting an approved reply now, or None.

    The rules are those by which the comment was chosen: nothing unsafe in the whole conversation,
    nobody in it who wants no bots, a score, no copy of what others said meanwhile. Besides, a
    person approved an answer to the words they saw, and to no others.

    Args:
      reply: the approved one; `reply.comment` is what the person saw.
      comment: its fields as Reddit gives them now, as are the next ones.
      post: above all.
      above: the comments between the two, the highest first.
      below: the answers that the comment has.
      min_score: the comment needs a score above this; None: any will do.
    """
    title, selftext, text = map(
        tidy, (post.get("title"), post.get("selftext"), comment.get("body"))
    )
    parents = [tidy(fields.get("body")) for fields in above]
    if any(map(wants_no_bot, [title, selftext, *parents, text])):
        return Objection("somebody in the thread asks bots to keep out")
    if found := safety.conversation_concern(title, selftext, [*reversed(parents)], text):
        return Objection(f"off-topic for a bot: {found}")
    score = comment.get("score")
    score = score if isinstance(score, int) else None
    seen = {"comment": text, "title": title, "comment_score": score}
    if reply.comment and _words(text) != _words(reply.comment):
        return Objection("the comment was edited after you saw it", False, seen)
    sunk = score is None or reply.comment_score is None or score < reply.comment_score
    if min_score is not None and sunk and (score is None or score <= min_score):
        # A person who has seen that score and approves again is not asked a third time
        return Objection(f"the comment's score is {score} by now", False, seen)
    if reply.state == APPROVED and _copied(reply, [*above, *below]):
        return Objection("somebody said the same meanwhile", False, seen)
    return None


def conversation(reddit: Client, reply: Reply) -> tuple[list[CommentFields] | None, list[Comment]]:
    """Returns the comments above the one to be answered (None: it isn't there) and those below.

    One request. The first are fields as Reddit gives them, the highest first.
    """
    path = f"comments/{reply.post_id}/_/{reply.comment_id}"
    _, top = reddit.get(path, params={"context": 8, "sort": "new"})
    waiting = [(comment, ()) for comment in top if isinstance(comment, Comment)]
    while waiting:
        comment, above = waiting.pop()
        answers = [answer for answer in comment.replies if isinstance(answer, Comment)]
        if comment.id == reply.comment_id:
            return list(above), answers
        waiting += [(answer, (*above, things.comment(comment))) for answer in answers]
    return None, []


def _cannot(reply: Reply, comment: CommentFields, post: PostFields, me: str | None) -> str:
    """Why this very comment can't be answered any more, whatever is said in it."""
    if reason := unanswerable(comment, post, me):
        return reason
    if str(comment.get("subreddit", "")).lower() != reply.subreddit.lower():
        return f"it is in r/{comment.get('subreddit')}, not in r/{reply.subreddit}"
    if reply.author and author_name(comment).lower() != reply.author.lower():
        return "its author changed"
    return ""


def _copied(reply: Reply, thread: Sequence[CommentFields]) -> bool:
    since = reply.approved or 0.0
    new = [
        tidy(fields.get("body"))
        for fields in thread
        if max(_time(fields.get("created_utc")), _time(fields.get("edited"))) > since
    ]
    return bool(new) and CopyIndex(new, words=5).share(reply.reply) >= NEAR_COPY


def _time(value: Any) -> float:
    # `edited` is False, or a time
    return float(value) if isinstance(value, int | float) else 0.0


def _words(text: str) -> str:
    return " ".join(text.split())
