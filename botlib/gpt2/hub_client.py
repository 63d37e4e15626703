"""Files of the Hugging Face Hub, by repository and revision; its errors in one clear line."""

import contextlib
import dataclasses
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from botlib import credentials
from botlib.errors import BotlibError

PREFIX = "hf:"
_SPELLING = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
# The HTTP library depends on the version of huggingface_hub
_HTTP = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")


@dataclasses.dataclass(frozen=True)
class Repository:
    """A repository of the Hub: `name` is OWNER/NAME; without a revision, its main branch."""

    name: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str, setting: str = "base_model") -> "Repository":
        """Returns the repository of hf:OWNER/NAME[@REVISION].

        Raises:
          BotlibError: it is spelled otherwise; names the setting.
        """
        if not (match := _SPELLING.fullmatch(text)):
            raise BotlibError(
                f"{setting}: {text!r} is not hf:OWNER/NAME or hf:OWNER/NAME@REVISION: "
                "write it as the Hub does, such as hf:microsoft/DialoGPT-small"
            )
        return cls(match[1], match[2])

    @property
    def text(self) -> str:
        return self.name + (f"@{self.revision}" if self.revision else "")


def download(repository: Repository, file: str, offline: str = "") -> Path | None:
    """Returns a file's path in the Hub's cache, or None if the repository doesn't have it.

    huggingface_hub shows progress, resumes after a lost connection and checks sizes; what is in
    the cache is not downloaded again.

    Args:
      repository: where it lies.
      file: its path there.
      offline: what the user can do where the Hub can't be reached, for the error.

    Raises:
      BotlibError: no connection, no such repository or revision, no access, or no room.
    """
    from huggingface_hub import errors, hf_hub_download

    with clear_errors(repository, offline), warnings.catch_warnings():
        # The library only warns, and then fills the disk
        warnings.filterwarnings("error", message="Not enough free disk space")
        try:
            path = hf_hub_download(
                repository.name,
                file,
                revision=repository.revision,
                token=token(),
                endpoint=endpoint(),
            )
        except errors.LocalEntryNotFoundError:
            raise
        except errors.EntryNotFoundError:
            return None
    return Path(path)


def endpoint() -> str | None:
    """Returns the address of another Hub, or of a mirror, if HF_ENDPOINT is set."""
    return os.environ.get("HF_ENDPOINT") or None


def token() -> str | None:
    """Returns HF_TOKEN from the environment or Colab's secrets; None: the Hub's own login."""
    return credentials.get("HF_TOKEN")


def commit_of(path: Path) -> str:
    """Returns the commit of a cached file: …/snapshots/COMMIT/model.safetensors."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else ""


@contextlib.contextmanager
def clear_errors(repository: Repository, offline: str = "") -> Iterator[None]:
    """Turns the Hub library's errors into one line each.

    Raises:
      BotlibError: what is wrong, and what cures it.
    """
    from huggingface_hub import errors

    refusals = {
        errors.GatedRepoError: "is gated: accept its terms on the Hub, then set HF_TOKEN",
        errors.RevisionNotFoundError: "has no such revision: check it, or leave it out",
        errors.RepositoryNotFoundError: "is not on the Hub, or private: check it, or set HF_TOKEN",
    }
    try:
        yield
    except BotlibError:
        raise
    except tuple(refusals) as error:
        reason = next(text for kind, text in refusals.items() if isinstance(error, kind))
        raise BotlibError(f"{repository.text} {reason}") from error
    except UserWarning as warning:
        raise BotlibError(
            f"{repository.text} doesn't fit on the disk ({_line(warning)}): free some space, or "
            "move the Hub's cache with HF_HOME"
        ) from warning
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(repository, error.__cause__ or error, offline) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        if status in (401, 403):
            raise BotlibError(
                f"{repository.text}: the Hub refuses access ({status}): set HF_TOKEN to a token "
                "that may read it, and to upload, write"
            ) from error
        raise _unreachable(repository, error, offline) from error
    except Exception as error:
        if isinstance(error, ConnectionError) or type(error).__module__.split(".")[0] in _HTTP:
            raise _unreachable(repository, error, offline) from error
        if isinstance(error, OSError):
            raise BotlibError(
                f"{repository.text} can't be stored ({_line(error)}): free some space, or move "
                "the Hub's cache with HF_HOME"
            ) from error
        raise


def _unreachable(repository: Repository, error: BaseException, offline: str) -> BotlibError:
    cure = "check the network and run this again" + (f", or {offline}" if offline else "")
    return BotlibError(
        f"the Hugging Face Hub can't be reached for {repository.text} ({_line(error)}): {cure}"
    )


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
