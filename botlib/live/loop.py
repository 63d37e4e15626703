"""The bot as a program: round follows round until it is told to stop."""

import time
from collections.abc import Callable
from typing import Any

from botlib.errors import BotlibError
from botlib.live import account, inbox, outcomes, sending
from botlib.live import round as rounds
from botlib.live.account import ShutOut
from botlib.live.client import Client
from botlib.live.events import note
from botlib.live.models import Models, realism_threshold
from botlib.live.outbox.queue import Outbox
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace


def run(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    *,
    every: float | None = None,
    decoder: Any = None,
    stop: Callable[[], bool] = lambda: False,
    wait: Callable[[float], Any] = time.sleep,
) -> int:
    """Runs one round, or one every so many seconds until `stop` says so.

    A round listens to the inbox, looks after own replies, proposes new ones and posts what was
    approved. What fails in one round is logged and tried again in the next.

    Args:
      workspace: where everything is.
      reddit: from `connect`.
      models: loaded ones.
      generate: settings of 05.
      post: settings of 06; unless `dry_run` is False nothing is written to Reddit.
      every: seconds from round to round; None: one round only, whose error is raised.
      decoder: see `botlib.gpt2.decoder`.
      stop: asked between steps; a reply in hand is finished first.
      wait: waits between rounds and between posts; may return early when stopped.

    Returns:
      How many rounds were run.

    Raises:
      ShutOut: the account is suspended.
      BotlibError: in the only round.
    """
    threshold = realism_threshold(workspace, models.realism, post)
    rounds = 0
    while not stop():
        try:
            _round(workspace, reddit, models, generate, post, decoder, threshold, stop, wait)
        except ShutOut:
            # No round can do anything until a person has seen to the account
            raise
        except BotlibError as error:
            if every is None:
                raise
            note("error", reason=str(error))
        rounds += 1
        if every is None or stop():
            break
        wait(every)
    return rounds


def _round(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    decoder: Any,
    threshold: float,
    stop: Callable[[], bool],
    wait: Callable[[float], Any],
) -> None:
    with Outbox(workspace.outbox) as outbox:
        if reddit.name is not None:
            account.check(outbox, reddit)
            inbox.listen(outbox, reddit, dry_run=post.dry_run)
            outcomes.follow(outbox, reddit, delete_below=post.delete_below, dry_run=post.dry_run)
        if stop():
            return
        done = rounds.propose(
            workspace,
            reddit,
            models,
            generate,
            post,
            decoder=decoder,
            threshold=threshold,
            stop=stop,
        )
        sending.approve_in_sandbox(outbox, reddit, post)
    if stop():
        return
    decisions = sending.post_approved(workspace, reddit, post, stop=stop, sleep=wait)
    proposed, posted = done.queued["decision"], decisions["decision"]
    note(
        "round",
        seconds=done.seconds,
        proposed=int((proposed == "proposed").sum()),
        posted=int((posted == "posted").sum()),
        requests=reddit.requests_made,
    )
