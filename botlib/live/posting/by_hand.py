"""Hands replies over to a person who posts them: text, thread, and what became of them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import HANDED_OVER, POSTED, READY, Reply
from botlib.live.policy import Policy, with_disclosure
from botlib.live.posting import recheck
from botlib.live.posting.sending import limits_of
from botlib.live.reddit import subreddit_rules
from botlib.live.reddit.checks import UNREADABLE, short
from botlib.live.reddit.client import Client
from botlib.settings import PostSettings
from botlib.terminal import harmless, one_line
from botlib.workspace import Workspace

POSTED_WORD, NOT_POSTED_WORD = "posted", "not posted"
ADVICE = (
    "Read the thread first: what was edited or deleted in the last 36 hours doesn't show here. "
    "Keep the last line: people have a right to know that a bot wrote the text."
)
_PERMALINK = re.compile(
    r"(?:https?://(?:[a-z-]+\.)?reddit\.com)?/r/\w+/comments/(\w+)/[^/\s]*/(\w+)/?(?:[?#]\S*)?",
    re.I,
)


def text(reply: Reply) -> str:
    """Returns what is to be posted, the disclosure included."""
    return with_disclosure(reply.reply)


def link(reply: Reply) -> str:
    """Returns the address of the comment that is answered."""
    path = reply.permalink or f"/r/{reply.subreddit}/comments/{reply.post_id}/_/{reply.comment_id}/"
    return f"https://www.reddit.com{path}"


def policy_for(workspace: Workspace, outbox: Outbox, settings: PostSettings) -> Policy:
    """Returns the bot's rules for what a person posts: all but the allow-list.

    The person who posts sees the subreddit's rules, and is responsible for the choice.
    """
    subreddits = [reply.subreddit for reply in outbox.replies("live", READY)]
    return Policy(
        outbox,
        site="live",
        subreddits=subreddits,
        stop_switch=workspace.stop_switch,
        deny_list=workspace.deny_list,
        approval_hours=settings.approval_hours,
        limits=limits_of(settings),
    )


def give(outbox: Outbox, policy: Policy, reply: Reply, by: str, reddit: Client) -> None:
    """Hands one reply over; from now on it counts as posted until the person says otherwise.

    The comment, its thread and its score are read again first, as before the bot's own posts.

    Raises:
      BotlibError: nobody approved it; a limit, an opt-out or the stop switch forbids it; the
        comment can't be read now, or a change since the approval forbids it.
    """
    if reason := reply.expired(outbox.clock(), policy.approval_hours):
        outbox.take_back(reply.id, reason)
        raise BotlibError(f"reply {reply.id}: {reason}: approve it again")
    verdict = policy.check(reply, text(reply))
    if not verdict.allowed:
        raise BotlibError(f"reply {reply.id} can't be handed over now: {verdict.reason}")
    _refuse_if_changed(outbox, policy, reply, reddit)
    outbox.hand_over(reply.id, by)
    note("handed over", reply=reply.id, subreddit=reply.subreddit, by=by)


def _refuse_if_changed(outbox: Outbox, policy: Policy, reply: Reply, reddit: Client) -> None:
    """Raises a BotlibError if the bot wouldn't post the reply now; may take its approval back."""
    try:
        objection, own_reply = recheck.look(reddit, reply, policy.me, policy.min_score)
    except UNREADABLE as error:
        raise BotlibError(
            f"reply {reply.id}: its thread can't be read now ({short(error)}): try again later"
        ) from error
    if own_reply is not None:
        outbox.mark_posted(reply.id, own_reply.id, "found on Reddit")
        raise BotlibError(f"reply {reply.id} is on Reddit already")
    if objection is None:
        return
    if objection.reason in (recheck.GONE, recheck.LEFT):
        # It may be missing only for an hour; nobody can answer it now
        raise BotlibError(f"reply {reply.id} can't be handed over now: {objection.reason}")
    if objection.final:
        outbox.give_up(reply.id, objection.reason)
        raise BotlibError(f"reply {reply.id} is given up: {objection.reason}")
    outbox.take_back(reply.id, objection.reason, **objection.current)
    raise BotlibError(f"reply {reply.id}: {objection.reason}: read it and approve it again")


def settle(outbox: Outbox, reply: Reply, answer: str) -> str:
    """Records what a person says became of a reply.

    Args:
      outbox: the queue.
      reply: one that was handed over, or posted without giving its link.
      answer: the permalink of their comment, "posted" or "not posted".

    Returns:
      The reply's state.

    Raises:
      BotlibError: the answer is none of these, or the link leads to another thread.
    """
    word = answer.strip()
    if word.lower() == NOT_POSTED_WORD:
        outbox.release(reply.id, "not posted, says the person who had it")
    elif word.lower() == POSTED_WORD:
        outbox.mark_posted(reply.id, "", "posted by hand")
    else:
        outbox.mark_posted(reply.id, _comment_id(reply, word), "posted by hand")
    note("by hand", reply=reply.id, said=word)
    return outbox.get(reply.id).state


def _comment_id(reply: Reply, permalink: str) -> str:
    match = _PERMALINK.fullmatch(permalink)
    if not match:
        raise BotlibError(
            f"{permalink!r} isn't a link to a comment: paste the permalink, or write posted or not "
            "posted"
        )
    post_id, comment_id = (part.lower() for part in match.groups())
    if post_id != reply.post_id.lower():
        raise BotlibError(f"{permalink} leads to another thread than {link(reply)}")
    if comment_id == reply.comment_id.lower():
        raise BotlibError(
            f"{permalink} is the comment that was answered: paste the link of the reply"
        )
    return comment_id


