"""The list of proposed replies in a notebook: read the thread, approve, edit, reject, undo."""

import html
from collections.abc import Callable
from typing import Any

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import ASK, READY, Reply
from botlib.live.policy import DISCLOSURE
from botlib.live.posting import settle
from botlib.live.reddit import subreddit_rules
from botlib.live.reddit.client import Client
from botlib.live.review.display import link, person, reply_note, scores, thread_text, waiting
from botlib.terminal import harmless, readable
from botlib.workspace import Workspace

_PLAIN = "white-space:pre-wrap;overflow-wrap:anywhere"


def approval_list(outbox: Outbox, reddit: Client, *, by: str | None = None) -> Any:
    """Returns an ipywidgets list of the replies that wait: read, approve, edit, reject, undo.

    Unclear replies, which only a person can find on Reddit, come first.

    Works in Jupyter and Colab as long as it is on the screen: each click opens the outbox and is
    written at once. A changed text counts as edited.

    Args:
      outbox: whose replies are listed; it may be closed afterwards.
      reddit: of the site; reads threads on request.
      by: the person who judges; the system's user by default.
    """
    import ipywidgets

    proposed, unclear = waiting(outbox, reddit.site), settle.open_questions(outbox, reddit.site)
    if not proposed and not unclear:
        return ipywidgets.HTML("<p>No reply waits for approval.</p>")
    return _ApprovalList(outbox, reddit, proposed, unclear, by or person()).widget


class _ApprovalList:
    """The cards, with a heading above (how many wait) and the next step below."""

    def __init__(
        self, outbox: Outbox, reddit: Client, proposed: list[Reply], unclear: list[Reply], by: str
    ) -> None:
        import ipywidgets

        # Only the outbox's path: the notebook's last cell may close it
        self.outbox_class, self.path, self.clock = type(outbox), outbox.path, outbox.clock
        self.reddit, self.by, self.site = reddit, by, reddit.site
        self.heading, self.next_step = ipywidgets.HTML(), ipywidgets.HTML()
        cards = [_question(self, reply) for reply in unclear]
        cards += [_card(self, reply) for reply in proposed]
        self.rules = _rules(outbox, proposed) if self.site == "live" else ""
        self.widget = ipywidgets.VBox([self.heading, *cards, self.next_step])
        self.count(outbox)

    def open(self) -> Outbox:
        return self.outbox_class(self.path, clock=self.clock)

    def judge(self, act: Callable[[Outbox], Any]) -> str:
        """Runs the action of a click; returns why it failed, as HTML, or ""."""
        try:
            with self.open() as outbox:
                try:
                    act(outbox)
                finally:
                    self.count(outbox)
        except BotlibError as error:
            return f"<span style='color:#b00'>{html.escape(harmless(str(error)))}</span>"
        return ""

    def count(self, outbox: Outbox) -> None:
        """Shows how many wait, how many are approved, and what to run next."""
        count = len(waiting(outbox, self.site))
        ready = outbox.replies(self.site, READY)
        self.heading.value = (
            f"<p><b>{count}</b> {'reply waits' if count == 1 else 'replies wait'} for approval, "
            f"the best first; <b>{len(ready)}</b> approved and not posted yet.</p>"
            f"{self.rules}"
        )
        live = ""
        if self.site == "live":
            names = ",".join(sorted({reply.subreddit for reply in ready})) or "SUBREDDIT"
            live = f" --live --allow {names}"
        if self.reddit.from_archive:
            self.next_step.value = (
                "<p>Nothing is posted by this list. You post by hand what you approved: run the "
                "cells under <b>Post</b> again, and take the replies there.</p>"
            )
            return
        command = f'python -m botlib bot --workspace "{self.path.parent}"{live}'
        self.next_step.value = (
            "<p>Nothing is posted by this list. To post what you approved, run the cell under "
            f"<b>Post</b> again, with <code>dry_run</code> False, or in a terminal "
            f"<code>{html.escape(command)}</code></p>"
        )


