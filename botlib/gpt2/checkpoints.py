"""A run's state and TensorFlow checkpoints: the latest, which may go, a copy of the best."""

import json
import shutil
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError
from botlib.workspace import atomic_file


def read_state(path: Path) -> dict[str, Any] | None:
    """Returns what a run remembers of its last whole round; None for a new run.

    Raises:
      BotlibError: the file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise BotlibError(
            f"{path} is damaged ({error}): delete {path.parent} to start again"
        ) from error


def point_to(folder: Path, step: int) -> None:
    """Writes the file by which TensorFlow finds the latest checkpoint, relative to its folder."""
    names = ("model_checkpoint_path", "all_model_checkpoint_paths")
    lines = [f'{name}: "model-{step}"' for name in names]
    with atomic_file(folder / "checkpoint") as file:
        file.write("\n".join([*lines, ""]))


def copy(source: Path, target: Path, step: int) -> None:
    """Copies the weights of a step, or of a base model (`model.ckpt`) as step 0."""
    stem = f"model-{step}" if step else "model.ckpt"
    for path in source.glob(f"{stem}.*"):
        shutil.copyfile(path, target / path.name.replace(stem, f"model-{step}", 1))
    point_to(target, step)


def delete_all_but(folder: Path, step: int) -> None:
    """Deletes the weights and optimizer states of all other steps."""
    for path in folder.glob("*-*.*"):
        kind, _, number = path.name.split(".")[0].partition("-")
        if kind in ("model", "optimizer") and number != str(step):
            path.unlink()
