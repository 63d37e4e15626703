"""Dumps of any size for benchmarks of growth: real threads, or made-up ones, again and again.

Each repetition has ids and authors of its own, and three words in ten are others of the corpus,
so that it is no near-duplicate of the first: rarer words stay rare, common phrases common.
"""

import functools
import itertools
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import orjson
import zstandard

from botlib.data.dumps.files import blocks
from botlib.data.sample import world

_CHANGED = 0.3
_POOL = 200_000  # words, of which the changed ones are drawn


def write_repeated(source: Path, folder: Path, share: float) -> list[str]:
    """Writes comments.zst and submissions.zst; returns the names of their subreddits.

    Args:
      source: a folder of dumps NAME_comments.zst, NAME_submissions.zst; made up if it is absent.
      folder: where to write.
      share: how many times the threads of the source: 0.1 for a tenth, 2.5 for two and a half.
    """
    folder.mkdir(parents=True)
    if not source.is_dir():
        source = world.write_sample(folder / "made_up", seed=18, threads=2000)
    files = sorted(source.rglob("*.zst"))
    names: set[str] = set()
    pool = _pool(files)
    for kind in ("submissions", "comments"):
        with zstandard.open(folder / f"{kind}.zst", "wb") as file:
            for row in itertools.chain.from_iterable(
                _repeated(path, share, pool) for path in files if kind in path.name
            ):
                names.add(row["subreddit"])
                file.write(orjson.dumps(row) + b"\n")
    return sorted(names)


def _repeated(path: Path, share: float, pool: list[str]) -> Iterator[dict]:
    for copy in range(int(-(-share // 1))):
        chance = random.Random(copy)
        change = functools.partial(_changed, chance=chance, pool=pool)
        for row in _rows(path):
            thread = row.get("link_id") or f"t3_{row['id']}"
            # The last repetition has some of the threads only
            if zlib.crc32(thread.encode()) / 2**32 < share - copy:
                yield _renamed(row, copy, change) if copy else row


def _renamed(row: dict, copy: int, change) -> dict:
    ids = {name: f"{row[name]}{copy}" for name in ("id", "link_id", "parent_id") if row.get(name)}
    texts = {name: change(row[name]) for name in ("body", "title", "selftext") if row.get(name)}
    author = row.get("author")
    if author and not author.startswith("[") and author != "AutoModerator":
        ids["author"] = f"{author}{copy}"
    return row | ids | texts


def _changed(text: str, chance: random.Random, pool: list[str]) -> str:
    if text.startswith("["):
        return text  # [deleted]
    words = text.split(" ")
    for at in range(len(words)):
        if chance.random() < _CHANGED:
            words[at] = pool[chance.randrange(len(pool))]
    return " ".join(words)


def _pool(files: list[Path]) -> list[str]:
    words: list[str] = []
    for path in files:
        for row in itertools.islice(_rows(path), 5000):
            words += (row.get("body") or row.get("selftext") or "").split()
    return random.Random(0).sample(words, min(_POOL, len(words)))


def _rows(path: Path) -> Iterator[dict]:
    for block in blocks(path):
        yield from map(orjson.loads, block.splitlines())
