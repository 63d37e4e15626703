"""Made-up threads as rows of the raw table, without any file: what a sandbox shows without data."""

from collections.abc import Sequence

import pandas as pd

from botlib import tables
from botlib.data.pairs.splits import split_of
from botlib.data.sample import world

# So many are made for a subreddit; the test split is a tenth of them
MADE = 400
# Texts that the sample soils on purpose are no conversation
_EMPTY = ("[deleted]", "[removed]")


def of_test_split(subreddits: Sequence[str], *, seed: int) -> pd.DataFrame:
    """Returns the pairs of made-up threads of the test split, as `tables.RAW` has them.

    No model that was trained on the made-up sample has seen them.

    Args:
      subreddits: the names to show; those that are none of `world.SUBREDDITS` get the topics of
        one of these.
      seed: of the threads.
    """
    rows = []
    places = {name.lower(): place for place, name in enumerate(world.SUBREDDITS)}
    for order, name in enumerate(subreddits):
        place = places.get(name.lower())
        # Other names take numbers of their own, so that no id comes twice
        first = place if place is not None else len(places) * MADE * (order + 1) + order
        numbers = range(first, first + len(places) * MADE, len(places))
        ids = split_of(world.thread_id(number) for number in numbers)
        for number, split in zip(numbers, ids, strict=True):
            if split == "test":
                rows += _pairs(name, world.thread(number, seed=seed))
    frame = pd.DataFrame(rows, columns=list(tables.RAW.columns))
    return frame.astype({c: t for c, t in tables.RAW.columns.items() if t == tables.TIME})


def _pairs(subreddit: str, things: list[dict]) -> list[dict]:
    post, comments = things[0], {f"t1_{thing['id']}": thing for thing in things[1:]}
    visible = {
        name: thing
        for name, thing in comments.items()
        if thing["author"] != "[deleted]" and thing["body"] not in _EMPTY
    }
    return [
        {
            "subreddit": subreddit,
            "submission_id": post["id"],
            "title": post["title"],
            "submission": post["selftext"],
            "submission_author": post["author"],
            "submission_score": post["score"],
            **_columns("comment", visible[reply["parent_id"]]),
            **_columns("reply", reply),
            "reply_retrieved_utc": int(reply["retrieved_on"]),
        }
        for reply in visible.values()
        if reply["parent_id"] in visible
    ]


def _columns(kind: str, thing: dict) -> dict:
    return {
        f"{kind}_id": thing["id"],
        kind: thing["body"],
        f"{kind}_author": thing["author"],
        f"{kind}_score": pd.NA if thing["score"] is None else thing["score"],
        f"{kind}_created_utc": int(thing["created_utc"]),
    }
