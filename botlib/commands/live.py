"""`review`, `hand-over`, `outcomes`, `optout`, `stop` and `start`: a person and the bot."""

import argparse
import contextlib
from typing import Any

import pandas as pd

from botlib import options, parameters
from botlib.errors import BotlibError
from botlib.parameters import Override, Source
from botlib.settings import PostSettings
from botlib.terminal import text_table
from botlib.workspace import Workspace


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to the command line."""
    review = subparsers.add_parser("review", help="approve, edit or reject proposed replies")
    options.add_workspace(review)
    review.add_argument(
        "--live", action="store_true", help="replies to Reddit itself, not to the sandbox"
    )
    review_mode = review.add_mutually_exclusive_group()
    review_mode.add_argument("--csv-out", metavar="FILE", help="write them to a file, to edit")
    review_mode.add_argument("--csv-in", metavar="FILE", help="read the edited file back")
    review_mode.add_argument("--list", action="store_true", help="show the outbox, change nothing")
    review_mode.add_argument(
        "--undo", type=int, metavar="ID", help="take a decision back; --list shows the ids"
    )
    review.set_defaults(func=run_review)

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

    outcomes = subparsers.add_parser(
        "outcomes", help="scores of the bot's replies, and answers to them"
    )
    options.add_workspace(outcomes)
    outcomes.add_argument(
        "--live", action="store_true", help="replies on Reddit itself, not in the sandbox"
    )
    outcomes_mode = outcomes.add_mutually_exclusive_group()
    outcomes_mode.add_argument(
        "--offline", action="store_true", help="show what is stored, without asking Reddit"
    )
    outcomes_mode.add_argument(
        "--delete", action="store_true", help="delete the bot's disliked replies"
    )
    outcomes.set_defaults(func=run_outcomes)

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

    stop = subparsers.add_parser("stop", help="stop posting, at once")
    options.add_workspace(stop)
    stop.add_argument("reason", nargs="*", help="a reason, kept in the stop file")
    stop.set_defaults(func=run_stop)
    start = subparsers.add_parser(
        "start", help="remove the stop switch; end a pause; reopen a subreddit"
    )
    options.add_workspace(start)
    start.add_argument("--reopen", action="append", default=[], metavar="SUBREDDIT")
    start.set_defaults(func=run_start)


def run_review(args: argparse.Namespace) -> int:
    """Lets a person approve replies: in the terminal, or through a CSV file."""
    from botlib.live import review
    from botlib.live.outbox.queue import Outbox
    from botlib.live.posting import settle
    from botlib.live.reddit.client import connect_to_read

    workspace = Workspace.open(args.workspace)
    site = _site(args)
    reddit = None
    with Outbox(workspace.outbox) as outbox:
        if args.list:
            replies = outbox.table(site)
            columns = ["id", "state", "subreddit", "author", "reply", "score", "reason"]
            print(text_table(replies[columns]) if len(replies) else "empty")
            return 0
        if args.csv_out:
            count = review.write_csv(outbox, site, args.csv_out)
            print(
                f"{count} replies written to {args.csv_out}: "
                "fill in the column `decision`, then use --csv-in"
            )
            return 0
        if args.undo is not None:
            if outbox.get(args.undo).site != site:
                raise BotlibError(f"reply {args.undo} is for the other site: {_other_site(args)}")
            outbox.undo(args.undo, review.person())
            print(f"reply {args.undo} waits for you again")
            return 0
        if args.csv_in:
            counts = review.read_csv(outbox, site, args.csv_in)
        else:
            # Only a person can find out whether an unclear reply was posted
            settled = settle.ask_person(outbox, site, by=review.person())
            with contextlib.ExitStack() as stack:
                # Without a login the threads can't be shown, but replies can be judged
                with contextlib.suppress(BotlibError):
                    reddit = stack.enter_context(connect_to_read(site, workspace))
                counts = review.review_in_terminal(outbox, site, reddit=reddit)
            counts |= {"settled": settled} if settled else {}
        other = "sandbox" if site == "live" else "live"
        elsewhere = review.waiting(outbox, other)
    print(_in_words(counts) if any(counts.values()) else "no reply waits for approval")
    if counts["approved"] or counts["edited"]:
        command, live = "bot", " --live --allow SUBREDDITS" if args.live else ""
        if reddit is not None and reddit.from_archive:
            command, live = "hand-over", ""
        print(f"to post them: python -m botlib {command} --workspace {workspace.root}{live}")
    if elsewhere:
        print(f"{len(elsewhere)} replies to the {other} site wait: {_other_site(args)}")
    return 0


def _in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in counts.items())


def _other_site(args: argparse.Namespace) -> str:
    return "leave out --live" if args.live else "add --live"


def run_hand_over(args: argparse.Namespace) -> int:
    """Hands approved replies over to a person, and asks which were posted."""
    from botlib.live import bot_file, review
    from botlib.live.outbox.queue import Outbox
    from botlib.live.posting import by_hand
    from botlib.live.reddit.client import connect_to_read

    notebook = PostSettings.notebook
    overrides = [Override("-p", key, text) for key, text in args.p]
    parameters.refuse_unknown([notebook], overrides)
    workspace = Workspace.open(args.workspace)
    settings = parameters.settle(
        PostSettings,
        Source("hand-over", {"reddit": "archive"}, by="command"),
        *bot_file.sources(bot_file.read(workspace.bot_file), notebook),
        *parameters.from_command_line(notebook, overrides),
    )
    with Outbox(workspace.outbox) as outbox, connect_to_read("live", workspace) as reddit:
        counts = by_hand.in_terminal(workspace, outbox, settings, reddit, by=review.person())
    if any(counts.values()):
        print(_in_words(counts))
    else:
        print("no approved reply waits to be posted by hand: approve some with review --live")
    return 0


def run_outcomes(args: argparse.Namespace) -> int:
    """Shows the outcomes of the bot's replies, after asking Reddit."""
    from botlib.live import outcomes
    from botlib.live.outbox.queue import Outbox
    from botlib.live.reddit import inbox
    from botlib.live.reddit.client import connect_to_read

    workspace = Workspace.open(args.workspace)
    site = _site(args)
    with Outbox(workspace.outbox) as outbox:
        if not args.offline:
            with connect_to_read(site, workspace) as reddit:
                if args.delete and reddit.from_archive:
                    raise BotlibError(
                        "--delete needs a key: without a key, delete the reply yourself"
                    )
                inbox.listen(outbox, reddit, dry_run=not args.delete)
                outcomes.follow(outbox, reddit, dry_run=not args.delete)
        table = outcomes.table(outbox, site)
    if table.empty:
        print(f"no reply was posted to the {site} site yet")
        return 0
    print(table.to_string(index=False, max_colwidth=50))
    print("\npredicted rating and score after a day:")
    print(outcomes.calibration(table, rated=outcomes.rated_pairs(workspace)).to_string(index=False))
    print(outcomes.rank_sentence(table))
    return 0


