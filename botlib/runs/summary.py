"""The results of a run as tables: data, losses, scores beside their baselines, replies."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from botlib.errors import BotlibError
from botlib.evaluation import record
from botlib.manifests import read_manifest
from botlib.runs.headlines import Headline, generator
from botlib.tables import PREDICTIONS, read_table
from botlib.workspace import Workspace, atomic_file

FILE = "summary.json"


@dataclasses.dataclass(frozen=True)
class Section:
    """A section: a heading, a sentence that explains the figures, the figures, their notebook."""

    title: str
    sentence: str
    table: pd.DataFrame
    notebook: str = ""


def collect(workspace: Workspace) -> list[Section]:
    """Returns the figures of the workspace's tables and models, in the order of the notebooks."""
    return [
        *_data(workspace),
        *_generators(workspace),
        *_classifiers(workspace),
        *_replies(workspace),
    ]


def save(sections: list[Section], headlines: list[Headline], run: Path) -> None:
    """Saves a run's figures in its folder, because the next run overwrites the models."""
    values = {
        "sections": [
            {**dataclasses.asdict(s), "table": s.table.to_dict(orient="split")} for s in sections
        ],
        "headlines": [dataclasses.asdict(headline) for headline in headlines],
    }
    with atomic_file(run / FILE) as file:
        json.dump(values, file, indent=1, default=str)


def load(run: Path) -> tuple[list[Section], list[Headline]]:
    """Returns what `save` wrote; without headlines where 0.1.0 wrote it.

    Raises:
      BotlibError: the folder isn't a run's.
    """
    try:
        values = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BotlibError(
            f"{run} has no {FILE}: give a folder such as WORKSPACE/runs/2026-11-23T10-00-00"
        ) from None
    if isinstance(values, list):
        values = {"sections": values, "headlines": []}
    sections = [Section(**{**v, "table": pd.DataFrame(**v["table"])}) for v in values["sections"]]
    return sections, [Headline(**value) for value in values["headlines"]]


def newest_predictions(workspace: Workspace) -> pd.DataFrame:
    """Returns all candidates of the newest round with their scores; empty without any."""
    tables = sorted(workspace.root.glob(workspace.reply_score_predictions("*").name))
    return read_table(tables[-1], PREDICTIONS) if tables else pd.DataFrame()


def best_replies(workspace: Workspace) -> pd.DataFrame:
    """Returns the best reply of each post of the newest round: comment, reply, scores, decision."""
    columns = ["comment", "best reply", "realism", "expected rating", "decision"]
    replies = newest_predictions(workspace)
    if replies.empty:
        return pd.DataFrame(columns=columns)
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


def best_and_worst(workspace: Workspace, each: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the best and the worst of the proposed replies; no worst where there are too few."""
    replies = newest_predictions(workspace)
    if replies.empty:
        return replies, replies
    chosen = replies[replies["decision"] == "reply"].sort_values("score", ascending=False)
    return chosen.head(each), chosen.iloc[max(each, len(chosen) - each) :].iloc[::-1]


def _data(workspace: Workspace) -> Iterator[Section]:
    manifest = read_manifest(workspace.bert_gan_real)
    extra = manifest.get("extra", {})
    if not extra.get("rows"):
        return
    read = next((r["left"] for r in extra.get("rules", ()) if r["rule"] == "(raw)"), 0)
    source = manifest.get("parameters", {}).get("source", "")
    sentence = f"{extra['rows']:,} pairs of comment and reply"
    sentence += f" are left of {read:,} that were read" if read else ""
    sentence += ", from a made-up Reddit." if source == "sample" else "."
    splits = pd.DataFrame(extra.get("splits", ()))
    yield Section("pairs of each split", sentence, splits, "01_data")
    if rules := extra.get("rules"):
        frame = pd.DataFrame(rules)[["rule", "about", "dropped", "left"]]
        yield Section("what each rule dropped", "", frame, "01_data")


def _generators(workspace: Workspace) -> Iterator[Section]:
    for path in sorted((workspace.models / "gpt2").glob("*/model_card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        rows = [(name.replace("_", " "), v) for name, v in card.items() if _plain(v)]
        for name in ("perplexity", "memorisation"):
            parts = card.get(name) or {}
            rows += [(f"{name}: {k.replace('_', ' ')}", v) for k, v in parts.items() if _plain(v)]
        table = pd.DataFrame(rows, columns=["", "value"])
        sentence = " ".join(headline.sentence for headline in generator(card))
        yield Section(f"GPT-2, {path.parent.name}", sentence, table, "02_gpt2_finetune")


def _classifiers(workspace: Workspace) -> Iterator[Section]:
    for folder in sorted(workspace.models.glob(f"*/{record.FILE}"), key=_place):
        if evaluation := record.load(folder.parent):
            notebook = "04_bert_upvotes" if folder.parent.name in _OF_04 else "03_bert_realism"
            yield Section(evaluation.title, evaluation.sentence, evaluation.scores, notebook)


_OF_04 = ("bert_upvotes", "bert_rank", "context")


def _place(path: Path) -> tuple[int, str]:
    name = path.parent.name
    return (_OF_04.index(name) if name in _OF_04 else -1, name)


def _replies(workspace: Workspace) -> Iterator[Section]:
    best = best_replies(workspace)
    if not best.empty:
        names = best["decision"].replace({"reply": "proposed"}).value_counts()
        counts = ", ".join(f"{n} {name}" for name, n in names.items())
        sentence = f"The best candidate of each of {len(best)} posts: {counts}."
        yield Section(
            "best reply of each post", sentence, best.head(20), "06_discriminate_and_post"
        )


def _plain(value: object) -> bool:
    return isinstance(value, int | float | str)
