"""Removes people and texts from every table of a workspace, and lists the models that saw them."""

import dataclasses
import shutil
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from botlib.data import forgotten
from botlib.data.archive import store as archive
from botlib.data.pairs.splits import split_of
from botlib.data.pairs.text import training_text
from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.manifests import hash_path, read_manifest
from botlib.tables import (
    ABOVE,
    BERT_GAN_FAKE,
    BERT_GAN_REAL,
    CONVERSATIONS,
    GPT2_FINETUNE,
    GPT2_GENERATE,
    PREDICTIONS,
    PROPOSED,
    RAW,
    READ_THREADS,
    REALISTIC,
    Table,
    read_table,
    write_table,
)
from botlib.workspace import Workspace, atomic_file

# Splits that a model is trained on, or chosen by
_LEARNT = {"gpt2": ("generator",), "bert": ("generator", "classifier", "validation")}


@dataclasses.dataclass(frozen=True)
class ForgetReport:
    """What was removed, and what remains to do.

    Attributes:
      removed: table, rows: the tables that contained them (blanked posts count in raw_data).
      models: model, seen ("yes", or "perhaps" if it was trained on an earlier table): train
        these again or delete them, so that the texts are gone from them, too.
      elsewhere: places that may still contain the texts, for the user to clear.
    """

    removed: pd.DataFrame
    models: pd.DataFrame
    elsewhere: list[str]


def forget(
    workspace: Workspace, authors: Iterable[str] = (), ids: Iterable[str] = ()
) -> ForgetReport:
    """Returns a report, after removing people's texts, or single ones, from all tables.

    Comments and replies are removed with their rows. Posts keep their rows, which belong to other
    people, but lose title and text. A list of hashes is kept: extraction and cleaning leave out
    what is on it, so nothing comes back. Cached dump rows are deleted. Run it again if it stopped.

    Args:
      workspace: whose tables, outbox and cache are cleared.
      authors: user names, with or without "u/", in any case.
      ids: of posts, comments or replies, with or without "t1_" or "t3_".

    Raises:
      BotlibError: neither an author nor an id is given.
    """
    names = {name.strip().removeprefix("/").removeprefix("u/").lower() for name in authors} - {""}
    keys = {_bare(name) for name in ids} - {""}
    if not names and not keys:
        raise BotlibError("nothing to forget: give --author NAME or --ids FILE")
    # The list comes first: even if this is stopped, nothing removed comes back
    forgotten.add(workspace, names, keys)
    shutil.rmtree(workspace.cache, ignore_errors=True)
    removed: dict[str, int] = archive.forget(workspace)
    months = sorted(workspace.raw_data.glob("myreddit_*.csv"))
    above = sorted(workspace.raw_data.glob("above_*.csv"))
    read = sorted(workspace.root.glob(workspace.read_threads("*").name))
    gone_keys = keys.union(
        *(_ids_of(path, names, keys) for path in months),
        *(_turns_of(path, names) for path in above),
        *(_live_ids_of(path, names) for path in read),
    )
    pairs = _pairs_of(workspace, gone_keys)
    # The tables' hashes say which models saw them, so this comes before the tables change
    above_keys = gone_keys | _posts_of(months, names)
    models = _models(workspace, set(pairs["split"]), _splits_below(workspace, above_keys))
    texts = {training_text(c, r) for c, r in zip(pairs["comment"], pairs["reply"], strict=True)}
    _drop(
        workspace.gpt2_finetune, GPT2_FINETUNE, lambda t: t["text"].isin(texts), removed, workspace
    )
    comments = set(pairs["comment"])
    for path in sorted(workspace.models.glob("**/samples.csv")):
        _drop_samples(path, comments, removed, workspace)
    _from_outbox(workspace, names, gone_keys, removed)
    # The tables that lead to the others come last, so that a stopped run can be repeated
    for path, table in _derived(workspace):
        _drop(path, table, lambda t: _holds(t, gone_keys), removed, workspace)
    _drop(
        workspace.conversations,
        CONVERSATIONS,
        lambda t: t["id"].isin(above_keys),
        removed,
        workspace,
    )
    for path in above:
        _drop(path, ABOVE, lambda t: _theirs(t, "parent", names, keys), removed, workspace)
    for path in months:
        _from_raw(path, names, keys, removed)
    return ForgetReport(
        pd.DataFrame(sorted(removed.items()), columns=["table", "rows"]),
        models,
        _elsewhere(workspace),
    )


def _bare(name: str) -> str:
    name = name.strip()
    return (name[3:] if name[:3] in ("t1_", "t3_") else name).lower()


def _ids_of(path: Path, names: set[str], keys: set[str]) -> set[str]:
    """Returns the ids of a month's comments and replies to remove."""
    frame = read_table(path, RAW, ["comment_id", "comment_author", "reply_id", "reply_author"])
    return {
        name
        for side in ("comment", "reply")
        for name in frame.loc[_theirs(frame, side, names, keys), f"{side}_id"]
    }


def _turns_of(path: Path, names: set[str]) -> set[str]:
    """Returns the ids of the turns above a month's comments that these people wrote."""
    frame = read_table(path, ABOVE, ["parent_id", "parent_author"])
    return set(frame.loc[_theirs(frame, "parent", names, set()), "parent_id"])


def _posts_of(months: list[Path], names: set[str]) -> set[str]:
    columns = ["submission_id", "submission_author"]
    frames = (read_table(path, RAW, columns) for path in months)
    return {
        name
        for frame in frames
        for name in frame.loc[_theirs(frame, "submission", names, set()), "submission_id"]
    }


