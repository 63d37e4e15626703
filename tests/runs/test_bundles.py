"""Bundles: there and back, and every hostile or damaged archive refused with nothing written."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib import model_files
from botlib.__main__ import main
from botlib.bert import blend, fit_training
from botlib.bert.fit import Fit
from botlib.bert.scorer import Scorer
from botlib.errors import BotlibError
from botlib.evaluation import record
from botlib.gpt2.generator import Decoder, Generator
from botlib.manifests import write_manifest
from botlib.runs import bundles, status
from botlib.workspace import Workspace
from botlib.worth.model import ContextModel
from tests.live import small_models

PARTS = ["ctranslate2/model.bin", "ctranslate2/gpt2.json"]
CONTENT = {
    "ctranslate2/model.bin": b"weights",
    "ctranslate2/gpt2.json": b"{}",
    "model_card.json": b"{}",
    "model.json": model_files.declaration("gpt2", PARTS).encode(),
}


def archive(path: Path, change: Callable[[dict, list], None] = lambda index, members: None) -> Path:
    """Writes a bundle of made-up content, after `change` has damaged index or members."""
    index = {
        "format": 2,
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


def _undeclared(index: dict, members: list) -> None:
    index["files"]["extra.bin"] = index["files"]["ctranslate2/model.bin"]
    members.append((tarfile.TarInfo("extra.bin"), b"weights"))


def _without_declaration(index: dict, members: list) -> None:
    del index["files"]["model.json"]
    del members[3]


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
    index["format"] = 3


def _incomplete(index: dict, members: list) -> None:
    del index["files"]["ctranslate2/model.bin"]
    del members[0]


def _nonsense(index: dict, members: list) -> None:
    index["files"] = 7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_traversal, "outside the model"),
        (_absolute, "outside the model"),
        (_unlisted, "not in its index"),
        (_foreign, "is not a model file"),
        (_undeclared, "doesn't declare 'extra.bin'"),
        (_link, "is a link"),
        (_hard_link, "is a link"),
        (_wrong_hash, "the hash of"),
        (_wrong_size, "its index says otherwise"),
        (_twice, "appears twice"),
        (_absent, "is missing"),
        (_bomb, "would unpack to"),
        (_unknown, "it contains a 'gpt5' model"),
        (_newer, "this botlib reads 2"),
        (_incomplete, "ctranslate2/model.bin is missing"),
        (_without_declaration, "it has no model.json"),
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
    with pytest.raises(BotlibError, match="already exists"):
        bundles.read(path, workspace)
    assert bundles.read(path, workspace, replace=True) == folder


def test_a_bundle_of_0_1_0_is_refused_with_the_cure(workspace: Workspace, tmp_path: Path) -> None:
    path = archive(tmp_path / "bundle.tar.gz", lambda index, _: index.update(format=1))
    with pytest.raises(BotlibError, match=r"scores would differ; ask .* export it again"):
        bundles.read(path, workspace)
    assert not workspace.gpt2("run1").exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, topic_pairs) -> Workspace:
    """All six models, with heads, cards and manifests that name tables of this workspace."""
    workspace = Workspace.open(tmp_path_factory.mktemp("trained"), create=True)
    small_models.fill(workspace)
    small_models.make_context(workspace.context)
    fit_training.train(
        topic_pairs(40), topic_pairs(30), encoder=None, out=workspace.bert_fit, progress=False
    )
    workspace.bert_gan_real.write_text("made up\n")
    for folder in _folders(workspace).values():
        if folder.name.startswith("bert") and folder != workspace.bert_fit:
            small_models.add_head(folder)
        record.save(folder, "scores", "A sentence.", pd.DataFrame({"auc": [0.5]}))
        (folder / "left_over.npz").write_text("of training")
        write_manifest(folder, inputs=[workspace.bert_gan_real], parameters={}, seed=1)
    return workspace


def _folders(workspace: Workspace) -> dict[str, Path]:
    own = {kind: workspace.models / kind for kind in model_files.KINDS}
    return own | {"gpt2": workspace.gpt2("run1")}


def _says(kind: str, folder: Path) -> list[np.ndarray]:
    """All that a model says of the same texts."""
    comments, replies = small_models.TEXTS[:6], small_models.TEXTS[1:7]
    if kind == "gpt2":
        generator = Generator(folder)
        drawn = generator.generate(comments[:2], 3, Decoder(max_tokens=20), seed=1)
        scores = generator.score(comments, replies)["log_prob"]
        return [scores.to_numpy(), drawn["log_prob"].to_numpy(), drawn["reply"].to_numpy()]
    if kind == "context":
        frame = pd.DataFrame({"comment": comments, "reply": replies})
        return [ContextModel(folder, variant).predict(frame) for variant in ("known", "later")]
    judge = Fit if kind == "bert_fit" else Scorer
    return [judge(folder).predict(comments, replies)]


@pytest.mark.parametrize("kind", model_files.KINDS)
def test_a_model_scores_the_same_to_the_bit_after_export_and_import(
    kind: str, trained: Workspace, tmp_path: Path
) -> None:
    path, there = tmp_path / f"{kind}.tar.gz", Workspace(tmp_path / "there")
    assert main(["export", kind, str(path), "--workspace", str(trained.root)]) == 0
    assert main(["import", str(path), "--workspace", str(there.root)]) == 0
    folder = _folders(there)[kind]
    before, after = (_says(kind, _folders(w)[kind]) for w in (trained, there))
    for ours, theirs in zip(before, after, strict=True):
        np.testing.assert_array_equal(theirs, ours)
    assert record.load(folder).sentence == "A sentence."
    assert not (folder / "left_over.npz").exists()
    # What it was made from is not here, and need not be
    (only,) = status.artefacts(there)
    assert only.state == f"imported from {kind}.tar.gz"


@pytest.mark.parametrize("kind", model_files.KINDS)
def test_a_model_that_lost_a_part_says_so_instead_of_scoring_differently(
    kind: str, trained: Workspace, tmp_path: Path
) -> None:
    source = _folders(trained)[kind]
    for name in model_files.needed(source, kind):
        folder = shutil.copytree(source, tmp_path / name.replace("/", "-") / kind)
        (folder / name).unlink()
        with pytest.raises(BotlibError, match=name.split("/")[-1]):
            _says(kind, folder)


def test_a_classifier_of_0_1_0_still_scores_with_its_head_and_travels_with_it(
    trained: Workspace, tmp_path: Path
) -> None:
    """Its folder has neither a declaration nor a choice; a head was used where it lay."""
    old = Workspace.open(tmp_path / "old", create=True)
    folder = shutil.copytree(trained.bert_realism, old.bert_realism)
    before = _says("bert_realism", folder)[0]
    (folder / model_files.FILE).unlink()
    config = json.loads((folder / "config.json").read_text())
    del config["head"]
    (folder / "config.json").write_text(json.dumps(config))
    np.testing.assert_array_equal(_says("bert_realism", folder)[0], before)
    path, there = tmp_path / "bundle.tar.gz", Workspace(tmp_path / "there")
    bundles.write("bert_realism", old, path)
    np.testing.assert_array_equal(_says("bert_realism", bundles.read(path, there))[0], before)
    (folder / blend.WORDS).unlink()
    with pytest.raises(BotlibError, match=r"blend_words\.json is missing.* run 03_bert_realism"):
        Scorer(folder)


def test_exporting_what_is_not_there_names_the_notebook(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "bundle.tar.gz"
    assert main(["export", "bert_rank", str(path), "--workspace", str(workspace.root)]) == 1
    assert "train the model first (run 04_bert_upvotes)" in capsys.readouterr().err
    assert not path.exists()
