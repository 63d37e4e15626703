"""Keeps gpt-2-simple and Keras in separate processes: the first turns off what the second needs."""

import logging
import os
import sys
import tempfile

from botlib.errors import BotlibError

_claimed: str | None = None

# What uses each framework, for the error
_USERS = {
    "gpt-2-simple": "GPT-2 training (02_gpt2_finetune) and the reference engine",
    "keras": "BERT training (03_bert_realism, 04_bert_upvotes)",
}


def claim(framework: str) -> None:
    """Reserves this process for "gpt-2-simple" or "keras"; call it before importing either.

    gpt-2-simple turns off eager execution for its whole process, in which Keras models then
    fail far from the cause.

    Raises:
      BotlibError: the other framework was claimed before.
    """
    global _claimed
    if framework not in _USERS:
        raise ValueError(f"unknown framework {framework!r}")
    if _claimed not in (None, framework):
        raise BotlibError(
            f"this process already runs {_USERS[_claimed]}; {_USERS[framework]} needs "
            "another one: restart the kernel, or run each notebook in its own kernel"
        )
    _claimed = framework
    quiet_tensorflow()


def quiet_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages, which break progress bars.

    They come from C++ before any log level applies, so the process's stderr is held back during
    the import, and shown if the import fails. Later notes ("Assets written to …") are left out
    by a filter: in a notebook TensorFlow sets its logger's level itself.
    """
    logging.getLogger("tensorflow").addFilter(_is_warning)
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            captured.seek(0)
            os.write(stderr, captured.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
