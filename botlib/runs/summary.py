"""The results of a run in figures: data, losses, scores beside their baselines, replies."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from botlib.errors import BotlibError
from botlib.evaluation import record
from botlib.tables import PREDICTIONS, read_table
from botlib.workspace import Workspace, atomic_file, read_manifest

FILE = "summary.json"


@dataclasses.dataclass(frozen=True)
class Section:
    """A section: a heading, a sentence that explains the figures, and the figures."""

    title: str
    sentence: str
    table: pd.DataFrame


def collect(workspace: Workspace) -> list[Section]:
    """Returns the figures of the workspace's tables and models, in the order of the notebooks."""
    return [
        *_data(workspace),
        *_generators(workspace),
        *_classifiers(workspace),
        *_replies(workspace),
    ]


def save(sections: list[Section], run: Path) -> None:
    """Saves a run's figures in its folder, because the next run overwrites the models."""
    values = [
        {"title": s.title, "sentence": s.sentence, "table": s.table.to_dict(orient="split")}
        for s in sections
    ]
    with atomic_file(run / FILE) as file:
        json.dump(values, file, indent=1, default=str)


def load(run: Path) -> list[Section]:
    """Returns what `save` wrote.

    Raises:
      BotlibError: the folder isn't a run's.
    """
    try:
        values = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BotlibError(
            f"{run} has no {FILE}: give a folder such as WORKSPACE/runs/2026-11-23T10-00-00"
        ) from None
    return [Section(v["title"], v["sentence"], pd.DataFrame(**v["table"])) for v in values]


def best_replies(workspace: Workspace) -> pd.DataFrame:
    """Returns the best reply of each post of the newest round: comment, reply, scores, decision."""
    tables = sorted(workspace.root.glob(workspace.reply_score_predictions("*").name))
    columns = ["comment", "best reply", "realism", "expected rating", "decision"]
    if not tables:
        return pd.DataFrame(columns=columns)
    replies = read_table(tables[-1], PREDICTIONS)
    # The one chosen comes first even where another that was refused has a higher score
    replies["chosen"] = replies["decision"] == "reply"
    ranked = replies.sort_values(["chosen", "score"], ascending=False, na_position="last")
    best = ranked.groupby("post_id", sort=False).head(1)
    names = {
        "proposed_reply": "best reply",
        "prob_real": "realism",
        "score": "expected rating",
    }
    return best.rename(columns=names)[columns].reset_index(drop=True)


def _data(workspace: Workspace) -> Iterator[Section]:
    extra = read_manifest(workspace.bert_gan_real).get("extra", {})
    rows = [(name, value) for name, value in extra.items() if _plain(value)]
    rows += [
        (f"{name}: {part}", value)
        for name, parts in extra.items()
        if isinstance(parts, dict)
        for part, value in parts.items()
        if _plain(value)
    ]
    if rows:
        yield Section("Data", "", pd.DataFrame(rows, columns=["", "value"]))


def _generators(workspace: Workspace) -> Iterator[Section]:
    for path in sorted((workspace.models / "gpt2").glob("*/model_card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        rows = [(name, value) for name, value in card.items() if _plain(value)]
        for name in ("perplexity", "memorisation"):
            parts = card.get(name) or {}
            rows += [(f"{name}: {part}", value) for part, value in parts.items() if _plain(value)]
        yield Section(f"GPT-2: {path.parent.name}", "", pd.DataFrame(rows, columns=["", "value"]))


def _classifiers(workspace: Workspace) -> Iterator[Section]:
    for model in (
        workspace.bert_realism,
        workspace.bert_upvotes,
        workspace.bert_rank,
        workspace.context,
    ):
        if evaluation := record.load(model):
            yield Section(evaluation.title, evaluation.sentence, evaluation.scores)


def _replies(workspace: Workspace) -> Iterator[Section]:
    best = best_replies(workspace)
    if not best.empty:
        counts = ", ".join(f"{n} {name}" for name, n in best["decision"].value_counts().items())
        yield Section("Best reply of each post", f"{len(best)} posts: {counts}.", best.head(20))


def _plain(value: object) -> bool:
    return isinstance(value, int | float | str)
