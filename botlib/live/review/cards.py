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
from botlib.live.review.shown import link, person, scores, thread_text, waiting, why
from botlib.terminal import harmless, readable
from botlib.workspace import Workspace

_PLAIN = "white-space:pre-wrap;overflow-wrap:anywhere"


def approval_list(outbox: Outbox, reddit: Client, *, by: str | None = None) -> Any:
    """Returns an ipywidgets list of the replies that wait: read, approve, edit, reject, undo.

    Replies of which only a person can say whether they are on Reddit come first.

    Works in Jupyter and Colab as long as it is on the screen: each click opens the outbox for
    itself and is written at once. A changed text counts as edited.

    Args:
      outbox: whose replies are listed; it may be closed afterwards.
      reddit: for which site; threads are read from it when asked for.
      by: who judges; the system's user by default.
    """
    import ipywidgets

    found, unclear = waiting(outbox, reddit.site), settle.asked(outbox, reddit.site)
    if not found and not unclear:
        return ipywidgets.HTML("<p>No reply waits for approval.</p>")
    return _List(outbox, reddit, found, unclear, by or person()).widget


class _List:
    """The cards, and the two lines around them that say how things stand."""

    def __init__(
        self, outbox: Outbox, reddit: Client, found: list[Reply], unclear: list[Reply], by: str
    ) -> None:
        import ipywidgets

        # Of the outbox only its place: the notebook's last cell may close it
        self.kind, self.path, self.clock = type(outbox), outbox.path, outbox.clock
        self.reddit, self.by, self.site = reddit, by, reddit.site
        self.heading, self.then = ipywidgets.HTML(), ipywidgets.HTML()
        cards = [_question(self, reply) for reply in unclear]
        cards += [_card(self, reply) for reply in found]
        self.rules = _rules(outbox, found) if self.site == "live" else ""
        self.widget = ipywidgets.VBox([self.heading, *cards, self.then])
        self.count(outbox)

    def open(self) -> Outbox:
        return self.kind(self.path, clock=self.clock)

    def judge(self, act: Callable[[Outbox], Any]) -> str:
        """Does what a click asks for; returns why it can't be done, as HTML, or ""."""
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
        """Says how many wait, how many are approved, and what to run next."""
        left = len(waiting(outbox, self.site))
        ready = outbox.replies(self.site, READY)
        self.heading.value = (
            f"<p><b>{left}</b> {'reply waits' if left == 1 else 'replies wait'} for approval, the "
            f"best first; <b>{len(ready)}</b> approved and not posted yet.</p>"
            f"{self.rules}"
        )
        live = ""
        if self.site == "live":
            names = ",".join(sorted({reply.subreddit for reply in ready})) or "SUBREDDIT"
            live = f" --live --allow {names}"
        if self.reddit.from_archive:
            self.then.value = (
                "<p>Nothing is posted by this list. You post by hand what you approved: run the "
                "cells under <b>Post</b> again, and take the replies there.</p>"
            )
            return
        command = f'python -m botlib bot --workspace "{self.path.parent}"{live}'
        self.then.value = (
            "<p>Nothing is posted by this list. To post what you approved, run the cell under "
            f"<b>Post</b> again, with <code>dry_run</code> False, or in a terminal "
            f"<code>{html.escape(command)}</code></p>"
        )


