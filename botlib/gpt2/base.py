"""The base model of fine-tuning: downloaded, from a folder, or made here with random weights."""

import json
import re
from pathlib import Path

from botlib import frameworks
from botlib.errors import BotlibError
from botlib.gpt2 import hub, hub_client, vocabulary
from botlib.gpt2.convert import read_hparams
from botlib.gpt2.download import NAMES, download
from botlib.gpt2.hub_weights import N_CTX
from botlib.manifests import hash_path, read_manifest, write_manifest
from botlib.settings import Gpt2Settings
from botlib.tables import GPT2_FINETUNE, read_table
from botlib.workspace import Workspace, atomic_folder


def base_model(name: str, workspace: Workspace, settings: Gpt2Settings) -> Path:
    """Returns a folder with `hparams.json`, `encoder.json`, `vocab.bpe` and `model.ckpt.*`.

    Args:
      name: "124M", "355M" or "774M" (from OpenAI or, if that fails, from the Hub), "distilgpt2",
        "dialogpt-small", "dialogpt-medium", "dialogpt-large" or hf:OWNER/NAME[@REVISION] (from
        the Hub), "scratch" (random weights and a vocabulary of its own, made from
        gpt2_finetune.csv), or a folder of OpenAI's or of the Hub's form.
      workspace: keeps what is downloaded or made.
      settings: sizes of a model from scratch, and the seed of its weights.

    Raises:
      BotlibError: no such model, a download that was cut off, or a folder that is not a GPT-2.
    """
    if name == "scratch":
        return _scratch(workspace, settings)
    if name in NAMES:
        return _openai(name, workspace.gpt2_base(name))
    if name in hub.KNOWN or name.startswith(hub_client.PREFIX):
        return hub.fetch(name, workspace.gpt2_base(re.sub(r"[^\w.-]+", "--", name)))
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise BotlibError(
            f"base_model must be {', '.join(hub.KNOWN)}, hf:OWNER/NAME, scratch or a folder; "
            f"{name!r} is none of them"
        )
    if (folder / "config.json").is_file() and not (folder / "hparams.json").is_file():
        return hub.from_folder(folder, workspace.gpt2_base(folder.name))
    if read_hparams(folder)["n_ctx"] != N_CTX:
        raise BotlibError(
            f"{folder}: n_ctx must be {N_CTX}, the length of gpt-2-simple's windows"
            ": choose another base_model"
        )
    vocabulary.Vocabulary(folder)
    return folder


def _openai(name: str, folder: Path) -> Path:
    """Downloads a model from OpenAI, and from the Hub if that fails."""
    if read_manifest(folder).get("parameters", {}).get("repository"):
        return hub.fetch(name, folder)
    try:
        return download(name, folder)
    except BotlibError as error:
        print(f"{error}\nTrying the Hugging Face Hub, which has the same model.")
        return hub.fetch(name, folder)


def _scratch(workspace: Workspace, settings: Gpt2Settings) -> Path:
    """Makes the small model, unless the same one is already there."""
    folder = workspace.gpt2_base("scratch")
    parameters = {
        "n_layer": settings.scratch_layers,
        "n_embd": settings.scratch_width,
        "n_head": settings.scratch_heads,
        "vocabulary": settings.scratch_vocabulary,
    }
    source = workspace.gpt2_finetune
    manifest = read_manifest(folder)
    same = manifest.get("parameters") == parameters and manifest.get("seed") == settings.seed
    if same and hash_path(source) in manifest.get("inputs", {}).values():
        return folder
    if settings.scratch_width % settings.scratch_heads:
        raise BotlibError(
            f"scratch_width={settings.scratch_width} must be a multiple of "
            f"scratch_heads={settings.scratch_heads}: change one of them"
        )
    texts = read_table(source, GPT2_FINETUNE)["text"]
    with atomic_folder(folder) as part:
        vocabulary.learn(texts, settings.scratch_vocabulary, part)
        hparams = {
            "n_vocab": len(vocabulary.Vocabulary(part)),
            "n_ctx": N_CTX,
            "n_embd": settings.scratch_width,
            "n_head": settings.scratch_heads,
            "n_layer": settings.scratch_layers,
        }
        (part / "hparams.json").write_text(json.dumps(hparams) + "\n", encoding="utf-8")
        random_weights(part, settings.seed)
    write_manifest(folder, inputs=[source], parameters=parameters, seed=settings.seed)
    return folder


def random_weights(folder: Path, seed: int) -> None:
    """Writes `model.ckpt` with gpt-2-simple's own initial weights for a folder's `hparams.json`.

    Starting from word vectors instead, as the scratch encoder does, was tried on 22,000 real
    pairs and learned more slowly: perplexity 526 against 428 after 140 steps.
    """
    frameworks.claim("gpt-2-simple")
    import gpt_2_simple  # noqa: F401 - first, since it switches off eager execution
    import tensorflow as tf
    from gpt_2_simple.src import model

    hparams = model.default_hparams()
    hparams.override_from_dict(read_hparams(folder))
    with tf.Graph().as_default():
        tf.compat.v1.set_random_seed(seed)
        model.model(hparams=hparams, X=tf.compat.v1.placeholder(tf.int32, [1, None]))
        saver = tf.compat.v1.train.Saver(
            tf.compat.v1.trainable_variables(), save_relative_paths=True
        )
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            saver.save(session, str(folder / "model.ckpt"), write_meta_graph=False)
