"""Two models to hand on, and the commands that do it: what the tests of sharing have in common."""

import json
from pathlib import Path

from botlib import model_files
from botlib.__main__ import main
from botlib.manifests import write_manifest
from botlib.workspace import Workspace

NAME = "someone/my-bot"
CONTENT = {
    "gpt2": {
        "ctranslate2/model.bin": bytes(range(256)) * 40,
        "ctranslate2/gpt2.json": b"{}",
    },
    "bert_rank": {"config.json": b"{}", "vocab.txt": b"a\n", "model.onnx": b"onnx" * 500},
}
CARDS = {
    "gpt2": {"base_model": "dialogpt-small", "licence": "mit", "validation_loss": 3.25},
    "bert_rank": {"task": "rank", "head": {"used": False, "gain": -0.0024}},
}


def fill(workspace: Workspace) -> Workspace:
    """Two models whose files are what they are; an import runs none of them."""
    for kind, files in CONTENT.items():
        folder = workspace.gpt2("run1") if kind == "gpt2" else workspace.models / kind
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        model_files.declare(folder, kind, files)
        (folder / "model_card.json").write_text(json.dumps(CARDS[kind]))
        write_manifest(folder, parameters={}, seed=1)
    return workspace


def export(workspace: Workspace, kind: str, target: str, *more: str) -> int:
    return main(["export", kind, target, "--workspace", str(workspace.root), *more])


def take(workspace: Workspace, source: str, *more: str) -> int:
    return main(["import", source, "--workspace", str(workspace.root), *more])


def folder_of(workspace: Workspace, kind: str) -> Path:
    return workspace.gpt2("run1") if kind == "gpt2" else workspace.models / kind


def assert_same(ours: Workspace, theirs: Workspace, kinds=tuple(CONTENT)) -> None:
    for kind in kinds:
        for name, content in CONTENT[kind].items():
            assert (folder_of(theirs, kind) / name).read_bytes() == content
