"""Proposed replies in a terminal, one after the other; decisions can be undone."""

from collections.abc import Callable
from typing import Any

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import EDITED, Reply
from botlib.live.policy import DISCLOSURE
from botlib.live.reddit import subreddit_rules
from botlib.live.reddit.client import Client
from botlib.live.review.display import link, person, reply_note, scores, thread_text, waiting
from botlib.terminal import harmless, one_line, readable
from botlib.workspace import Workspace

QUESTION = "[a]pprove  [e]dit  [r]eject  [u]ndo the last  [t]hread  [s]kip  [q]uit > "


def review_in_terminal(
    outbox: Outbox,
    site: str,
    *,
    reddit: Client | None = None,
    by: str | None = None,
    ask: Callable[[str], str] = input,
    show: Callable[[str], Any] = print,
) -> dict[str, int]:
    """Shows each reply that waits and asks what to do with it.

    Args:
      outbox: the queue.
      site: "live" or "sandbox".
      reddit: reads threads on request; None: no threads.
      by: the person who judges.
      ask: gets an answer to a question.
      show: prints.

    Returns:
      How many were approved, edited, rejected, left; undone decisions don't count.
    """
    by = by or person()
    queue = waiting(outbox, site)
    decisions: dict[int, str] = {}
    if queue:
        show(f"each is posted with the line: {DISCLOSURE}")
    position, subreddits_shown = 0, set()
    while position < len(queue):
        reply = queue[position]
        if (reply.subreddit not in subreddits_shown) and site == "live":
            subreddits_shown.add(reply.subreddit)
            for line in subreddit_rules.lines(Workspace(outbox.path.parent), reply.subreddit):
                show(line)
        show(_text(reply, position + 1, len(queue), reddit))
        answer = _answer(ask, show, outbox, reply, reddit, by)
        if answer == "quit":
            break
        if answer == "undo":
            position = _undo(outbox, site, by, queue, position, decisions, show)
            continue
        decisions.pop(reply.id, None)
        decisions[reply.id] = answer
        position += 1
    counts = dict.fromkeys(("approved", "edited", "rejected", "left"), 0)
    for reply in queue:
        counts[decisions.get(reply.id, "left")] += 1
    return counts


def _undo(
    outbox: Outbox,
    site: str,
    by: str,
    queue: list[Reply],
    position: int,
    decisions: dict[int, str],
    show: Callable[[str], Any],
) -> int:
    """Undoes the last decision, of this session or an earlier one; returns the next position."""
    decided_here = [number for number, decision in decisions.items() if decision != "left"]
    last = outbox.get(decided_here[-1]) if decided_here else outbox.last_judged(site)
    if last is None:
        show("there is nothing to undo")
        return position
    try:
        outbox.undo(last.id, by)
    except BotlibError as error:
        # It may have been posted meanwhile
        show(harmless(str(error)))
        decisions[last.id] = "left"
        return position
    show(f"reply {last.id} was {last.state}; it waits again")
    decisions.pop(last.id, None)
    positions = [index for index, reply in enumerate(queue) if reply.id == last.id]
    if not positions:
        queue.insert(position, outbox.get(last.id))
        return position
    queue[positions[0]] = outbox.get(last.id)
    return positions[0]


def _text(reply: Reply, number: int, total: int, reddit: Client | None) -> str:
    lines = [
        f"\n[{number} of {total}, id {reply.id}] r/{one_line(reply.subreddit)}: "
        f"{one_line(reply.title)}",
        f"u/{one_line(reply.author)}:",
        _indented(readable(reply.comment)),
        "reply:",
        _indented(harmless(reply.reply)),
        f"({scores(reply)}) {link(reply, reddit)}".rstrip(),
    ]
    if note := reply_note(reply):
        lines.append(f"note: {note}")
    return "\n".join(lines)


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
            answer = ask(QUESTION).strip().lower()
            if answer in ("a", "approve"):
                outbox.approve(reply.id, by, saw=reply)
                # A person's edit stays theirs after it failed or was taken back
                return "edited" if outbox.get(reply.id).state == EDITED else "approved"
            if answer in ("e", "edit"):
                text = ask("new text (\\n for a line break; empty goes back) > ")
                if text.strip():
                    outbox.edit(reply.id, text.replace("\\n", "\n"), by, saw=reply)
                    return "edited"
            elif answer in ("r", "reject"):
                outbox.reject(reply.id, by, ask("why? (may be empty) > ").strip(), saw=reply)
                return "rejected"
            elif answer in ("u", "undo"):
                return "undo"
            elif answer in ("t", "thread"):
                show(thread_text(reddit, reply) if reddit else "not connected: open the link")
            elif answer in ("s", "skip"):
                return "left"
            elif answer in ("q", "quit"):
                return "quit"
        except EOFError:
            return "quit"
        except BotlibError as error:
            show(harmless(str(error)))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
