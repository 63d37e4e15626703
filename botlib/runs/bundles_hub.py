"""Trained models on the Hugging Face Hub: a folder for each, hashes checked on the way in."""

import json
import shutil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from botlib import model_files
from botlib.errors import BotlibError
from botlib.gpt2 import hub_client
from botlib.gpt2.hub_client import Repository
from botlib.manifests import hash_path, read_manifest
from botlib.runs import bundles, model_page
from botlib.workspace import Workspace, atomic_folder

README = "README.md"


def write(
    kind: str,
    workspace: Workspace,
    repository: Repository,
    run_name: str = "run1",
    public: bool = False,
    licence: str = "",
) -> str:
    """Returns the address of a commit that puts a model into a repository, in a folder KIND.

    The repository is made if it isn't there. Its README.md is written from the cards of all
    models in it, unless a person wrote their own. Files that are there already are not sent
    again, so a call that broke off can be repeated.

    Args:
      kind: one of `model_files.KINDS`.
      workspace: holds the model.
      repository: where it goes; a revision must be a branch.
      run_name: which run, for "gpt2".
      public: whether a new repository can be seen by all.
      licence: of the models, by the Hub's name for it; empty: that of the base model.

    Raises:
      BotlibError: the model is missing or incomplete, no token that may write, no connection, or
        the Hub refuses the header of the README.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    folder, index, declaration = bundles.contents(kind, workspace, run_name)
    api = _api()
    with hub_client.clear_errors(repository):
        api.create_repo(repository.name, private=not public, exist_ok=True)
        there = set(api.list_repo_files(repository.name, revision=repository.revision))
        files: dict[str, Any] = {
            f"{kind}/{bundles.INDEX}": json.dumps(index, indent=1).encode(),
            f"{kind}/{model_files.FILE}": declaration,
        }
        for name in index["files"]:
            files.setdefault(f"{kind}/{name}", str(folder / name))
        if page := _page(kind, folder, repository, there, licence):
            files[README] = page.encode()
        gone = [n for n in there if n.startswith(f"{kind}/") and n not in files]
        operations = [CommitOperationAdd(name, source) for name, source in files.items()]
        operations += [CommitOperationDelete(name) for name in gone]
        try:
            commit = api.create_commit(
                repository.name,
                operations,
                commit_message=f"{kind}, exported by botlib",
                revision=repository.revision,
            )
        except ValueError as error:
            raise BotlibError(
                f"{repository.text} refuses the model ({' '.join(str(error).split())[:200]}): "
                "choose another --licence"
            ) from error
        except RuntimeError as error:
            raise BotlibError(
                f"{repository.text}: an upload broke off ({error.__cause__ or error}): run this "
                "again, which sends only what is missing"
            ) from error
    return commit.commit_url


def read(
    repository: Repository,
    workspace: Workspace,
    run_name: str = "run1",
    replace: bool = False,
    kind: str = "",
) -> list[Path]:
    """Returns the folders of a repository's models, after checking and storing them.

    All files come from one commit. Each model arrives whole or not at all; what an earlier call
    took from the same commit is not taken again.

    Args:
      repository: where they lie.
      workspace: where they go.
      run_name: under which run, for "gpt2".
      replace: whether to replace models that are there.
      kind: only this one; empty: all that are there.

    Raises:
      BotlibError: no connection, no such repository or revision, no model in it, a hash that
        differs, no room, or a model already exists.
    """
    with hub_client.clear_errors(repository):
        info = _api().model_info(repository.name, revision=repository.revision)
    names = {sibling.rfilename for sibling in info.siblings or []}
    kinds = [k for k in model_files.KINDS if f"{k}/{bundles.INDEX}" in names and kind in ("", k)]
    if not kinds:
        what = f"no {kind} model" if kind else "no models"
        raise BotlibError(
            f"{repository.text} has {what} of botlib: check the name; a base model of the Hub is "
            "used as base_model, without an import"
        )
    pinned = Repository(repository.name, info.sha)
    origin = f"hf:{pinned.text}"
    free = {
        k: bundles.folder_of(k, workspace, run_name)
        if _origin(bundles.folder_of(k, workspace, run_name)) == origin
        else bundles.free_folder(k, workspace, run_name, replace)
        for k in kinds
    }
    return [
        folder if _origin(folder) == origin else _take(k, pinned, folder, origin)
        for k, folder in free.items()
    ]


def _take(kind: str, repository: Repository, folder: Path, origin: str) -> Path:
    content = _file(repository, f"{kind}/{bundles.INDEX}").read_bytes()
    if len(content) > bundles.MOST_INDEX_BYTES:
        raise bundles.refused(origin, f"its {bundles.INDEX} is too large")
    index = bundles.checked_index(content, origin)
    if index["kind"] != kind:
        raise bundles.refused(origin, f"its folder {kind} holds a {index['kind']} model")
    total = sum(about["bytes"] for about in index["files"].values())
    folder.parent.mkdir(parents=True, exist_ok=True)
    if total > (free := shutil.disk_usage(folder.parent).free):
        raise BotlibError(
            f"{origin} needs {total / 1e9:.2f} GB in {folder.parent}, which has "
            f"{free / 1e9:.2f} GB left: free some space"
        )
    with atomic_folder(folder) as part:
        for name, about in tqdm(index["files"].items(), desc=f"importing {kind}", unit="file"):
            path = _file(repository, f"{kind}/{name}")
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if target.stat().st_size != about["bytes"] or hash_path(target) != about["sha256"]:
                raise bundles.refused(origin, f"the hash of {kind}/{name} differs from its index")
        bundles.check(part, index, origin)
        bundles.forget_inputs(part, origin)
    return folder


def _page(
    kind: str, folder: Path, repository: Repository, there: set[str], licence: str
) -> str | None:
    """Returns the README of all models in a repository; None if a person wrote their own."""
    where = Repository(repository.name, repository.revision)
    if README in there:
        page = _file(where, README).read_text(encoding="utf-8")
        if model_page.MARK not in page:
            print(f"{README} of {repository.text} is yours and stays as it is.")
            return None
    cards = {kind: _card(folder / "model_card.json")}
    for other in model_files.KINDS:
        if other != kind and f"{other}/model_card.json" in there:
            cards[other] = _card(_file(where, f"{other}/model_card.json"))
    return model_page.make(repository.name, cards, licence)


def _card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _file(repository: Repository, name: str) -> Path:
    path = hub_client.download(repository, name)
    if path is None:
        raise bundles.refused(f"hf:{repository.text}", f"{name!r} is missing")
    return path


def _origin(folder: Path) -> str:
    return read_manifest(folder).get("imported", {}).get("from", "")


def _api() -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub_client.endpoint(), token=hub_client.token())
