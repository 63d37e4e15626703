"""The Keras model: a TF Hub encoder and a small head; and the loss of each task."""

import math
import re

import numpy as np

from botlib.bert.encoder import INPUTS, Encoder
from botlib.bert.examples import Examples
from botlib.bert.legacy_keras import keras as legacy_keras
from botlib.bert.legacy_keras import tensorflow, tensorflow_hub
from botlib.errors import BotlibError
from botlib.probabilities import softmax

POOLINGS = ("cls", "pair")
# Replies further apart than this got their scores under different conditions
SIBLING_SECONDS = 3600.0


def build(encoder: Encoder, outputs: int, *, pooling: str, dropout: float, seed: int):
    """Returns a Keras model from BERT's three inputs to logits of shape (pairs, outputs).

    Args:
      encoder: what `encoder.load` returned.
      outputs: classes, or 1 for a ranking score.
      pooling: "cls" takes the encoder's pooled output, as BERT was meant; "pair" adds the largest
        hidden states of comment and reply, multiplied, and their distance: a short way to see
        whether the two match (after Sentence-BERT, https://arxiv.org/abs/1908.10084).
      dropout: before the last layer.
      seed: of the head's weights.
    """
    tf, hub = tensorflow(), tensorflow_hub()
    keras = legacy_keras()
    if pooling not in POOLINGS:
        raise BotlibError(f"pooling must be one of {', '.join(POOLINGS)}; not {pooling!r}")

    class PairPooling(keras.layers.Layer):
        def call(self, inputs):
            states, mask, types = inputs
            mask, types = tf.cast(mask, states.dtype), tf.cast(types, states.dtype)
            first = _largest(tf, states, mask * (1 - types))
            second = _largest(tf, states, mask * types)
            return tf.concat([first * second, tf.abs(first - second)], axis=-1)

    inputs = {name: keras.Input([None], dtype=tf.int32, name=name) for name in INPUTS}
    encoded = hub.KerasLayer(str(encoder.folder), trainable=True, name="encoder")(inputs)
    features = encoded["pooled_output"]
    if pooling == "pair":
        states = encoded["sequence_output"]
        largest = PairPooling()([states, inputs["input_mask"], inputs["input_type_ids"]])
        features = keras.layers.Concatenate()([features, largest])
    features = keras.layers.Dropout(dropout, seed=seed)(features)
    initial = keras.initializers.TruncatedNormal(stddev=0.02, seed=seed)
    logits = keras.layers.Dense(outputs, kernel_initializer=initial, name="head")(features)
    return keras.Model(inputs, logits)


def mean_state(encoder: Encoder):
    """Returns a Keras model from BERT's three inputs to the mean of the last layer's states.

    Shape (texts, hidden_size); nothing in it is trained.
    """
    tf, hub = tensorflow(), tensorflow_hub()
    keras = legacy_keras()

    class Mean(keras.layers.Layer):
        def call(self, inputs):
            states, mask = inputs
            mask = tf.cast(mask, states.dtype)[:, :, None]
            return tf.reduce_sum(states * mask, axis=1) / tf.reduce_sum(mask, axis=1)

    inputs = {name: keras.Input([None], dtype=tf.int32, name=name) for name in INPUTS}
    encoded = hub.KerasLayer(str(encoder.folder), trainable=False, name="encoder")(inputs)
    return keras.Model(inputs, Mean()([encoded["sequence_output"], inputs["input_mask"]]))


def _largest(tf, states, mask):
    return tf.reduce_max(states - 1e4 * (1 - mask)[:, :, None], axis=1)


def trained_variables(model, trained_layers: int) -> list:
    """Returns the variables to train: all, or the head and so many of the top layers.

    Args:
      model: what `build` returned.
      trained_layers: 0 trains everything; n leaves the embeddings and all but the n top layers
        as they are, which saves their share of the time.
    """
    variables = model.trainable_variables
    numbers = [_layer_number(variable.name) for variable in variables]
    if not trained_layers:
        return variables
    first = max((n for n in numbers if n is not None), default=-1) + 1 - trained_layers
    return [
        variable
        for variable, number in zip(variables, numbers, strict=True)
        if "embedding" not in variable.name and (number is None or number >= first)
    ]


def _layer_number(name: str) -> int | None:
    match = re.search(r"(?:^|/)layer_(\d+)/", name)
    return int(match[1]) if match else None


def loss_sums(task: str, logits, batch) -> tuple:
    """Returns the sum of a batch's weighted losses and the sum of the weights.

    Two sums, not a mean: replicas and batches of unequal size then add up rightly.
    """
    if task == "rank":
        return _pairwise_sums(logits[:, 0], batch)
    tf = tensorflow()
    labels = tf.cast(batch["labels"], tf.int32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_sum(losses * batch["weights"]), tf.reduce_sum(batch["weights"])


def _pairwise_sums(scores, batch) -> tuple:
    """RankNet's loss over siblings (Burges 2005): log(1 + exp(worse - better))."""
    tf = tensorflow()
    labels, groups, times = batch["labels"], batch["groups"], batch["times"]
    same = tf.cast(groups[:, None] == groups[None, :], tf.float32)
    near = tf.abs(times[:, None] - times[None, :]) <= SIBLING_SECONDS
    gaps = labels[:, None] - labels[None, :]
    better = same * tf.cast(near & (gaps > 0), tf.float32)
    # A gap of 20 says more than one of 1, but not twenty times more; and a comment with a hundred
    # pairs more than one with a single pair, but not a hundred times more
    pairs = tf.reduce_sum(same * tf.reduce_sum(better, axis=1)[None, :], axis=1)
    weights = better * tf.math.log1p(tf.maximum(gaps, 0.0))
    weights *= (batch["weights"] / tf.sqrt(tf.maximum(pairs, 1.0)))[:, None]
    # What a reply owes to its time is taken as given, so that the text learns the rest
    scores += batch["offsets"]
    losses = tf.nn.softplus(scores[None, :] - scores[:, None])
    return tf.reduce_sum(losses * weights), tf.reduce_sum(weights)


def metric(task: str, examples: Examples, logits: np.ndarray) -> float:
    """Returns the AUC (macro, one against the rest), or for ranking the share of pairs in order."""
    from sklearn.metrics import roc_auc_score

    labels = examples.labels
    if task != "rank":
        present = [c for c in range(logits.shape[1]) if 0 < np.mean(labels == c) < 1]
        scores = softmax(logits)
        return float(np.mean([roc_auc_score(labels == c, scores[:, c]) for c in present]))
    right = total = 0.0
    for group in np.split(
        order := np.argsort(examples.groups, kind="stable"),
        np.flatnonzero(np.diff(examples.groups[order])) + 1,
    ):
        near = np.abs(np.subtract.outer(examples.times[group], examples.times[group]))
        better = (np.subtract.outer(labels[group], labels[group]) > 0) & (near <= SIBLING_SECONDS)
        gaps = np.subtract.outer(logits[group, 0], logits[group, 0])[better]
        right += np.sum(gaps > 0) + 0.5 * np.sum(gaps == 0)
        total += better.sum()
    return float(right / total) if total else math.nan
