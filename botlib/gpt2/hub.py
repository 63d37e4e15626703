"""GPT-2 models from the Hugging Face Hub, made into the checkpoint that gpt-2-simple fine-tunes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from botlib.errors import BotlibError
from botlib.gpt2 import conversation, hub_client, hub_weights
from botlib.gpt2.hub_client import Repository
from botlib.gpt2.hub_weights import KERAS, SAFE
from botlib.gpt2.vocabulary import FILES, Vocabulary
from botlib.manifests import hash_path, read_manifest, write_manifest
from botlib.workspace import atomic_folder

# What users call them → repository, and how a conversation is written for it
KNOWN = {
    "124M": ("openai-community/gpt2", "separator"),
    "355M": ("openai-community/gpt2-medium", "separator"),
    "774M": ("openai-community/gpt2-large", "separator"),
    "distilgpt2": ("distilbert/distilgpt2", "separator"),
    "dialogpt-small": ("microsoft/DialoGPT-small", "turns"),
    "dialogpt-medium": ("microsoft/DialoGPT-medium", "turns"),
    "dialogpt-large": ("microsoft/DialoGPT-large", "turns"),
}
OFFLINE = "choose the profile `offline`, which needs no download"


def source_of(name: str) -> tuple[Repository, str]:
    """Returns the repository of a `base_model`, and the form of its conversations.

    Args:
      name: a name in KNOWN, or hf:OWNER/NAME[@REVISION].

    Raises:
      BotlibError: it is neither.
    """
    if name in KNOWN:
        repository, form = KNOWN[name]
        return Repository(repository), form
    repository = Repository.of(name)
    return repository, _form(repository.name)


def _form(name: str) -> str:
    # DialoGPT's descendants are fine-tuned in DialoGPT's form
    return "turns" if "dialogpt" in name.lower() else "separator"


def fetch(name: str, folder: Path) -> Path:
    """Returns a folder with a model of the Hub as gpt-2-simple takes it; made once.

    huggingface_hub downloads with progress, goes on after a lost connection, and checks hashes.
    A token is read from HF_TOKEN, Colab's secrets or the Hub's own login.

    Args:
      name: see `source_of`.
      folder: where `hparams.json`, `encoder.json`, `vocab.bpe`, `model.ckpt.*` go.

    Raises:
      BotlibError: no connection, no such repository or revision, a gated one, no room, or a
        model that is not a GPT-2 of 1024 tokens with tied embeddings.
    """
    repository, form = source_of(name)
    about = {"repository": repository.name, "revision": repository.revision}
    if read_manifest(folder).get("parameters") == about:
        return folder
    path = _make(
        folder, repository.text, form, lambda f: hub_client.download(repository, f, OFFLINE)
    )
    extra = {"file": path.name, "sha256": hash_path(path), "form": form}
    extra["commit"] = hub_client.commit_of(path)
    extra["licence"] = licence_of(hub_client.download(repository, "README.md", OFFLINE))
    write_manifest(folder, parameters=about, seed=None, extra=extra)
    return folder


def from_folder(source: Path, folder: Path) -> Path:
    """Returns a folder like `fetch`'s, from a model of the Hub that is already on this machine.

    Raises:
      BotlibError: as `fetch`.
    """
    form = _form(source.name)
    if (source / conversation.FILE).is_file():
        form = conversation.read(source)
    files = {path.name: path for path in source.iterdir() if path.is_file()}
    weights = next((files[name] for name in (SAFE, KERAS) if name in files), None)
    about = {"folder": source.name, "sha256": weights and hash_path(weights)}
    if read_manifest(folder).get("parameters") == about:
        return folder
    _make(folder, str(source), form, files.get)
    extra = {"form": form, "licence": licence_of(files.get("README.md"))}
    write_manifest(folder, parameters=about, seed=None, extra=extra)
    return folder


def _make(folder: Path, text: str, form: str, find: Callable[[str], Path | None]) -> Path:
    """Returns the weights' file, after making the checkpoint's folder from what `find` returns.

    The small files come first: what is wrong with a model is said before gigabytes are downloaded.
    """
    config, *vocabulary = (find(file) for file in ("config.json", "vocab.json", "merges.txt"))
    if config is None or None in vocabulary:
        text = f"{text} has no config.json, vocab.json or merges.txt"
        raise BotlibError(f"{text}, so it is not a GPT-2: choose another base_model")
    hparams = hub_weights.sizes(hub_weights.read_config(config, text), text)
    with atomic_folder(folder) as part:
        for file, name in zip(vocabulary, FILES, strict=True):
            shutil.copyfile(file, part / name)
        if (tokens := len(Vocabulary(part))) != hparams["n_vocab"]:
            raise BotlibError(
                f"{text}: its vocabulary has {tokens} tokens, its config says "
                f"{hparams['n_vocab']}: choose another base_model"
            )
        path = find(SAFE) or find(KERAS)
        if path is None:
            raise BotlibError(
                f"{text} has neither {SAFE} nor {KERAS}; a pickle is never opened, since it can "
                "run code: choose another base_model, or a revision that has one "
                "(hf:OWNER/NAME@refs/pr/22)"
            )
        hub_weights.check_room(part, hparams, text)
        weights = hub_weights.checkpoint_weights(hub_weights.read_weights(path), hparams, text)
        (part / "hparams.json").write_text(json.dumps(hparams) + "\n", encoding="utf-8")
        conversation.write(part, form)
        hub_weights.write_checkpoint(weights, part / "model.ckpt")
    return path


def licence_of(readme: Path | None) -> str:
    """Returns the licence in the header of a repository's README.md; "unknown" without one."""
    from huggingface_hub import metadata_load

    try:
        header = metadata_load(readme) if readme else None
    except ValueError:
        # Damaged YAML costs the model nothing
        header = None
    licence = (header or {}).get("license")
    return licence if isinstance(licence, str) else "unknown"
