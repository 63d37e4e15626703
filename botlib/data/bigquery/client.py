"""The connection to BigQuery: credentials, retries that end soon, errors in one clear line."""

import contextlib
from collections.abc import Iterator
from typing import Any

from botlib.errors import BotlibError

# Seconds: a request that gets no answer, and all attempts of a request together.
TIMEOUT, DEADLINE = 30, 45


def new_client(project: str, location: str) -> Any:
    """Return a client with the user's own credentials (Colab's, gcloud's, the environment's)."""
    from google.cloud import bigquery

    return bigquery.Client(project=project or None, location=location or None)


def retry() -> Any:
    """Return how requests are tried again: for less than a minute in all, not for ten."""
    from google.cloud.bigquery import DEFAULT_RETRY

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
        raise BotlibError(f"{_refusal(error)} {where}: {_short(error)}") from error
    except exceptions.NotFound as error:
        raise BotlibError(
            f"a table or dataset is missing in {where}: the public tables have moved before; name "
            f"others, or load dumps with `python -m botlib load-bigquery` ({_short(error)})"
        ) from error
    except (
        exceptions.RetryError,
        exceptions.ServerError,
        network.ConnectionError,
        network.Timeout,
        auth.TransportError,
    ) as error:
        raise BotlibError(
            f"BigQuery can't be reached, or fails, for {DEADLINE} s: check the network and try "
            f"again; months written so far are kept ({_short(error)})"
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
    return (
        "access denied (the public tables have been closed before: load dumps into your own with "
        "`python -m botlib load-bigquery`) to"
    )


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
