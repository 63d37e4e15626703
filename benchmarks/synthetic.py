"""Writes a dump like a month of all of Reddit: many subreddits, of which few are wanted."""

import random
from pathlib import Path

import orjson
import zstandard

WANTED = ("AlphaCentauri", "beta_testers")
_OTHERS = 198


def write_dump(folder: Path, *, comments: int, window_log: int = 27) -> tuple[Path, Path]:
    """Write RC_2019-01.zst and RS_2019-01.zst with the fields of public dumps; return both paths.

    Args:
      folder: where to write.
      comments: number of comments, 20 of them to a post; one in a hundred is wanted.
      window_log: of the compression: 27 is what common readers take, 31 what public dumps have.
    """
    chance = random.Random(2019)
    words = ["".join(chance.choices("aeiounrstlmd", k=chance.randint(2, 9))) for _ in range(5000)]
    # Texts are drawn from a pool: making each anew would take longer than the benchmark.
    texts = [" ".join(chance.choices(words, k=chance.randint(3, 90))) for _ in range(40_000)]
    names = [f"Subreddit{number:03d}" for number in range(_OTHERS)] + list(WANTED)
    posts = comments // 20
    of_post = [names[chance.randrange(len(names))] for _ in range(posts)]
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log)
    paths = (folder / "RC_2019-01.zst", folder / "RS_2019-01.zst")
    folder.mkdir(parents=True, exist_ok=True)
    with _writer(paths[1], parameters) as file:
        for number in range(posts):
            file.write(orjson.dumps(_post(number, of_post[number], chance, texts)) + b"\n")
    last = [0] * posts
    with _writer(paths[0], parameters) as file:
        for number in range(1, comments + 1):
            post = chance.randrange(posts)
            # Half the comments answer the latest one of their thread.
            parent = last[post] if last[post] and chance.random() < 0.5 else 0
            last[post] = number
            row = _comment(number, post, parent, of_post[post], chance, texts)
            file.write(orjson.dumps(row) + b"\n")
    return paths


def _writer(path: Path, parameters: zstandard.ZstdCompressionParameters):
    return zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(compression_params=parameters))


def _post(number: int, subreddit: str, chance: random.Random, texts: list[str]) -> dict:
    text = texts[chance.randrange(len(texts))]
    return {
        "author": f"user_{chance.randrange(300_000)}",
        "created_utc": 1546300800 + number,
        "domain": f"self.{subreddit}",
        "id": f"a{number:07x}",
        "is_self": number % 3 > 0,
        "num_comments": 20,
        "over_18": False,
        "permalink": f"/r/{subreddit}/comments/a{number:07x}/",
        "retrieved_on": 1548979200,
        "score": chance.randrange(500),
        "selftext": text if number % 3 else "",
        "subreddit": subreddit,
        "subreddit_id": "t5_2qh1i",
        "title": text[:60],
    }


def _comment(
    number: int, post: int, parent: int, subreddit: str, chance: random.Random, texts: list[str]
) -> dict:
    return {
        "author": f"user_{chance.randrange(300_000)}",
        "author_flair_css_class": None,
        "author_flair_text": None,
        "author_fullname": f"t2_{number:x}",
        "body": texts[chance.randrange(len(texts))],
        "can_gild": True,
        "collapsed": False,
        "controversiality": 0,
        "created_utc": 1546300800 + number,
        "distinguished": None,
        "edited": False,
        "gilded": 0,
        "id": f"e{number:07x}",
        "link_id": f"t3_a{post:07x}",
        "no_follow": True,
        "parent_id": f"t1_e{parent:07x}" if parent else f"t3_a{post:07x}",
        "permalink": f"/r/{subreddit}/comments/a{post:07x}/title/e{number:07x}/",
        "retrieved_on": 1548979200,
        "score": chance.randrange(-5, 60),
        "send_replies": True,
        "stickied": False,
        "subreddit": subreddit,
        "subreddit_id": "t5_2qh1i",
        "subreddit_name_prefixed": f"r/{subreddit}",
        "subreddit_type": "public",
    }
