"""A person judges the proposed replies: in a notebook, in a terminal, or in a CSV file."""

import getpass
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.checks import UNREADABLE
from botlib.live.client import Client
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED, Reply
from botlib.live.reddit import tidy
from botlib.workspace import atomic_file

CSV_COLUMNS = [
    *("id", "decision", "reply", "comment", "title", "subreddit", "author", "score"),
    *("prob_real", "link"),
]
APPROVE, REJECT = "approve", "reject"


def thread_text(reddit: Client, reply: Reply) -> str:
    """Returns the thread above a reply: title, post, parents, comment; one request.

    Raises:
      BotlibError: it can't be read now.
    """
    try:
        path = f"comments/{reply.post_id}/_/{reply.comment_id}"
        posts, comments = reddit.get(path, params={"context": 8})
        post = posts[0]
        parts = [f"r/{reply.subreddit}: {tidy(post.title)}", tidy(vars(post).get("selftext"))]
        below = list(comments)
        while below:
            comment = below[0]
            parts.append(f"u/{comment.author}: {tidy(vars(comment).get('body'))}")
            below = [] if comment.id == reply.comment_id else list(comment.replies)
    except UNREADABLE as error:
        raise BotlibError(f"the thread can't be read now: {error}") from error
    return "\n\n".join(filter(None, parts))


def link(reply: Reply, reddit: Client | None = None) -> str:
    """Returns the address of the comment that is answered."""
    site = reddit.config.reddit_url if reddit is not None else "https://www.reddit.com"
    return f"{site}{reply.permalink}" if reply.permalink else ""


# In a notebook
def approval_list(outbox: Outbox, reddit: Client, *, by: str | None = None) -> Any:
    """Returns an ipywidgets list of the proposed replies: read the thread, approve, edit, reject.

    Works in Jupyter and Colab. A changed text counts as edited. Every click is written at once.

    Args:
      outbox: the queue.
      reddit: whose replies are listed; threads are read from it when asked for.
      by: who judges; the system's user by default.
    """
    import ipywidgets

    waiting = sorted(outbox.replies(reddit.site, [PROPOSED]), key=lambda r: -(r.score or 0.0))
    if not waiting:
        return ipywidgets.HTML("<p>No reply waits for approval.</p>")
    cards = [_card(outbox, reddit, reply, by or person()) for reply in waiting]
    heading = ipywidgets.HTML(f"<p>{len(cards)} replies wait for approval, the best first.</p>")
    return ipywidgets.VBox([heading, *cards])


def _card(outbox: Outbox, reddit: Client, reply: Reply, by: str) -> Any:
    import ipywidgets

    wide = ipywidgets.Layout(width="98%")
    head = ipywidgets.HTML(
        f"<b>r/{html.escape(reply.subreddit)}</b> · {html.escape(reply.title)} · "
        f"<a href='{html.escape(link(reply, reddit))}' target='_blank'>open</a><br>"
        f"<div dir='auto' style='white-space:pre-wrap;border-left:3px solid #888;"
        f"padding-left:.6em;margin:.3em 0'>{html.escape(reply.comment)}</div>"
        f"<small>u/{html.escape(reply.author)} · realism {_number(reply.prob_real)} · "
        f"expected rating {_number(reply.score)}</small>"
    )
    text = ipywidgets.Textarea(reply.reply, rows=4, layout=wide)
    approve = ipywidgets.Button(description="Approve", button_style="success", icon="check")
    reject = ipywidgets.Button(description="Reject", icon="times")
    read = ipywidgets.Button(description="Read the thread", icon="book")
    said = ipywidgets.HTML()

    def judged(act: Callable[[], None], words: str) -> None:
        try:
            act()
        except BotlibError as error:
            said.value = f"<span style='color:#b00'>{html.escape(str(error))}</span>"
            return
        said.value = words
        for control in (text, approve, reject):
            control.disabled = True

    def on_approve(_: Any) -> None:
        if text.value.strip() == reply.reply.strip():
            judged(lambda: outbox.approve(reply.id, by), "✓ approved")
        else:
            judged(lambda: outbox.edit(reply.id, text.value, by), "✓ approved, edited")

    def on_read(_: Any) -> None:
        try:
            shown = html.escape(thread_text(reddit, reply))
        except BotlibError as error:
            shown = html.escape(str(error))
        said.value = f"<div dir='auto' style='white-space:pre-wrap'>{shown}</div>"

    approve.on_click(on_approve)
    reject.on_click(lambda _: judged(lambda: outbox.reject(reply.id, by), "✗ rejected"))
    read.on_click(on_read)
    buttons = ipywidgets.HBox([approve, reject, read])
    return ipywidgets.VBox([head, text, buttons, said], layout=ipywidgets.Layout(margin="0 0 1em"))


