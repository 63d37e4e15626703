"""The models of a workspace, loaded once: the generator, the judges, and their thresholds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from botlib import tables
from botlib.cores import cores
from botlib.errors import BotlibError
from botlib.live.copies import CopyIndex
from botlib.live.events import note
from botlib.probabilities import threshold_for_precision
from botlib.settings import PostSettings
from botlib.workspace import Workspace

# Pairs of the validation split that a threshold is calibrated on
CALIBRATION_PAIRS = 2000


class GeneratorLike(Protocol):
    """The interface of `botlib.gpt2.generator.Generator`."""

    def generate(self, comments: Sequence[str], n: int, **options: Any) -> pd.DataFrame: ...


class ScorerLike(Protocol):
    """The interface of `botlib.bert.scorer.Scorer`."""

    def predict(self, comments: Sequence[str], replies: Sequence[str]) -> np.ndarray: ...


@dataclasses.dataclass(kw_only=True)
class Judges:
    """The models that judge replies and comments.

    Attributes:
      realism: P(real).
      upvotes: probabilities of the four ratings.
      rank: orders the candidates of one comment; None: by expected rating.
      fit: P(it answers this comment), with its `threshold`; None: fit doesn't count.
      fit_weight: weight of a fit's log-odds beside the rank; see `bert.fit_order`.
      context: says which comment is worth an answer; None: the comment with the best reply.
      training_replies: the generator's training data; None: copies of it aren't looked for.
      folders: where they were loaded from.
    """

    realism: ScorerLike
    upvotes: ScorerLike
    rank: ScorerLike | None = None
    fit: Any = None
    fit_weight: float = 0.0
    context: Any = None
    training_replies: CopyIndex | None = None
    folders: Sequence[Path] = ()

    @classmethod
    def load(cls, workspace: Workspace, threads: int = 0) -> "Judges":
        """Loads a workspace's judges; those of 03 and 04 are needed.

        Raises:
          BotlibError: one of them is missing.
        """
        return cls(**_judges(workspace, threads))


@dataclasses.dataclass(kw_only=True)
class Models(Judges):
    """All models of a round: the judges and the generator.

    Attributes:
      generator: writes candidates.
    """

    generator: GeneratorLike

    @classmethod
    def load(cls, workspace: Workspace, gpt2_run: str = "run1", threads: int = 0) -> "Models":
        """Loads a workspace's models; those of 02, 03 and 04 are needed.

        Raises:
          BotlibError: one of them is missing.
        """
        from botlib.gpt2.generator import Generator

        folder = workspace.gpt2(gpt2_run)
        writer = {"generator": lambda: Generator(folder, threads=threads)}
        return cls(**_judges(workspace, threads, writer))


def _judges(
    workspace: Workspace, threads: int, beside: Mapping[str, Callable[[], Any]] | None = None
) -> dict[str, Any]:
    """Returns `Judges`' attributes, and what is loaded beside them.

    Most of the loading is done outside Python's lock, so each core loads a model of its own.
    """
    from botlib.bert.fit import Fit
    from botlib.bert.scorer import Scorer
    from botlib.worth.model import ContextModel

    realism, upvotes = workspace.bert_realism, workspace.bert_upvotes
    optional = (workspace.bert_fit, workspace.bert_rank, workspace.context)
    more = [folder for folder in optional if (folder / "config.json").exists()]
    own_rank = workspace.bert_rank in more
    loaders: dict[str, Callable[[], Any]] = {
        **(beside or {}),
        "realism": lambda: Scorer(realism, threads=threads),
        "upvotes": lambda: Scorer(upvotes, threads=threads),
        "rank": lambda: ranker(
            workspace,
            Scorer(workspace.bert_rank, threads=threads) if own_rank else None,
            threads,
        ),
        "training_replies": lambda: training_replies(workspace),
    }
    if workspace.bert_fit in more:
        loaders["fit"] = lambda: Fit(workspace.bert_fit, threads)
    else:
        note("judges", missing="bert_fit", cure="run 03_bert_realism again",
             reason="nothing checks whether a reply answers its comment")  # fmt: skip
    if workspace.context in more:
        loaders["context"] = lambda: ContextModel(workspace.context)
    with ThreadPoolExecutor(cores()) as pool:
        futures = {name: pool.submit(load) for name, load in loaders.items()}
    # In order, so that of several missing models the first one is named
    loaded = {name: future.result() for name, future in futures.items()}
    rank = loaded["rank"]
    weight = float(rank.config.get("fit_weight", 0.0)) if rank else 0.0
    return loaded | {"fit_weight": weight, "folders": (realism, upvotes, *more)}


def ranker(workspace: Workspace, own_rank: Any, threads: int = 0) -> Any:
    """Returns DialogRPT where 04's validation put it above the own rank, else the own rank."""
    from botlib.bert import dialogrpt

    return dialogrpt.chosen(workspace, threads) or own_rank


