"""Bundles: there and back, and every hostile or damaged archive refused with nothing written."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.gpt2.generator import Decoder, Generator
from botlib.runs import bundles
from botlib.workspace import Workspace

CONTENT = {
    "ctranslate2/model.bin": b"weights",
    "ctranslate2/gpt2.json": b"{}",
    "model_card.json": b"{}",
}


def archive(path: Path, change: Callable[[dict, list], None] = lambda index, members: None) -> Path:
    """Writes a bundle of made-up content, after `change` has damaged index or members."""
    index = {
        "format": 1,
        "kind": "gpt2",
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in CONTENT.items()
        },
    }
    members = [(tarfile.TarInfo(name), data) for name, data in CONTENT.items()]
    change(index, members)
    members.insert(0, (tarfile.TarInfo("bundle.json"), json.dumps(index).encode()))
    with tarfile.open(path, "w:gz") as out:
        for info, data in members:
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return path


def _traversal(index: dict, members: list) -> None:
    index["files"]["../../evil"] = index["files"]["model_card.json"]


def _absolute(index: dict, members: list) -> None:
    index["files"]["/tmp/evil"] = index["files"]["model_card.json"]


def _unlisted(index: dict, members: list) -> None:
    members.append((tarfile.TarInfo("../evil"), b"x"))


def _foreign(index: dict, members: list) -> None:
    index["files"]["ctranslate2/run.sh/x"] = index["files"]["model_card.json"]


def _link(index: dict, members: list) -> None:
    members[2][0].type, members[2][0].linkname = tarfile.SYMTYPE, "/etc/passwd"


def _hard_link(index: dict, members: list) -> None:
    members[2][0].type, members[2][0].linkname = tarfile.LNKTYPE, "/etc/passwd"


def _wrong_hash(index: dict, members: list) -> None:
    members[0] = (members[0][0], b"w3ights")


def _wrong_size(index: dict, members: list) -> None:
    members[0] = (members[0][0], b"longer weights")


def _twice(index: dict, members: list) -> None:
    members.append((tarfile.TarInfo("model_card.json"), b"{}"))


def _absent(index: dict, members: list) -> None:
    del members[1]


def _bomb(index: dict, members: list) -> None:
    index["files"]["ctranslate2/model.bin"]["bytes"] = 10**12


def _unknown(index: dict, members: list) -> None:
    index["kind"] = "gpt5"


def _newer(index: dict, members: list) -> None:
    index["format"] = 2


def _incomplete(index: dict, members: list) -> None:
    del index["files"]["ctranslate2/model.bin"]
    del members[0]


def _nonsense(index: dict, members: list) -> None:
    index["files"] = 7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_traversal, "outside of the model"),
        (_absolute, "outside of the model"),
        (_unlisted, "not in its index"),
        (_foreign, "no file of a gpt2 model"),
        (_link, "is a link"),
        (_hard_link, "is a link"),
        (_wrong_hash, "another hash"),
        (_wrong_size, "not as in its index"),
        (_twice, "comes twice"),
        (_absent, "is missing"),
        (_bomb, "would unpack to"),
        (_unknown, "it holds a 'gpt5'"),
        (_newer, "this botlib reads 1"),
        (_incomplete, "it lacks ctranslate2/model.bin"),
        (_nonsense, "can't be read"),
    ],
)
def test_hostile_archives_are_refused(
    change: Callable, reason: str, workspace: Workspace, tmp_path: Path
) -> None:
    path = archive(tmp_path / "bundle.tar.gz", change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BotlibError, match=reason):
        bundles.read(path, workspace)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [p for p in before if p.is_file()]
    assert not workspace.gpt2("run1").exists()


@pytest.mark.parametrize("kept", [0, 10, 150])
def test_a_cut_archive_is_refused(kept: int, workspace: Workspace, tmp_path: Path) -> None:
    path = archive(tmp_path / "bundle.tar.gz")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BotlibError, match=r"damaged|refused"):
        bundles.read(path, workspace)
    with pytest.raises(BotlibError, match="is missing"):
        bundles.read(tmp_path / "absent", workspace)


def test_a_model_that_is_there_is_not_replaced_unasked(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = archive(tmp_path / "bundle.tar.gz")
    folder = bundles.read(path, workspace)
    assert (folder / "ctranslate2" / "model.bin").read_bytes() == b"weights"
    with pytest.raises(BotlibError, match="already there"):
        bundles.read(path, workspace)
    assert bundles.read(path, workspace, replace=True) == folder


def test_an_exported_model_answers_elsewhere(
    gpt2_workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path, there = tmp_path / "gpt2.tar.gz", tmp_path / "there"
    assert main(["export", "gpt2", str(path), "--workspace", str(gpt2_workspace.root)]) == 0
    with tarfile.open(path) as packed:
        names = packed.getnames()
    assert names[0] == "bundle.json"
    assert "manifest.json" in names and "samples.csv" not in names
    assert main(["import", str(path), "--workspace", str(there), "--run-name", "theirs"]) == 0
    greedy = Decoder(temperature=0, max_tokens=20)
    ours, theirs = (
        Generator(folder).generate(["My cat eats figs on day 3."], 1, greedy)
        for folder in (gpt2_workspace.gpt2("run1"), Workspace(there).gpt2("theirs"))
    )
    pd.testing.assert_frame_equal(ours, theirs)
    assert main(["export", "bert_realism", str(path), "--workspace", str(there)]) == 1
    assert "train the model first" in capsys.readouterr().err
