"""The headline values of a run: each with its interval, its baseline, and whether it is good."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botlib.evaluation import record
from botlib.evaluation.record import Evaluation
from botlib.intervals import wilson
from botlib.manifests import read_manifest
from botlib.workspace import Workspace

GOOD, UNSURE, BAD, UNKNOWN = "good", "unsure", "bad", "unknown"

# Where a value turns from good to unsure, and from unsure to bad
PASSING = (5.0, 25.0)  # fakes per 100 real replies kept
PERPLEXITY = (0.95, 0.99)  # own comment's perplexity over a stranger's
MEMORISED = (0.02, 0.10)  # share of replies
CHANCE = 0.5
THRESHOLD = 0.9  # what 06 uses unless told otherwise


@dataclasses.dataclass(frozen=True)
class Headline:
    """A value that says how good a model is.

    Attributes:
      key: realism, fit, ratings, rank, perplexity or memorised.
      name: what is measured.
      value, low, high: the figure and its 95 % interval; NaN where there is none.
      form: how numbers are written, a format string.
      baseline: what it is compared with.
      baseline_value: that one's figure; NaN where there is none.
      state: good, unsure, bad or unknown.
      sentence: what it means.
    """

    key: str
    name: str
    value: float
    low: float
    high: float
    form: str
    baseline: str
    baseline_value: float
    state: str
    sentence: str

    @property
    def shown(self) -> str:
        """Returns the value as it is written."""
        return self.form.format(self.value) if math.isfinite(self.value) else "not known"

    @property
    def interval(self) -> str:
        """Returns "[low, high]", or nothing where there is no interval."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return ""
        return f"[{self.form.format(self.low)}, {self.form.format(self.high)}]"

    @property
    def beside(self) -> str:
        """Returns the baseline with its value."""
        if not math.isfinite(self.baseline_value):
            return self.baseline
        return f"{self.baseline}: {self.form.format(self.baseline_value)}"


def collect(workspace: Workspace) -> list[Headline]:
    """Returns the headline values that the workspace's models have, the most telling first."""
    return [
        *_realism(workspace),
        *_classifier("fit", "Fit", record.load(workspace.bert_fit)),
        *_classifier("ratings", "Ratings", record.load(workspace.bert_upvotes)),
        *_classifier("rank", "Rank", record.load(workspace.bert_rank)),
        *generator(generator_card(workspace)[1]),
    ]


def number(text: Any) -> tuple[float, float, float]:
    """Returns value, low and high of "0.723 [0.701, 0.745]"; NaN for what isn't there."""
    match = _NUMBER.fullmatch(str(text).strip())
    if not match:
        return (math.nan, math.nan, math.nan)
    value, low, high = (float(part) if part else math.nan for part in match.groups())
    return (value, low, high)


_NUMBER = re.compile(r"([-+]?[\d.]+(?:e-?\d+)?)(?:\s*\[([-+]?[\d.]+),\s*([-+]?[\d.]+)\])?")


def own_rows(names: list[str]) -> list[str]:
    """Returns which rows of a table of scores are the model itself, with or without its head."""
    model = names[0]
    return [name for name in names if name in (model, f"{model} alone", f"{model} with head")]


def passing_at(workspace: Workspace) -> Mapping[str, Any] | None:
    """Returns the row of realism's `passing.curve` for the threshold of the last round of 06."""
    evaluation = record.load(workspace.bert_realism)
    rows = evaluation.facts.get("passing") if evaluation else None
    if not rows:
        return None
    tables = sorted(workspace.root.glob(workspace.reply_score_predictions("*").name))
    used = read_manifest(tables[-1]).get("parameters", {}).get("threshold") if tables else None
    threshold = THRESHOLD if used is None else float(used)
    return min(rows, key=lambda row: abs(row["threshold"] - threshold))


def _realism(workspace: Workspace) -> Iterator[Headline]:
    evaluation, passing = record.load(workspace.bert_realism), passing_at(workspace)
    if not passing:
        yield from _classifier("realism", "Realism", evaluation)
        return
    rows = passing["models"]
    own, *_ = rows
    value, low, high = (rows[own][part] for part in ("per_100", "low", "high"))
    mine = own_rows(list(rows))
    rivals = {n: r["per_100"] for n, r in rows.items() if n not in mine and _known(r["per_100"])}
    best = min(rivals, key=rivals.get, default="")
    if not _known(value):
        state, text = BAD, f"{own} keeps no real reply at the threshold {passing['threshold']:g}."
    else:
        lost = rivals and _loses(evaluation.facts.get("gain"))
        state = BAD if lost or value > PASSING[1] else GOOD if value <= PASSING[0] else UNSURE
        text = (
            f"At the threshold {passing['threshold']:g}, {own} keeps {passing['kept']:.0%} of the "
            f"real replies and lets {value:.0f} fakes pass for every 100 that it keeps "
            f"(guessing: 100)."
        )
        if rivals:
            text += f" {best} at the same share kept: {rivals[best]:.0f}."
        if lost:
            text += f" {best} judges better over all thresholds."
    yield Headline(
        "realism",
        "Fakes that pass per 100 real replies kept",
        *(value, low, high, "{:.0f}"),
        *(best or "guessing", rivals.get(best, 100.0)),
        *(state, text),
    )


