"""Options that many commands share: which workspace, and how much is said."""

import argparse
import os
import sys
from pathlib import Path

from botlib.errors import BotlibError

WORKSPACE = "BOTLIB_WORKSPACE"
# What only a workspace holds
_SIGNS = ("models", "raw_data", "outbox.sqlite3", "bot.yaml", "gpt2_finetune.csv", "sandbox")


def add_workspace(parser: argparse.ArgumentParser, *, makes: bool = False) -> None:
    """Adds --workspace and --quiet.

    Args:
      parser: of a command.
      makes: whether the command may begin a new workspace.
    """
    parser.add_argument(
        "--workspace", metavar="DIR",
        help=f"tables and models (default: {WORKSPACE}, or the current folder if it is one)",
    )  # fmt: skip
    parser.add_argument(
        "--quiet", action="store_true", help="no progress bars; results and problems only"
    )
    parser.set_defaults(makes_workspace=makes)


def settle(args: argparse.Namespace) -> None:
    """Fills in `workspace` and `workspace_set_by`, and turns progress bars off where due.

    Raises:
      BotlibError: nothing says which workspace.
    """
    if hasattr(args, "makes_workspace"):
        args.workspace, args.workspace_set_by = _workspace(args)
    if getattr(args, "quiet", False) or not sys.stderr.isatty():
        _no_bars()


def _workspace(args: argparse.Namespace) -> tuple[str, str]:
    if args.workspace:
        return args.workspace, "--workspace"
    if named := os.environ.get(WORKSPACE):
        return named, WORKSPACE
    here = Path.cwd()
    found = any((here / name).exists() for name in _SIGNS)
    if found or (args.makes_workspace and not any(here.iterdir())):
        return str(here), "the current folder"
    raise BotlibError(
        f"which workspace? {here} is none: pass --workspace DIR, set {WORKSPACE}, or change into "
        "the workspace's folder"
    )


def _no_bars() -> None:
    """Bars are for a person at a terminal: in a log file each step would be a line."""
    if "tqdm" in sys.modules or "TQDM_DISABLE" in os.environ:
        return
    # tqdm reads its environment once, when it is imported; notebooks that we start draw their own
    os.environ["TQDM_DISABLE"] = "1"
    try:
        import tqdm.auto  # noqa: F401
    finally:
        del os.environ["TQDM_DISABLE"]
