"""The connection to BigQuery: credentials, retries that end soon, errors in one clear line."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from botlib.errors import BotlibError

# Seconds: a request that gets no answer, and all attempts of a request together.
TIMEOUT, DEADLINE = 30, 45


def new_client(project: str, location: str) -> Any:
    """Return a client with the user's own credentials (Colab's, gcloud's, the environment's).

    On Colab the user is asked to sign in, unless they have.

    Raises:
      BotlibError: the user did not sign in.
    """
    from google.cloud import bigquery

    _sign_in_on_colab()
    return bigquery.Client(project=project or None, location=location or None)


def _sign_in_on_colab() -> None:
    try:
        from google.colab import auth
    except ImportError:
        return
    try:
        auth.authenticate_user()
    except Exception as error:  # Colab raises types it does not export
        raise BotlibError(
            f"signing in to Google failed ({_short(error)}): run this cell again in a browser and "
            "allow it, or take another source: " + OTHER_SOURCES
        ) from error


# When the request in progress, or the last one, began
_began = [time.monotonic()]


def retry() -> Any:
    """Return how a request is tried again: for less than a minute in all, not for ten.

    Call it for each request: an error tells the time since.
    """
    from google.cloud.bigquery import DEFAULT_RETRY

    _began[0] = time.monotonic()
    return DEFAULT_RETRY.with_timeout(DEADLINE)


@contextlib.contextmanager
def clear_errors(project: str, *datasets: str) -> Iterator[None]:
    """Say in one line what Google's errors mean, and what to do."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from requests import exceptions as network

    where = f"{' and '.join(datasets)} (project {project or 'by default'})"
    try:
        yield
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise BotlibError(
            "no Google credentials: on Colab run google.colab.auth.authenticate_user(), elsewhere "
            f"`gcloud auth application-default login` ({_short(error)})"
        ) from error
    except (exceptions.Forbidden, exceptions.TooManyRequests) as error:
        refusal = _refusal(error)
        if refusal == _DENIED:
            raise BotlibError(
                f"{refusal} {where}: {_closed(datasets)} ({_short(error)})"
            ) from error
        raise BotlibError(f"{refusal} {where}: {_short(error)}") from error
    except exceptions.NotFound as error:
        raise BotlibError(
            f"a table or dataset is missing in {where}: {_closed(datasets)} ({_short(error)})"
        ) from error
    except (
        exceptions.RetryError,
        exceptions.ServerError,
        network.ConnectionError,
        network.Timeout,
        auth.TransportError,
    ) as error:
        raise BotlibError(
            f"BigQuery can't be reached, or fails, for {time.monotonic() - _began[0]:.0f} s: check "
            f"the network and try again; months written so far are kept ({_short(error)})"
        ) from error
    except exceptions.GoogleAPICallError as error:
        raise BotlibError(f"BigQuery refused the query on {where}: {_short(error)}") from error
    except OSError as error:
        if "project" not in str(error).lower():
            raise
        raise BotlibError("set project: the Google Cloud project that pays") from error


def _refusal(error: Exception) -> str:
    reasons = {entry.get("reason") for entry in getattr(error, "errors", []) or []}
    if reasons & {"quotaExceeded", "rateLimitExceeded", "bytesBilledLimitExceeded"}:
        return "a quota of BigQuery is used up (wait, or raise it in the console) for"
    if "billingNotEnabled" in reasons:
        return "billing is not enabled, which this query needs, for"
    return _DENIED


_DENIED = "access denied to"
PUBLIC = "fh-bigquery."
OTHER_SOURCES = (
    "source archive (needs only a subreddit's name), source dumps (files you downloaded), or "
    "tables of your own, made with `python -m botlib load-bigquery`"
)


def _closed(datasets: tuple[str, ...]) -> str:
    """Return what to do about tables that can't be read."""
    if any(name.startswith(PUBLIC) for name in datasets):
        return f"the public tables have been closed to most people since 2025; use {OTHER_SOURCES}"
    return f"check the names and your rights, or use {OTHER_SOURCES}"


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
