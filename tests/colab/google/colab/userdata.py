"""Without a browser a secret never arrives: the real call gives up after ten seconds."""


class SecretNotFoundError(Exception):
    pass


class NotebookAccessError(Exception):
    pass


class TimeoutException(Exception):
    pass


def get(key: str) -> str:
    raise TimeoutException(f"Requesting secret {key} timed out.")
