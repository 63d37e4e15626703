"""Replies to comments: many comments in one call, a table of candidates out; no TensorFlow."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
from tqdm import tqdm

from botlib.cores import cores
from botlib.data.pairs.conversations import Above
from botlib.data.pairs.text import SEPARATOR, clean_text, prompt
from botlib.errors import BotlibError
from botlib.gpt2 import conversation
from botlib.gpt2.decoder import Decoder
from botlib.gpt2.vocabulary import Vocabulary, whole_characters

__all__ = ["Decoder", "Generator", "clean_reply"]

COLUMNS = {
    "comment_index": "int64",
    "sample": "int64",
    "reply": "str",
    "tokens": "int64",
    "log_prob": "float64",
    "finished": "bool",
    "temperature": "float64",
    "top_k": "int64",
    "top_p": "float64",
}


class Engine(Protocol):
    """What generates token ids; `Generator` does everything around it."""

    folder: Path  # the model that was loaded
    vocabulary: Vocabulary
    window: int  # tokens that the model sees at once, prompt and reply together

    def sample(
        self, prompts: list[list[int]], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[tuple[int, list[tuple[list[int], float]]]]:
        """Yields (index of the prompt, n × (ids with the end token if reached, log prob))."""

    def as_they_end(
        self, prompt: list[int], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[list[tuple[list[int], float]]]:
        """Yields what ended since the last time, until there are n replies to the prompt."""

    def log_probs(self, sequences: list[list[int]]) -> Iterator[list[float]]:
        """Yields, for each sequence, the log probabilities of all tokens but the first."""


class Generator:
    """A fine-tuned GPT-2 that stays loaded.

    Args:
      folder: a run (`models/gpt2/run1`), or a CTranslate2 folder.
      engine: "ctranslate2", or "gpt-2-simple" (the reference: slow, same answers when greedy;
        loads TensorFlow, and needs the run's checkpoint).
      device: "cpu", "cuda" or "auto".
      compute_type: "int8", "float32", "float16", "int8_float16", or "auto": int8 on a CPU,
        float16 on a GPU.
      threads: CPU cores to use; 0: all.

    Raises:
      BotlibError: the folder holds no model, or the machine can't run it with these options.
    """

    def __init__(
        self,
        folder: str | Path,
        engine: str = "ctranslate2",
        device: str = "auto",
        compute_type: str = "auto",
        threads: int = 0,
    ):
        threads = threads or cores()
        if engine == "ctranslate2":
            from botlib.gpt2.engine_ctranslate2 import CTranslate2Engine

            self.engine: Engine = CTranslate2Engine(Path(folder), device, compute_type, threads)
        elif engine == "gpt-2-simple":
            from botlib.gpt2.engine_reference import ReferenceEngine

            self.engine = ReferenceEngine(Path(folder), threads)
        else:
            raise BotlibError(f"engine must be ctranslate2 or gpt-2-simple, not {engine!r}")
        self.conversation = conversation.load(self.engine.folder, self.engine.vocabulary)

    @property
    def reads_above(self) -> bool:
        """Returns whether the model was trained to see what stands above a comment."""
        return self.conversation.reads_above

    def generate(
        self,
        comments: Sequence[str],
        n: int = 10,
        decoder: Decoder | Sequence[Decoder] = Decoder(),  # noqa: B008 - frozen
        seed: int | None = 0,
        progress: bool | tqdm = False,
        above: Sequence[Above] | None = None,
    ) -> pd.DataFrame:
        """Returns n candidate replies to each comment.

        Args:
          comments: the comments, as they are on Reddit.
          n: replies for each comment.
          decoder: how to sample; of a list, sample i uses decoder i modulo its length.
          seed: the same seed, comments, settings and number of threads give the same replies,
            on the same machine and versions. Not so on a GPU, where sums depend on timing, nor
            between engines or compute types. None: different each time, and saves the reload
            (0.1 s for 124M) that an engine with a fixed seed needs.
          progress: whether to show a bar, or the bar of all replies of which these are some.
          above: what stands above each comment, of which the model sees what it was trained with.

        Returns:
          A frame of len(comments) × n rows ordered by comment_index, sample: reply (cleaned; ""
          if nothing is left, or if it holds a banned string), tokens (without the end), log_prob
          (nats, of the reply and its end, as the model itself sees them: temperature, top_k and
          top_p not applied, but what min_tokens, banned and repetition_penalty forbid left out),
          finished (False where max_tokens cut it), and the decoder's temperature, top_k, top_p.
          Samples of one decoder are ordered by log_prob.

        Raises:
          BotlibError: n below 1, no room for a prompt beside max_tokens, or out of memory.
        """
        decoders = [decoder] if isinstance(decoder, Decoder) else list(decoder)
        rows = []
        own = isinstance(progress, bool)
        bar = (
            tqdm(total=len(comments) * n, desc="replies", unit="reply", disable=not progress)
            if own
            else progress
        )
        with bar if own else contextlib.nullcontext():
            for part in self.stream(comments, n, decoders, seed, above):
                rows.extend(part)
                bar.update(len(part))
        frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        return frame.sort_values(["comment_index", "sample"], ignore_index=True)

    def stream(
        self,
        comments: Sequence[str],
        n: int,
        decoders: Sequence[Decoder],
        seed: int | None = 0,
        above: Sequence[Above] | None = None,
    ) -> Iterator[list[dict]]:
        """Yields the rows of `generate` when they are ready, a comment and a decoder at a time."""
        if n < 1:
            raise BotlibError(f"replies for each comment must be 1 or more, not {n}")
        if not decoders:
            raise BotlibError("the list of decoders is empty: give at least one decoder")
        for position, decoder in enumerate(decoders):
            samples = range(position, n, len(decoders))
            if not samples:
                continue
            room = self._room(decoder.max_tokens)
            prompts = self.conversation.prompts(comments, above, room)
            own_seed = None if seed is None else seed + position
            for index, drawn in self.engine.sample(prompts, len(samples), decoder, own_seed):
                pairs = zip(samples, drawn, strict=True)
                yield [self._row(index, i, comments[index], decoder, d) for i, d in pairs]

    def as_they_end(
        self,
        comment: str,
        n: int,
        decoder: Decoder = Decoder(),  # noqa: B008 - frozen
        seed: int | None = None,
        above: Above | None = None,
    ) -> Iterator[list[dict]]:
        """Yields rows of `generate` for one comment as soon as replies end, the shortest first.

        Args:
          comment, n, decoder, seed: see `generate`.
          above: what stands above the comment.
        """
        room = self._room(decoder.max_tokens)
        prompt = self.conversation.prompts([comment], above and [above], room)[0]
        numbers = iter(range(n))
        for drawn in self.engine.as_they_end(prompt, n, decoder, seed):
            yield [self._row(0, next(numbers), comment, decoder, one) for one in drawn]

    def score(
        self,
        comments: Sequence[str],
        replies: Sequence[str],
        above: Sequence[Above] | None = None,
    ) -> pd.DataFrame:
        """Returns how likely the model finds each reply, given its comment and what is above it.

        Perplexity of all is exp(-Σ log_prob / Σ tokens).

        Returns:
          A frame in the order given: log_prob (nats, summed over the reply and its end),
          tokens (of the reply and its end).

        Raises:
          BotlibError: the numbers of comments and replies differ.
        """
        if len(comments) != len(replies):
            raise BotlibError(
                f"there are {len(comments)} comments but {len(replies)} replies: give one for each"
            )
        # A reply that leaves no room for any prompt is cut at its end, with its end token
        most = self.engine.window - 2
        answers = [ids[:most] for ids in self.conversation.replies(replies)]
        rooms = [self._room(len(answer)) for answer in answers]
        prompts = self.conversation.prompts(comments, above, rooms)
        sequences = [[*ids, *answer] for ids, answer in zip(prompts, answers, strict=True)]
        sums = [
            sum(log_probs[-len(answer) :])
            for log_probs, answer in zip(self.engine.log_probs(sequences), answers, strict=True)
        ]
        return pd.DataFrame({"log_prob": sums, "tokens": [len(answer) for answer in answers]})

    def _room(self, reserved: int) -> int:
        """Returns the tokens that a prompt may have, with `reserved` behind it."""
        room = self.engine.window - reserved
        if room < 2:
            raise BotlibError(
                f"max_tokens={reserved} leaves no room for a comment: this model sees only "
                f"{self.engine.window} tokens; lower max_tokens"
            )
        return room

    def _row(self, index: int, sample: int, comment: str, decoder: Decoder, drawn: tuple) -> dict:
        ids, log_prob = drawn
        finished = bool(ids) and ids[-1] == self.engine.vocabulary.end
        ids = ids[:-1] if finished else ids
        reply = clean_reply(self.engine.vocabulary.decode(ids), comment)
        # The engine bans tokens; the same text can be spelt in others
        if any(text in reply for text in decoder.banned):
            reply = ""
        return {
            "comment_index": index,
            "sample": sample,
            "reply": reply,
            "tokens": len(ids),
            "log_prob": log_prob,
            "finished": finished,
            "temperature": decoder.temperature,
            "top_k": decoder.top_k,
            "top_p": decoder.top_p,
        }


def clean_reply(text: str, comment: str = "") -> str:
    """Returns generated text as it may be shown.

    One turn only (nothing from a second "[SEP]" on), no echo of the prompt, no half UTF-8
    character at the end, entities unescaped and blank lines collapsed as in training.
    """
    text = whole_characters(text)
    echo = prompt(comment)
    if comment and text.lstrip().startswith(echo):
        text = text.lstrip().removeprefix(echo)
    return clean_text(text.split(SEPARATOR)[0])
