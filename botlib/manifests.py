"""A manifest beside each artefact: what it was made from, with which settings and versions."""

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError
from botlib.workspace import atomic_file

# Whose versions a manifest records: those that can change a result.
RECORDED_PACKAGES = (
    *("botlib", "gpt-2-simple", "tensorflow", "tf-keras", "tensorflow-hub", "bert-tensorflow"),
    *("numpy", "pandas", "scikit-learn", "ctranslate2", "tokenizers", "onnxruntime", "duckdb"),
    "praw",
)


def manifest_path(artefact: Path) -> Path:
    """Returns the path of an artefact's manifest: inside a folder, beside a file."""
    artefact = Path(artefact)
    if artefact.is_dir():
        return artefact / "manifest.json"
    return artefact.with_name(artefact.name + ".manifest.json")


def write_manifest(
    artefact: Path,
    *,
    inputs: Iterable[Path] = (),
    parameters: Mapping[str, Any],
    seed: int | None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Returns the manifest's path, after recording what an artefact was made from and how.

    Args:
      artefact: the file or folder just written.
      inputs: files and folders it was made from; their hashes are recorded.
      parameters: the settings used; never secrets.
      seed: the random seed, or None where there is none.
      extra: anything else to keep, such as counts and losses.
    """
    artefact = Path(artefact)
    manifest = {
        "artefact": artefact.name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": {_relative(path, artefact): hash_path(path) for path in map(Path, inputs)},
        "parameters": dict(parameters),
        "seed": seed,
        "versions": package_versions(),
        "extra": dict(extra or {}),
    }
    path = manifest_path(artefact)
    with atomic_file(path) as file:
        json.dump(manifest, file, indent=1, sort_keys=True, default=str)
        file.write("\n")
    return path


def read_manifest(artefact: Path) -> dict[str, Any]:
    """Returns an artefact's manifest, or an empty dictionary if it has none.

    Raises:
      BotlibError: the manifest isn't JSON.
    """
    path = manifest_path(artefact)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise BotlibError(
            f"{path} is damaged ({error}): run the notebook that makes {Path(artefact).name} again"
        ) from error


def _relative(path: Path, artefact: Path) -> str:
    """Returns a path relative to the artefact, so that a workspace can be moved."""
    return os.path.relpath(path.resolve(), artefact.resolve().parent)


def hash_path(path: Path) -> str:
    """Returns the SHA-256 of a file, or of a folder's names and contents; manifests don't count.

    A missing path hashes to "missing", so that its absence counts as a change.
    """
    path = Path(path)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if not path.is_dir():
        return "missing"
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.endswith("manifest.json"):
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            digest.update(hash_path(file).encode())
    return digest.hexdigest()


def package_versions() -> dict[str, str]:
    """Returns the versions of the packages that can change a result, and Python's."""
    versions = {"python": platform.python_version()}
    for name in RECORDED_PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
