"""The loss of a GPT-2 on held-out replies: how well it predicts people it was not trained on."""

import dataclasses
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from botlib.errors import BotlibError
from botlib.gpt2.generator import Decoder, Generator
from botlib.settings import Gpt2Settings
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

SAMPLED_COMMENTS = 3
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
    """

    def __init__(self, workspace: Workspace, pairs: int, seed: int):
        columns = ["comment", "reply", "split"]
        frame = pd.DataFrame(columns=columns, dtype=str)
        if pairs and workspace.bert_gan_real.is_file():
            frame = read_table(workspace.bert_gan_real, BERT_GAN_REAL, columns)
            frame = frame[frame["split"] == "validation"]
        if len(frame) > pairs:
            frame = frame.sample(pairs, random_state=seed)
        self.frame = frame.reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def digest(self) -> str:
        """Returns a hash of the pairs, by which a resumed run sees whether they changed."""
        return hashlib.sha256(self.frame.to_csv(index=False).encode()).hexdigest()

    def evaluate(self, model: Path, seed: int) -> Result:
        """Returns loss and samples of a CTranslate2 model, computed in float32."""
        if not len(self):
            return Result(None, pd.DataFrame(columns=["comment", "reply"]))
        return _beside_training(model, lambda generator: self._evaluate(generator, seed))

    def _evaluate(self, generator: Generator, seed: int) -> Result:
        comments = self.frame["comment"].drop_duplicates().head(SAMPLED_COMMENTS)
        longest = min(60, generator.engine.window // 2)
        drawn = generator.generate(list(comments), 1, Decoder(max_tokens=longest), seed)
        samples = pd.DataFrame({"comment": list(comments), "reply": drawn["reply"]})
        return Result(perplexity_loss(generator, self.frame), samples)

    def listening(self, model: Path, seed: int) -> tuple[float, float]:
        """Returns the perplexity of replies after their own comment, and after another comment.

        Both are equal for a model that ignores the comment.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        # Each gets the comment of the next in a random order: never its own
        shuffled = self.frame.assign(comment="")
        comments = self.frame["comment"].to_numpy()
        shuffled.loc[order, "comment"] = comments[np.roll(order, 1)]
        frames = (self.frame, shuffled)
        return _beside_training(
            model, lambda generator: tuple(math.exp(perplexity_loss(generator, f)) for f in frames)
        )


def scored(workspace: Workspace, settings: Gpt2Settings) -> pd.DataFrame:
    """Returns log_prob and tokens of each held-out reply by the run's best model."""
    held_out = HeldOut(workspace, settings.validation_pairs, settings.seed)
    comments, replies = list(held_out.frame["comment"]), list(held_out.frame["reply"])
    model = workspace.gpt2(settings.run_name)
    return _beside_training(model, lambda generator: generator.score(comments, replies))


def _beside_training(model: Path, work: Callable[[Generator], T]) -> T:
    """Returns the work's result: done on the GPU if there is room, else on the CPU."""
    try:
        return work(Generator(model, compute_type="float32"))
    except BotlibError:
        return work(Generator(model, device="cpu", compute_type="float32"))


def perplexity_loss(generator: Generator, frame: pd.DataFrame) -> float:
    """Returns nats per token of a frame's replies given their comments; its exp is perplexity."""
    scores = generator.score(list(frame["comment"]), list(frame["reply"]))
    return -float(scores["log_prob"].sum() / scores["tokens"].sum())
