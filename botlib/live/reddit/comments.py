"""Reads the comments that may be answered, and says why the others may not."""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import Any

import pandas as pd
from praw.models import Comment, Submission

from botlib.data.pairs.conversations import NOTHING, Above
from botlib.errors import BotlibError
from botlib.live import safety
from botlib.live.optout.wishes import wants_no_bot
from botlib.live.policy import allow_list, author_name, unanswerable
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE, why_unread
from botlib.live.reddit.client import Client, LoginRefused, connect
from botlib.live.reddit.things import CommentFields, PostFields
from botlib.live.threads import Threads, row_of
from botlib.settings import GenerateSettings

__all__ = ["Client", "LoginRefused", "Reading", "connect", "read_comments"]

LISTINGS = ("rising", "hot", "new")
_HOUR = 3600.0

COMMENTS = [
    *("subreddit", "post_id", "title", "post_score", "comment_id", "comment_score", "comment"),
    *("author", "above", "created_utc", "depth", "siblings", "permalink"),
]
SKIPPED = ["subreddit", "post_id", "comment_id", "author", "reason"]


@dataclasses.dataclass(frozen=True)
class Reading:
    """One pass over Reddit.

    Attributes:
      comments: one row a comment that may be answered; `above` is an `Above`, its conversation,
        `created_utc` in seconds, `depth` 0 below the post, `siblings` the parent's other replies.
      skipped: one row a post or comment left out, with the reason.
      requests: HTTP requests it took.
      threads: all comments of each post that was read, answerable or not.
      remarks: where the reading differs from the settings, and why.
    """

    comments: pd.DataFrame
    skipped: pd.DataFrame
    requests: int
    threads: Threads
    remarks: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """Returns how many posts and comments were left out, by reason."""
        reasons = self.skipped["reason"].str.replace(r"u/\S+", "u/…", regex=True)
        counts = Counter(reasons.str.replace(r"-?\d+", "…", regex=True))
        rows = [(remark, 0) for remark in self.remarks] + counts.most_common()
        return pd.DataFrame(rows, columns=["reason", "left out"])


def read_comments(
    reddit: Client,
    subreddits: str | Sequence[str],
    *,
    listing: str = "rising",
    posts: int = 5,
    min_score: int = 3,
    max_age_hours: float = 24.0,
    more_requests: int = 4,
    answered_posts: Container[str] = (),
    progress: bool = False,
    clock: Callable[[], float] = time.time,
) -> Reading:
    """Reads the comments of the first posts of each subreddit.

    One request for each subreddit, one for each post, and at most `more_requests` for each post
    whose comments don't fit one answer; PRAW paces them by Reddit's rate-limit headers.

    Args:
      reddit: from `connect`; reading needs no password.
      subreddits: names, or one text with commas.
      listing: "rising", "hot" or "new".
      posts: for each subreddit.
      min_score: a comment needs a score above this.
      max_age_hours: older comments are left alone; 0: any age.
      more_requests: for the rest of one long thread.
      answered_posts: ids of posts that have a reply of ours.
      progress: shows a bar.
      clock: seconds since 1970, UTC.

    Returns:
      A Reading.

    Raises:
      BotlibError: a wrong setting, or none of the subreddits could be read.
    """
    if listing not in LISTINGS:
        raise BotlibError(f"listing must be one of {', '.join(LISTINGS)}; not {listing!r}")
    names = allow_list(subreddits)
    if not names:
        raise BotlibError("no subreddit to read: set subreddits")
    requests_before = reddit.requests_made
    reader = _ThreadReader(
        reddit,
        min_score=min_score,
        oldest=clock() - max_age_hours * _HOUR if max_age_hours else 0.0,
        more_requests=more_requests,
        answered=answered_posts,
    )
    unreadable: list[str] = []
    submissions: list[Submission] = []
    for name in names:
        try:
            submissions += getattr(reddit.subreddit(name), listing)(limit=posts)
        except UNREADABLE as error:
            unreadable.append(f"r/{name} {why_unread(error)}")
            reader.skip(name, "", "", "", f"the subreddit {why_unread(error)}")
    if len(unreadable) == len(names):
        raise BotlibError(f"{'; '.join(unreadable)}: check the names in subreddits")
    if progress:
        from tqdm.auto import tqdm

        submissions = tqdm(submissions, desc="reading threads", unit="thread")
    for submission in submissions:
        reader.read(submission)
    return Reading(
        pd.DataFrame(reader.rows, columns=COMMENTS),
        pd.DataFrame(reader.skipped, columns=SKIPPED),
        reddit.requests_made - requests_before,
        Threads.of(reader.threads),
        (_NO_SCORES,) if reddit.from_archive else (),
    )