# In a terminal
def review_in_terminal(
    outbox: Outbox,
    site: str,
    *,
    reddit: Client | None = None,
    by: str | None = None,
    ask: Callable[[str], str] = input,
    show: Callable[[str], Any] = print,
) -> dict[str, int]:
    """Shows each proposed reply and asks what to do with it.

    Args:
      outbox: the queue.
      site: "live" or "sandbox".
      reddit: reads the thread when asked to; None can't.
      by: who judges.
      ask: gets an answer to a question.
      show: prints.

    Returns:
      How many were approved, edited, rejected, left.
    """
    by = by or person()
    done = {"approved": 0, "edited": 0, "rejected": 0, "left": 0}
    waiting = sorted(outbox.replies(site, [PROPOSED]), key=lambda r: -(r.score or 0.0))
    for number, reply in enumerate(waiting, 1):
        show(f"\n[{number} of {len(waiting)}] r/{reply.subreddit}: {reply.title}")
        show(f"u/{reply.author}:\n{_indented(reply.comment)}\nreply:\n{_indented(reply.reply)}")
        scores = f"realism {_number(reply.prob_real)}, rating {_number(reply.score)}"
        show(f"({scores}) {link(reply, reddit)}")
        answer = _answer(ask, show, outbox, reply, reddit, by)
        if answer == "quit":
            done["left"] += len(waiting) - number + 1
            break
        done[answer] += 1
    return done


def _answer(
    ask: Callable[[str], str],
    show: Callable[[str], Any],
    outbox: Outbox,
    reply: Reply,
    reddit: Client | None,
    by: str,
) -> str:
    while True:
        try:
            answer = ask("[a]pprove  [e]dit  [r]eject  [t]hread  [s]kip  [q]uit > ").strip().lower()
        except EOFError:
            return "quit"
        if answer in ("a", "approve"):
            outbox.approve(reply.id, by)
            return "approved"
        if answer in ("e", "edit"):
            text = ask("new text (\\n for a line break; empty goes back) > ").replace("\\n", "\n")
            if text.strip():
                outbox.edit(reply.id, text, by)
                return "edited"
        elif answer in ("r", "reject"):
            outbox.reject(reply.id, by, ask("why? (may be empty) > ").strip())
            return "rejected"
        elif answer in ("t", "thread"):
            try:
                show(thread_text(reddit, reply) if reddit else "not connected: open the link")
            except BotlibError as error:
                show(str(error))
        elif answer in ("s", "skip"):
            return "left"
        elif answer in ("q", "quit"):
            return "quit"


# In a CSV file
def write_csv(outbox: Outbox, site: str, path: Path, reddit: Client | None = None) -> int:
    """Writes the proposed replies with an empty column `decision`; returns how many.

    A person writes approve or reject into it, edits `reply` where needed, and `read_csv` reads
    the file back. Spreadsheets don't take a text that begins with = for a formula: it is quoted.
    """
    rows = [
        {
            **{key: getattr(reply, key) for key in CSV_COLUMNS if hasattr(reply, key)},
            **{key: _guarded(getattr(reply, key)) for key in ("reply", "comment", "title")},
            "decision": "",
            "link": link(reply, reddit),
        }
        for reply in outbox.replies(site, [PROPOSED])
    ]
    with atomic_file(path) as file:
        pd.DataFrame(rows, columns=CSV_COLUMNS).to_csv(file, index=False, lineterminator="\n")
    return len(rows)


def read_csv(outbox: Outbox, site: str, path: Path, *, by: str | None = None) -> dict[str, int]:
    """Reads decisions back: all of them or, if one can't be, none.

    Returns:
      How many were approved, edited, rejected, left.

    Raises:
      BotlibError: no such file, a column is missing, or a row that can't be; with its line.
    """
    try:
        # utf-8-sig: spreadsheets write a byte order mark
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BotlibError(f"{path} can't be read ({error}): save it as CSV, UTF-8") from error
    if missing := [name for name in ("id", "decision", "reply") if name not in frame.columns]:
        raise BotlibError(f"{path} lacks the column {missing[0]!r}: write it again with --csv-out")
    by = by or person()
    known = {str(reply.id): reply for reply in outbox.replies(site)}
    acts: list[tuple[str, Callable[[], None]]] = []
    for line, row in enumerate(frame.to_dict("records"), 2):
        decision, text = row["decision"].strip().lower(), _unguarded(row["reply"])
        if not decision:
            acts.append(("left", lambda: None))
            continue
        reply = known.get(row["id"].strip())
        if reply is None:
            raise BotlibError(f"{path}, row {line}: the outbox has no reply {row['id']!r} ({site})")
        if decision not in (APPROVE, REJECT):
            raise BotlibError(
                f"{path}, row {line}: decision must be approve, reject or empty, not {decision!r}"
            )
        if reply.state != PROPOSED:
            # Read back a second time: what was decided stays
            acts.append(("left", lambda: None))
        elif decision == REJECT:
            acts.append(("rejected", lambda r=reply: outbox.reject(r.id, by)))
        elif not text.strip():
            raise BotlibError(f"{path}, row {line}: the reply is empty; reject it instead")
        elif _same(text, reply.reply):
            acts.append(("approved", lambda r=reply: outbox.approve(r.id, by)))
        else:
            acts.append(("edited", lambda r=reply, t=text: outbox.edit(r.id, t, by)))
    done = {"approved": 0, "edited": 0, "rejected": 0, "left": 0}
    for what, act in acts:
        act()
        done[what] += 1
    return done


def person() -> str:
    """Returns who sits here, for the record of approvals."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "a person"


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "'")) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith(("'=", "'+", "'-", "'@", "''")) else text


def _same(one: str, other: str) -> bool:
    # A spreadsheet may change line ends
    return one.replace("\r\n", "\n").strip() == other.strip()


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
