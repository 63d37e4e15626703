"""TensorFlow with the Keras that TF Hub needs, set up in one place before its first import."""

import os
import warnings

from botlib import frameworks


def tensorflow():
    """Returns TensorFlow 2, quiet about what it can't change; for its Keras see `keras`.

    Raises:
      BotlibError: gpt-2-simple, which turns off eager execution, already has this process.
    """
    frameworks.claim("keras")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf


def keras():
    """Returns tf-keras, whose layers TF Hub's are.

    Not `tf.keras`: that is Keras 3 where something read it before the variable above was set.
    """
    tensorflow()
    import tf_keras

    return tf_keras


def tensorflow_hub():
    """Returns tensorflow_hub; its import of pkg_resources warns of an end that requirements cap."""
    tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_hub as hub

    return hub