def _card(of: _List, reply: Reply) -> Any:
    import ipywidgets

    wide = ipywidgets.Layout(width="98%")
    head, said = ipywidgets.HTML(), ipywidgets.HTML()
    text = ipywidgets.Textarea(harmless(reply.reply), rows=4, layout=wide)
    below = ipywidgets.HTML(f"<small>posted with this line: <i>{_disclosure()}</i></small>")
    approve = ipywidgets.Button(description="Approve", button_style="success", icon="check")
    reject = ipywidgets.Button(description="Reject", icon="times")
    undo = ipywidgets.Button(description="Undo", icon="undo", disabled=True)
    read = ipywidgets.Button(description="Read the thread", icon="book")
    # What the person sees; taken anew when they think again
    shown = [reply]

    def show(fresh: Reply) -> None:
        shown[0] = fresh
        head.value = _head(fresh, of.reddit)

    def judged(act: Callable[[Outbox], Any], words: str, again: bool = False) -> None:
        failed = of.judge(act)
        said.value = failed or words
        if failed:
            return
        for control in (text, approve, reject):
            control.disabled = not again
        undo.disabled = again

    def on_approve(_: Any) -> None:
        seen = shown[0]
        if text.value.strip() == harmless(seen.reply).strip():
            judged(lambda outbox: outbox.approve(seen.id, of.by, saw=seen), "✓ approved")
        else:
            edited = text.value
            judged(
                lambda outbox: outbox.edit(seen.id, edited, of.by, saw=seen), "✓ approved, edited"
            )

    def on_undo(_: Any) -> None:
        def think_again(outbox: Outbox) -> None:
            outbox.undo(reply.id, of.by)
            show(outbox.get(reply.id))

        judged(think_again, "waits again", again=True)

    def on_read(_: Any) -> None:
        try:
            thread = html.escape(thread_text(of.reddit, reply))
        except BotlibError as error:
            thread = html.escape(str(error))
        said.value = f"<div dir='auto' style='{_PLAIN}'>{thread}</div>"

    show(reply)
    approve.on_click(on_approve)
    reject.on_click(
        lambda _: judged(lambda box: box.reject(reply.id, of.by, saw=shown[0]), "✗ rejected")
    )
    undo.on_click(on_undo)
    read.on_click(on_read)
    buttons = ipywidgets.HBox([approve, reject, undo, read])
    cells = [head, text, below, buttons, said]
    return ipywidgets.VBox(cells, layout=ipywidgets.Layout(margin="0 0 1em"))


def _question(of: _List, reply: Reply) -> Any:
    """Asks whether a reply is on Reddit whose POST had no clear answer."""
    import ipywidgets

    head, said = ipywidgets.HTML(_head(reply, of.reddit)), ipywidgets.HTML()
    ask = (
        "<p style='color:#b00'><b>Was this reply posted?</b> "
        f"{_escaped(reply.reason.partition(ASK)[0])}. Open the thread and look.</p>"
        f"<div dir='auto' style='{_PLAIN}'>{_escaped(reply.reply)}</div>"
    )
    hint = "the reply's permalink"
    where = ipywidgets.Text(placeholder=hint, layout=ipywidgets.Layout(width="98%"))
    posted = ipywidgets.Button(description="It is there", icon="check")
    missing = ipywidgets.Button(description="Not posted", icon="times")

    def answer(act: Callable[[Outbox], Any], words: str) -> None:
        failed = of.judge(act)
        said.value = failed or words
        for control in () if failed else (where, posted, missing):
            control.disabled = True

    posted.on_click(
        lambda _: answer(
            lambda box: settle.say_posted(box, reply.id, where.value, of.by), "✓ posted"
        )
    )
    missing.on_click(
        lambda _: answer(
            lambda box: settle.say_not_posted(box, reply.id, of.by), "it will be tried again"
        )
    )
    buttons = ipywidgets.HBox([posted, missing])
    return ipywidgets.VBox([head, ipywidgets.HTML(ask), where, buttons, said])


def _head(reply: Reply, reddit: Client) -> str:
    told = why(reply)
    warning = f"<p style='color:#b00'>{html.escape(told)}</p>" if told else ""
    return (
        f"<b>r/{_escaped(reply.subreddit)}</b> · {_escaped(reply.title)} · "
        f"<a href='{html.escape(link(reply, reddit))}' target='_blank'>open</a><br>"
        f"<div dir='auto' style='{_PLAIN};border-left:3px solid #888;"
        f"padding-left:.6em;margin:.3em 0'>{_escaped(reply.comment)}</div>"
        f"<small>u/{_escaped(reply.author)} · {scores(reply)}</small>{warning}"
    )


def _rules(outbox: Outbox, found: list[Reply]) -> str:
    """What the subreddits allow, those about bots first."""
    names = dict.fromkeys(reply.subreddit for reply in found)
    workspace = Workspace(outbox.path.parent)
    told = [line for name in names for line in subreddit_rules.lines(workspace, name)]
    return f"<small>{'<br>'.join(map(_escaped, told))}</small>"


def _disclosure() -> str:
    # As Reddit shows its Markdown: in italics
    return html.escape(DISCLOSURE.strip("*"))


def _escaped(text: str) -> str:
    return html.escape(readable(text))
