"""The README.md of shared models: the Hub's metadata header, and the cards as tables."""

from collections.abc import Mapping
from typing import Any

import yaml

from botlib import model_files
from botlib.gpt2.hub import KNOWN

# In a README that botlib wrote, and may write again
MARK = "<!-- written by botlib export; remove this line to keep your own text -->"
TITLES = {
    "gpt2": "GPT-2, which writes replies",
    "bert_realism": "BERT, which distinguishes GPT-2's replies from human ones",
    "bert_fit": "The judge of fit: whether a reply answers its comment",
    "bert_upvotes": "BERT, which expects a reply's upvotes, in four bins",
    "bert_rank": "BERT, which orders the replies to one comment",
    "context": "The context model: which comment is worth an answer",
}
# Long, or of no use to a reader: all of them are in the card itself
LEFT_OUT = ("settings", "parameters", "training_labels")
USE = """\
These models belong to a bot that proposes replies to Reddit comments, for a person to approve. \
They were trained on comments that people wrote: check that you may use such data, say openly that \
a bot writes, answer only where bots are allowed, and stop where someone asks you to. Replies can \
be wrong, rude, or repeat what somebody wrote."""


def make(name: str, cards: Mapping[str, Mapping[str, Any]], licence: str = "") -> str:
    """Returns a README.md.

    Args:
      name: OWNER/NAME of the repository.
      cards: kind → its `model_card.json`.
      licence: by the Hub's name for it; empty: the base model's, or "unknown".
    """
    gpt2 = cards.get("gpt2", {})
    base = repository_of(str(gpt2.get("base_model", "")))
    header: dict[str, Any] = {
        "license": licence or gpt2.get("licence") or "unknown",
        "language": ["en"],
        "tags": ["botlib", "reddit", *(kind.replace("_", "-") for kind in cards)],
    }
    if "gpt2" in cards:
        header |= {"pipeline_tag": "text-generation"}
    if base:
        header |= {"base_model": [base], "base_model_relation": "finetune"}
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        MARK,
        f"\n# {name.split('/')[1]}\n\n{USE}\n\n"
        "## Use\n\n```sh\n"
        f"python -m botlib import hf:{name} --workspace my-bot\n"
        "python -m botlib run --workspace my-bot --from 05\n```\n\n"
        "Each model is a folder, with its files and their SHA-256 in `bundle.json`; an import "
        "refuses what differs.\n",
    ]
    for kind in model_files.KINDS:
        if kind in cards:
            parts.append(f"## {TITLES[kind]}\n\n{_table(cards[kind])}")
    return "\n".join(parts)


def repository_of(base_model: str) -> str:
    """Returns the Hub's repository of a setting `base_model`; empty if it is from elsewhere."""
    if base_model in KNOWN:
        return KNOWN[base_model][0]
    return base_model.removeprefix("hf:").split("@")[0] if base_model.startswith("hf:") else ""


def _table(card: Mapping[str, Any]) -> str:
    rows = [(key, value) for key, value in _flat(card) if value not in (None, "", [])]
    if not rows:
        return "It has no card.\n"
    lines = [f"| {key} | {_cell(value)} |" for key, value in rows]
    return "\n".join(["| | |", "| --- | --- |", *lines, ""])


def _flat(card: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    rows = []
    for key, value in card.items():
        name = f"{above}{key.replace('_', ' ')}"
        if key in LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}: ")
        elif isinstance(value, list):
            rows.append((name, ", ".join(map(str, value))))
        else:
            rows.append((name, value))
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
