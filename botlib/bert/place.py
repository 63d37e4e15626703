"""The place of a comment (subreddit, depth, title) as words behind it, for the judge of ratings.

Votes depend on where a reply stands: 60,000 real pairs gave words alone a macro AUC of 0.617, and
with these words 0.647. A pair that is too long for BERT loses the end of its comment first, so the
place goes before a word of the comment does.
"""

from collections.abc import Sequence

import pandas as pd

from botlib.data.pairs.conversations import Conversations

# What a judge reads of a conversation, as its config.json says under `reads`
COMMENT, PLACE = "comment", "place"
READS = (COMMENT, PLACE)
# Deeper comments are too few to learn from each by itself
DEEPEST = 3


def text(comment: str, subreddit: str, title: str = "", depth: int | None = None) -> str:
    """Returns the comment with its place behind it; the comment alone if nothing is known.

    Args:
      comment: as it is on Reddit.
      subreddit: without r/; "" if unknown.
      title: of the post.
      depth: comments between it and the post; None if unknown.
    """
    # One word each, also for a tokenizer that splits at blanks and punctuation
    words = [f"r_{subreddit}"] if subreddit else []
    if subreddit and depth is not None:
        words.append(f"turn_{min(depth, DEEPEST)}")
    place = " ".join([*words, *([title] if title else [])])
    return f"{comment}\n{place}" if place else comment


def texts(
    frame: pd.DataFrame, titles: Sequence[str], depths: Sequence[int | None], reads: str = PLACE
) -> list[str]:
    """Returns for each row what a judge reads in the comment's place.

    Args:
      frame: comment and subreddit.
      titles: of the rows' posts.
      depths: of the rows' comments; see `text`.
      reads: what the judge was trained with.
    """
    if reads == COMMENT:
        return frame["comment"].tolist()
    columns = frame["comment"], frame["subreddit"], titles, depths
    return [text(*row) for row in zip(*columns, strict=True)]


def in_place(pairs: pd.DataFrame, conversations: Conversations) -> pd.DataFrame:
    """Returns pairs whose comment has its place behind it, to train and test a judge of ratings.

    Args:
      pairs: comment_id, subreddit, comment, and any other columns.
      conversations: what 01 kept.
    """
    names = pairs["comment_id"].tolist()
    above = conversations.above(names)
    turns = [len(one.turns) for one in above]
    # BigQuery returns no turns: there a comment without any may stand at any depth
    known = [any(turns) and name in conversations for name in names]
    depths = [n if is_known else None for n, is_known in zip(turns, known, strict=True)]
    return pairs.assign(comment=texts(pairs, [one.title for one in above], depths))
