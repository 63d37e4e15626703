"""From the raw table to what each model is trained on: clean, rate, split, prompt, write."""

import dataclasses

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
from botlib.data.pairs.conversations import write_conversations
from botlib.data.pairs.dropped import Dropped
from botlib.data.pairs.ratings import rating_of
from botlib.data.pairs.splits import SPLITS, split_of, whole_threads
from botlib.data.pairs.text import SEPARATOR, clean_text, prompt, training_text
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.settings import DataSettings, comma_list
from botlib.tables import (
    BERT_GAN_REAL,
    GPT2_FINETUNE,
    GPT2_GENERATE,
    RAW,
    read_table,
    write_table,
)
from botlib.workspace import Workspace

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
    names = {name.lower() for name in comma_list(settings.subreddits)}
    rows, parts, dropped = 0, [], Dropped()
    for path in paths:
        month = read_table(path, RAW, RAW_COLUMNS)
        month = month[month["subreddit"].str.lower().isin(names)]
        month = month[~forgotten.rows_of(month, workspace)]
        rows += len(month)
        parts.append(clean_rows(month, settings, dropped))
    frame = compare_rows(pd.concat(parts, ignore_index=True), settings, dropped)
    counts = finished_counts(rows, dropped.counts, settings)
    if frame.empty:
        raise BotlibError(_nothing_left(rows, counts))
    frame = _finished(frame, settings)
    tested, shared = _users(frame)
    report = PairsReport(
        counts=counts,
        splits=_splits(frame),
        subreddits=_subreddits(frame),
        shared_users=len(shared),
        test_users=len(tested),
        examples=_examples(frame),
        ignored_months=[path.name for path in ignored],
        dropped=dropped.table(),
        conversations=write_conversations(workspace, frame, paths),
    )
    _write(workspace, frame, settings, report, paths)
    return report


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


def _finished(frame: pd.DataFrame, settings: DataSettings) -> pd.DataFrame:
    if settings.max_pairs:
        frame = frame[whole_threads(frame["submission_id"], settings.max_pairs)]
    scores = frame["reply_score"].fillna(0).astype("int64")
    return frame.assign(
        reply_score=scores,
        rating=rating_of(scores, settings.rating_bins, frame["subreddit"]),
        real=1,
        split=split_of(frame["submission_id"]),
    ).reset_index(drop=True)


def _write(
    workspace: Workspace,
    frame: pd.DataFrame,
    settings: DataSettings,
    report: PairsReport,
    inputs: list,
) -> None:
    generator = frame["split"] == "generator"
    texts = [
        training_text(comment, reply)
        for comment, reply in zip(
            frame.loc[generator, "comment"], frame.loc[generator, "reply"], strict=True
        )
    ]
    tables = {
        workspace.gpt2_finetune: (GPT2_FINETUNE, frame.loc[generator].assign(text=texts)),
        workspace.gpt2_generate: (
            GPT2_GENERATE,
            frame.loc[~generator].drop_duplicates("comment_id"),
        ),
        workspace.bert_gan_real: (BERT_GAN_REAL, frame),
    }
    extra = {
        "rules": report.counts.to_dict("records"),
        "splits": report.splits.to_dict("records"),
        "shared_users": report.shared_users,
        "test_users": report.test_users,
    }
    write_manifest(
        workspace.conversations,
        inputs=inputs,
        parameters=settings.as_dict(),
        seed=None,
        extra={"rows": report.conversations.to_dict("records")},
    )
    for path, (table, rows) in tables.items():
        write_table(path, rows, table)
        write_manifest(
            path,
            inputs=inputs,
            parameters=settings.as_dict(),
            seed=None,
            extra={"rows": len(rows), **extra},
        )


def _splits(frame: pd.DataFrame) -> pd.DataFrame:
    grouped = frame.groupby("split")
    table = grouped.agg(
        threads=("submission_id", "nunique"),
        comments=("comment_id", "nunique"),
        pairs=("reply_id", "size"),
        users=("reply_author", "nunique"),
    )
    table = table.reindex(list(SPLITS), fill_value=0)
    return table.rename_axis("split").reset_index()


def _subreddits(frame: pd.DataFrame) -> pd.DataFrame:
    table = frame.groupby("subreddit").agg(
        pairs=("reply_id", "size"), median_score=("reply_score", "median")
    )
    shares = pd.crosstab(frame["subreddit"], frame["rating"], normalize="index")
    shares = shares.reindex(columns=range(4), fill_value=0.0)
    return table.join(shares.add_prefix("rating_")).reset_index()


def _users(frame: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Returns who wrote in test threads, and who of them in a training split too."""
    authors = frame[["split", "comment_author", "reply_author"]].melt("split", value_name="author")
    authors = authors[~authors["author"].isin(["", "[deleted]", "[removed]"])]
    train = authors["split"].isin(["generator", "classifier"])
    tested = set(authors.loc[authors["split"] == "test", "author"])
    return tested, tested & set(authors.loc[train, "author"])


def _examples(frame: pd.DataFrame) -> pd.DataFrame:
    first = frame.drop_duplicates("split").set_index("split").reindex(list(SPLITS))
    columns = ["subreddit", "comment", "reply", "reply_score", "rating"]
    return first[columns].dropna(subset="comment").reset_index()
