"""The model card of a fine-tuned GPT-2: data, sizes, losses, and how much it memorised."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.data.pairs.text import SEPARATOR
from botlib.gpt2.download import parameters_of
from botlib.gpt2.generator import Decoder, Generator
from botlib.gpt2.validation import HeldOut
from botlib.settings import Gpt2Settings

RUN_OF_WORDS = 12
CARD_REPLIES = 200


def make(
    folder: Path,
    texts: pd.Series,
    held_out: HeldOut,
    *,
    settings: Gpt2Settings,
    sizes: dict[str, int],
    state: dict[str, Any],
    training_loss: float | None,
    tokens_seen: int,
) -> dict[str, Any]:
    """Returns a run's model card.

    Args:
      folder: the run's, with its best model in `ctranslate2`.
      texts: what it was trained on.
      held_out: pairs it was not trained on.
      settings: of the run.
      sizes: hparams of its base model.
      state: step, best_step, best_loss and seconds.
      training_loss: the last, smoothed; None without any step.
      tokens_seen: in training.
    """
    card: dict[str, Any] = {
        "model": f"GPT-2, {parameters_of(sizes) / 1e6:.1f} M parameters",
        "date": datetime.now(UTC).date().isoformat(),
        "base_model": settings.base_model,
        "sizes": sizes,
        "purpose": "proposes replies to Reddit comments, for a person to approve",
        "data": {"texts": len(texts), "characters": int(texts.str.len().sum())},
        "settings": settings.as_dict(),
        "steps": state["step"],
        "best_step": state["best_step"],
        "tokens_seen": tokens_seen,
        "seconds": state["seconds"],
        "training_loss": training_loss,
        "validation_loss": state["best_loss"],
        "held_out_pairs": len(held_out),
    }
    if len(held_out):
        own, other = held_out.listening(folder / "ctranslate2", settings.seed)
        card["perplexity"] = {"own_comment": own, "shuffled_comment": other}
        card["memorisation"] = _memorisation(folder, texts, held_out, settings.seed)
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
    of_replies = [_runs(text, words) for text in generated]
    searched = set().union(*of_replies) if of_replies else set()
    repeated = {run for text in training for run in _runs(text, words) if run in searched}
    return sum(bool(runs & repeated) for runs in of_replies) / max(len(of_replies), 1)


def _memorisation(folder: Path, texts: pd.Series, held_out: HeldOut, seed: int) -> dict[str, Any]:
    comments = list(held_out.frame["comment"].drop_duplicates())
    each = max(1, CARD_REPLIES // len(comments))
    generator = Generator(folder)
    longest = min(Decoder().max_tokens, generator.engine.window // 2)
    drawn = generator.generate(comments, each, Decoder(max_tokens=longest), seed)
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
