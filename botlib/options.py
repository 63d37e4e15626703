"""Options that many commands share: the workspace, and how much is printed."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError

WORKSPACE = "BOTLIB_WORKSPACE"
# By import name, the packages that pyproject.toml's extra "bot" brings
BOT_PACKAGES = frozenset(
    ("praw", "prawcore", "ctranslate2", "tokenizers", "onnxruntime", "requests", "urllib3",
     "tenacity", "orjson", "zstandard", "anyascii", "confusable_homoglyphs", "flask", "werkzeug",
     "huggingface_hub")
)  # fmt: skip
# Files and folders that only a workspace holds
_MARKERS = ("models", "raw_data", "outbox.sqlite3", "bot.yaml", "gpt2_finetune.csv", "sandbox")


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


def resolve_workspace(args: argparse.Namespace) -> None:
    """Fills in `workspace` and `workspace_set_by`.

    Raises:
      BotlibError: neither the option, the environment nor the current folder names one.
    """
    if hasattr(args, "makes_workspace"):
        args.workspace, args.workspace_set_by = _workspace(args)


def _workspace(args: argparse.Namespace) -> tuple[str, str]:
    if args.workspace:
        return args.workspace, "--workspace"
    if named := os.environ.get(WORKSPACE):
        return named, WORKSPACE
    folder = Path.cwd()
    is_workspace = any((folder / name).exists() for name in _MARKERS)
    if is_workspace or (args.makes_workspace and not any(folder.iterdir())):
        return str(folder), "the current folder"
    raise BotlibError(
        f"no workspace is named and {folder} isn't one: pass --workspace DIR, set {WORKSPACE}, or "
        "change into the workspace's folder"
    )


def no_bars_in_files(arguments: Sequence[str]) -> None:
    """Turns off progress bars with --quiet, and where stderr isn't a terminal.

    Called once, before the command runs. The notebooks that it starts draw their own bars.
    """
    if "--quiet" not in arguments and sys.stderr.isatty():
        return
    from tqdm.std import tqdm

    original_init = tqdm.__init__

    def quiet(self: tqdm, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **{**kwargs, "disable": True})

    tqdm.__init__ = quiet


def install_hint(error: ModuleNotFoundError) -> str:
    """Returns how to install the package that a command lacks; "" if botlib itself is at fault."""
    name = (error.name or "").partition(".")[0]
    if not name or name == "botlib":
        return ""
    command = 'pip install ".[bot]"' if name in BOT_PACKAGES else "pip install -r requirements.txt"
    return f"this command needs the package {name!r}: run `{command}` in the project's folder"