def _splits_below(workspace: Workspace, keys: set[str]) -> set[str]:
    """Returns the splits of the threads in which these posts and turns stand above comments."""
    if not workspace.conversations.is_file():
        return set()
    frame = read_table(workspace.conversations, CONVERSATIONS, ["id", "submission_id"])
    return set(split_of(frame.loc[frame["id"].isin(keys), "submission_id"]))


def _live_ids_of(path: Path, names: set[str]) -> set[str]:
    """Returns the ids of the comments that 05 read and these people wrote."""
    frame = read_table(path, READ_THREADS, ["comment_id", "author"])
    return set(frame.loc[frame["author"].str.lower().isin(names), "comment_id"])


def _theirs(frame: pd.DataFrame, side: str, names: set[str], keys: set[str]) -> pd.Series:
    by_them = frame[f"{side}_author"].str.lower().isin(names)
    return by_them | frame[f"{side}_id"].str.lower().isin(keys)


def _from_raw(path: Path, names: set[str], keys: set[str], removed: dict[str, int]) -> None:
    frame = read_table(path, RAW)
    drop = _theirs(frame, "comment", names, keys) | _theirs(frame, "reply", names, keys)
    posts = _theirs(frame, "submission", names, keys)
    if touched := int((drop | posts).sum()):
        frame.loc[posts, ["title", "submission"]] = ""
        frame.loc[posts, "submission_author"] = "[deleted]"
        write_table(path, frame[~drop], RAW)
        removed[f"raw_data/{path.name}"] = touched


def _pairs_of(workspace: Workspace, keys: set[str]) -> pd.DataFrame:
    if not workspace.bert_gan_real.is_file():
        return pd.DataFrame(columns=["comment", "reply", "split"])
    frame = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    return frame.loc[_holds(frame, keys), ["comment", "reply", "split"]]


def _holds(frame: pd.DataFrame, keys: set[str]) -> pd.Series:
    columns = [name for name in ("comment_id", "reply_id", "post_id") if name in frame.columns]
    return frame[columns].isin(keys).any(axis=1)


def _derived(workspace: Workspace) -> list[tuple[Path, Table]]:
    """Returns the tables made from raw_data that have ids, except gpt2_finetune, which has none."""
    tables = [(workspace.gpt2_generate, GPT2_GENERATE)]
    tables += [(path, BERT_GAN_FAKE) for path in workspace.bert_gan_fakes()]
    for pattern, table in (
        ("proposed_replies_*.csv", PROPOSED),
        ("realistic_replies_*.csv", REALISTIC),
        ("reply_score_predictions_*.csv", PREDICTIONS),
        # After the others: it says which of their comments are whose
        ("read_threads_*.csv", READ_THREADS),
    ):
        tables += [(path, table) for path in sorted(workspace.root.glob(pattern))]
    return [*tables, (workspace.bert_gan_real, BERT_GAN_REAL)]


def _drop(path: Path, table: Table, test, removed: dict[str, int], workspace: Workspace) -> None:
    if not path.is_file():
        return
    frame = read_table(path, table)
    drop = test(frame)
    if drop.any():
        write_table(path, frame[~drop], table)
        removed[str(path.relative_to(workspace.root))] = int(drop.sum())


def _drop_samples(
    path: Path, comments: set[str], removed: dict[str, int], workspace: Workspace
) -> None:
    frame = pd.read_csv(path, keep_default_na=False)
    if "comment" in frame.columns and (drop := frame["comment"].isin(comments)).any():
        with atomic_file(path) as file:
            frame[~drop].to_csv(file, index=False, lineterminator="\n")
        removed[str(path.relative_to(workspace.root))] = int(drop.sum())


def _from_outbox(
    workspace: Workspace, names: set[str], keys: set[str], removed: dict[str, int]
) -> None:
    """Blanks their comments in the outbox, and rejects replies that wait for posting."""
    if workspace.outbox.is_file():
        with Outbox(workspace.outbox) as outbox:
            if touched := outbox.forget(names, keys):
                removed[workspace.outbox.name] = touched


def _models(workspace: Workspace, splits: set[str], above: set[str]) -> pd.DataFrame:
    """Returns the models that were trained on tables with the forgotten texts.

    Args:
      workspace: whose models.
      splits: of the forgotten pairs.
      above: splits of threads with forgotten texts above a comment, which only GPT-2 sees.
    """
    rows = []
    for kind, splits_seen, folders, table in (
        ("gpt2", splits | above, sorted(workspace.models.glob("gpt2/*")), workspace.gpt2_finetune),
        ("bert", splits, _judges(workspace), workspace.bert_gan_real),
    ):
        if not splits_seen & set(_LEARNT[kind]):
            continue
        now = hash_path(table)
        for folder in folders:
            inputs = read_manifest(folder).get("inputs", {})
            if not inputs:
                continue
            same = now in inputs.values()
            rows.append((str(folder.relative_to(workspace.root)), "yes" if same else "perhaps"))
    return pd.DataFrame(rows, columns=["model", "seen"])


def _judges(workspace: Workspace) -> list[Path]:
    w = workspace
    folders = [w.bert_realism, w.bert_fit, w.bert_upvotes, w.bert_rank, w.context]
    return [folder for folder in folders if folder.is_dir()]


def _elsewhere(workspace: Workspace) -> list[str]:
    places = ["the dump files, and your own tables on BigQuery"]
    if workspace.runs.is_dir() and any(workspace.runs.iterdir()):
        places.append("executed notebooks in runs/, which contain examples")
    return places
