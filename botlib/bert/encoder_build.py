"""A BERT encoder as a TF Hub module: from random weights, MiniLM, or a Hugging Face folder.

The SavedModel has the interface of Google's own: called with a dictionary of input_word_ids,
input_mask and input_type_ids, it returns pooled_output and sequence_output.
"""

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from botlib.bert import word_vectors
from botlib.bert.features import (
    SPECIAL_TOKENS,
    PairFeatures,
    read_vocabulary,
    write_vocabulary,
)
from botlib.errors import BotlibError
from botlib.workspace import atomic_folder

# Masked positions get this added to their attention score; -1e9 would overflow in float16
MASKED = -1e4
# Positions a scratch encoder knows; pairs are cut to fewer tokens anyway
SCRATCH_POSITIONS = 512
# Word vectors of a scratch encoder against the 0.02 of its random weights: they lead
VECTOR_SCALE = 0.05


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """The shape of an encoder, in the terms of google-research/bert."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    dropout: float = 0.1


def build_scratch(
    folder: Path, texts: Sequence[str], *, layers: int, width: int, vocabulary: int, seed: int
) -> None:
    """Writes an encoder made from texts alone: vocabulary, word vectors, random layers.

    Args:
      folder: where the SavedModel is written.
      texts: what the vocabulary and the first word vectors are learned from.
      layers: Transformer layers.
      width: hidden size; heads are 64 wide (32 below a width of 128).
      vocabulary: at most so many WordPieces, the five special tokens among them.
      seed: of the random weights.
    """
    pieces = learn_vocabulary(texts, vocabulary)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // (64 if width >= 128 else 32)),
        intermediate_size=4 * width,
        max_position_embeddings=SCRATCH_POSITIONS,
    )
    weights = random_weights(config, seed)
    with tempfile.TemporaryDirectory() as temporary:
        vocab_file = Path(temporary) / "vocab.txt"
        write_vocabulary(vocab_file, pieces)
        documents = PairFeatures(vocab_file, True, SCRATCH_POSITIONS).tokenize(texts)
    vectors = word_vectors.from_cooccurrence(documents, len(pieces), width, seed)
    weights["embeddings/word_embeddings"] += VECTOR_SCALE * np.sqrt(width) * vectors
    save_encoder(folder, config, weights, pieces, do_lower_case=True)


def learn_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Returns a lower-cased WordPiece vocabulary of at most `size` pieces."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [piece for piece, _ in by_id]


def random_weights(config: BertConfig, seed: int) -> dict[str, np.ndarray]:
    """Returns BERT's initial weights: normal with a deviation of 0.02, cut at two of them."""
    generator = np.random.default_rng(seed)
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name.endswith("gamma"):
            weights[name] = np.ones(shape, np.float32)
        elif name.endswith(("beta", "bias")):
            weights[name] = np.zeros(shape, np.float32)
        else:
            draw = generator.standard_normal(shape, np.float32)
            weights[name] = 0.02 * np.clip(draw, -2, 2)
    return weights


