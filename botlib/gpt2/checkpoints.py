"""TensorFlow checkpoints of a run: which is the latest, which may go, and a copy of the best."""

import shutil
from pathlib import Path

from botlib.workspace import atomic_file


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
