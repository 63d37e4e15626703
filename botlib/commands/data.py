"""`forget` removes people and texts from a workspace; `load-bigquery` makes tables of one's own."""

import argparse
from pathlib import Path

from botlib.errors import BotlibError
from botlib.workspace import Workspace


def add_parsers(subparsers: argparse._SubParsersAction) -> None:
    """Add both commands to the command line."""
    forget = subparsers.add_parser(
        "forget", help="remove people or texts from every table, and keep them out"
    )
    forget.add_argument("--workspace", type=Path, required=True)
    forget.add_argument(
        "--author", action="append", default=[], metavar="NAME", help="may be repeated"
    )
    forget.add_argument(
        "--ids", type=Path, metavar="FILE", help="ids of posts, comments or replies, one a line"
    )
    forget.set_defaults(func=_forget)

    load = subparsers.add_parser(
        "load-bigquery", help="load dump files into two BigQuery tables of your own"
    )
    load.add_argument("--workspace", type=Path, required=True)
    load.add_argument(
        "--dumps", help="a folder, a file or a pattern; left out: what the archive gave"
    )
    load.add_argument("--comments", required=True, metavar="PROJECT.DATASET.TABLE")
    load.add_argument("--posts", required=True, metavar="PROJECT.DATASET.TABLE")
    load.add_argument("--subreddits", help="comma-separated; all if left out")
    load.add_argument("--project", default="", help="the Google Cloud project that pays")
    load.add_argument("--location", default="", help="where new datasets shall lie, such as EU")
    load.add_argument("--max-malformed", type=float, default=0.01, help="share of a file's lines")
    load.add_argument("--memory-limit", default="1GB", help="memory for sorting")
    load.add_argument("--max-temp", default="20GB", help="disk for sorting")
    load.set_defaults(func=_load)


def _forget(args: argparse.Namespace) -> int:
    from botlib.runs.forget import forget

    ids = []
    if args.ids:
        try:
            ids = args.ids.read_text(encoding="utf-8").split()
        except OSError as error:
            raise BotlibError(f"--ids: {args.ids} can't be read: {error.strerror}") from error
    report = forget(Workspace.open(args.workspace), authors=args.author, ids=ids)
    if report.removed.empty:
        print("No table held them; they are on the list and will be left out from now on.")
    else:
        print(report.removed.to_string(index=False))
    for row in report.models.itertuples():
        seen = "has learnt from them" if row.seen == "yes" else "may have learnt from them"
        print(f"{row.model} {seen}: train it again, or delete it")
    for place in report.elsewhere:
        print(f"Left to you: {place}")
    return 0


def _load(args: argparse.Namespace) -> int:
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