def weight_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Returns name → shape of every weight; query, key and value are one matrix, for speed."""
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings/word_embeddings": (config.vocab_size, hidden),
        "embeddings/position_embeddings": (config.max_position_embeddings, hidden),
        "embeddings/type_embeddings": (config.type_vocab_size, hidden),
        "embeddings/layer_norm/gamma": (hidden,),
        "embeddings/layer_norm/beta": (hidden,),
    }
    for number in range(config.num_hidden_layers):
        layer = f"layer_{number}"
        for part, rows, columns in (
            ("self_attention/query_key_value", hidden, 3 * hidden),
            ("self_attention/output", hidden, hidden),
            ("intermediate", hidden, inner),
            ("output", inner, hidden),
        ):
            shapes[f"{layer}/{part}/kernel"] = (rows, columns)
            shapes[f"{layer}/{part}/bias"] = (columns,)
        for part in ("self_attention_layer_norm", "output_layer_norm"):
            shapes[f"{layer}/{part}/gamma"] = (hidden,)
            shapes[f"{layer}/{part}/beta"] = (hidden,)
    shapes["pooler/kernel"] = (hidden, hidden)
    shapes["pooler/bias"] = (hidden,)
    return shapes


def build_huggingface(folder: Path, source: Path, *, layers: int = 0, seed: int = 0) -> None:
    """Turns a Hugging Face BERT folder (config.json, model.safetensors, vocab.txt) into a module.

    Args:
      folder: where the SavedModel is written.
      source: the Hugging Face folder.
      layers: keep only so many of the lowest layers; 0 keeps all.
      seed: of the pooler's random weights where the folder has no pooler.

    Raises:
      BotlibError: a file is missing, the model isn't a BERT, or vocabulary and embedding differ.
    """
    settings = _huggingface_config(source)
    pieces = read_vocabulary(source / "vocab.txt")
    config = BertConfig(
        vocab_size=settings["vocab_size"],
        hidden_size=settings["hidden_size"],
        num_hidden_layers=min(layers or 10**6, settings["num_hidden_layers"]),
        num_attention_heads=settings["num_attention_heads"],
        intermediate_size=settings["intermediate_size"],
        max_position_embeddings=settings["max_position_embeddings"],
        type_vocab_size=settings.get("type_vocab_size", 2),
        layer_norm_eps=settings.get("layer_norm_eps", 1e-12),
        dropout=settings.get("hidden_dropout_prob", 0.1),
    )
    if len(pieces) != config.vocab_size:
        raise BotlibError(
            f"{source}: vocab.txt has {len(pieces)} pieces, but the embedding has "
            f"{config.vocab_size} rows; they must come from the same model"
        )
    weights = _huggingface_weights(source, config, seed)
    save_encoder(folder, config, weights, pieces, do_lower_case=_lower_case(source, pieces))


def _huggingface_config(source: Path) -> dict:
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        if not (source / name).is_file():
            raise BotlibError(f"{source} is not a Hugging Face BERT folder: it lacks {name}")
    settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
    kind = settings.get("model_type", "bert")
    activation = settings.get("hidden_act", "gelu")
    positions = settings.get("position_embedding_type", "absolute")
    if (kind, activation, positions) != ("bert", "gelu", "absolute"):
        raise BotlibError(
            f"{source} is a {kind} with {activation} and {positions} positions; "
            "only BERT with gelu and absolute positions can be converted"
        )
    return settings


def _lower_case(source: Path, pieces: list[str]) -> bool:
    path = source / "tokenizer_config.json"
    if path.is_file():
        lower_case = json.loads(path.read_text(encoding="utf-8")).get("do_lower_case")
        if lower_case is not None:
            return bool(lower_case)
    # Without a word on it: a cased vocabulary has capital letters outside its special tokens
    return not any(piece.isalpha() and piece != piece.lower() for piece in pieces)


def _huggingface_weights(source: Path, config: BertConfig, seed: int) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        stored = load_file(source / "model.safetensors")
    except SafetensorError as error:
        raise BotlibError(f"{source / 'model.safetensors'} is damaged: {error}") from error
    stored = {
        name.removeprefix("bert.").replace(".gamma", ".weight").replace(".beta", ".bias"): value
        for name, value in stored.items()
    }

    def take(*names: str) -> np.ndarray:
        try:
            return np.concatenate([stored[name].astype(np.float32).T for name in names], axis=-1)
        except KeyError as error:
            raise BotlibError(
                f"{source / 'model.safetensors'} lacks {error}: not a BERT"
            ) from error

    weights = random_weights(config, seed) if "pooler.dense.weight" not in stored else {}
    for name in ("word", "position", "type"):
        other = "token_type" if name == "type" else name
        weights[f"embeddings/{name}_embeddings"] = take(f"embeddings.{other}_embeddings.weight").T
    pairs = {"embeddings/layer_norm": ("embeddings.LayerNorm",)}
    for number in range(config.num_hidden_layers):
        ours, theirs = f"layer_{number}", f"encoder.layer.{number}"
        attention = f"{theirs}.attention"
        pairs |= {
            f"{ours}/self_attention/query_key_value": tuple(
                f"{attention}.self.{part}" for part in ("query", "key", "value")
            ),
            f"{ours}/self_attention/output": (f"{attention}.output.dense",),
            f"{ours}/self_attention_layer_norm": (f"{attention}.output.LayerNorm",),
            f"{ours}/intermediate": (f"{theirs}.intermediate.dense",),
            f"{ours}/output": (f"{theirs}.output.dense",),
            f"{ours}/output_layer_norm": (f"{theirs}.output.LayerNorm",),
        }
    if "pooler.dense.weight" in stored:
        pairs["pooler"] = ("pooler.dense",)
    for ours, theirs in pairs.items():
        kernel, bias = ("gamma", "beta") if ours.endswith("layer_norm") else ("kernel", "bias")
        weights[f"{ours}/{kernel}"] = take(*(f"{name}.weight" for name in theirs))
        weights[f"{ours}/{bias}"] = take(*(f"{name}.bias" for name in theirs))
    return weights


def save_encoder(
    folder: Path,
    config: BertConfig,
    weights: Mapping[str, np.ndarray],
    pieces: list[str],
    do_lower_case: bool,
) -> None:
    """Writes a SavedModel that `hub.KerasLayer` takes, its vocabulary among its assets.

    Raises:
      BotlibError: a weight's shape doesn't fit the config.
    """
    from botlib.bert.legacy_keras import tensorflow

    tf = tensorflow()
    for name, shape in weight_shapes(config).items():
        if weights[name].shape != shape:
            raise BotlibError(f"weight {name} has shape {weights[name].shape}, config says {shape}")
    with atomic_folder(folder) as partial:
        vocab_file = partial / "vocab.txt"
        write_vocabulary(vocab_file, pieces)
        bert = _module(tf, config, weights)
        inputs = {
            name: tf.TensorSpec([None, None], tf.int32, name)
            for name in ("input_word_ids", "input_mask", "input_type_ids")
        }
        for training in (True, False):
            bert.call.get_concrete_function(inputs, training=training)
        # The attributes of a reusable SavedModel, as hub.KerasLayer looks for them
        module = tf.train.Checkpoint()
        module.__call__ = bert.call
        module.variables = module.trainable_variables = list(bert.all.values())
        module.vocab_file = tf.saved_model.Asset(str(vocab_file))
        module.do_lower_case = tf.Variable(do_lower_case, trainable=False)
        module.num_attention_heads = tf.Variable(config.num_attention_heads, trainable=False)
        tf.saved_model.save(module, str(partial / "module"))
        for path in (partial / "module").iterdir():
            shutil.move(path, partial / path.name)
        (partial / "module").rmdir()
        vocab_file.unlink()


def _module(tf, config: BertConfig, weights: Mapping[str, np.ndarray]):
    """Returns the tf.Module; a function, as its class needs TensorFlow to be defined."""
    heads = config.num_attention_heads
    head_size = config.hidden_size // heads

    class Bert(tf.Module):
        def __init__(self):
            super().__init__()
            self.all = {
                name: tf.Variable(weights[name], name=name) for name in weight_shapes(config)
            }

        def dense(self, x, name):
            return tf.nn.bias_add(x @ self.all[f"{name}/kernel"], self.all[f"{name}/bias"])

        def layer_norm(self, x, name):
            # Written as PyTorch exports it: ONNX Runtime makes one operation of these nine
            centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
            variance = tf.reduce_mean(tf.pow(centred, 2.0), axis=-1, keepdims=True)
            scaled = centred / tf.sqrt(variance + config.layer_norm_eps)
            return scaled * self.all[f"{name}/gamma"] + self.all[f"{name}/beta"]

        def dropout(self, x, training, seed):
            # A fixed seed in the graph: without one a loaded module is random in every process
            return tf.nn.dropout(x, config.dropout, seed=seed) if training else x

        @tf.function(autograph=False)
        def call(self, inputs, training=False):
            ids, mask = inputs["input_word_ids"], inputs["input_mask"]
            batch, length = tf.shape(ids)[0], tf.shape(ids)[1]
            x = tf.gather(self.all["embeddings/word_embeddings"], ids)
            x += self.all["embeddings/position_embeddings"][:length]
            x += tf.gather(self.all["embeddings/type_embeddings"], inputs["input_type_ids"])
            x = self.dropout(self.layer_norm(x, "embeddings/layer_norm"), training, 1)
            # Two dimensions from here on: one large matrix product instead of a batch of small
            x = tf.reshape(x, [batch * length, config.hidden_size])
            bias = ((1.0 - tf.cast(mask, tf.float32)) * MASKED)[:, None, None, :]
            for number in range(config.num_hidden_layers):
                name, seed = f"layer_{number}", 10 * (number + 1)
                parts = self.dense(x, f"{name}/self_attention/query_key_value")
                parts = tf.reshape(parts, [batch, length, 3, heads, head_size])
                query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
                scores = tf.matmul(query * head_size**-0.5, key, transpose_b=True) + bias
                shares = self.dropout(tf.nn.softmax(scores), training, seed + 1)
                mixed = tf.transpose(shares @ value, [0, 2, 1, 3])
                mixed = tf.reshape(mixed, [batch * length, config.hidden_size])
                mixed = self.dense(mixed, f"{name}/self_attention/output")
                x += self.dropout(mixed, training, seed + 2)
                x = self.layer_norm(x, f"{name}/self_attention_layer_norm")
                inner = self.dense(x, f"{name}/intermediate")
                # tf.nn.gelu emits Erfc, which tf2onnx doesn't know; this form ONNX Runtime fuses
                inner = inner * (1.0 + tf.math.erf(inner / 2**0.5)) * 0.5
                x += self.dropout(self.dense(inner, f"{name}/output"), training, seed + 3)
                x = self.layer_norm(x, f"{name}/output_layer_norm")
            sequence = tf.reshape(x, [batch, length, config.hidden_size])
            pooled = tf.tanh(self.dense(sequence[:, 0], "pooler"))
            return {"pooled_output": pooled, "sequence_output": sequence}

    return Bert()
