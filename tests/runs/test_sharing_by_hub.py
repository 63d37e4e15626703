"""Models by the Hub: there and back, and clear when the world is not as it should be."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from botlib import model_files
from botlib.gpt2 import hub_client
from botlib.runs import model_page, status
from botlib.workspace import Workspace
from tests.hub_server import Hub, connected
from tests.runs.shared_models import CONTENT, NAME, assert_same, export, fill, folder_of, take


@pytest.fixture
def ours(tmp_path: Path) -> Workspace:
    return fill(Workspace.open(tmp_path / "ours", create=True))


@pytest.fixture
def theirs(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "theirs")


@pytest.fixture
def server(monkeypatch, tmp_path: Path) -> Iterator[Hub]:
    with connected(monkeypatch, tmp_path / "cache", token="hf_writer") as running:
        yield running


def test_models_go_to_a_repository_and_come_back_to_the_bit(server: Hub, ours, theirs, capsys):
    for kind in CONTENT:
        assert export(ours, kind, f"hf:{NAME}") == 0
    commit = server.repositories[NAME].branches["main"]
    assert f"{server.url}/{NAME}/commit/{commit}" in capsys.readouterr().out
    assert server.repositories[NAME].private, "trained on what people wrote: for all only if asked"
    assert take(theirs, f"hf:{NAME}") == 0
    assert_same(ours, theirs)
    assert not server.leaked, "the token is for the Hub alone, not for its CDN"
    found = {a.state for a in status.artefacts(theirs) if a.imported}
    assert found == {f"imported from hf:{NAME}@{commit}"}
    # Again: nothing is downloaded, nothing refused
    count = len(server.asked)
    assert take(theirs, f"hf:{NAME}") == 0
    assert server.asked[count:] == [f"GET api/models/{NAME}"]


def test_the_cards_are_the_repositorys_page_with_licence_and_base_model(server: Hub, ours):
    for kind in CONTENT:
        assert export(ours, kind, f"hf:{NAME}", "--public") == 0
    assert not server.repositories[NAME].private
    page = server.repositories[NAME].files["README.md"].decode()
    header = yaml.safe_load(page.split("---\n")[1])
    assert header["license"] == "mit"
    assert header["base_model"] == ["microsoft/DialoGPT-small"]
    assert {"botlib", "gpt2", "bert-rank"} <= set(header["tags"])
    assert f"python -m botlib import hf:{NAME}" in page
    assert "| validation loss | 3.25 |" in page and "| head: gain | -0.0024 |" in page


def test_every_kind_of_model_has_its_place_on_the_page():
    page = model_page.make(NAME, {kind: {"date": "2026-01-01"} for kind in model_files.KINDS})
    assert page.count("## ") == len(model_files.KINDS) + 1


def test_a_page_that_a_person_wrote_stays(server: Hub, ours, capsys):
    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    repository = server.repositories[NAME]
    repository.commit(repository.files | {"README.md": b"---\nlicense: mit\n---\nMine."})
    assert export(ours, "bert_rank", f"hf:{NAME}") == 0
    assert repository.files["README.md"].endswith(b"Mine.")
    assert "is yours and stays" in capsys.readouterr().out


def test_an_export_in_parts_that_broke_off_sends_only_what_is_missing(server: Hub, ours, capsys):
    server.part_bytes = 4096
    server.refuse_after = 2
    assert export(ours, "gpt2", f"hf:{NAME}") == 1
    assert "run this again, which sends only what is missing" in capsys.readouterr().err
    assert "gpt2/bundle.json" not in server.repositories[NAME].files, "all of a model or nothing"
    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    assert export(ours, "bert_rank", f"hf:{NAME}") == 0
    sent = len(server.uploaded)
    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    assert len(server.uploaded) == sent


def test_a_file_that_a_newer_model_lacks_leaves_the_repository(server: Hub, ours, theirs):
    assert export(ours, "bert_rank", f"hf:{NAME}") == 0
    folder = ours.models / "bert_rank"
    (folder / "history.csv").write_text("step\n")
    assert export(ours, "bert_rank", f"hf:{NAME}") == 0
    (folder / "history.csv").unlink()
    assert export(ours, "bert_rank", f"hf:{NAME}") == 0
    assert "bert_rank/history.csv" not in server.repositories[NAME].files
    assert take(theirs, f"hf:{NAME}", "--kind", "bert_rank") == 0


def test_a_token_that_may_not_write_is_said(server: Hub, ours, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert export(ours, "gpt2", f"hf:{NAME}") == 1
    assert "set HF_TOKEN to a token that may read it, and to upload, write" in (
        capsys.readouterr().err
    )
    monkeypatch.setenv("HF_TOKEN", "")
    assert export(ours, "gpt2", f"hf:{NAME}") == 1
    assert "HF_TOKEN" in capsys.readouterr().err
    assert NAME not in server.repositories


def test_the_login_of_the_hubs_own_command_line_is_used(server: Hub, ours, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    login = tmp_path / "token"
    login.write_text("hf_writer")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(login))
    assert export(ours, "gpt2", f"hf:{NAME}") == 0


def test_a_licence_that_the_hub_doesnt_know_is_said(server: Hub, ours, capsys):
    assert export(ours, "gpt2", f"hf:{NAME}", "--licence", "my own") == 1
    assert "choose another --licence" in capsys.readouterr().err


def _another_hash(files: dict[str, bytes]) -> None:
    files["bert_rank/model.onnx"] = b"evil" * 500


def _another_size(files: dict[str, bytes]) -> None:
    files["bert_rank/vocab.txt"] = b"a\nb\n"


def _outside(files: dict[str, bytes]) -> None:
    index = json.loads(files["bert_rank/bundle.json"])
    index["files"]["../../evil"] = index["files"]["vocab.txt"]
    files["bert_rank/bundle.json"] = json.dumps(index).encode()


def _another_kind(files: dict[str, bytes]) -> None:
    files["bert_rank/bundle.json"] = files["gpt2/bundle.json"]


def _absent(files: dict[str, bytes]) -> None:
    del files["bert_rank/vocab.txt"]


def _pickle(files: dict[str, bytes]) -> None:
    index = json.loads(files["bert_rank/bundle.json"])
    index["files"]["model.pkl"] = index["files"]["vocab.txt"]
    files["bert_rank/bundle.json"] = json.dumps(index).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_another_hash, "the hash of bert_rank/model.onnx differs"),
        (_another_size, "the hash of bert_rank/vocab.txt differs"),
        (_outside, "outside the model's folder"),
        (_another_kind, "its folder bert_rank holds a gpt2 model"),
        (_absent, "'bert_rank/vocab.txt' is missing"),
        (_pickle, "'model.pkl' is not a model file"),
    ],
)
def test_a_repository_that_was_tampered_with_is_refused(
    server: Hub, ours, theirs, capsys, change, reason
):
    for kind in CONTENT:
        assert export(ours, kind, f"hf:{NAME}") == 0
    files = dict(server.repositories[NAME].files)
    change(files)
    server.repositories[NAME].commit(files)
    assert take(theirs, f"hf:{NAME}", "--kind", "bert_rank") == 1
    assert reason in capsys.readouterr().err
    assert not folder_of(theirs, "bert_rank").exists()


def test_what_can_go_wrong_with_a_repository_is_said(server: Hub, ours, theirs, capsys, tmp_path):
    def said(source: str, *more: str) -> str:
        assert take(theirs, source, *more) == 1
        error = capsys.readouterr().err.strip()
        assert "\n" not in error
        return error

    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    capsys.readouterr()
    assert "is not on the Hub, or private" in said("hf:nobody/nothing")
    assert "has no such revision" in said(f"hf:{NAME}@v2")
    assert "is not hf:OWNER/NAME" in said("hf:my-bot")
    assert "has no bert_rank model" in said(f"hf:{NAME}", "--kind", "bert_rank")
    server.add("someone/plain", tmp_path / "absent")
    assert "has no models of botlib" in said("hf:someone/plain")
    fill(theirs)
    assert "already exists: add --replace" in said(f"hf:{NAME}")
    assert take(theirs, f"hf:{NAME}", "--replace") == 0
    capsys.readouterr()
    server.repositories[NAME].gated = True
    assert "is gated" in said(f"hf:{NAME}")


def test_an_import_that_broke_off_resumes(server: Hub, ours, theirs):
    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    sha = hashlib.sha256(CONTENT["gpt2"]["ctranslate2/model.bin"]).hexdigest()
    server.cut[sha] = 5000
    assert take(theirs, f"hf:{NAME}") == 0
    assert_same(ours, theirs, ["gpt2"])
    assert server.asked.count(f"GET cdn/{sha}") == 2


def test_a_full_disk_is_said_before_the_download(server: Hub, ours, theirs, capsys, monkeypatch):
    assert export(ours, "gpt2", f"hf:{NAME}") == 0
    usage = shutil.disk_usage(ours.root)._replace(free=2000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert take(theirs, f"hf:{NAME}") == 1
    assert "free some space" in capsys.readouterr().err
    assert not theirs.gpt2("run1").exists()


def test_an_empty_token_means_the_hubs_own_login(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "")
    assert hub_client.token() is None
