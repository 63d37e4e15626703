"""Real replies under comments they don't answer: what a judge of fit must tell from real pairs."""

import numpy as np
import pandas as pd

# Where the other comment is from: the same subreddit (another thread), or the same thread
PLACES = {"subreddit": ("subreddit", "submission_id"), "thread": ("submission_id", "comment_id")}


def strangers(real: pd.DataFrame, place: str, seed: int) -> pd.DataFrame:
    """Returns each comment with a real reply to another comment of the same place.

    A person wrote the reply, but to something else. Each reply is used once, so that nothing but
    the match tells these pairs from the real ones.

    Args:
      real: comment_id, submission_id, subreddit, comment, reply of real pairs; the other comment is
        of the same split where there is a column split.
      place: "subreddit" (a comment of another thread) or "thread" (another comment of the thread).
      seed: of the exchange.

    Returns:
      The same rows, in another order, with replies exchanged and `row`, the place in `real` that
      the reply is from; rows without such another comment are left out.
    """
    inside, apart = PLACES[place]
    keys = [inside, "split"] if "split" in real else [inside]
    group = real.groupby(keys, sort=False).ngroup().to_numpy()
    owner = pd.factorize(real[apart])[0]
    # Owners in random order, the rows of each together; then all are shifted by the largest one
    place_of = np.random.default_rng(seed).permutation(owner.max(initial=-1) + 1)
    order = np.lexsort((place_of[owner], group))
    group, owner = group[order], owner[order]
    rows = np.arange(len(order))
    sizes = np.bincount(group) if len(group) else np.zeros(0, int)
    starts = np.cumsum(sizes) - sizes
    runs = pd.Series(rows).groupby([group, owner], sort=False).size()
    largest = runs.groupby(level=0).max().reindex(range(len(sizes))).to_numpy()
    start, size, shift = starts[group], sizes[group], largest[group]
    partner = start + (rows - start + shift) % size
    elsewhere = owner[partner] != owner
    strangers = real.iloc[order[elsewhere]].reset_index(drop=True)
    source = order[partner[elsewhere]]
    # One text under two comments ("Thanks!") is no stranger
    replies = real["reply"].to_numpy()[source]
    other = replies != strangers["reply"].to_numpy()
    strangers = strangers.assign(reply=replies, row=source)
    return strangers[other].reset_index(drop=True)
