"""Keeps gpt-2-simple and Keras out of one process: the first switches off what the second needs."""

import os

from botlib.errors import BotlibError

_claimed: str | None = None

# Who uses which, for the message
_USERS = {
    "gpt-2-simple": "GPT-2 training (02_gpt2_finetune) and the reference engine",
    "keras": "BERT training (03_bert_realism, 04_bert_upvotes)",
}


def claim(framework: str) -> None:
    """Reserves this process for "gpt-2-simple" or "keras"; call it before importing either.

    gpt-2-simple turns off eager execution for its whole process, in which Keras models then
    fail far from the cause.

    Raises:
      BotlibError: the other one was claimed before.
    """
    global _claimed
    if framework not in _USERS:
        raise ValueError(f"unknown framework {framework!r}")
    if _claimed not in (None, framework):
        raise BotlibError(
            f"this process already runs {_USERS[_claimed]}; {_USERS[framework]} can't share it: "
            "restart the kernel, or run the notebooks one by one"
        )
    _claimed = framework
    quiet_tensorflow()


def claimed() -> str | None:
    """Returns which framework this process is reserved for, or None."""
    return _claimed


def quiet_tensorflow() -> None:
    """Keeps TensorFlow's start-up notes off stderr, where the progress bar is."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