_NO_SCORES = (
    "min_comment_score is ignored: the archive reads scores only 36 hours after posting; the posts "
    "are those with the most comments in the last day"
)


def read(reddit: Client, settings: GenerateSettings, **options: Any) -> Reading:
    """Reads comments by the settings of 05_generate; `options` go to `read_comments`."""
    return read_comments(
        reddit,
        settings.subreddits,
        listing=settings.listing,
        posts=settings.posts_per_subreddit,
        min_score=settings.min_comment_score,
        max_age_hours=settings.max_age_hours,
        more_requests=settings.more_requests,
        **options,
    )


def read_comment(
    reddit: Client,
    post_id: str,
    comment_id: str,
    settings: GenerateSettings,
    allow_own: bool = False,
) -> tuple[dict[str, Any], str, Threads]:
    """Returns one comment, of any score and age, as a row of `Reading.comments`.

    Args:
      reddit: from `connect`.
      post_id: of its thread.
      comment_id: without prefix.
      settings: of 05.
      allow_own: the comment may be answered even if its post has a reply of ours.

    Returns:
      The row, why the bot would not answer that comment ("" if it would), and its thread.

    Raises:
      BotlibError: it isn't there, or can't be read now.
    """
    more = settings.more_requests
    reader = _ThreadReader(
        reddit, min_score=-(10**9), oldest=0.0, answered=set(), more_requests=more
    )
    reader.allow_own = allow_own
    reader.read(reddit.submission(post_id))
    reasons = {row["comment_id"]: row["reason"] for row in reader.skipped}
    refusal = reasons.get(comment_id) or reasons.get("", "")
    thread_rows = [row for row in reader.threads if row["comment_id"] == comment_id]
    if not thread_rows:
        raise BotlibError(refusal or f"the thread {post_id} holds no comment {comment_id}")
    minimal_row = dict.fromkeys(COMMENTS, "") | thread_rows[0] | {"above": NOTHING}
    row = next((row for row in reader.rows if row["comment_id"] == comment_id), minimal_row)
    return row, refusal, Threads.of(reader.threads)


