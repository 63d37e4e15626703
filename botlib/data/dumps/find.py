"""Finds dump files in folders as people have them, and opens none that can't be wanted."""

import dataclasses
import functools
import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from botlib.data.dumps import parquet
from botlib.data.dumps.files import DamagedFile, blocks, has_wide_window
from botlib.errors import BotlibError

_COMPRESSED = (".zst", ".gz", ".bz2", ".xz")
_LINES = (".ndjson", ".jsonl")
_PARQUET = ".parquet"
_KINDS = {"comments": "comments", "submissions": "submissions", "posts": "submissions"}
_MONTHLY = re.compile(r"R([CS])_(\d{4})-(\d{2})", re.I)
# NAME_comments.zst of the torrents, r_NAME_posts.jsonl of the archive's download page
_NAMED = re.compile(r"(.*)_(comments|submissions|posts)(?=[._]|$)", re.I)
# comments/2020/11/000.parquet, as the whole archive is laid out
_LAYOUT = re.compile(r"/(comments|submissions|posts)/(\d{4})/(\d{2})/[^/]*$", re.I)
_PREFIX = re.compile(r"r_", re.I)
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class DumpFile:
    """One file of a dump: its path, what it holds ("comments" or "submissions"), its month."""

    path: Path
    kind: str
    month: str = ""  # "2019_05" if the name says so, as in RC_2019-05.zst
    address: str = ""  # of a file on a server, such as hf://…; the path is for showing then

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() == _PARQUET

    @property
    def place(self) -> str:
        """The address, or the path."""
        return self.address or str(self.path)

    @property
    def name(self) -> str:
        """What tells it from others: Parquet files are numbered alike in many folders."""
        return "/".join(self.path.parts[-4:]) if self.is_parquet else self.path.name

    @property
    def size(self) -> int:
        """In bytes; 0 on a server."""
        return 0 if self.address else self.path.stat().st_size

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash that changes with the content, at no cost: of the size and of both ends."""
        if self.address:
            return parquet.fingerprint(self.address)
        digest = hashlib.blake2b(f"{self.kind}/{self.size}".encode(), digest_size=16)
        with self.path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, self.size - (1 << 20)))
            digest.update(file.read())
        return digest.hexdigest()

    @property
    def has_wide_window(self) -> bool:
        """Whether decompressing takes a buffer of more than 128 MiB, as of public dumps."""
        return not self.is_parquet and has_wide_window(self.path)


@dataclasses.dataclass(frozen=True)
class Found:
    """What lies at some paths.

    Attributes:
      files: dump files that may hold what is wanted, in order of path.
      unreadable: a line for each file that looks like a dump by name but not inside.
      others: files named for other subreddits, which were not opened.
    """

    files: list[DumpFile]
    unreadable: list[str]
    others: list[Path]


def find_files(paths: str | Path | Iterable[str | Path], subreddits: Iterable[str] = ()) -> Found:
    """Return the dump files that paths, folders (with subfolders) and glob patterns stand for.

    The kind is read off the name (NAME_comments, NAME_submissions, r_NAME_posts, RC_…, RS_…,
    comments/2020/11/000.parquet), else off the first line or the columns. A file found in a folder
    or by a pattern whose name gives a subreddit is left alone unless that one is wanted; a file
    that is given by its path is always taken.

    Args:
      paths: files, folders, patterns; of Parquet also addresses (hf://…/*.parquet).
      subreddits: names wanted, in any case; none for all.

    Raises:
      BotlibError: nothing is there, or no file holds comments, or none submissions.
    """
    given_paths = [paths] if isinstance(paths, str | Path) else list(paths)
    names = {name.lower() for name in subreddits}
    remote = [name for name in map(str, given_paths) if parquet.is_remote(name)]
    explicit, searched = _look([name for name in given_paths if str(name) not in remote])
    others = {path for path in searched - explicit if names and _is_other(path, names)}
    files, unreadable = [], []
    for path in sorted((explicit | searched) - others):
        try:
            kind = _kind(path)
        except DamagedFile as error:
            unreadable.append(str(error))
            continue
        if kind:
            files.append(DumpFile(path, kind, _month(path)))
        elif path in explicit or _is_dump_name(path):
            unreadable.append(
                f"{path}: neither comments nor submissions; name it NAME_comments or "
                "NAME_submissions if it is a dump, else leave it out"
            )
    for pattern in remote:
        for address in parquet.addresses(pattern):
            path = Path(address)
            kind = _kind_by_name(path) or parquet.kind_of(address)
            files.append(DumpFile(path, kind, _month(path), address))
    dump_files = Found(files, unreadable, sorted(others))
    _check(dump_files, given_paths, names)
    return dump_files


def _look(given_paths: list[str | Path]) -> tuple[set[Path], set[Path]]:
    """Return files that are given by path, and those found in folders and by patterns."""
    explicit: set[Path] = set()
    searched: set[Path] = set()
    for name in map(str, given_paths):
        path = Path(name).expanduser()
        if path.is_dir():
            searched.update(entry for entry in _below(path) if _may_be_dump(entry))
        elif path.is_file():
            explicit.add(path)
        else:
            matches = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute
            searched.update(match for match in matches if match.is_file())
    return explicit, searched


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its subfolders, but for hidden ones."""
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place) / name for name in names if not name.startswith("."))


