"""Downloads OpenAI's GPT-2: with progress, resumed where it stopped, sizes and hashes kept."""

import json
from pathlib import Path

from botlib import http_file
from botlib.errors import BotlibError
from botlib.manifests import hash_path, write_manifest
from botlib.workspace import atomic_file

URL = "https://openaipublic.blob.core.windows.net/gpt-2/models"
NAMES = ("124M", "355M", "774M")
WEIGHTS = "model.ckpt.data-00000-of-00001"
FILES = (
    *("checkpoint", "encoder.json", "hparams.json", "vocab.bpe"),
    *("model.ckpt.index", WEIGHTS),
)
ALTERNATIVE = "give a folder as base_model"


def download(name: str, folder: Path, url: str = URL, progress: bool = True) -> Path:
    """Returns `folder` with a downloaded GPT-2; complete files are not downloaded again.

    A file arrives as NAME.part and gets its name when its size is right, so a kill or a lost
    connection costs only what was not yet written. Sizes and SHA-256 of what came are kept, in
    `downloads.json` file by file and in the manifest; a later call checks the sizes against them.

    Args:
      name: "124M", "355M" or "774M".
      folder: where the files go.
      url: the folder above the models on a server.
      progress: whether to show a bar for each file.

    Returns:
      `folder`.

    Raises:
      BotlibError: no connection, a file cut off again and again, or weights that are too small
        for the sizes in `hparams.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "downloads.json"
    downloaded = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    fetched = False
    for file in FILES:
        path = folder / file
        if path.is_file() and path.stat().st_size == downloaded.get(file, {}).get("bytes"):
            continue
        http_file.fetch(f"{url}/{name}/{file}", path, alternative=ALTERNATIVE, progress=progress)
        downloaded[file] = {"bytes": path.stat().st_size, "sha256": hash_path(path)}
        with atomic_file(record) as out:
            json.dump(downloaded, out, indent=1)
        fetched = True
    _check_weights(folder)
    if fetched:
        write_manifest(folder, parameters={"url": f"{url}/{name}"}, seed=None, extra=downloaded)
    return folder


def parameters_of(hparams: dict[str, int]) -> int:
    """Returns how many parameters a GPT-2 of these sizes has."""
    width = hparams["n_embd"]
    # Attention 4 w², MLP 8 w², biases 9 w, two layer norms 4 w
    layer = 12 * width * width + 13 * width
    embeddings = (hparams["n_vocab"] + hparams["n_ctx"]) * width
    return embeddings + hparams["n_layer"] * layer + 2 * width


def _check_weights(folder: Path) -> None:
    hparams = json.loads((folder / "hparams.json").read_text(encoding="utf-8"))
    needed, got = 4 * parameters_of(hparams), (folder / WEIGHTS).stat().st_size
    if got < needed:
        raise BotlibError(
            f"{folder / WEIGHTS} has {got:,} bytes, but its hparams.json needs {needed:,}: "
            f"delete {folder} and download again"
        )
