"""Converts a gpt-2-simple checkpoint to CTranslate2, which generates without TensorFlow."""

import json
import shutil
from pathlib import Path

from botlib import frameworks
from botlib.errors import BotlibError
from botlib.gpt2 import conversation
from botlib.gpt2.vocabulary import END_OF_TEXT, FILES, Vocabulary
from botlib.workspace import atomic_folder

QUANTIZATIONS = ("float32", "float16", "int8", "int8_float16")


def convert(
    checkpoint_folder: Path,
    base_folder: Path,
    out_folder: Path,
    quantization: str = "float32",
    *,
    window: int = 0,
    step: int | None = None,
    context: conversation.Context = conversation.Context(),  # noqa: B008 - frozen
) -> Path:
    """Writes a checkpoint as a CTranslate2 model, with the vocabulary beside it.

    Args:
      checkpoint_folder: folder with `model-N.*` or `model.ckpt.*`.
      base_folder: folder with `hparams.json`, `encoder.json`, `vocab.bpe` (may be the same).
      out_folder: the CTranslate2 folder to be; replaced whole.
      quantization: how weights are stored: one of QUANTIZATIONS. "float32" is exact; it can
        still be computed with as int8, which CTranslate2 decides at load time.
      window: tokens that the model sees at once; 0: its n_ctx.
      step: which checkpoint; None: the latest.
      context: what the model sees above a comment.

    Returns:
      `out_folder`.

    Raises:
      BotlibError: no checkpoint, one cut short, or sizes that don't fit the vocabulary.
    """
    # CTranslate2's own OpenAIGPT2Converter sets `unk_token` on the spec, which version 4.8 no
    # longer has, so the spec is built here with that module's own helpers.
    from ctranslate2.converters.openai_gpt2 import set_decoder
    from ctranslate2.specs import common_spec, transformer_spec

    if quantization not in QUANTIZATIONS:
        raise BotlibError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}, not {quantization!r}"
        )
    hparams = read_hparams(base_folder)
    vocabulary = Vocabulary(base_folder)
    weights = read_weights(checkpoint_folder, step)
    check_shapes(weights, hparams, len(vocabulary), checkpoint_folder)
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        hparams["n_layer"],
        hparams["n_head"],
        pre_norm=True,
        activation=common_spec.Activation.GELUTanh,
    )
    set_decoder(spec.decoder, weights, "model")
    for token in ("unk_token", "bos_token", "eos_token"):
        setattr(spec.config, token, END_OF_TEXT)
    spec.register_vocabulary(vocabulary.tokens)
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    with atomic_folder(out_folder) as folder:
        spec.save(str(folder))
        for name in FILES:
            shutil.copyfile(base_folder / name, folder / name)
        conversation.write(folder, conversation.read(base_folder), context)
        about = {"hparams": hparams, "context": window or hparams["n_ctx"]}
        (folder / "gpt2.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return out_folder


def read_hparams(folder: Path) -> dict[str, int]:
    """Returns a GPT-2 folder's sizes.

    Raises:
      BotlibError: `hparams.json` is missing or lacks a size.
    """
    path = Path(folder) / "hparams.json"
    try:
        hparams = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BotlibError(f"{path} is missing: {folder} is not a GPT-2 model folder") from None
    except ValueError as error:
        raise BotlibError(
            f"{path} is damaged ({error}): delete its folder and run 02_gpt2_finetune"
        ) from error
    for name in ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer"):
        if not isinstance(hparams.get(name), int):
            raise BotlibError(f"{path} has no size {name}: use the file that came with the model")
    return hparams


def read_weights(folder: Path, step: int | None = None) -> dict:
    """Returns the variables of a checkpoint (name → float32 array), optimiser state left out.

    Raises:
      BotlibError: no checkpoint there, or it was cut short.
    """
    frameworks.quiet_tensorflow()
    import tensorflow as tf

    folder = Path(folder)
    prefix = str(folder / f"model-{step}") if step is not None else None
    try:
        # The `checkpoint` file may name an absolute path of another machine: stay in the folder
        latest = tf.train.latest_checkpoint(str(folder))
        prefix = prefix or (latest and str(folder / Path(latest).name))
        if not prefix or not Path(f"{prefix}.index").is_file():
            raise BotlibError(f"{folder} holds no checkpoint: train first (02_gpt2_finetune)")
        reader = tf.train.load_checkpoint(prefix)
        names = [name for name in reader.get_variable_to_shape_map() if name.startswith("model/")]
        return {name: reader.get_tensor(name) for name in names if "/Adam" not in name}
    except (tf.errors.OpError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise BotlibError(
            f"the checkpoint {prefix or folder} was cut short or is damaged ({reason}): "
            "copy it again, or train again"
        ) from error


def check_shapes(weights: dict, hparams: dict, vocabulary: int, source: Path) -> None:
    """Compares a checkpoint with its sizes and its vocabulary.

    Raises:
      BotlibError: they don't fit each other; says the first difference.
    """
    rows = weights["model/wte"].shape[0] if "model/wte" in weights else 0
    if not rows:
        raise BotlibError(f"{source} is not a GPT-2 checkpoint: it has no token embeddings")
    if not rows == hparams["n_vocab"] == vocabulary:
        raise BotlibError(
            f"checkpoint and vocabulary differ in size: {source} has {rows} token "
            f"embeddings, hparams.json says {hparams['n_vocab']}, encoder.json has {vocabulary}: "
            "use the files the checkpoint was trained with"
        )
    width = weights["model/wte"].shape[1]
    layers = sum(name.endswith("/attn/c_attn/w") for name in weights)
    if (width, layers) != (hparams["n_embd"], hparams["n_layer"]):
        raise BotlibError(
            f"{source} has {layers} layers of width {width}, hparams.json says "
            f"{hparams['n_layer']} of {hparams['n_embd']}: use the files it was trained with"
        )
