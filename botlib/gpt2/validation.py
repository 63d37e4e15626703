"""The loss of a GPT-2 on held-out replies: how well it predicts people it was not trained on."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from botlib.data.pairs.conversations import Above, Conversations
from botlib.errors import BotlibError
from botlib.gpt2.generator import Decoder, Generator
from botlib.settings import Gpt2Settings
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

SAMPLED_COMMENTS = 3
# In a run's folder: what `HeldOut.scored` returns of its best model
SCORES = "held_out.csv"
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Result:
    """A validation: nats per token of the replies (None without replies), and a few samples."""

    loss: float | None
    samples: pd.DataFrame

    @property
    def perplexity(self) -> float | None:
        return None if self.loss is None else math.exp(self.loss)


class HeldOut:
    """Pairs of the split "validation"; a seed always gives the same pairs.

    Args:
      workspace: has bert_gan_real.csv; without it, or without such pairs, nothing is held out.
      pairs: at most so many; 0: none.
      seed: of the choice.
      split: another split than "validation".
    """

    def __init__(self, workspace: Workspace, pairs: int, seed: int, split: str = "validation"):
        self._workspace = workspace
        columns = ["comment_id", "submission_id", "comment", "reply", "split"]
        frame = pd.DataFrame(columns=columns, dtype=str)
        if pairs and workspace.bert_gan_real.is_file():
            frame = read_table(workspace.bert_gan_real, BERT_GAN_REAL, columns)
            frame = frame[frame["split"] == split]
        if len(frame) > pairs:
            frame = frame.sample(pairs, random_state=seed)
        self.frame = frame.reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.frame)

    @functools.cached_property
    def above(self) -> list[Above]:
        """Returns what stands above each pair's comment."""
        return Conversations.load(self._workspace).above(self.frame["comment_id"])

    @property
    def digest(self) -> str:
        """Returns a hash of the pairs, by which a resumed run sees whether they changed."""
        text = self.frame[["comment", "reply", "split"]].to_csv(index=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def evaluate(self, model: Path, seed: int) -> Result:
        """Returns loss and samples of a CTranslate2 model."""
        if not len(self):
            return Result(None, pd.DataFrame(columns=["comment", "reply"]))
        return _beside_training(model, lambda generator: self._evaluate(generator, seed))

    def _evaluate(self, generator: Generator, seed: int) -> Result:
        first = self.frame.drop_duplicates("comment").head(SAMPLED_COMMENTS)
        longest = min(60, generator.engine.window // 2)
        above = [self.above[i] for i in first.index] if generator.reads_above else None
        comments = list(first["comment"])
        drawn = generator.generate(comments, 1, Decoder(max_tokens=longest), seed, above=above)
        samples = pd.DataFrame({"comment": comments, "reply": drawn["reply"]})
        return Result(perplexity_loss(self.scores(generator)), samples)

    def scores(self, generator: Generator, order: np.ndarray | None = None) -> pd.DataFrame:
        """Returns log_prob and tokens of each reply after its conversation, or after another's.

        Args:
          generator: the model.
          order: whose comment, and what stands above it, comes before each reply; None: its own.
        """
        order = np.arange(len(self)) if order is None else order
        above = [self.above[i] for i in order] if generator.reads_above else None
        comments = self.frame["comment"].to_numpy()[order].tolist()
        return generator.score(comments, list(self.frame["reply"]), above)

    def strangers(self, seed: int) -> np.ndarray:
        """Returns for each pair the number of a pair of another thread, or, with one thread, any.

        Whole threads are moved past the largest one, so that no reply stays in its own.
        """
        threads = pd.factorize(self.frame["submission_id"])[0]
        shuffled = np.random.default_rng(seed).permutation(threads.max(initial=0) + 1)
        order = np.argsort(shuffled[threads], kind="stable")
        largest = int(np.bincount(threads).max()) if len(threads) else 0
        strangers = np.empty(len(self), dtype=np.int64)
        strangers[order] = np.roll(order, largest if largest < len(self) else 1)
        return strangers

    def scored(self, model: Path, seed: int) -> pd.DataFrame:
        """Returns how a model finds each reply after its own conversation, and after a stranger's.

        Returns:
          A row a reply: submission_id, tokens, log_prob, and stranger_log_prob, after the
          conversation of another thread. Both are equal for a model that ignores what it is given.
        """

        def both(generator: Generator) -> pd.DataFrame:
            other = self.scores(generator, self.strangers(seed))["log_prob"]
            return self.scores(generator).assign(
                stranger_log_prob=other, submission_id=self.frame["submission_id"]
            )

        return _beside_training(model, both)


def scored(workspace: Workspace, settings: Gpt2Settings) -> pd.DataFrame:
    """Returns `HeldOut.scored` of a run's best model, as its training kept it in `SCORES`."""
    folder = workspace.gpt2(settings.run_name)
    if (folder / SCORES).is_file():
        return pd.read_csv(folder / SCORES, dtype={"submission_id": str})
    held_out = HeldOut(workspace, settings.validation_pairs, settings.seed)
    return held_out.scored(folder, settings.seed)


def _beside_training(model: Path, work: Callable[[Generator], T]) -> T:
    """Returns the work's result: done on the GPU if there is room, else on the CPU.

    It computes as the bot will. On a CPU that is int8: three times as fast as float32, and as
    exact (benchmarks/generation.py).
    """
    try:
        return work(Generator(model))
    except BotlibError:
        return work(Generator(model, device="cpu"))


def perplexity_loss(scores: pd.DataFrame) -> float:
    """Returns nats per token of replies that `Generator.score` scored; its exp is perplexity."""
    return -float(scores["log_prob"].sum() / scores["tokens"].sum())
