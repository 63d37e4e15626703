"""The model card of a fine-tuned GPT-2: data, sizes, losses, and how much it memorised."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.data.pairs.text import SEPARATOR
from botlib.gpt2 import conversation
from botlib.gpt2.convert import read_hparams
from botlib.gpt2.download import NAMES, parameters_of
from botlib.gpt2.generator import Decoder, Generator
from botlib.gpt2.validation import HeldOut, perplexity_loss
from botlib.manifests import read_manifest
from botlib.settings import Gpt2Settings

RUN_OF_WORDS = 12
CARD_REPLIES = 200
# "Modified MIT", by the Hub's name for it
OPENAI_LICENCE = "mit"


def make(
    folder: Path,
    texts: pd.Series,
    held_out: HeldOut,
    *,
    settings: Gpt2Settings,
    base: Path,
    state: dict[str, Any],
    losses: pd.DataFrame,
    scores: pd.DataFrame,
    source: Path,
    tokens_seen: int,
) -> dict[str, Any]:
    """Returns a run's model card.

    Args:
      folder: the run's, with its best model in `ctranslate2`.
      texts: what it was trained on.
      held_out: pairs it was not trained on.
      settings: of the run.
      base: the base model's folder.
      state: step, best_step, best_loss and seconds.
      losses: a row for each step, with `validation_loss` where a round ended.
      scores: of the held-out pairs, by `HeldOut.scored`.
      source: gpt2_finetune.csv, whose manifest says where its texts came from.
      tokens_seen: in training.
    """
    sizes = read_hparams(base)
    asked = read_manifest(source).get("parameters", {})
    card: dict[str, Any] = {
        "model": f"GPT-2, {parameters_of(sizes) / 1e6:.1f} M parameters",
        "date": datetime.now(UTC).date().isoformat(),
        "base_model": settings.base_model,
        **_origin(settings.base_model, base),
        "sizes": sizes,
        "conversation": conversation.about(folder / "ctranslate2"),
        "purpose": "proposes replies to Reddit comments, for a person to approve",
        "data": {
            "texts": len(texts),
            "characters": int(texts.str.len().sum()),
            **{key: asked[key] for key in ("source", "subreddits") if asked.get(key)},
        },
        "settings": settings.as_dict(),
        "steps": state["step"],
        "best_step": state["best_step"],
        "tokens_seen": tokens_seen,
        "seconds": state["seconds"],
        "training_loss": None if losses.empty else float(losses["avg"].iloc[-1]),
        "validation_loss": state["best_loss"],
        "held_out_pairs": len(held_out),
    }
    if len(held_out):
        card["chosen"] = _choice(state, losses)
        own = perplexity_loss(scores)
        other = perplexity_loss(scores.assign(log_prob=scores["stranger_log_prob"]))
        # With a model that sees the thread, the comment stands for all that it sees
        card["perplexity"] = {
            "own_comment": math.exp(own), "shuffled_comment": math.exp(other),
        }  # fmt: skip
        card["memorisation"] = _memorisation(folder, texts, held_out, settings.seed)
    return card


def _origin(name: str, base: Path) -> dict[str, Any]:
    """Returns where a base model is from, and its licence; nothing for one made here."""
    manifest = read_manifest(base)
    about, extra = manifest.get("parameters", {}), manifest.get("extra", {})
    if about.get("repository"):
        return {"repository": about["repository"], "commit": extra.get("commit"),
                "licence": extra.get("licence", "unknown")}  # fmt: skip
    if name in NAMES:
        return {"repository": "openai/gpt-2", "licence": OPENAI_LICENCE}
    return {} if name == "scratch" else {"licence": extra.get("licence", "unknown")}


def _choice(state: dict[str, Any], losses: pd.DataFrame) -> dict[str, Any]:
    """Returns which round was kept, by what, and against what."""
    rounds = losses.dropna(subset=["validation_loss"])
    against = {f"step {row.step}": row.validation_loss for row in rounds.itertuples()
               if row.step != state["best_step"]}  # fmt: skip
    if state.get("base_loss") is not None:
        against["base model as it is"] = state["base_loss"]
    return {
        "step": state["best_step"],
        "measure": "loss on held-out replies, nats per token",
        "loss": state["best_loss"],
        "against": against,
    }


def choice_sentence(card: dict[str, Any]) -> str:
    """Returns which round is used, and what the base model as it is would have given."""
    chosen = card.get("chosen")
    if not chosen:
        return "No pairs were held out, so the last round is used."
    loss, base = chosen["loss"], chosen["against"].get("base model as it is")
    if chosen["step"] == 0:
        if not card["steps"]:
            return f"The base model is used as it is: loss {loss:.3f}."
        return (
            f"No round predicts unseen replies better than the base model as it is (loss "
            f"{loss:.3f}), so that one is used: lower learning_rate, or take more pairs."
        )
    against = "" if base is None else f" The base model as it is has {base:.3f}."
    return f"The round that ended at step {chosen['step']} is used: loss {loss:.3f}.{against}"


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
    first = held_out.frame.drop_duplicates("comment")
    each = max(1, CARD_REPLIES // len(first))
    generator = Generator(folder)
    longest = min(Decoder().max_tokens, generator.engine.window // 2)
    above = [held_out.above[i] for i in first.index] if generator.reads_above else None
    decoder = Decoder(max_tokens=longest)
    drawn = generator.generate(list(first["comment"]), each, decoder, seed, above=above)
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
