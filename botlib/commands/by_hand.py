"""`hand-over`: approved replies for a person to post, where the bot has no key."""

import argparse
from typing import Any

from botlib import options, parameters
from botlib.parameters import Given, Source
from botlib.settings import PostSettings
from botlib.workspace import Workspace


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    hand_over = subparsers.add_parser(
        "hand-over",
        help="take approved replies and post them yourself, without a key",
        description="Shows each approved reply with its thread's link and the subreddit's rules; "
        "you post it and paste its permalink. Limits and opt-outs hold as for the bot.",
    )
    options.add_workspace(hand_over)
    hand_over.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="any setting of 06_discriminate_and_post, such as max_per_day",
    )  # fmt: skip
    hand_over.set_defaults(func=run_hand_over)


def run_hand_over(args: argparse.Namespace) -> int:
    """Hands over what was approved, and asks how it went."""
    from botlib.live import bot_file, review
    from botlib.live.outbox.queue import Outbox
    from botlib.live.posting import by_hand
    from botlib.live.reddit.reader import reader

    name = PostSettings.notebook
    given = [Given("-p", key, text) for key, text in args.p]
    parameters.refuse_unknown([name], given)
    workspace = Workspace.open(args.workspace)
    settings = parameters.settle(
        PostSettings,
        Source("hand-over", {"reddit": "archive"}, by="command"),
        *bot_file.sources(bot_file.read(workspace.bot_file), name),
        *parameters.from_command_line(name, given),
    )
    with Outbox(workspace.outbox) as outbox, reader("live", workspace) as reddit:
        done = by_hand.in_terminal(workspace, outbox, settings, reddit, by=review.person())
    if any(done.values()):
        print(", ".join(f"{number} {what}" for what, number in done.items()))
    else:
        print("no approved reply waits to be posted by hand: approve some with review --live")
    return 0
