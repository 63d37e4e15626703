"""The bot as a program: rounds, one after the other, until it is told to stop."""

import contextlib
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError
from botlib.live import outcomes
from botlib.live import round as rounds
from botlib.live.events import log, note
from botlib.live.heartbeat import Heartbeat
from botlib.live.models import Models, realism_threshold
from botlib.live.notice import Notices
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED, READY
from botlib.live.posting import sending
from botlib.live.reddit import inbox
from botlib.live.reddit.checks import ShutOut, check_account
from botlib.live.reddit.client import Client, LoginRefused, NoKey, Unreachable
from botlib.live.stopping import Stop, Stopped
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

# The most seconds between two rounds while each fails
LONGEST_REST = 3600.0
# While connecting: seconds to the second try, and the most between two tries
FIRST_REST, LONGEST_WAIT = 15.0, 600.0
# A single refusal of the login is often temporary
REFUSALS_BELIEVED = 3


def wait_for(connect: Callable[[], Client], stop: Stop) -> Client:
    """Returns what `connect` returns, tried again for as long as Reddit can't be reached.

    Args:
      connect: raises Unreachable, or LoginRefused.
      stop: ends the wait.

    Raises:
      Stopped: the process is to end.
      LoginRefused: three times in a row.
      BotlibError: only a person can mend it.
    """
    tries = refusals = 0
    while True:
        try:
            return connect()
        except NoKey:
            raise
        except LoginRefused as error:
            refusals += 1
            if refusals == REFUSALS_BELIEVED:
                raise
            reason = str(error)
        except Unreachable as error:
            refusals, reason = 0, str(error)
        delay = min(FIRST_REST * 2 ** min(tries, 10), LONGEST_WAIT)
        tries += 1
        note("waiting for Reddit", reason=reason, again=delay)
        try:
            stop.wait(delay)
        except Stopped:
            # With the stop switch on nothing is posted, but the bot goes on
            if stop.told():
                raise


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
    wait: Callable[[float], Any] | None = None,
    notices: Notices | None = None,
    clock: Callable[[], float] = time.time,
) -> int:
    """Runs one round, or one every `every` seconds until `stop` returns True.

    A round reads the inbox, checks the bot's own replies, proposes new ones and posts those that
    were approved. An error is logged with its place, and the next round tries again: the wait
    doubles with each failure in a row, up to an hour.

    Args:
      workspace: where everything is.
      reddit: from `connect`.
      models: loaded ones.
      generate: settings of 05.
      post: settings of 06; unless `dry_run` is False nothing is written to Reddit.
      every: seconds from round to round; None: one round only, whose error is raised.
      decoder: see `botlib.gpt2.decoder`.
      stop: asked between steps; a reply in hand is finished first.
      wait: waits between rounds and between posts; by default a stop ends it.
      notices: for a person's phone; by default there are none.
      clock: seconds since 1970, UTC.

    Returns:
      How many rounds were run.

    Raises:
      ShutOut: the account is suspended.
      BotlibError: in the only round; one line, whatever the error was.
    """
    wait = wait or reddit.stop.wait
    notices = notices or Notices(workspace.notices, None)
    threshold = realism_threshold(workspace, models.realism, post)
    rounds_run = failures = 0
    heartbeat = Heartbeat(workspace, reddit, post)
    while not stop():
        heartbeat.begins()
        failure = ""
        try:
            _round(
                workspace, reddit, models, generate, post,
                decoder, threshold, stop, wait, notices, clock,
            )  # fmt: skip
            failures = 0
        except ShutOut as error:
            # No round can do anything until a person has cleared the account
            heartbeat.ends(str(error))
            raise
        except Stopped as error:
            note("stopped", reason=str(error))
        except Exception as error:
            failures += 1
            failure = _in_one_line(error)
            if every is None:
                heartbeat.ends(failure)
                raise BotlibError(failure) from error
            note("error", reason=failure, again=_until_next(every, failures))
            log.debug("the round that failed", exc_info=error)
            notices.failing(failures, _in_one_line(error))
        rounds_run += 1
        if every is None or stop():
            break
        seconds = _until_next(every, failures)
        heartbeat.rests(seconds, failure)
        _wait_for_next_round(seconds, wait)
    heartbeat.ends()
    return rounds_run


def _until_next(every: float, failures: int) -> float:
    """Seconds to the next round: longer after each failure in a row."""
    # 2 ** 1024 isn't a float: 43 days of failures must not end the bot
    return max(every, min(every * 2 ** min(failures, 20), LONGEST_REST)) if failures else every


def _wait_for_next_round(seconds: float, wait: Callable[[float], Any]) -> None:
    """Waits for the next round; a stop is logged at once."""
    try:
        wait(seconds)
    except Stopped as error:
        note("stopped", reason=str(error))
        with contextlib.suppress(Stopped):
            # With the stop switch on the bot goes on reading and proposing, at its pace
            wait(seconds)


# A path, not a name: a clone of the project may lie in a folder called botlib
_PACKAGE = Path(__file__).resolve().parents[1]


def _in_one_line(error: Exception) -> str:
    """An error in one line; an unexpected one with its type and place."""
    if isinstance(error, BotlibError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own_frames = [
        frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)
    ] or frames
    place = (
        f"{Path(own_frames[-1].filename).name}:{own_frames[-1].lineno}"
        if own_frames
        else "an unknown place"
    )
    text = " ".join(str(error).split())[:200]
    return f"unexpected {type(error).__name__} at {place}: {text or 'no message'}"


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
    notices: Notices,
    clock: Callable[[], float],
) -> None:
    notices.send_pending()
    with Outbox(workspace.outbox, clock=clock) as outbox:
        if reddit.name is not None:
            check_account(outbox, reddit)
            inbox.listen(outbox, reddit, dry_run=post.dry_run)
            outcome_rows = outcomes.follow(
                outbox, reddit, delete_below=post.delete_below, dry_run=post.dry_run
            )
            notices.outcomes(outbox, reddit.site, outcome_rows, post.notice_below)
        if stop():
            return
        result = rounds.propose(
            workspace,
            reddit,
            models,
            generate,
            post,
            decoder=decoder,
            threshold=threshold,
            stop=stop,
            clock=clock,
        )
        sending.approve_in_sandbox(outbox, reddit, post)
        # Before posting, which takes time: rising comments are old in an hour
        notices.waiting(outbox, reddit.site)
    if stop():
        return
    decisions = sending.post_approved(workspace, reddit, post, stop=stop, sleep=wait, clock=clock)
    with Outbox(workspace.outbox, clock=clock) as outbox:
        waiting = outbox.replies(reddit.site, [PROPOSED])
        approved = outbox.replies(reddit.site, READY) if reddit.from_archive else []
    queue_decisions, post_decisions = result.queued["decision"], decisions["decision"]
    skipped = result.reading.skipped["comment_id"]
    note(
        "round",
        site=reddit.site,
        seconds=result.seconds,
        read=len(result.reading.comments) + int((skipped != "").sum()),
        proposed=int((queue_decisions == "proposed").sum()),
        posted=int((post_decisions == "posted").sum()),
        waiting=len(waiting),
        by_hand=len(approved),
        requests=reddit.requests_made,
    )
