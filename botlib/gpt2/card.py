"""What a reader should know of a fine-tuned GPT-2: data, sizes, losses, and what it repeats."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from botlib.data.pairs.text import SEPARATOR
from botlib.gpt2.convert import read_hparams
from botlib.gpt2.download import parameters_of
from botlib.gpt2.generator import Decoder, Generator

if TYPE_CHECKING:
    from botlib.gpt2.train import Run

RUN_OF_WORDS = 12
CARD_REPLIES = 200


def make(run: "Run", texts: pd.Series) -> dict[str, Any]:
    """Returns a run's model card."""
    hparams = read_hparams(run.base)
    state = run.state
    card: dict[str, Any] = {
        "model": f"GPT-2, {parameters_of(hparams) / 1e6:.1f} M parameters",
        "date": datetime.now(UTC).date().isoformat(),
        "base_model": run.settings.base_model,
        "sizes": hparams,
        "purpose": "proposes replies to Reddit comments, for a person to approve",
        "data": {"texts": len(texts), "characters": int(texts.str.len().sum())},
        "settings": run.settings.as_dict(),
        "steps": state["step"],
        "best_step": state["best_step"],
        "tokens_seen": state["step"] * run.plan.tokens_per_step,
        "seconds": state["seconds"],
        "training_loss": _last(run.losses, "avg"),
        "validation_loss": state["best_loss"],
        "held_out_pairs": len(run.held_out),
    }
    if len(run.held_out):
        own, other = run.held_out.listening(run.folder / "ctranslate2", run.settings.seed)
        card["perplexity"] = {"own_comment": own, "shuffled_comment": other}
        card["memorisation"] = _memorisation(run, texts)
    return card


def memorised_share(generated: pd.Series, training: pd.Series, words: int = RUN_OF_WORDS) -> float:
    """Returns the share of generated replies that hold a run of words found in training replies.

    Args:
      generated: replies of a model.
      training: replies it was trained on.
      words: length of the run; case and punctuation at the ends of words don't count.

    Returns:
      Between 0 and 1; 0 for no replies.
    """
    wanted = [_runs(text, words) for text in generated]
    searched = set().union(*wanted) if wanted else set()
    found = {run for text in training for run in _runs(text, words) if run in searched}
    return sum(bool(runs & found) for runs in wanted) / len(wanted) if wanted else 0.0


def _memorisation(run: "Run", texts: pd.Series) -> dict[str, Any]:
    comments = list(run.held_out.frame["comment"].drop_duplicates())
    each = max(1, CARD_REPLIES // len(comments))
    generator = Generator(run.folder)
    longest = min(Decoder().max_tokens, generator.engine.context // 2)
    drawn = generator.generate(comments, each, Decoder(max_tokens=longest), run.settings.seed)
    replies = texts.str.split(SEPARATOR, n=1).str[-1]
    return {
        "share": memorised_share(drawn["reply"], replies),
        "words": RUN_OF_WORDS,
        "replies": len(drawn),
        "finished": float(drawn["finished"].mean()),
    }


def _runs(text: str, words: int) -> set[tuple[str, ...]]:
    parts = [word.strip(".,;:!?\"'()*_") for word in text.lower().split()]
    return {tuple(parts[i : i + words]) for i in range(len(parts) - words + 1)}


def _last(losses: pd.DataFrame, column: str) -> float | None:
    return None if losses.empty else float(losses[column].iloc[-1])
