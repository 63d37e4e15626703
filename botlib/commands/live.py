"""`bot`, `review`, `outcomes`, `stop` and `start`: the bot without a notebook."""

import argparse
import contextlib
import logging
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from botlib import parameters
from botlib.errors import BotlibError
from botlib.live.policy import allow_list
from botlib.parameters import Given, Source
from botlib.settings import GenerateSettings, PostSettings, Settings
from botlib.terminal import text_table
from botlib.workspace import Workspace, atomic_file


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to the command line."""
    bot = subparsers.add_parser(
        "bot",
        help="read, write, score, queue and post what was approved",
        description="Runs the bot in the sandbox, or with --live on Reddit.",
    )
    _common(bot)
    rounds = bot.add_mutually_exclusive_group()
    rounds.add_argument("--every", metavar="10m", help="repeat: a round every 90s, 10m or 2h")
    rounds.add_argument("--once", action="store_true", help="one round (the default)")
    place = bot.add_mutually_exclusive_group()
    place.add_argument("--live", action="store_true", help="read Reddit itself and post there")
    place.add_argument(
        "--archive", action="store_true", help="read Reddit without a key; you post by hand"
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
        "--show-config", action="store_true", help="show all settings and their sources, then exit"
    )
    bot.set_defaults(func=run_bot)

    review = subparsers.add_parser("review", help="approve, edit or reject proposed replies")
    _common(review)
    review.add_argument(
        "--live", action="store_true", help="replies to Reddit itself, not to the sandbox"
    )
    way = review.add_mutually_exclusive_group()
    way.add_argument("--csv-out", metavar="FILE", help="write them to a file, to edit")
    way.add_argument("--csv-in", metavar="FILE", help="read the edited file back")
    way.add_argument("--list", action="store_true", help="show the outbox, change nothing")
    way.add_argument(
        "--undo", type=int, metavar="ID", help="take a decision back; --list shows the ids"
    )
    review.set_defaults(func=run_review)

    outcomes = subparsers.add_parser(
        "outcomes", help="scores of the bot's replies, and answers to them"
    )
    _common(outcomes)
    outcomes.add_argument(
        "--live", action="store_true", help="replies on Reddit itself, not in the sandbox"
    )
    ask = outcomes.add_mutually_exclusive_group()
    ask.add_argument(
        "--offline", action="store_true", help="show what is stored, without asking Reddit"
    )
    ask.add_argument("--delete", action="store_true", help="delete the bot's disliked replies")
    outcomes.set_defaults(func=run_outcomes)

    stop = subparsers.add_parser("stop", help="stop posting, at once")
    _common(stop)
    stop.add_argument("reason", nargs="*", help="a reason, kept in the stop file")
    stop.set_defaults(func=run_stop)
    start = subparsers.add_parser(
        "start", help="remove the stop switch; end a pause; reopen a subreddit"
    )
    _common(start)
    start.add_argument("--reopen", action="append", default=[], metavar="SUBREDDIT")
    start.set_defaults(func=run_start)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", required=True, metavar="DIR", help="tables and models")


def run_bot(args: argparse.Namespace) -> int:
    """Runs one round or many; logs each decision to standard error."""
    began = time.monotonic()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("botlib.live").setLevel(logging.INFO)
    every = _seconds(args.every) if args.every and not args.once else None
    generate, post = _settings(args)
    if args.show_config:
        _show_config(generate, post)
        return 0
    workspace = Workspace.open(args.workspace)

    from botlib.gpt2.decoder import Decoder
    from botlib.live import loop
    from botlib.live.events import note
    from botlib.live.models import Models
    from botlib.live.reddit.comments import connect

    decoder = Decoder.of(generate)
    with connect(generate.reddit, workspace=workspace, subreddits=generate.subreddits) as reddit:
        models = Models.load(workspace, generate.gpt2_run)
        note(
            "start",
            site=reddit.site,
            account=reddit.name,
            dry_run=post.dry_run,
            allowed=post.allowed_subreddits or "none",
            seconds=time.monotonic() - began,
        )
        for made in (generate, post):
            for name, value, who in parameters.table(made).itertuples(index=False):
                note("setting", notebook=made.notebook, name=name, value=value, set_by=who)
        for line in _warnings((generate, post)):
            note("warning", reason=line)
        with reddit.stop.on_signals(lambda: note("end", reason="stopped in the middle of a round")):
            rounds = loop.run(
                workspace, reddit, models, generate, post,
                every=every, decoder=decoder, stop=reddit.stop.told,
            )  # fmt: skip
            note("end", rounds=rounds, reason="stopped" if reddit.stop.told() else None)
    return 0


def _settings(args: argparse.Namespace) -> tuple[GenerateSettings, PostSettings]:
    given = [Given("-p", key, text) for key, text in args.p]
    notebooks = [GenerateSettings.notebook, PostSettings.notebook]
    parameters.refuse_unknown(notebooks, given)
    typed = [(item.key.rpartition(".")[2], item.text) for item in given]
    if any(name == "date" for name, _ in typed):
        raise BotlibError("-p date: the bot doesn't use the notebooks' dated tables; leave it out")
    if ("reddit", "live") in typed and not args.live:
        raise BotlibError("-p reddit live: only --live connects to Reddit itself; add it")
    if args.dry_run:
        given.append(Given("--dry-run", "dry_run", "true"))
    given += [
        Given(option, name, text)
        for option, name, text in (
            ("--subreddits", "subreddits", args.subreddits),
            ("--allow", "allowed_subreddits", args.allow),
        )
        if text is not None
    ]
    by_itself = {
        # Whoever starts a bot wants it to post what was approved
        "dry_run": False,
        # Profiles approve by themselves, for notebooks that run at night; here a person does
        "approve": "person",
    }
    site = Source("--live", {"reddit": "live"}) if args.live else _SANDBOX
    if args.archive:
        site = Source("--archive", {"reddit": "archive"})
        by_itself["dry_run"] = True
    # The laptop's manners suit Reddit; nobody waits in the sandbox
    profile = args.profile or ("laptop" if args.live or args.archive else "offline")
    read, post = (
        [
            parameters.profile_source(profile, name),
            Source("--workspace", {"drive_root": args.workspace}),
            site,
            *parameters.from_command_line(name, given),
        ]
        for name in notebooks
    )
    post.append(Source("bot --live" if args.live else "bot", by_itself, by="command"))
    generate, posting = parameters.read_and_post(read, post)
    for names in (generate.subreddits, posting.allowed_subreddits):
        allow_list(names)
    return generate, posting


_SANDBOX = Source("the lack of --live", {"reddit": "sandbox"})


def _show_config(*settings: Settings) -> None:
    for made in settings:
        print(f"{made.notebook}\n{text_table(parameters.table(made, everything=True))}\n")
    for line in _warnings(settings):
        print(line)


def _warnings(settings: Iterable[Settings]) -> list[str]:
    return [line for made in settings for line in made.warnings]


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    if not match or float(match[1]) <= 0:
        raise BotlibError(f"--every: {text!r} is not a duration; write 90s, 10m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[match[2]]


def run_review(args: argparse.Namespace) -> int:
    """Lets a person approve replies: in the terminal, or through a CSV file."""
    from botlib.live import review
    from botlib.live.outbox.queue import Outbox
    from botlib.live.posting import settle
    from botlib.live.reddit.reader import reader

    workspace = Workspace.open(args.workspace)
    site = _site(args)
    reddit = None
    with Outbox(workspace.outbox) as outbox:
        if args.list:
            shown = outbox.table(site)
            columns = ["id", "state", "subreddit", "author", "reply", "score", "reason"]
            print(text_table(shown[columns]) if len(shown) else "empty")
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
            done = review.read_csv(outbox, site, args.csv_in)
        else:
            # First what nobody else can find out: was it posted?
            settled = settle.ask_person(outbox, site, by=review.person())
            with contextlib.ExitStack() as stack:
                # Without a login the threads can't be shown, but replies can be judged
                with contextlib.suppress(BotlibError):
                    reddit = stack.enter_context(reader(site, workspace))
                done = review.review_in_terminal(outbox, site, reddit=reddit)
            done |= {"settled": settled} if settled else {}
        other = "sandbox" if site == "live" else "live"
        elsewhere = review.waiting(outbox, other)
    counts = ", ".join(f"{number} {what}" for what, number in done.items())
    print(counts if any(done.values()) else "no reply waits for approval")
    if done["approved"] or done["edited"]:
        what, live = "bot", " --live --allow SUBREDDITS" if args.live else ""
        if reddit is not None and reddit.from_archive:
            what, live = "hand-over", ""
        print(f"to post them: python -m botlib {what} --workspace {workspace.root}{live}")
    if elsewhere:
        print(f"{len(elsewhere)} replies to the {other} site wait: {_other_site(args)}")
    return 0


def _other_site(args: argparse.Namespace) -> str:
    return "leave out --live" if args.live else "add --live"


def run_outcomes(args: argparse.Namespace) -> int:
    """Shows the outcomes of the bot's replies, after asking Reddit."""
    from botlib.live import outcomes
    from botlib.live.outbox.queue import Outbox
    from botlib.live.reddit import inbox
    from botlib.live.reddit.reader import reader

    workspace = Workspace.open(args.workspace)
    site = _site(args)
    with Outbox(workspace.outbox) as outbox:
        if not args.offline:
            with reader(site, workspace) as reddit:
                if args.delete and reddit.from_archive:
                    raise BotlibError("--delete needs a key: without one, delete it yourself")
                inbox.listen(outbox, reddit, dry_run=not args.delete)
                outcomes.follow(outbox, reddit, dry_run=not args.delete)
        fared = outcomes.table(outbox, site)
    if fared.empty:
        print(f"no reply was posted to the {site} site yet")
        return 0
    print(fared.to_string(index=False, max_colwidth=50))
    print("\npredicted rating and score after a day:")
    print(outcomes.calibration(fared, rated=outcomes.rated_pairs(workspace)).to_string(index=False))
    print(outcomes.rank_sentence(fared))
    return 0


def _site(args: argparse.Namespace) -> str:
    return "live" if args.live else "sandbox"


def run_stop(args: argparse.Namespace) -> int:
    """Writes the stop switch into the workspace."""
    workspace = Workspace.open(args.workspace)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with atomic_file(workspace.stop_switch) as file:
        file.write(f"{now} {' '.join(args.reason)}".strip() + "\n")
    print(f"stopped: nothing is posted while {workspace.stop_switch} exists")
    return 0


def run_start(args: argparse.Namespace) -> int:
    """Removes the stop switch, and reopens subreddits."""
    from botlib.live.outbox import optouts
    from botlib.live.outbox.queue import Outbox

    workspace = Workspace.open(args.workspace)
    workspace.stop_switch.unlink(missing_ok=True)
    with Outbox(workspace.outbox) as outbox:
        for name in args.reopen:
            was = [site for site in ("live", "sandbox") if optouts.reopen(outbox, site, name)]
            print(f"r/{name}: {'reopened' if was else 'was not closed'}")
        for site in ("live", "sandbox"):
            if optouts.resume(outbox, site):
                print(f"the pause on the {site} site is lifted")
    print("started: approved replies may be posted again")
    return 0
