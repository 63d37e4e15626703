"""The tables and models of a workspace: their size, date and inputs, and which are stale."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botlib.manifests import hash_path, manifest_path, read_manifest
from botlib.terminal import text_table
from botlib.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Artefact:
    """A table or model of a workspace.

    Attributes:
      path: relative to the workspace.
      bytes: its size on disk.
      made: when, ISO 8601 in UTC; empty without a manifest.
      inputs: what it was made from, relative to the workspace.
      stale: the inputs that changed or disappeared since.
      imported: the file it was imported from; empty if it was made here.
    """

    path: str
    bytes: int
    made: str
    inputs: list[str]
    stale: list[str]
    imported: str = ""

    @property
    def state(self) -> str:
        if self.path.endswith(".sqlite3"):
            return "updated by the bot"
        if not self.made:
            return "no manifest"
        if self.imported:
            return f"imported from {self.imported}"
        return f"stale: {', '.join(self.stale)}" if self.stale else "current"


def artefacts(workspace: Workspace) -> list[Artefact]:
    """Returns the tables and models, in the order of the notebooks that write them."""
    hashes: dict[Path, str] = {}
    return [_describe(workspace, path, hashes) for path in _present(workspace)]


def as_table(rows: list[Artefact]) -> str:
    """Returns the artefacts as lines of text under a heading."""
    from pandas import DataFrame

    if not rows:
        return "the workspace is empty: run 01_data"
    cells = [
        {
            "artefact": a.path,
            "size": _size(a.bytes),
            "made (UTC)": a.made.replace("T", " ").removesuffix("+00:00"),
            "from": ", ".join(a.inputs),
            "state": a.state,
        }
        for a in rows
    ]
    return text_table(DataFrame(cells), width=50)


def as_records(rows: list[Artefact]) -> list[dict[str, Any]]:
    """Returns the artefacts as dictionaries, for JSON."""
    return [dataclasses.asdict(a) | {"state": a.state} for a in rows]


def _present(workspace: Workspace) -> Iterator[Path]:
    w = workspace
    candidates = [
        w.dumps,
        w.raw_data,
        w.conversations,
        w.gpt2_finetune,
        w.gpt2_generate,
        w.bert_gan_real,
        *sorted((w.models / "gpt2_base").glob("[!.]*")),
        *sorted((w.models / "gpt2").glob("[!.]*")),
        *w.bert_gan_fakes(),
        *sorted(w.encoders.glob("[!.]*")),
        w.bert_realism,
        w.bert_fit,
        w.bert_upvotes,
        w.bert_rank,
        w.context,
        *(
            path
            for kind in (
                w.proposed_replies,
                w.read_threads,
                w.realistic_replies,
                w.reply_score_predictions,
            )
            for path in sorted(w.root.glob(kind("*").name))
        ),
        w.outbox,
    ]
    for path in candidates:
        if path.exists():
            yield path


def _describe(workspace: Workspace, path: Path, hashes: dict[Path, str]) -> Artefact:
    manifest = read_manifest(path)
    # Inputs are stored relative to the artefact's folder, so that a workspace can move
    inputs = {
        (path.parent / relative).resolve(): recorded
        for relative, recorded in manifest.get("inputs", {}).items()
    }
    for source in inputs:
        if source not in hashes:
            hashes[source] = hash_path(source)
    # A month's table is an input like any other, but its folder is what is shown
    names = dict.fromkeys(_name(workspace, source) for source in inputs)
    stale = [_name(workspace, s) for s, recorded in inputs.items() if hashes[s] != recorded]
    return Artefact(
        path=path.relative_to(workspace.root).as_posix(),
        bytes=_bytes(path),
        made=manifest.get("made", ""),
        inputs=list(names),
        stale=list(dict.fromkeys(stale)),
        imported=manifest.get("imported", {}).get("from", ""),
    )


def _name(workspace: Workspace, path: Path) -> str:
    if path.parent == workspace.raw_data:
        path = workspace.raw_data
    root = workspace.root
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(
        f.stat().st_size for f in path.rglob("*") if f.is_file() and f != manifest_path(path)
    )


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
