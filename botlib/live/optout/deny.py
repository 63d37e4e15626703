"""People and subreddits that a person wants left alone: deny.txt in the workspace."""

import dataclasses
import re
from pathlib import Path

from botlib.errors import BotlibError

_ENTRY = re.compile(r"/?(?:(?:u|user|r)/)?[\w-]{2,30}/?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class DenyList:
    """Whom the bot never answers; names in lower case.

    Attributes:
      people: names of accounts.
      subreddits: names of subreddits.
    """

    people: frozenset[str] = frozenset()
    subreddits: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path | None) -> "DenyList":
        """Returns the list in a file: one name a line, `r/NAME` a subreddit, any other a person.

        `u/NAME` and `NAME` are the same; empty lines and what follows `#` don't count.

        Args:
          path: the file; None or a missing one is an empty list.

        Raises:
          BotlibError: the file can't be read, or a line is no name. Nobody is answered until it is
            mended: a list that isn't understood must not be ignored.
        """
        if path is None or not path.exists():
            return cls()
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BotlibError(f"{path} can't be read ({error}): save it as UTF-8 text") from error
        people, subreddits = set(), set()
        for number, line in enumerate(lines, 1):
            entry = line.partition("#")[0].strip().lower()
            if not entry:
                continue
            if not _ENTRY.fullmatch(entry):
                raise BotlibError(
                    f"{path}, line {number}: {entry!r} is no name: write u/NAME or r/NAME, "
                    "one a line"
                )
            kind, name = split_name(entry)
            (subreddits if kind == "r" else people).add(name)
        return cls(frozenset(people), frozenset(subreddits))

    def reason(self, author: str, subreddit: str) -> str:
        """Returns why a comment is not answered, or ""."""
        if author.lower() in self.people:
            return f"u/{author} is in deny.txt"
        return f"r/{subreddit} is in deny.txt" if subreddit.lower() in self.subreddits else ""


def split_name(text: str) -> tuple[str, str]:
    """Returns "r" or "u" and the bare name of "r/NAME", "/u/NAME", "user/NAME" or "NAME"."""
    kind, _, name = text.strip().strip("/").rpartition("/")
    return ("r" if kind.lower() == "r" else "u"), name
