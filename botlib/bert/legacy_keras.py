"""TensorFlow with the Keras that TF Hub needs, set up in one place before its first import."""

import os
import warnings

from botlib import frameworks


def tensorflow():
    """Returns TensorFlow 2 with `tf.keras` from tf-keras, quiet about what it can't change.

    Raises:
      BotlibError: gpt-2-simple, which turns off eager execution, already has this process.
    """
    frameworks.claim("keras")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf


def tensorflow_hub():
    """Returns tensorflow_hub; its import of pkg_resources warns of an end that requirements cap."""
    tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_hub as hub

    return hub
