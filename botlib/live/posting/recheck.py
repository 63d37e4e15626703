"""Checks before posting: the comment, its thread and its score as they are now."""

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

# These may be temporary, and are believed when they repeat
GONE, LEFT = "the comment or its post is gone", "the comment left its thread"


@dataclasses.dataclass(frozen=True)
class Objection:
    """Why an approved reply is not posted.

    Attributes:
      reason: for the person who approved it.
      final: the reply may never be posted; else the approval is taken back, and a person looks
        again.
      current: what the person must see: comment, title and comment_score as they are now, for
        `Outbox.take_back`.
    """

    reason: str
    final: bool = True
    current: dict[str, Any] = dataclasses.field(default_factory=dict)


def look(
    reddit: Client, reply: Reply, me: str | None, min_score: int | None = None
) -> tuple[Objection | None, Comment | None]:
    """Reads a comment and its thread just before posting: two requests.

    Args:
      reddit: the client.
      reply: an approved one.
      me: the bot's own name.
      min_score: the comment needs a score above this; None: any will do.

    Returns:
      The objection to posting or None, and our reply if it is there already.

    Raises:
      PRAW's errors: it can't be read; see `checks.UNREADABLE`.
    """
    names = [f"t1_{reply.comment_id}", f"t3_{reply.post_id}"]
    things_by_name = things.info(reddit, names)
    comment, post = (things_by_name.get(name) for name in names)
    if comment is None or post is None:
        return Objection(GONE), None
    if reason := _unanswerable_now(reply, comment, post, me):
        return Objection(reason), None
    above, below = conversation(reddit, reply)
    if above is None:
        return Objection(LEFT), None
    for answer in below:
        if me and author_name(things.comment(answer)).lower() == me.lower():
            return None, answer
    below_fields = [things.comment(answer) for answer in below]
    return objection(reply, comment, post, above, below_fields, min_score=min_score), None


def objection(
    reply: Reply,
    comment: CommentFields,
    post: PostFields,
    above: Sequence[CommentFields] = (),
    below: Sequence[CommentFields] = (),
    *,
    min_score: int | None = None,
) -> Objection | None:
    """Returns the objection to posting an approved reply now, or None.

    The rules are those by which the comment was chosen: nothing unsafe in the whole conversation,
    nobody in it who wants no bots, a score, no copy of newer comments. Besides, the comment must
    still have the words that the person saw.

    Args:
      reply: the approved one; `reply.comment` is what the person saw.
      comment: its current fields, as for the next three.
      post: the thread's.
      above: the comments between post and comment, the highest first.
      below: the answers to the comment.
      min_score: the comment needs a score above this; None: any will do.
    """
    title, selftext, text = map(
        tidy, (post.get("title"), post.get("selftext"), comment.get("body"))
    )
    parents = [tidy(fields.get("body")) for fields in above]
    if any(map(wants_no_bot, [title, selftext, *parents, text])):
        return Objection("somebody in the thread asks bots to keep out")
    if concern := safety.conversation_concern(title, selftext, [*reversed(parents)], text):
        return Objection(f"off-topic for a bot: {concern}")
    score = comment.get("score")
    score = score if isinstance(score, int) else None
    current = {"comment": text, "title": title, "comment_score": score}
    if reply.comment and _words(text) != _words(reply.comment):
        return Objection("the comment was edited after you saw it", False, current)
    has_sunk = score is None or reply.comment_score is None or score < reply.comment_score
    if min_score is not None and has_sunk and (score is None or score <= min_score):
        # A person who approved at this score is not asked again
        return Objection(f"the comment's score is now {score}", False, current)
    if reply.state == APPROVED and _repeats_newer(reply, [*above, *below]):
        return Objection("somebody has written the same meanwhile", False, current)
    return None


def conversation(reddit: Client, reply: Reply) -> tuple[list[CommentFields] | None, list[Comment]]:
    """Returns the comments above and below the answered comment: one request.

    The comments above are fields, the highest first; None if the comment isn't there.
    """
    path = f"comments/{reply.post_id}/_/{reply.comment_id}"
    _, top_comments = reddit.get(path, params={"context": 8, "sort": "new"})
    stack = [(comment, ()) for comment in top_comments if isinstance(comment, Comment)]
    while stack:
        comment, above = stack.pop()
        answers = [answer for answer in comment.replies if isinstance(answer, Comment)]
        if comment.id == reply.comment_id:
            return list(above), answers
        stack += [(answer, (*above, things.comment(comment))) for answer in answers]
    return None, []


def _unanswerable_now(
    reply: Reply, comment: CommentFields, post: PostFields, me: str | None
) -> str:
    """Why the comment can't be answered any more, whatever its text; "" if it can."""
    if reason := unanswerable(comment, post, me):
        return reason
    if str(comment.get("subreddit", "")).lower() != reply.subreddit.lower():
        return f"it is in r/{comment.get('subreddit')}, not in r/{reply.subreddit}"
    if reply.author and author_name(comment).lower() != reply.author.lower():
        return "its author changed"
    return ""


def _repeats_newer(reply: Reply, thread: Sequence[CommentFields]) -> bool:
    since = reply.approved or 0.0
    newer_texts = [
        tidy(fields.get("body"))
        for fields in thread
        if max(_time(fields.get("created_utc")), _time(fields.get("edited"))) > since
    ]
    return bool(newer_texts) and CopyIndex(newer_texts, words=5).share(reply.reply) >= NEAR_COPY


def _time(value: Any) -> float:
    # `edited` is False, or a time
    return float(value) if isinstance(value, int | float) else 0.0


def _words(text: str) -> str:
    return " ".join(text.split())