def _check(dump_files: Found, given_paths: list[str | Path], subreddits: set[str]) -> None:
    where = ", ".join(map(str, given_paths)) or "(no path given)"
    about = unread(dump_files)
    if not dump_files.files:
        hint = "" if about else ": give a folder, a file or a pattern such as dumps/RC_2019-*.zst"
        of = f" of r/{', r/'.join(sorted(subreddits))}" if dump_files.others else ""
        raise BotlibError(f"no dump files{of} at {where}{hint}{about}")
    for kind in ("comments", "submissions"):
        if not any(file.kind == kind for file in dump_files.files):
            names = shown([file.path.name for file in dump_files.files])
            raise BotlibError(
                f"no file of {kind} among {names}: pairs need both (NAME_comments.zst and "
                f"NAME_submissions.zst, or RC_… and RS_…){about}"
            )


def unread(dump_files: Found) -> str:
    """Return, for the end of an error, which files were not read and why; "" if there is none."""
    parts = []
    if dump_files.unreadable:
        parts.append(f"not readable: {shown(dump_files.unreadable, '; ')}")
    if dump_files.others:
        names = shown([path.name for path in dump_files.others])
        parts.append(f"named for other subreddits, not opened: {names}")
    return "".join(f"; {part}" for part in parts)


def shown(names: list[str], between: str = ", ") -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _SHOWN
    return between.join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _may_be_dump(path: Path) -> bool:
    suffix = path.suffix.lower()
    has_suffix = suffix in (*_COMPRESSED, *_LINES, ".json", _PARQUET)
    return has_suffix or (not suffix and (bool(_NAMED.match(path.name)) or _is_monthly(path)))


def _is_dump_name(path: Path) -> bool:
    """Whether the name alone says that this is lines of JSON, or a dump."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        inner = suffixes[-2] if len(suffixes) > 1 else ""
        return inner in _LINES or suffixes[-1] == ".zst"
    return bool(suffixes) and suffixes[-1] in _LINES


def _is_monthly(path: Path) -> bool:
    return bool(_MONTHLY.match(path.name))


def _is_other(path: Path, subreddits: set[str]) -> bool:
    """Whether the file's name gives a subreddit, none of those wanted."""
    named = _NAMED.match(path.name)
    if not named or not named[1] or _is_monthly(path):
        return False
    name = named[1].lower()
    return name not in subreddits and _PREFIX.sub("", name, count=1) not in subreddits


def _kind(path: Path) -> str:
    """Return "comments", "submissions", or "" for something else."""
    if kind := _kind_by_name(path):
        return kind
    if path.suffix.lower() == _PARQUET:
        return parquet.kind_of(str(path))
    return _kind_by_line(path)


def _kind_by_name(path: Path) -> str:
    if monthly := _MONTHLY.match(path.name):
        return "comments" if monthly[1].upper() == "C" else "submissions"
    if named := _NAMED.match(path.name):
        return _KINDS[named[2].lower()]
    if path.suffix.lower() == _PARQUET and (layout := _LAYOUT.search(path.as_posix())):
        return _KINDS[layout[1].lower()]
    return ""


def _kind_by_line(path: Path) -> str:
    start = next(blocks(path, 1 << 16), b"")
    for line in start.split(b"\n"):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict) and "subreddit" in row:
            return "submissions" if "title" in row else "comments" if "body" in row else ""
    return ""


def _month(path: Path) -> str:
    match = _MONTHLY.match(path.name)
    if not match and path.suffix.lower() == _PARQUET:
        match = _LAYOUT.search(path.as_posix())
    return f"{match[2]}_{match[3]}" if match else ""
