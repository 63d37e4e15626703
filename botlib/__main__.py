"""The command line: `python -m botlib run | status | bot | review | …`; one module a topic."""

import argparse
import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from botlib import __version__, commands, options
from botlib.errors import BotlibError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
      0 if all went well, 1 if something failed that one clear line explains, 2 for wrong usage, 130
      for Ctrl-C.
    """
    args = parser().parse_args(arguments)
    try:
        options.resolve_workspace(args)
        code = args.func(args)
        sys.stdout.flush()  # here, where a closed pipe is handled
        return code
    except BotlibError as error:
        print(f"botlib: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if not (cure := options.install_hint(error)):
            raise
        print(f"botlib: {cure}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe; there is nothing to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("botlib: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Returns the whole command line."""
    top = argparse.ArgumentParser(
        prog="botlib" if Path(sys.argv[0]).name == "botlib" else "python -m botlib",
        description="Make a Reddit reply bot worth reading.",
    )
    top.add_argument("--version", action="version", version=f"botlib {__version__}")
    with contextlib.suppress(ModuleNotFoundError):
        import shtab  # of the extra "completion": what the Tab key can fill in

        shtab.add_argument_to(
            top, "--print-completion", help="print a script for a shell, and exit"
        )
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=_order):
        importlib.import_module(f"botlib.commands.{module.name}").add_parsers(subparsers)
    return top


def _order(module: pkgutil.ModuleInfo) -> tuple[bool, str]:
    # What a newcomer needs first comes first in --help
    return module.name != "runs", module.name


def program() -> int:
    """Runs the command that this process was started for; see `main`."""
    options.no_bars_in_files(sys.argv[1:])
    return main()


if __name__ == "__main__":
    sys.exit(program())
