"""Bundles: a trained model as one archive, for people who start at 05 with another's models."""

import hashlib
import io
import json
import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

from botlib import __version__, model_files
from botlib.errors import BotlibError
from botlib.manifests import manifest_path, read_manifest
from botlib.workspace import Workspace, atomic_file, atomic_folder

INDEX = "bundle.json"
# Format 1 left out a classifier's head, so that an imported model scored differently
FORMAT = 2
# Data only, and nothing outside of the model's folder
_NAME = re.compile(r"(?:ctranslate2/)?\w[\w.-]*\.(?:json|npz|onnx|txt|bin|bpe|csv)")
# An index larger than this, or a bundle of more files, is no bundle of ours
MOST_INDEX_BYTES = 1 << 20
MOST_FILES = 200
# Weights hardly compress; what grows more than this is meant to fill a disk
MOST_GROWTH = 20
SMALL = 1 << 24
CHUNK = 1 << 20


def write(kind: str, workspace: Workspace, path: Path, run_name: str = "run1") -> Path:
    """Returns `path`, after packing a model into it: its declared files, its cards, their hashes.

    Args:
      kind: one of `model_files.KINDS`.
      workspace: holds the model.
      path: the `.tar.gz` to write.
      run_name: which run, for "gpt2".

    Raises:
      BotlibError: the model is missing or incomplete.
    """
    folder, index, declaration = contents(kind, workspace, run_name)
    with atomic_file(Path(path), "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
        _add_bytes(archive, INDEX, json.dumps(index, indent=1).encode())
        _add_bytes(archive, model_files.FILE, declaration)
        for name in index["files"]:
            if name != model_files.FILE:
                archive.add(folder / name, arcname=name, recursive=False, filter=_anonymous)
    return Path(path)


def contents(
    kind: str, workspace: Workspace, run_name: str = "run1"
) -> tuple[Path, dict[str, Any], bytes]:
    """Returns what a bundle of a model holds: its folder, the index, and the declaration.

    Raises:
      BotlibError: the model is missing or incomplete.
    """
    folder = folder_of(kind, workspace, run_name)
    if not folder.is_dir():
        raise BotlibError(
            f"{folder} is missing: train the model first (run {model_files.KINDS[kind]}), "
            "or choose another run"
        )
    needed = model_files.needed(folder, kind)
    cards = [name for name in model_files.CARDS if (folder / name).is_file()]
    # Not the file in the folder: a model of botlib 0.1.0 has none, and gets one on the way
    declaration = model_files.declaration(kind, needed).encode()
    files = {model_files.FILE: _entry(len(declaration), hashlib.sha256(declaration).hexdigest())}
    for name in sorted({*needed, *cards}):
        files[name] = _entry((folder / name).stat().st_size, _hash(folder / name))
    index = {"format": FORMAT, "kind": kind, "botlib": __version__, "files": files}
    return folder, index, declaration


def _entry(size: int, sha256: str) -> dict[str, Any]:
    return {"bytes": size, "sha256": sha256}


def read(
    path: Path,
    workspace: Workspace,
    run_name: str = "run1",
    replace: bool = False,
    origin: str = "",
) -> Path:
    """Returns the model's folder, after checking an archive and unpacking it: all of it or nothing.

    Nothing in an archive is trusted: names, kinds, sizes and hashes must match its index, which
    comes first, and the files must be cards or declared by the model.

    Args:
      path: the archive.
      workspace: where the model goes.
      run_name: under which run, for "gpt2".
      replace: whether to replace an existing model.
      origin: where the archive came from, such as a URL; empty: its file name.

    Raises:
      BotlibError: the archive is not a bundle, damaged or hostile, or the model already exists.
    """
    path = Path(path)
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            index = _index(archive, path)
            folder = free_folder(index["kind"], workspace, run_name, replace)
            with atomic_folder(folder) as part:
                _unpack(archive, index, part, path)
                check(part, index, path)
                forget_inputs(part, origin or path.name)
    except FileNotFoundError:
        raise BotlibError(f"{path} is missing") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BotlibError(
            f"{path} is damaged or is not a bundle ({error}): download it again"
        ) from error
    return folder


def _index(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    member = archive.next()
    if member is None or member.name != INDEX or not member.isreg():
        raise refused(path, f"it doesn't start with {INDEX}")
    if member.size > MOST_INDEX_BYTES:
        raise refused(path, f"its {INDEX} is too large")
    try:
        content = archive.extractfile(member).read()
    except OSError as error:
        raise refused(path, f"its {INDEX} can't be read ({error})") from error
    index = checked_index(content, path)
    total = sum(about["bytes"] for about in index["files"].values())
    if total > MOST_GROWTH * path.stat().st_size + SMALL:
        raise refused(path, f"it would unpack to {total:,} bytes")
    return index


def checked_index(content: bytes, origin: Path | str) -> dict[str, Any]:
    """Returns a bundle's index, of which nothing is trusted before.

    Args:
      content: of `bundle.json`.
      origin: the archive or repository, for the errors.

    Raises:
      BotlibError: it can't be read, or names what is no file of a model.
    """
    path = origin
    try:
        index = json.loads(content)
        kind, files = index["kind"], index["files"]
        sizes = [(int(f["bytes"]), str(f["sha256"])) for f in files.values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(path, f"its {INDEX} can't be read ({error})") from error
    if index.get("format") == 1:
        raise BotlibError(
            f"{path} is refused: bundles of botlib 0.1.0 lack parts of the model, so its scores "
            "would differ; ask its author to update botlib and export it again "
            f"(python -m botlib export {kind} FILE --workspace DIR)"
        )
    if index.get("format") != FORMAT:
        raise refused(path, f"its format is {index.get('format')!r}; this botlib reads {FORMAT}")
    if kind not in model_files.KINDS:
        raise refused(
            path, f"it contains a {kind!r} model; the kinds are {', '.join(model_files.KINDS)}"
        )
    if len(files) > MOST_FILES or any(size < 0 for size, _ in sizes):
        raise refused(path, "its index is impossible")
    for name in files:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or name != str(pure):
            raise refused(path, f"it contains a path outside the model's folder: {name!r}")
        if not _NAME.fullmatch(name):
            raise refused(path, f"{name!r} is not a model file")
    if model_files.FILE not in files:
        raise refused(path, f"it has no {model_files.FILE}")
    return index


def _unpack(archive: tarfile.TarFile, index: dict[str, Any], part: Path, path: Path) -> None:
    waiting = dict(index["files"])
    while (member := archive.next()) is not None:
        if not member.isreg():
            raise refused(path, f"{member.name!r} is a link or a device, not a file")
        about = waiting.pop(member.name, None)
        if about is None:
            raise refused(path, f"{member.name!r} is not in its index, or appears twice")
        if member.size != about["bytes"]:
            raise refused(
                path, f"{member.name!r} has {member.size:,} bytes, its index says otherwise"
            )
        target = part / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.extractfile(member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, CHUNK)
        if _hash(target) != about["sha256"]:
            raise refused(path, f"the hash of {member.name!r} differs from its index")
    if waiting:
        raise refused(path, f"{next(iter(waiting))!r} is missing")


def check(part: Path, index: dict[str, Any], path: Path | str) -> None:
    """Refuses files that are neither declared by the model nor cards.

    Raises:
      BotlibError: there is one, or one that the model needs is missing.
    """
    try:
        needed = model_files.needed(part, index["kind"])
    except BotlibError as error:
        raise refused(path, str(error).replace(f"{part}/", "").split(",")[0]) from error
    allowed = {model_files.FILE, *needed, *model_files.CARDS}
    if strange := sorted(set(index["files"]) - allowed):
        raise refused(path, f"its {index['kind']} model doesn't declare {strange[0]!r}")


def forget_inputs(part: Path, origin: str) -> None:
    """Moves the manifest's inputs aside: they are elsewhere, so they can't make the model stale."""
    if manifest := read_manifest(part):
        manifest["imported"] = {"from": origin, "inputs": manifest.get("inputs", {})}
        manifest["inputs"] = {}
        with atomic_file(manifest_path(part)) as file:
            json.dump(manifest, file, indent=1, sort_keys=True)
            file.write("\n")


def refused(path: Path | str, reason: str) -> BotlibError:
    """Returns the error for an archive or repository that can't be trusted."""
    return BotlibError(f"{path} is refused: {reason}; get it again from a source you trust")


def free_folder(kind: str, workspace: Workspace, run_name: str, replace: bool) -> Path:
    """Returns the folder that a model goes to.

    Raises:
      BotlibError: a model is there, and is not to be replaced.
    """
    folder = folder_of(kind, workspace, run_name)
    if folder.exists() and not replace:
        raise BotlibError(f"{folder} already exists: add --replace to replace it")
    return folder


def folder_of(kind: str, workspace: Workspace, run_name: str) -> Path:
    """Returns a model's folder.

    Raises:
      BotlibError: there is no such kind.
    """
    if kind not in model_files.KINDS:
        raise BotlibError(
            f"the kind of a model must be one of {', '.join(model_files.KINDS)}, not {kind!r}"
        )
    return workspace.gpt2(run_name) if kind == "gpt2" else workspace.models / kind


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    # Whose machine it was made on is nobody's business, and the mode is the reader's own
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
