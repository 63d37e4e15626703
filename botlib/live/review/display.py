"""What a person sees of a reply, in the notebook, the terminal, the CSV file and the page."""

import getpass

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import FAILED, PROPOSED, Reply
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import tidy
from botlib.terminal import readable

# The states that wait for a person: new replies, and failed ones that may be tried again
WAITING = (PROPOSED, FAILED)


def waiting(outbox: Outbox, site: str) -> list[Reply]:
    """Returns the replies that wait for a person, the best first."""
    return sorted(outbox.replies(site, WAITING), key=lambda reply: -(reply.score or 0.0))


def thread_text(reddit: Client, reply: Reply) -> str:
    """Returns the thread above a reply: title, post, parents, comment; one request.

    Raises:
      BotlibError: it can't be read now.
    """
    (subreddit, title), *turns = thread_turns(reddit, reply)
    parts = [f"{subreddit}: {title}"]
    parts += [f"{who}: {text}" if who else text for who, text in turns]
    return "\n\n".join(parts)


def thread_turns(reddit: Client, reply: Reply) -> list[tuple[str, str]]:
    """Returns the thread as (who, text): the subreddit with the title, the post, the comments.

    Raises:
      BotlibError: it can't be read now.
    """
    try:
        path = f"comments/{reply.post_id}/_/{reply.comment_id}"
        posts, comments = reddit.get(path, params={"context": 8})
        post = things.post(posts[0])
        turns = [
            (f"r/{reply.subreddit}", tidy(post.get("title"))),
            ("", tidy(post.get("selftext"))),
        ]
        comments_left = list(comments)
        while comments_left:
            comment = comments_left[0]
            turns.append((f"u/{comment.author}", tidy(things.comment(comment).get("body"))))
            comments_left = [] if comment.id == reply.comment_id else list(comment.replies)
    except UNREADABLE as error:
        raise BotlibError(f"the thread can't be read now: {readable(str(error))}") from error
    first_turn, *other_turns = [(readable(who), readable(text)) for who, text in turns]
    return [first_turn, *(turn for turn in other_turns if turn[1])]


def link(reply: Reply, reddit: Client | None = None) -> str:
    """Returns the address of the comment that is answered."""
    site = reddit.config.reddit_url if reddit is not None else "https://www.reddit.com"
    return f"{site}{readable(reply.permalink)}" if reply.permalink else ""


def reply_note(reply: Reply) -> str:
    """Returns why a reply waits again, for the person who judges, or ""."""
    if reply.state == FAILED:
        return f"it could not be posted: {readable(reply.reason)}"
    return "" if reply.reason.startswith("best of ") else readable(reply.reason)


def scores(reply: Reply) -> str:
    """Returns the models' scores of a reply, in one line."""
    return f"realism {_number(reply.prob_real)} · expected rating {_number(reply.score)}"


def person() -> str:
    """Returns the system's user name, for the record of approvals."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "a person"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