def _card(approvals: _ApprovalList, reply: Reply) -> Any:
    import ipywidgets

    full_width = ipywidgets.Layout(width="98%")
    head, message = ipywidgets.HTML(), ipywidgets.HTML()
    text = ipywidgets.Textarea(harmless(reply.reply), rows=4, layout=full_width)
    disclosure = ipywidgets.HTML(f"<small>posted with this line: <i>{_disclosure()}</i></small>")
    approve = ipywidgets.Button(description="Approve", button_style="success", icon="check")
    reject = ipywidgets.Button(description="Reject", icon="times")
    undo = ipywidgets.Button(description="Undo", icon="undo", disabled=True)
    read = ipywidgets.Button(description="Read the thread", icon="book")
    # The reply as the person sees it; read again after an undo
    seen_reply = [reply]

    def show(fresh: Reply) -> None:
        seen_reply[0] = fresh
        head.value = _head(fresh, approvals.reddit)

    def act_on_click(act: Callable[[Outbox], Any], success: str, reopens: bool = False) -> None:
        failed = approvals.judge(act)
        message.value = failed or success
        if failed:
            return
        for control in (text, approve, reject):
            control.disabled = not reopens
        undo.disabled = reopens

    def on_approve(_: Any) -> None:
        seen = seen_reply[0]
        if text.value.strip() == harmless(seen.reply).strip():
            act_on_click(
                lambda outbox: outbox.approve(seen.id, approvals.by, saw=seen),
                "✓ approved",
            )
        else:
            edited = text.value
            act_on_click(
                lambda outbox: outbox.edit(seen.id, edited, approvals.by, saw=seen),
                "✓ approved, edited",
            )

    def on_undo(_: Any) -> None:
        def think_again(outbox: Outbox) -> None:
            outbox.undo(reply.id, approvals.by)
            show(outbox.get(reply.id))

        act_on_click(think_again, "waits again", reopens=True)

    def on_read(_: Any) -> None:
        try:
            thread = html.escape(thread_text(approvals.reddit, reply))
        except BotlibError as error:
            thread = html.escape(str(error))
        message.value = f"<div dir='auto' style='{_PLAIN}'>{thread}</div>"

    show(reply)
    approve.on_click(on_approve)
    reject.on_click(
        lambda _: act_on_click(
            lambda box: box.reject(reply.id, approvals.by, saw=seen_reply[0]), "✗ rejected"
        )
    )
    undo.on_click(on_undo)
    read.on_click(on_read)
    buttons = ipywidgets.HBox([approve, reject, undo, read])
    cells = [head, text, disclosure, buttons, message]
    return ipywidgets.VBox(cells, layout=ipywidgets.Layout(margin="0 0 1em"))


def _question(approvals: _ApprovalList, reply: Reply) -> Any:
    """Asks whether a reply whose POST had no clear answer is on Reddit."""
    import ipywidgets

    head, message = ipywidgets.HTML(_head(reply, approvals.reddit)), ipywidgets.HTML()
    question = (
        "<p style='color:#b00'><b>Was this reply posted?</b> "
        f"{_escaped(reply.reason.partition(ASK)[0])}. Open the thread and look.</p>"
        f"<div dir='auto' style='{_PLAIN}'>{_escaped(reply.reply)}</div>"
    )
    hint = "the reply's permalink"
    permalink = ipywidgets.Text(placeholder=hint, layout=ipywidgets.Layout(width="98%"))
    posted = ipywidgets.Button(description="It is there", icon="check")
    missing = ipywidgets.Button(description="Not posted", icon="times")

    def answer(act: Callable[[Outbox], Any], success: str) -> None:
        failed = approvals.judge(act)
        message.value = failed or success
        for control in () if failed else (permalink, posted, missing):
            control.disabled = True

    posted.on_click(
        lambda _: answer(
            lambda box: settle.say_posted(box, reply.id, permalink.value, approvals.by), "✓ posted"
        )
    )
    missing.on_click(
        lambda _: answer(
            lambda box: settle.say_not_posted(box, reply.id, approvals.by), "it will be tried again"
        )
    )
    buttons = ipywidgets.HBox([posted, missing])
    return ipywidgets.VBox([head, ipywidgets.HTML(question), permalink, buttons, message])


def _head(reply: Reply, reddit: Client) -> str:
    note = reply_note(reply)
    warning = f"<p style='color:#b00'>{html.escape(note)}</p>" if note else ""
    return (
        f"<b>r/{_escaped(reply.subreddit)}</b> · {_escaped(reply.title)} · "
        f"<a href='{html.escape(link(reply, reddit))}' target='_blank'>open</a><br>"
        f"<div dir='auto' style='{_PLAIN};border-left:3px solid #888;"
        f"padding-left:.6em;margin:.3em 0'>{_escaped(reply.comment)}</div>"
        f"<small>u/{_escaped(reply.author)} · {scores(reply)}</small>{warning}"
    )


def _rules(outbox: Outbox, proposed: list[Reply]) -> str:
    """The subreddits' rules, those about bots first."""
    names = dict.fromkeys(reply.subreddit for reply in proposed)
    workspace = Workspace(outbox.path.parent)
    rule_lines = [line for name in names for line in subreddit_rules.lines(workspace, name)]
    return f"<small>{'<br>'.join(map(_escaped, rule_lines))}</small>"


def _disclosure() -> str:
    # Without its Markdown; the caller sets it in italics
    return html.escape(DISCLOSURE.strip("*"))


def _escaped(text: str) -> str:
    return html.escape(readable(text))
