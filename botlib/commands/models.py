"""`export` and `import`: a trained model as one file, to hand on or to start from."""

import argparse
from pathlib import Path
from typing import Any

from botlib import model_files, options
from botlib.runs import bundles
from botlib.workspace import Workspace


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to the command line."""
    export = subparsers.add_parser(
        "export",
        help="pack a trained model into one file",
        description="Packs the files that inference needs, with the model card and hashes.",
    )
    export.add_argument("kind", choices=tuple(model_files.KINDS), help="which model")
    export.add_argument("file", type=Path, metavar="FILE", help="the archive to write (.tar.gz)")
    _common(export, makes=False)
    export.set_defaults(func=run_export)

    take = subparsers.add_parser(
        "import",
        help="unpack an exported model",
        description="Checks names, sizes and hashes, then unpacks. Run 05_generate next.",
    )
    take.add_argument("file", type=Path, metavar="FILE", help="the archive")
    take.add_argument("--replace", action="store_true", help="replace an existing model")
    _common(take, makes=True)
    take.set_defaults(func=run_import)


def run_export(args: argparse.Namespace) -> int:
    path = bundles.write(args.kind, Workspace.open(args.workspace), args.file, args.run_name)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def run_import(args: argparse.Namespace) -> int:
    workspace = Workspace.open(args.workspace, create=True)
    print(bundles.read(args.file, workspace, args.run_name, args.replace))
    return 0


def _common(parser: argparse.ArgumentParser, makes: bool) -> None:
    options.add_workspace(parser, makes=makes)
    parser.add_argument("--run-name", default="run1", help="which GPT-2 run (default: run1)")
