"""`bot`: reads, writes, judges, queues, and posts approved replies, once or for months."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from botlib import credentials, options, parameters
from botlib.live.events import STYLES, note, show
from botlib.terminal import text_table
from botlib.workspace import Workspace

if TYPE_CHECKING:
    from botlib.live.bot_settings import BotSettings


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    bot = subparsers.add_parser(
        "bot",
        help="read, write, score, queue, and post approved replies",
        description="Runs the bot in the sandbox, or with --live on Reddit. A file bot.yaml in the "
        "workspace may hold the same options; the command line wins over it.",
    )
    options.add_workspace(bot)
    rounds = bot.add_mutually_exclusive_group()
    rounds.add_argument(
        "--every", metavar="10m", help="repeat: a round every 90s, 10m, 1h30m or 2h"
    )
    rounds.add_argument("--once", action="store_true", help="one round (the default)")
    place = bot.add_mutually_exclusive_group()
    place.add_argument("--live", action="store_true", help="read Reddit itself and post there")
    place.add_argument(
        "--archive", action="store_true", help="read Reddit without a key; you post by hand"
    )
    place.add_argument(
        "--sandbox", action="store_true", help="a made-up Reddit on this machine (the default)"
    )
    bot.add_argument(
        "--dry-run", action="store_true", help="post nothing, only show what would be posted"
    )
    bot.add_argument("--subreddits", metavar="A,B", help="subreddits to read")
    bot.add_argument("--allow", metavar="A,B", help="subreddits to post to")
    bot.add_argument("--profile", choices=parameters.profiles(), help="default: laptop")
    bot.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="any setting of 05_generate or 06_discriminate_and_post; booleans are true or false",
    )  # fmt: skip
    bot.add_argument(
        "--log", choices=STYLES,
        help="info: a line a round (the default); debug: every decision; json: as JSON lines",
    )  # fmt: skip
    bot.add_argument(
        "--show-config", action="store_true", help="show all settings and their sources, then exit"
    )
    bot.set_defaults(func=run_bot)


def run_bot(args: argparse.Namespace) -> int:
    """Runs one round or many; logs to standard error."""
    from botlib.live.bot_settings import settle

    began = time.monotonic()
    settings = settle(args)
    if args.show_config:
        _show_config(settings)
        return 0
    show(settings.log, quiet=args.quiet)
    workspace = Workspace.open(args.workspace)

    from botlib.gpt2.decoder import Decoder
    from botlib.live import loop
    from botlib.live.models import Models
    from botlib.live.notice import VARIABLE, Notices
    from botlib.live.reddit.comments import connect
    from botlib.live.stopping import Stop, Stopped

    generate, post = settings.generate, settings.post
    stop = Stop(workspace.stop_switch)
    notices = Notices(workspace.notices, credentials.get(VARIABLE), stop=stop)
    with stop.on_signals(lambda: note("end", reason="stopped in the middle of a round")):
        for line in settings.warnings:
            note("warning", reason=line)

        def connect_once() -> Any:
            return connect(
                generate.reddit, workspace=workspace, subreddits=generate.subreddits, stop=stop
            )

        rounds = 0
        try:
            with loop.wait_for(connect_once, stop) if settings.every else connect_once() as reddit:
                models = Models.load(workspace, generate.gpt2_run)
                _log_start(settings, reddit, time.monotonic() - began)
                rounds = loop.run(
                    workspace, reddit, models, generate, post, every=settings.every,
                    decoder=Decoder.of(generate), stop=stop.told, notices=notices,
                )  # fmt: skip
        except Stopped:
            pass
        except Exception as error:
            notices.stopped(error)
            raise
        note("end", rounds=rounds, reason="stopped" if stop.told() else None)
    return 0


def _log_start(settings: "BotSettings", reddit: Any, seconds: float) -> None:
    """Logs the site, the account, and who set each setting."""
    post = settings.post
    note("start", site=reddit.site, account=reddit.name, dry_run=post.dry_run,
         allowed=post.allowed_subreddits or "none", seconds=seconds)  # fmt: skip
    for notebook_settings in (settings.generate, post):
        for name, value, who in parameters.table(notebook_settings).itertuples(index=False):
            note("setting", notebook=notebook_settings.notebook, name=name, value=value, set_by=who)


def _show_config(settings: "BotSettings") -> None:
    print(f"bot\n{text_table(settings.table())}\n")
    for notebook_settings in (settings.generate, settings.post):
        table = parameters.table(notebook_settings, everything=True)
        print(f"{notebook_settings.notebook}\n{text_table(table)}\n")
    for line in settings.warnings:
        print(line)