def training_replies(workspace: Workspace) -> CopyIndex | None:
    """Returns the index of the replies the generator was trained on, if the workspace has them."""
    table = workspace.bert_gan_real
    if not table.exists():
        return None
    table_stat = table.stat()
    cached = workspace.cache / f"training_replies_{table_stat.st_size}_{table_stat.st_mtime_ns}.npz"
    if (index := CopyIndex.load(cached)) is None:
        real = tables.read_table(table, tables.BERT_GAN_REAL, ["reply", "split"])
        index = CopyIndex(real.loc[real["split"] == "generator", "reply"])
        for old in workspace.cache.glob("training_replies_*.npz"):
            old.unlink(missing_ok=True)
        index.save(cached)
    return index


def realism_threshold(workspace: Workspace, realism: ScorerLike, settings: PostSettings) -> float:
    """Returns the setting `threshold`, or the threshold that reaches the setting `precision`.

    Raises:
      BotlibError: a precision is set, but no threshold reaches it or the pairs are missing.
    """
    if not settings.precision:
        return settings.threshold
    pairs, scores = calibration_pairs(workspace, realism, settings.seed)
    if pairs.empty:
        raise BotlibError("precision: no validation pairs in the workspace; run 03 or set it to 0")
    real = pairs["real"].to_numpy()
    return threshold_for_precision(real, scores, settings.precision)["threshold"]


def calibration_pairs(
    workspace: Workspace, realism: ScorerLike, seed: int, most: int = CALIBRATION_PAIRS
) -> tuple[pd.DataFrame, np.ndarray]:
    """Returns validation pairs, as many fakes as real ones, and how real they look.

    Args:
      workspace: its real and generated pairs.
      realism: scores them.
      seed: of the sample.
      most: the most pairs.

    Returns:
      A table (comment, reply, real) without rows where the workspace has no pairs, and P(real).
    """
    columns = ["comment", "reply", "real", "split"]
    paths = [(workspace.bert_gan_real, tables.BERT_GAN_REAL)]
    paths += [(path, tables.BERT_GAN_FAKE) for path in workspace.bert_gan_fakes()]
    frames = [tables.read_table(path, table, columns) for path, table in paths if path.exists()]
    pairs = pd.concat(frames) if frames else pd.DataFrame(columns=columns)
    pairs = pairs[pairs["split"] == "validation"]
    # As many fakes as real ones: a threshold's precision depends on the mix
    pairs_per_class = min(most // 2, pairs["real"].value_counts().reindex([0, 1]).fillna(0).min())
    if not pairs_per_class:
        return pairs.head(0), np.empty(0)
    pairs = pairs.groupby("real").sample(int(pairs_per_class), random_state=seed)
    scores = np.asarray(realism.predict(pairs["comment"].tolist(), pairs["reply"].tolist()))
    return pairs, scores if scores.ndim == 1 else scores[:, -1]
