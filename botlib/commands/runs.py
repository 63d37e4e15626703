"""`run`, `status` and `compare`: the six notebooks and their results."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from botlib import options, parameters
from botlib.parameters import Override
from botlib.terminal import text_table
from botlib.workspace import Workspace

# Settings common enough to have an option of their own; all others go through -p
SHORTCUTS = ("source", "dumps", "subreddits", "first_month", "last_month", "seed")


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to the command line."""
    run = subparsers.add_parser(
        "run",
        help="run the notebooks, all or some",
        description="Runs the six notebooks with papermill; skips those that are up to date.",
    )
    options.add_workspace(run, makes=True)
    run.add_argument("--profile", default="laptop", choices=parameters.profiles())
    run.add_argument("--from", dest="first", default="01", metavar="NN", help="first notebook")
    run.add_argument("--to", dest="last", default="06", metavar="NN", help="last notebook")
    run.add_argument("--force", action="store_true", help="also run notebooks that are up to date")
    run.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="any setting, as NAME or NOTEBOOK.NAME; booleans are true or false; repeatable",
    )
    for name in SHORTCUTS:
        run.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=f"same as -p {name}")
    run.set_defaults(func=run_notebooks)

    status = subparsers.add_parser("status", help="show tables, models and the bot of a workspace")
    options.add_workspace(status)
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(func=show_status)

    compare = subparsers.add_parser("compare", help="show what differs between two runs")
    compare.add_argument("first", type=Path, metavar="RUN", help="a folder in WORKSPACE/runs")
    compare.add_argument("second", type=Path, metavar="RUN")
    compare.add_argument("--page", type=Path, default=Path("compare.html"), metavar="FILE")
    compare.set_defaults(func=compare_runs)


def compare_runs(args: argparse.Namespace) -> int:
    """Prints what differs between two runs and writes a page."""
    from botlib.runs.compare import compare

    table = compare(args.first, args.second, args.page)
    print(text_table(table, width=50) if len(table) else "nothing differs")
    print(f"\n{table.attrs['equal']} figures are equal and left out\npage: {args.page}")
    return 0


def run_notebooks(args: argparse.Namespace) -> int:
    """Runs the notebooks, writes the report, prints the best replies."""
    from botlib.runs import pipeline, report

    overrides = [Override("-p", key, text) for key, text in args.p]
    for name in SHORTCUTS:
        if (text := getattr(args, name)) is not None:
            overrides.append(Override(f"--{name.replace('_', '-')}", name, text))
    first_notebook = parameters.notebook_name(args.first)
    workspace = Workspace.open(args.workspace, create=first_notebook == "01_data")
    folder, results = pipeline.run(
        workspace,
        profile=args.profile,
        overrides=overrides,
        first=args.first,
        last=args.last,
        force=args.force,
    )
    report_page = report.build(workspace, folder, results)
    failed = [result.message for result in results if result.state == "failed"]
    if not failed:
        print(f"\n{report.best_replies_text(workspace)}")
        print(f"\n{report.verdict_text(workspace, results)}")
    print(f"\nreport: {report_page}")
    damaged = _damaged(workspace)
    for message in failed:  # again at the end, where people look first
        print(f"\n{message}")
    return int(bool(failed) or damaged)


def _damaged(workspace: Workspace) -> bool:
    """Returns whether dump files were read in part only, and prints them: such a run fails."""
    try:
        lines = workspace.damaged.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    print(f"\ndamaged dumps, read only up to the damage:\n{lines}", end="")
    return True


def show_status(args: argparse.Namespace) -> int:
    """Prints the workspace's tables and models, and the state of the bot."""
    from botlib.runs import bot_state, status

    workspace = Workspace.open(args.workspace)
    artefacts, bot = status.artefacts(workspace), bot_state.read(workspace)
    if args.json:
        bot_fields = dataclasses.asdict(bot) if bot else None
        print(json.dumps({"artefacts": status.as_records(artefacts), "bot": bot_fields}, indent=1))
    else:
        print(status.as_table(artefacts))
        if bot:
            print(f"\n{bot_state.as_text(bot)}")
    return 0
