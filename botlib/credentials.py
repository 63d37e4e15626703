"""Secrets: argument, then environment, then Colab's secrets; never printed, logged or stored."""

import os


def get(name: str, value: str | None = None) -> str | None:
    """Returns a secret, or None if none of the three places has it.

    Args:
      name: its name in the environment and among Colab's secrets, such as REDDIT_CLIENT_ID.
      value: the caller's own; wins if not empty.
    """
    return value or os.environ.get(name) or _from_colab(name)


def _from_colab(name: str) -> str | None:
    try:
        from google.colab import userdata
    except ImportError:
        return None
    try:
        return userdata.get(name)
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError):
        return None
    except userdata.TimeoutException:
        # No browser behind the kernel: a batch run has its secrets in the environment
        return None
