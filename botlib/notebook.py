"""The start of each notebook: settings, Drive, workspace, errors in one line."""

import os
import random
from collections.abc import Callable, Iterable, MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from botlib import drive, parameters
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.settings import DataSettings, Settings
from botlib.tables import Table, write_table
from botlib.workspace import Workspace

S = TypeVar("S", bound=Settings)


def start(settings: type[S], namespace: MutableMapping[str, Any]) -> tuple[S, Workspace]:
    """Opens a notebook: returns its settings and the workspace.

    Mounts Google Drive if `drive_root` lies on it and it isn't mounted yet; seeds Python and
    NumPy; shows a `BotlibError` as one line instead of a traceback.

    Args:
      settings: the notebook's settings class.
      namespace: the notebook's `globals()`.

    Raises:
      BotlibError: a setting is wrong, Drive can't be mounted, or the workspace isn't there.
    """
    _show_errors_in_one_line()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # TF Hub's layers need it before TensorFlow
    chosen = parameters.load(settings, namespace)
    drive.mount(Path(chosen.drive_root))
    # Only the first notebook may make a workspace: elsewhere a typo would make an empty one
    workspace = Workspace.open(chosen.drive_root, create=settings is DataSettings)
    _show_whole_texts()
    _describe_figures()
    _use_text_bars_in_batch()
    random.seed(chosen.seed)
    np.random.seed(chosen.seed % 2**32)
    print(f"workspace: {workspace.root}")
    for line in chosen.warnings:
        print(line)
    return chosen, workspace


def who_set_what(settings: Settings) -> pd.DataFrame:
    """Returns a row for each setting that isn't left at its default: setting, value, set by."""
    return parameters.table(settings)


def _use_text_bars_in_batch() -> None:
    """Uses text bars in a batch run: a widget would stay at 0 % in the executed copy."""
    if os.environ.get("BOTLIB_BATCH"):
        import tqdm.auto
        import tqdm.std

        tqdm.auto.tqdm = tqdm.std.tqdm


def _show_whole_texts() -> None:
    """Makes pandas show whole comments and replies."""
    pd.set_option("display.max_colwidth", 240, "display.precision", 3)


def _describe_figures() -> None:
    """Stores a description with each figure, for screen readers and for the report."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if shell := get_ipython():
        from botlib.evaluation.figures import describe

        describe.install(shell)


def today() -> str:
    """Returns today's date in the form that table names use, such as 2026-11-23."""
    return datetime.now().date().isoformat()


def keep(
    path: Path, frame: pd.DataFrame, table: Table, settings: Settings, inputs: Iterable[Path]
) -> Path:
    """Returns the path of a notebook's table, after writing it with its manifest.

    Raises:
      BotlibError: a column is missing, or the disk is full.
    """
    write_table(path, frame, table)
    write_manifest(path, inputs=inputs, parameters=settings.as_dict(), seed=settings.seed)
    return path


def newest(table: Callable[[str], Path]) -> str:
    """Returns the latest date of a dated table.

    Args:
      table: the workspace's method for its path, such as `workspace.proposed_replies`.

    Raises:
      BotlibError: there is none.
    """
    before, after = table("*").name.split("*")
    names = sorted(path.name for path in table("*").parent.glob(table("*").name))
    if not names:
        raise BotlibError(f"{table('DATE')} is missing: run 05_generate first")
    return names[-1].removeprefix(before).removesuffix(after)


def _show_errors_in_one_line() -> None:
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if shell := get_ipython():
        shell.set_custom_exc((BotlibError,), _one_line)


def _one_line(shell: Any, kind: type, error: BaseException, _: Any, tb_offset: Any = None) -> None:
    shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])
