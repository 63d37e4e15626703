"""The files a model needs: training declares them, scoring checks them, export packs them."""

import json
from collections.abc import Iterable
from pathlib import Path

from botlib.errors import BotlibError
from botlib.workspace import atomic_file

# The declaration, in the folder of every model
FILE = "model.json"
FORMAT = 1
# kind → the notebook that trains it
KINDS = {
    "gpt2": "02_gpt2_finetune",
    "bert_realism": "03_bert_realism",
    "bert_fit": "03_bert_realism",
    "bert_upvotes": "04_bert_upvotes",
    "bert_rank": "04_bert_upvotes",
    "context": "04_bert_upvotes",
}
# These describe a model to people; scoring reads none of them
CARDS = ("model_card.json", "evaluation.json", "history.csv", "losses.csv", "manifest.json")
# Models of botlib 0.1.0 declare nothing. Their files: kind → (required, optional).
_UNDECLARED = {
    "gpt2": (("ctranslate2/model.bin", "ctranslate2/gpt2.json"), ("ctranslate2/*",)),
    "context": (("config.json", "known.npz", "later.npz"), ()),
}
_UNDECLARED_CLASSIFIER = (("config.json", "vocab.txt", "model.onnx"), ("model_int8.onnx",))
_HEAD = ("blend.npz", "blend_words.json")


def declare(folder: Path, kind: str, files: Iterable[str]) -> None:
    """Writes which files of a model's folder are needed to use it.

    Args:
      folder: the model's.
      kind: one of `KINDS`.
      files: paths inside the folder, with "/".
    """
    with atomic_file(Path(folder) / FILE) as file:
        file.write(declaration(kind, files))


def declaration(kind: str, files: Iterable[str]) -> str:
    """Returns what `declare` writes."""
    content = {"format": FORMAT, "kind": kind, "files": sorted(set(files))}
    return json.dumps(content, indent=1) + "\n"


def needed(folder: Path, kind: str) -> list[str]:
    """Returns the files that a model needs, after checking that all of them exist.

    Args:
      folder: the model's; one of botlib 0.1.0 has no declaration, and all its known files
        that exist count, as in that version.
      kind: one of `KINDS`.

    Raises:
      BotlibError: a file is missing, or the declaration is damaged or of another kind.
    """
    folder = Path(folder)
    files = _declared(folder, kind)
    for name in files:
        if not (folder / name).is_file():
            raise BotlibError(
                f"{folder / name} is missing, and {folder.name} can't be used without it: "
                f"run {KINDS[kind]} again, or `python -m botlib import FILE --replace`"
            )
    return files


def _declared(folder: Path, kind: str) -> list[str]:
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stored_kind, names = content["kind"], content["files"]
        is_newer = content["format"] > FORMAT
        if not all(isinstance(name, str) for name in names):
            raise TypeError("files must be names")
    except FileNotFoundError:
        return _undeclared(folder, kind)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BotlibError(
            f"{path} is damaged ({error}): run {KINDS[kind]} again, or import the model again"
        ) from error
    if is_newer:
        raise BotlibError(f"{path} was written by a newer botlib: update botlib")
    if stored_kind != kind:
        raise BotlibError(f"{folder} holds a {stored_kind} model, not a {kind} model")
    return names


def _undeclared(folder: Path, kind: str) -> list[str]:
    required, optional = _UNDECLARED.get(kind, _UNDECLARED_CLASSIFIER)
    names = list(required)
    for pattern in optional:
        names += [p.relative_to(folder).as_posix() for p in folder.glob(pattern) if p.is_file()]
    # 0.1.0 used a head wherever there was one; half of one is damage
    if kind not in _UNDECLARED and any((folder / name).is_file() for name in _HEAD):
        names += _HEAD
    return sorted(set(names))