def _site(args: argparse.Namespace) -> str:
    return "live" if args.live else "sandbox"


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
                removed = optouts.opt_in(outbox, person)
                print(f"u/{person} {'may be answered again' if removed else 'had not opted out'}")
            else:
                added = optouts.opt_out(outbox, person, "by hand: botlib optout")
                print(f"u/{person} {'is never answered again' if added else 'had opted out'}")
        if args.list:
            rows = optouts.all_opted_out(outbox)
            print(text_table(pd.DataFrame(rows)) if rows else "nobody opted out")
    return 0


def run_stop(args: argparse.Namespace) -> int:
    """Writes the stop switch into the workspace."""
    from botlib.runs import bot_state

    workspace = Workspace.open(args.workspace)
    bot_state.stop(workspace, " ".join(args.reason))
    print(f"stopped: nothing is posted while {workspace.stop_switch} exists")
    return 0


def run_start(args: argparse.Namespace) -> int:
    """Removes the stop switch, and reopens subreddits."""
    from botlib.live.outbox import optouts
    from botlib.live.outbox.queue import Outbox
    from botlib.runs import bot_state

    workspace = Workspace.open(args.workspace)
    paused = bot_state.start(workspace)
    with Outbox(workspace.outbox) as outbox:
        for name in args.reopen:
            sites = [site for site in ("live", "sandbox") if optouts.reopen(outbox, site, name)]
            print(f"r/{name}: {'reopened' if sites else 'was not closed'}")
    for site in paused:
        print(f"the pause on the {site} site is lifted")
    print("started: approved replies may be posted again")
    return 0
