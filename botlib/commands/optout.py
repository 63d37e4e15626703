"""`optout`: people whom the bot never answers, added and taken back by hand."""

import argparse
from typing import Any

import pandas as pd

from botlib import options
from botlib.errors import BotlibError
from botlib.terminal import text_table
from botlib.workspace import Workspace


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    optout = subparsers.add_parser(
        "optout",
        help="never answer a person again",
        description="Notes that a person wants no replies, as if they had written “stop”. The "
        "workspace's deny.txt does the same for people (u/NAME) and subreddits (r/NAME).",
    )
    optout.add_argument("name", nargs="*", metavar="NAME", help="with or without u/")
    options.add_workspace(optout)
    optout.add_argument("--undo", action="store_true", help="they may be answered again")
    optout.add_argument("--list", action="store_true", help="show who opted out, and why")
    optout.set_defaults(func=run_optout)


def run_optout(args: argparse.Namespace) -> int:
    """Adds or removes people, or lists them."""
    from botlib.live.optout.deny import split_name
    from botlib.live.outbox import optouts
    from botlib.live.outbox.queue import Outbox

    workspace = Workspace.open(args.workspace)
    if not args.name and not args.list:
        raise BotlibError("optout: name a person, or pass --list")
    for name in args.name:
        if split_name(name)[0] == "r":
            raise BotlibError(f"optout: {name} is a subreddit: write it into {workspace.deny_list}")
    with Outbox(workspace.outbox) as outbox:
        for name in args.name:
            person = optouts.person(name)
            if args.undo:
                was = optouts.opt_in(outbox, person)
                print(f"u/{person} {'may be answered again' if was else 'had not opted out'}")
            else:
                new = optouts.opt_out(outbox, person, "by hand: botlib optout")
                print(f"u/{person} {'is never answered again' if new else 'had opted out'}")
        if args.list:
            rows = optouts.all_opted_out(outbox)
            print(text_table(pd.DataFrame(rows)) if rows else "nobody opted out")
    return 0
