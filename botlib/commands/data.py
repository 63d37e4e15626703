"""`forget` removes people and texts from a workspace; `load-bigquery` fills your own tables."""

import argparse
from pathlib import Path

from botlib import options
from botlib.errors import BotlibError
from botlib.workspace import Workspace


def add_parsers(subparsers: argparse._SubParsersAction) -> None:
    """Adds the subcommands to the command line."""
    forget = subparsers.add_parser(
        "forget", help="remove people or texts from every table, and keep them out"
    )
    options.add_workspace(forget)
    forget.add_argument(
        "--author", action="append", default=[], metavar="NAME", help="may be repeated"
    )
    forget.add_argument(
        "--ids", type=Path, metavar="FILE", help="ids of posts, comments or replies, one per line"
    )
    forget.set_defaults(func=run_forget)

    load = subparsers.add_parser(
        "load-bigquery", help="load dump files into two BigQuery tables that you own"
    )
    options.add_workspace(load, makes=True)
    load.add_argument(
        "--dumps", help="a folder, a file or a pattern (default: the archive's downloads)"
    )
    load.add_argument("--comments", required=True, metavar="PROJECT.DATASET.TABLE")
    load.add_argument("--posts", required=True, metavar="PROJECT.DATASET.TABLE")
    load.add_argument("--subreddits", help="comma-separated; all if left out")
    load.add_argument("--project", default="", help="the Google Cloud project that pays")
    load.add_argument("--location", default="", help="where to create new datasets, such as EU")
    load.add_argument(
        "--max-malformed", type=float, default=0.01, help="highest share of damaged lines in a file"
    )
    load.add_argument("--memory-limit", default="1GB", help="memory for sorting")
    load.add_argument("--max-temp", default="20GB", help="disk for sorting")
    load.set_defaults(func=run_load)


def run_forget(args: argparse.Namespace) -> int:
    """Removes people and texts from the workspace, and says which models learned from them."""
    from botlib.runs.forget import forget

    ids = []
    if args.ids:
        try:
            ids = args.ids.read_text(encoding="utf-8").split()
        except OSError as error:
            raise BotlibError(f"--ids: {args.ids} can't be read: {error.strerror}") from error
    report = forget(Workspace.open(args.workspace), authors=args.author, ids=ids)
    if report.removed.empty:
        print("No table contains them. They are on the list of forgotten ones now, and stay out.")
    else:
        print(report.removed.to_string(index=False))
    for row in report.models.itertuples():
        verb = "was" if row.seen == "yes" else "may have been"
        print(f"{row.model} {verb} trained on them: train it again, or delete it")
    for place in report.elsewhere:
        print(f"Delete these yourself: {place}")
    return 0


def run_load(args: argparse.Namespace) -> int:
    """Loads dump files into two BigQuery tables."""
    from botlib.data.bigquery.load import load
    from botlib.settings import comma_list

    subreddits = comma_list(args.subreddits or "")
    if args.subreddits is not None and not subreddits:
        raise BotlibError("--subreddits is empty: name at least one, or leave it out for all")
    workspace = Workspace.open(args.workspace, create=True)
    report = load(
        args.dumps or workspace.archive,
        comments=args.comments,
        posts=args.posts,
        out=workspace,
        subreddits=subreddits,
        project=args.project,
        location=args.location,
        max_malformed=args.max_malformed,
        memory_limit=args.memory_limit,
        max_temp=args.max_temp,
    )
    for table, rows in report.rows.items():
        print(f"{table}: {rows:,} rows")
    for error in report.errors:
        print(f"botlib: {error}")
    return 1 if report.errors else 0