# In a terminal
def in_terminal(
    workspace: Workspace,
    outbox: Outbox,
    settings: PostSettings,
    reddit: Client,
    *,
    by: str,
    ask: Callable[[str], str] = input,
    show: Callable[[str], Any] = print,
) -> dict[str, int]:
    """Asks what became of handed-over replies, then hands over approved ones, the best first.

    Args:
      workspace: its rules of subreddits and its stop switch.
      outbox: the queue.
      settings: the limits.
      reddit: reads each thread again before its reply is handed over.
      by: the person who takes them.
      ask: gets an answer to a question.
      show: prints.

    Returns:
      How many are handed over, posted, and not posted.
    """
    counts = {"handed over": 0, "posted": 0, "not posted": 0}
    handed_over = outbox.replies("live", [HANDED_OVER])
    ready = sorted(outbox.replies("live", READY), key=lambda reply: -(reply.score or 0.0))
    try:
        for reply in handed_over:
            show(f"\nyou have this reply, for {link(reply)}\n{harmless(text(reply))}")
            counts[_ask_outcome(outbox, reply, ask, show)] += 1
        for number, reply in enumerate(ready, 1):
            show(f"\n[{number} of {len(ready)}] r/{reply.subreddit}: {one_line(reply.title)}")
            for line in (link(reply), *subreddit_rules.lines(workspace, reply.subreddit), ADVICE):
                show(line)
            show(f"\n{harmless(text(reply))}\n")
            answer = ask("[t]ake it  [s]kip  [q]uit > ").strip().lower()
            if answer in ("q", "quit"):
                break
            if answer not in ("t", "take"):
                continue
            try:
                give(outbox, policy_for(workspace, outbox, settings), reply, by, reddit)
            except BotlibError as error:
                show(str(error))
                continue
            counts[_ask_outcome(outbox, reply, ask, show)] += 1
    except EOFError:
        pass
    return counts


def _ask_outcome(
    outbox: Outbox, reply: Reply, ask: Callable[[str], str], show: Callable[[str], Any]
) -> str:
    question = "its permalink, or [p]osted, [n]ot posted, [l]ater > "
    answers_by_letter = {"p": POSTED_WORD, "n": NOT_POSTED_WORD}
    while True:
        answer = ask(question).strip()
        if answer.lower() in ("", "l", "later"):
            return HANDED_OVER
        try:
            state = settle(outbox, reply, answers_by_letter.get(answer.lower(), answer))
        except BotlibError as error:
            show(str(error))
            continue
        return POSTED_WORD if state == POSTED else NOT_POSTED_WORD


# In a notebook
def cards(
    workspace: Workspace, outbox: Outbox, settings: PostSettings, reddit: Client, *, by: str
) -> Any:
    """Returns an ipywidgets list: the text to copy, the thread's link, and an answer.

    Args:
      workspace: its rules of subreddits and its stop switch.
      outbox: the queue.
      settings: the limits.
      reddit: reads each thread again before its reply is handed over.
      by: the person who takes them.
    """
    import ipywidgets

    replies: Sequence[Reply] = [
        *outbox.replies("live", [HANDED_OVER]),
        *sorted(outbox.replies("live", READY), key=lambda reply: -(reply.score or 0.0)),
    ]
    if not replies:
        return ipywidgets.HTML("<p>No approved reply waits to be posted by hand.</p>")
    heading = ipywidgets.HTML(f"<p>{len(replies)} replies to post by hand. {ADVICE}</p>")
    reply_cards = [_card(workspace, outbox, settings, reddit, reply, by) for reply in replies]
    return ipywidgets.VBox([heading, *reply_cards])


def _card(
    workspace: Workspace,
    outbox: Outbox,
    settings: PostSettings,
    reddit: Client,
    reply: Reply,
    by: str,
) -> Any:
    import html

    import ipywidgets

    full_width = ipywidgets.Layout(width="98%")
    rules = "<br>".join(map(html.escape, subreddit_rules.lines(workspace, reply.subreddit)))
    head = ipywidgets.HTML(
        f"<b>r/{html.escape(reply.subreddit)}</b> · {html.escape(reply.title)} · "
        f"<a href='{html.escape(link(reply))}' target='_blank'>open the thread</a>"
        f"<br><small>{rules}</small>"
    )
    take = ipywidgets.Button(description="Take it", icon="hand-paper-o")
    reply_text = ipywidgets.Textarea("", rows=6, layout=full_width, disabled=True)
    hint = "permalink, posted, or not posted"
    answer = ipywidgets.Text(placeholder=hint, layout=full_width, continuous_update=False)
    message = ipywidgets.HTML()

    def show_text() -> None:
        take.disabled = True
        # Only now, so that nobody posts what the limits forbid
        reply_text.value, reply_text.disabled = text(reply), False

    def on_take(_: Any) -> None:
        policy = policy_for(workspace, outbox, settings)
        try:
            give(outbox, policy, outbox.get(reply.id), by, reddit)
        except BotlibError as error:
            message.value = f"<span style='color:#b00'>{html.escape(str(error))}</span>"
            return
        show_text()
        message.value = "copy the text, post it, and say below how it went"

    def on_answer(_: Any) -> None:
        try:
            message.value = f"✓ {settle(outbox, reply, answer.value)}"
        except BotlibError as error:
            message.value = f"<span style='color:#b00'>{html.escape(str(error))}</span>"

    take.on_click(on_take)
    answer.observe(on_answer, "value")
    if reply.state == HANDED_OVER:
        show_text()
    return ipywidgets.VBox([head, take, reply_text, answer, message])
