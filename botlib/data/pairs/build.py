"""From the raw table to what each model is trained on: clean, rate, split, prompt, write."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from botlib.data import forgotten, raw
from botlib.data.months import month_of
from botlib.data.pairs.cleaning import (
    RAW_COLUMNS,
    RULES,
    clean,
    clean_rows,
    compare_rows,
    finished_counts,
)
from botlib.data.pairs.conversations_build import write_conversations
from botlib.data.pairs.dropped import Dropped
from botlib.data.pairs.kept import Kept, examples, splits_table, subreddits_table, users
from botlib.data.pairs.spill import Pairs, scratch
from botlib.data.pairs.splits import SPLITS, split_of
from botlib.data.pairs.text import SEPARATOR, clean_text, prompt, training_text
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.settings import DataSettings, comma_list
from botlib.tables import (
    BERT_GAN_REAL,
    GPT2_FINETUNE,
    GPT2_GENERATE,
    RAW,
    read_parts,
    table_writer,
)
from botlib.workspace import Workspace

# Rows of a raw table that are cleaned at a time: the only texts in memory
_ROWS = 20_000

__all__ = [
    "RULES",
    "SEPARATOR",
    "SPLITS",
    "PairsReport",
    "clean",
    "clean_text",
    "prompt",
    "split_of",
    "training_text",
    "write_pairs",
]


@dataclasses.dataclass(frozen=True)
class PairsReport:
    """What `write_pairs` did.

    Attributes:
      counts: rule, about, dropped, left: one row a rule, in the order applied.
      splits: split, threads, comments, pairs, users: one row a split.
      subreddits: subreddit, pairs, median_score, share of each rating.
      shared_users: users who wrote both in a training split (generator, classifier) and in test.
      test_users: users who wrote in test.
      examples: one pair of each split: split, subreddit, comment, reply, reply_score, rating.
      ignored_months: raw tables left by an earlier, other selection, which were not used.
      dropped: rule, comment, reply: up to five pairs that each rule dropped.
      conversations: what, rows: what is kept of the threads above the comments.
    """

    counts: pd.DataFrame
    splits: pd.DataFrame
    subreddits: pd.DataFrame
    shared_users: int
    test_users: int
    examples: pd.DataFrame
    ignored_months: list[str]
    dropped: pd.DataFrame
    conversations: pd.DataFrame


def write_pairs(workspace: Workspace, settings: DataSettings) -> PairsReport:
    """Clean the raw tables; write gpt2_finetune, gpt2_generate, bert_gan_real, conversations.

    GPT-2 is trained on the threads of split "generator"; gpt2_generate holds the comments of the
    other threads, so that fakes answer comments that GPT-2 has not seen, as live ones are.

    Args:
      workspace: has raw_data/myreddit_{YYYY_MM}.csv.
      settings: subreddits and months to use, cleaning, ratings, max_pairs.

    Returns:
      The report; its counts stand in the manifests too.

    Raises:
      BotlibError: no raw tables, or nothing is left after cleaning.
    """
    paths, ignored = raw.selected_months(workspace)
    paths = [path for path in paths if _in_months(path.stem[-7:], settings)]
    if not paths:
        raise BotlibError(
            f"no raw tables of these months in {workspace.raw_data}: run the first part of 01_data"
        )
    with scratch(workspace) as folder:
        dropped = Dropped()
        rows, pairs = _cleaned(workspace, settings, paths, dropped, folder)
        left = compare_rows(pairs, settings, dropped)
        counts = finished_counts(rows, dropped.counts, settings)
        if not left.any():
            raise BotlibError(_nothing_left(rows, counts))
        kept = Kept.of(pairs, left, settings)
        tested, shared = users(kept)
        report = PairsReport(
            counts=counts,
            splits=splits_table(kept),
            subreddits=subreddits_table(kept),
            shared_users=shared,
            test_users=tested,
            examples=examples(kept),
            ignored_months=[path.name for path in ignored],
            dropped=dropped.table(),
            conversations=write_conversations(workspace, kept, paths, settings),
        )
        _write(workspace, kept, settings, report, paths)
    return report


def _cleaned(
    workspace: Workspace,
    settings: DataSettings,
    paths: list[Path],
    dropped: Dropped,
    folder: Path,
) -> tuple[int, Pairs]:
    """Return how many rows were read, and the pairs that rules which see one pair only leave."""
    names = {name.lower() for name in comma_list(settings.subreddits)}
    rows, pairs = 0, Pairs(folder)
    for path in paths:
        for part in read_parts(path, RAW, RAW_COLUMNS, rows=_ROWS):
            part = part[part["subreddit"].str.lower().isin(names)]
            part = part[~forgotten.rows_of(part, workspace)]
            rows += len(part)
            pairs.append(clean_rows(part, settings, dropped))
    pairs.finish()
    return rows, pairs


def _nothing_left(rows: int, counts: pd.DataFrame) -> str:
    """Return the error that names the rule to look at, and what every rule dropped."""
    if not rows:
        return "raw_data holds no pair of these subreddits: run the first part of 01_data for them"
    dropped = counts[counts["dropped"] > 0]
    share = dropped["dropped"] / (dropped["dropped"] + dropped["left"])
    # The last rule always drops all that reaches it, be it two pairs: nearly all counts as all.
    worst = dropped[share >= min(0.95, share.max())].sort_values("dropped").iloc[-1]
    reached = worst["dropped"] + worst["left"]
    table = ", ".join(f"{row.rule} {row.dropped:,}" for row in dropped.itertuples())
    return (
        f"no pair is left of {rows:,} after cleaning: rule {worst['rule']!r} dropped "
        f"{worst['dropped']:,} of the {reached:,} that reached it ({worst['about']}); check "
        f"subreddits, or loosen the rule. Dropped, in order: {table}"
    )


def _in_months(month: str, settings: DataSettings) -> bool:
    first = month_of(settings.first_month, "first_month") or month
    last = month_of(settings.last_month, "last_month") or month
    return first <= month <= last


def _write(
    workspace: Workspace,
    kept: Kept,
    settings: DataSettings,
    report: PairsReport,
    inputs: list[Path],
) -> None:
    """Write the three tables that training reads, side by side, then all manifests."""
    tables = {
        workspace.gpt2_finetune: GPT2_FINETUNE,
        workspace.gpt2_generate: GPT2_GENERATE,
        workspace.bert_gan_real: BERT_GAN_REAL,
    }
    rows = dict.fromkeys(tables, 0)
    columns = [name for name in BERT_GAN_REAL.columns if name not in ("real", "rating", "split")]
    with contextlib.ExitStack() as stack:
        writers = {
            path: stack.enter_context(table_writer(path, table)) for path, table in tables.items()
        }
        for some, frame in kept.blocks(columns):
            for path, part in zip(tables, _parts(frame, kept.first[some]), strict=True):
                writers[path](part)
                rows[path] += len(part)
    extra = {
        "rules": report.counts.to_dict("records"),
        "splits": report.splits.to_dict("records"),
        "shared_users": report.shared_users,
        "test_users": report.test_users,
    }
    about = {"inputs": inputs, "parameters": settings.as_dict(), "seed": None}
    conversations = report.conversations.to_dict("records")
    write_manifest(workspace.conversations, **about, extra={"rows": conversations})
    for path in tables:
        write_manifest(path, **about, extra={"rows": rows[path], **extra})


def _parts(frame: pd.DataFrame, first: np.ndarray) -> tuple[pd.DataFrame, ...]:
    """Return what of some pairs goes into gpt2_finetune, gpt2_generate and bert_gan_real."""
    generator = (frame["split"] == "generator").to_numpy()
    mine = frame[generator]
    texts = [
        training_text(comment, reply)
        for comment, reply in zip(mine["comment"], mine["reply"], strict=True)
    ]
    return mine.assign(text=texts), frame[~generator & first], frame
