"""Training texts as token ids, and the windows that each training step gets."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from botlib.data.pairs.conversations import Above, Conversations
from botlib.errors import BotlibError
from botlib.gpt2.conversation import Context, Conversation
from botlib.settings import Gpt2Settings
from botlib.tables import GPT2_FINETUNE, read_table
from botlib.workspace import Workspace, atomic_file

# gpt-2-simple's own sampler wants more than this many tokens, whatever the window
LEAST_TOKENS = 1025
# Texts encoded at a time: lists of Python integers are large
CHUNK = 10_000


@dataclasses.dataclass(frozen=True)
class Texts:
    """What a run is trained on: texts, what stands above each (None: not seen), and how much."""

    texts: pd.Series
    above: list[Above] | None
    context: Context


def read(workspace: Workspace, settings: Gpt2Settings) -> Texts:
    """Returns the texts of gpt2_finetune.csv, with the conversation above each if it is seen.

    Raises:
      BotlibError: the table is missing or empty.
    """
    table = read_table(workspace.gpt2_finetune, GPT2_FINETUNE)
    if table.empty:
        raise BotlibError(f"{workspace.gpt2_finetune} is empty: run 01_data with more data")
    conversations = Conversations.load(workspace) if settings.context != "comment" else ()
    if not len(conversations):
        if settings.context != "comment":
            tqdm.write(
                f"{workspace.conversations.name} is missing, so GPT-2 sees the comment alone: "
                "run 01_data again to train it with the conversation"
            )
        return Texts(table["text"], None, Context())
    context = Context(settings.context, settings.context_tokens)
    above = conversations.above(table["comment_id"])
    if context.kind == "thread":
        context = dataclasses.replace(context, turns=max(len(one.turns) for one in above))
    return Texts(table["text"], [context.reduced(one) for one in above], context)


def encode(
    texts: Sequence[str],
    conversation: Conversation,
    above: Sequence[Above] | None = None,
    window: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns all texts as an int32 array that ends with the end of text, and where each begins.

    Each text holds or is followed by the end-of-text *token*, which is what stops generation.

    Args:
      texts: `comment [SEP] reply`, from gpt2_finetune.csv.
      conversation: how the model writes them.
      above: what stands above each comment.
      window: tokens of a step: what stands above a comment is cut so that a text fits.

    Returns:
      Token ids of shape (tokens,), and int64 offsets of shape (texts,).

    Raises:
      BotlibError: too few tokens for one of gpt-2-simple's windows.
    """
    pieces = [
        np.array(ids, dtype=np.int32)
        for first in range(0, len(texts), CHUNK)
        for ids in conversation.examples(
            texts[first : first + CHUNK], above and above[first : first + CHUNK], window
        )
    ]
    end = np.array([conversation.vocabulary.end], dtype=np.int32)
    tokens = np.concatenate([*pieces, end])
    starts = np.cumsum([0, *map(len, pieces)])[:-1]
    if len(tokens) < LEAST_TOKENS:
        raise BotlibError(
            f"the data set is too small: {len(tokens):,} tokens in {len(texts):,} texts, but "
            f"gpt-2-simple's windows have 1024; add months or subreddits in 01_data"
        )
    return tokens, starts


def save(tokens: np.ndarray, path: Path) -> Path:
    """Returns `path`, after writing the tokens as the `.npz` that gpt-2-simple reads."""
    with atomic_file(path, "wb") as file:
        np.savez(file, tokens=tokens)
    return path


class Windows:
    """The windows of a run: a number gives its window, so a resumed run continues exactly.

    Every epoch shuffles the texts and lays them end to end. A window begins where a text begins,
    as a prompt does when the model is used; a text that a window cuts opens the next one.
    gpt-2-simple itself draws windows anywhere, with replacement.

    Args:
      tokens: what `encode` returned.
      starts: where each text begins, from there too.
      end: id of the end-of-text token.
      length: tokens in a window.
      seed: of the shuffling.
    """

    def __init__(self, tokens: np.ndarray, starts: np.ndarray, end: int, length: int, seed: int):
        if length > len(tokens):
            raise BotlibError(
                f"the data set is too small: {len(tokens):,} tokens, but window={length}; "
                "lower window, or add months or subreddits in 01_data"
            )
        self._tokens = tokens
        self._starts, self._lengths = starts, np.diff(starts, append=len(tokens) - 1)
        self._end, self._length, self._seed = end, length, seed
        self._epoch, self._first = -1, 0
        self._begins = np.empty(0, dtype=np.int64)
        self._stream = tokens[:0]

    def batch(self, number: int, size: int) -> np.ndarray:
        """Returns batch `number` (from 0) of `size` windows: an int32 array (size, length)."""
        return np.stack([self._window(number * size + row) for row in range(size)])

    def _window(self, number: int) -> np.ndarray:
        if number < self._first:
            self._epoch, self._first, self._begins = -1, 0, self._begins[:0]
        while number >= self._first + len(self._begins):
            self._first += len(self._begins)
            self._epoch += 1
            self._shuffle()
        begin = self._begins[number - self._first]
        return self._stream[begin : begin + self._length]

    def _shuffle(self) -> None:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._starts))
        lengths = self._lengths[order]
        ends = np.cumsum(lengths)
        begins = ends - lengths
        source = np.arange(ends[-1]) + np.repeat(self._starts[order] - begins, lengths)
        self._stream = np.append(self._tokens[source], np.int32(self._end))
        windows, position = [], 0
        while position + self._length <= len(self._stream):
            windows.append(position)
            cut = int(begins[np.searchsorted(begins, position + self._length, side="right") - 1])
            # A text longer than a window goes on in the next
            position = cut if cut > position else position + self._length
        self._begins = np.array(windows, dtype=np.int64)