@dataclasses.dataclass
class _ThreadReader:
    """Sorts what Reddit answers into rows and skipped rows; settings as in `read_comments`."""

    reddit: Client
    min_score: int
    oldest: float
    more_requests: int
    answered: Container[str]
    allow_own: bool = False  # posts with a reply of ours are read too
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    skipped: list[dict[str, str]] = dataclasses.field(default_factory=list)
    threads: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def skip(self, subreddit: str, post_id: str, comment_id: str, author: str, reason: str) -> None:
        """Records a post or comment that is left out, with the reason."""
        values = (subreddit, post_id, comment_id, author, reason)
        self.skipped.append(dict(zip(SKIPPED, values, strict=True)))

    def read(self, submission: Any) -> None:
        """Reads a thread; sorts its comments into `rows` and `skipped`."""
        if not isinstance(submission, Submission):
            return self.skip("", "", "", "", f"a {type(submission).__name__} instead of a post")
        post = things.post(submission)
        subreddit, post_id = str(post.get("subreddit", "")), submission.id
        if post_id in self.answered:
            return self.skip(
                subreddit, post_id, "", "", "the post has a reply of ours, or one that waits"
            )
        dropped_before = self.reddit.things_dropped
        try:
            submission.comments.replace_more(limit=self.more_requests)
            comments = [c for c in submission.comments.list() if isinstance(c, Comment)]
        except UNREADABLE as error:
            return self.skip(subreddit, post_id, "", "", f"the thread {why_unread(error)}")
        if dropped := self.reddit.things_dropped - dropped_before:
            self.skip(subreddit, post_id, "", "", f"{dropped} things of unknown kind")
        post = things.post(submission)
        subreddit = str(post.get("subreddit", ""))  # a post fetched by its id has it only now
        fields_by_name = {f"t1_{c.id}": things.comment(c) for c in comments}
        self.threads += [
            row_of(subreddit, post_id, fields, author_name(fields), tidy(fields.get("body")))
            for fields in fields_by_name.values()
        ]
        me = "" if self.allow_own else (self.reddit.name or "").lower()
        if me and any(author_name(fields).lower() == me for fields in fields_by_name.values()):
            return self.skip(subreddit, post_id, "", "", "the post has a reply of ours")
        siblings = Counter(fields.get("parent_id") for fields in fields_by_name.values())
        for comment in comments:
            fields = fields_by_name[f"t1_{comment.id}"]
            above = _parents(fields, fields_by_name)
            if reason := self._reason(fields, post, above):
                self.skip(subreddit, post_id, comment.id, author_name(fields), reason)
                continue
            self.rows.append(
                {
                    "subreddit": subreddit,
                    "post_id": post_id,
                    "title": tidy(post.get("title")),
                    "post_score": post.get("score"),
                    "comment_id": comment.id,
                    "comment_score": fields.get("score"),
                    "comment": tidy(fields["body"]),
                    "author": author_name(fields),
                    "above": Above(
                        tidy(post.get("title")),
                        tidy(post.get("selftext")),
                        tuple(tidy(fields.get("body")) for fields in above),
                    ),
                    "created_utc": fields.get("created_utc"),
                    "depth": len(above),
                    "siblings": siblings[fields.get("parent_id")] - 1,
                    "permalink": fields.get("permalink", ""),
                }
            )
        return None

    def _reason(self, comment: CommentFields, post: PostFields, above: list[CommentFields]) -> str:
        if reason := unanswerable(comment, post, self.reddit.name):
            return reason
        if any(wants_no_bot(tidy(fields.get("body"))) for fields in above):
            return "somebody above it asks bots to keep out"
        score = comment.get("score")
        # The archive has scores only later
        if not self.reddit.from_archive:
            if not isinstance(score, int):
                return "it has no score"
            if score <= self.min_score:
                return f"score {score} is not above {self.min_score}"
        created = comment.get("created_utc")
        if self.oldest and not (isinstance(created, int | float) and created >= self.oldest):
            return "it is too old"
        concern = safety.conversation_concern(
            tidy(post.get("title")),
            tidy(post.get("selftext")),
            [tidy(fields.get("body")) for fields in above],
            tidy(comment["body"]),
        )
        return f"off-topic for a bot: {concern}" if concern else ""


def tidy(text: Any) -> str:
    """Returns a text without the characters that UTF-8 and CSV can't hold."""
    if not isinstance(text, str):
        return ""
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return valid.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _parents(
    comment: CommentFields, fields_by_name: dict[str, CommentFields]
) -> list[CommentFields]:
    """The comments above one, the nearest first."""
    above: list[CommentFields] = []
    parent = fields_by_name.get(comment.get("parent_id"))
    while parent is not None and len(above) < len(fields_by_name):
        above.append(parent)
        parent = fields_by_name.get(parent.get("parent_id"))
    return above