_MEASURES = {"auc": "AUC", "auc_macro": "macro AUC", "pairwise": "better of two replies found"}


def _classifier(key: str, title: str, evaluation: Evaluation | None) -> Iterator[Headline]:
    if evaluation is None or evaluation.scores.empty:
        return
    table = evaluation.scores
    column = table.columns[1]
    numbers = {str(row.iloc[0]): number(row.iloc[1]) for _, row in table.iterrows()}
    own = next(iter(numbers))
    mine = own_rows(list(numbers))
    rivals = {n: v for n, v in numbers.items() if n not in mine and _known(v[0])}
    best = max(rivals, key=lambda name: rivals[name][0], default="")
    value, low, high = numbers[own]
    measure = _MEASURES.get(column.split(",")[0].split(" ")[0], column)
    share = column.startswith("pairwise")
    yield Headline(
        key,
        f"{title}: {measure}",
        *(value, low, high, "{:.0%}" if share else "{:.2f}"),
        *(best or "chance", rivals[best][0] if best else CHANCE),
        _against(value, low, high, rivals.get(best), evaluation.facts.get("gain")),
        evaluation.sentence,
    )


def _against(value: float, low: float, high: float, rival: Any, gain: Any) -> str:
    if not _known(value):
        return UNKNOWN
    if gain and _known(gain.get("gain")):
        gain_low, gain_high = gain.get("intervals", {}).get("gain", (math.nan, math.nan))
        return GOOD if gain_low > 0 else BAD if gain_high < 0 else UNSURE
    rival_value, rival_low, rival_high = rival or (CHANCE, CHANCE, CHANCE)
    if _known(low) and _known(rival_low):
        return GOOD if low > rival_high else BAD if high < rival_low else UNSURE
    return BAD if value < rival_value else UNSURE


def _loses(gain: Mapping[str, Any] | None) -> bool:
    high = (gain or {}).get("intervals", {}).get("gain", (math.nan, math.nan))[1]
    return _known(high) and high < 0


def generator(card: Mapping[str, Any]) -> Iterator[Headline]:
    """Yields the headlines of a GPT-2's model card: perplexity, and what it memorised."""
    perplexity = card.get("perplexity") or {}
    own, other = perplexity.get("own_comment"), perplexity.get("shuffled_comment")
    if _known(own) and _known(other):
        ratio = own / other
        state = GOOD if ratio <= PERPLEXITY[0] else UNSURE if ratio < PERPLEXITY[1] else BAD
        form = "{:,.0f}" if min(own, other) >= 1000 else "{:.1f}" if own >= 20 else "{:.3f}"
        shown, beside = form.format(own), form.format(other)
        if state == BAD:
            text = (
                f"GPT-2 predicts a held-out reply no better with its own comment ({shown}) than "
                f"with a stranger's ({beside}): what it writes doesn't depend on the comment."
            )
        else:
            text = (
                f"A held-out reply's perplexity is {1 - ratio:.0%} lower with its own comment "
                f"({shown}) than with a stranger's ({beside}): GPT-2 reads the comment"
                + ("." if state == GOOD else ", but only a little.")
            )
        yield Headline(
            "perplexity",
            "Perplexity with its own comment",
            *(own, math.nan, math.nan, form),
            *("with a stranger's", other, state, text),
        )
    memorisation = card.get("memorisation") or {}
    share, replies = memorisation.get("share"), memorisation.get("replies") or 0
    if _known(share) and replies:
        low, high = wilson(share, replies)
        state = GOOD if high <= MEMORISED[1] and share <= MEMORISED[0] else UNSURE
        state = BAD if share > MEMORISED[1] else state
        words = memorisation.get("words", 12)
        yield Headline(
            "memorised",
            "Replies that repeat training data",
            *(share, low, high, "{:.0%}"),
            *("wanted", 0.0, state),
            f"{share:.0%} of {replies:,} generated replies repeat {words} words in a row from the "
            "training data.",
        )


def generator_card(workspace: Workspace) -> tuple[Path | None, dict[str, Any]]:
    """Returns the folder and the model card of the GPT-2 trained last; None and {} without any."""
    cards = (workspace.models / "gpt2").glob("*/model_card.json")
    newest = max(cards, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        return None, {}
    return newest.parent, json.loads(newest.read_text(encoding="utf-8"))


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
