"""Replies that GPT-2 makes up, and the training pairs that set them against real ones.

Fakes answer comments from threads that GPT-2 was not trained on, since live comments are such.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from botlib.data.pairs.conversations import Above, Conversations
from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.gpt2.generator import Generator
from botlib.manifests import hash_path, manifest_path, read_manifest, write_manifest
from botlib.settings import RealismSettings, comma_list
from botlib.tables import BERT_GAN_FAKE, BERT_GAN_REAL, GPT2_GENERATE, read_table, write_table
from botlib.workspace import Workspace

# Comments answered for one file: what a kill can cost
COMMENTS_PER_FILE = 250
# Never the generator's own threads
SPLITS = ("classifier", "validation", "test")
# Replies are matched by characters and by characters per word, in bands of these ratios: from one
# to the next 15 % more characters, or 10 % longer words
CHARACTERS_STEP, PER_WORD_STEP = 1.15, 1.1
# Where that keeps fewer than this share of what bands of words alone keep, these are used
LEAST_MATCHED = 0.5
WORD_EDGES = (0, 3, 6, 9, 12, 16, 20, 25, 30, 40, 50, 65, 80, 100, 140, 200, np.inf)


def decoders(settings: RealismSettings, split: str = "test") -> list[Decoder]:
    """Returns the decoders that share a split's fakes.

    The main one and those of `more_decoders`; test comments are answered by `unseen_decoder` too,
    of which the classifier has seen nothing in training.

    Raises:
      BotlibError: a setting isn't temperature:top_k:top_p.
    """
    main = Decoder.of(settings)
    names = {"more_decoders": comma_list(settings.more_decoders)}
    if split == "test":
        names["unseen_decoder"] = comma_list(settings.unseen_decoder)
    return [main, *(_decoder(main, text, name) for name in names for text in names[name])]


def _decoder(main: Decoder, text: str, setting: str) -> Decoder:
    try:
        temperature, top_k, top_p = text.split(":")
        sampling = {"temperature": float(temperature), "top_k": int(top_k), "top_p": float(top_p)}
    except ValueError:
        raise BotlibError(
            f"{setting}: {text!r} is not temperature:top_k:top_p, such as 1.0:0:0.95"
        ) from None
    return dataclasses.replace(main, **sampling)


def write_fakes(
    workspace: Workspace, settings: RealismSettings, generator: Generator, progress: bool = False
) -> list[Path]:
    """Writes GPT-2's replies to comments it was not trained on; resumes after a stop.

    Args:
      workspace: reads gpt2_generate.csv, writes bert_gan_fake{NNN}.csv.
      settings: how many comments, how many replies to each, by which decoders.
      generator: the fine-tuned GPT-2.
      progress: show a bar.

    Returns:
      The tables written now or before; replies that came out empty are left out and counted in
      the manifest.

    Raises:
      BotlibError: no comments outside the generator's own threads.
    """
    comments = _chosen(read_table(workspace.gpt2_generate, GPT2_GENERATE), settings)
    inputs = [workspace.gpt2_generate, workspace.gpt2(settings.gpt2_run)]
    above = None
    if generator.reads_above:
        # As in training, and as live: the model answers a conversation, not a comment alone
        inputs.append(workspace.conversations)
        conversations = Conversations.load(workspace)
        above = dict(
            zip(comments["comment_id"], conversations.above(comments["comment_id"]), strict=True)
        )
    parameters = {
        "decoders": [dataclasses.asdict(d) for d in decoders(settings)],
        "fakes_per_comment": settings.fakes_per_comment,
        "fake_comments": settings.fake_comments,
    }
    starts = range(0, len(comments), COMMENTS_PER_FILE)
    paths = [workspace.bert_gan_fake(number) for number in range(len(starts))]
    for path in set(workspace.bert_gan_fakes()) - set(paths):
        # A longer run's files would mix with these
        path.unlink()
        manifest_path(path).unlink(missing_ok=True)
    hashes = sorted(hash_path(path) for path in inputs)
    total = len(comments) * settings.fakes_per_comment
    with tqdm(total=total, desc="fakes", unit="reply", disable=not progress) as bar:
        for path, start in zip(paths, starts, strict=True):
            part = comments.iloc[start : start + COMMENTS_PER_FILE]
            count = len(part) * settings.fakes_per_comment
            if path.is_file() and _same(read_manifest(path), parameters, settings.seed, hashes):
                bar.update(count)
                continue
            fakes = _generate(part, settings, generator, settings.seed + start, bar, above)
            write_table(path, fakes, BERT_GAN_FAKE)
            extra = {"empty": count - len(fakes), "unfinished": fakes.attrs["unfinished"]}
            write_manifest(
                path, inputs=inputs, parameters=parameters, seed=settings.seed, extra=extra
            )
    return paths


def _chosen(comments: pd.DataFrame, settings: RealismSettings) -> pd.DataFrame:
    """Draws the comments to answer, in the proportion of the splits they belong to."""
    comments = comments[comments["split"].isin(SPLITS)].drop_duplicates("comment_id")
    if comments.empty:
        raise BotlibError(
            "gpt2_generate.csv has no comments outside GPT-2's own threads: "
            "run 01_data with more threads"
        )
    count = min(settings.fake_comments, len(comments))
    return comments.sample(count, random_state=settings.seed).reset_index(drop=True)


def _same(manifest: dict, parameters: dict, seed: int, hashes: list[str]) -> bool:
    """Returns whether a file was made with these settings, this generator and these comments."""
    return (
        bool(manifest)
        and manifest["seed"] == seed
        and manifest["parameters"] == _plain(parameters)
        and sorted(manifest["inputs"].values()) == hashes
    )


def _plain(value: object) -> object:
    """Returns a value as JSON gives it back: tuples become lists."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _generate(
    comments: pd.DataFrame,
    settings: RealismSettings,
    generator: Generator,
    seed: int,
    bar: tqdm,
    above: dict[str, Above] | None,
) -> pd.DataFrame:
    parts = []
    for split, some in comments.groupby("split", sort=False):
        replies = generator.generate(
            some["comment"].tolist(),
            n=settings.fakes_per_comment,
            decoder=decoders(settings, split),
            seed=seed,
            progress=bar,
            above=above and [above[name] for name in some["comment_id"]],
        )
        source = some.iloc[replies["comment_index"]].reset_index(drop=True)
        parts.append(replies.assign(**source[["comment_id", "comment", "split"]], real=0))
    fakes = pd.concat(parts, ignore_index=True)
    nonempty = fakes[fakes["reply"].str.len() > 0].reset_index(drop=True)
    nonempty.attrs["unfinished"] = int((~nonempty["finished"]).sum())
    return nonempty


def realism_pairs(workspace: Workspace, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns fakes and as many real replies, alike in length, split by thread.

    A fake that is no longer or shorter than a real reply can only be told by what it says. In
    each split and cell of characters and characters per word (see `CHARACTERS_STEP`) there are as
    many of one kind as of the other: what is too many is left out. If the two kinds hardly share
    a cell, bands of words are matched instead; the attribute `matched` of the pairs says which.

    Args:
      workspace: reads bert_gan_fake{NNN}.csv and bert_gan_real.csv.
      seed: of the choice.

    Returns:
      The pairs (comment_id, submission_id, subreddit, comment, reply, real, split, temperature,
      top_k, top_p; sampling is NaN where real), shuffled; and a table of how many fakes and
      real replies there were and were kept, a row a split.

    Raises:
      BotlibError: no fakes, or a split is left without pairs.
    """
    paths = workspace.bert_gan_fakes()
    if not paths:
        raise BotlibError(
            "there are no bert_gan_fake tables: run 03_bert_realism, which writes them"
        )
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    threads = real.drop_duplicates("comment_id").set_index("comment_id")
    fakes = pd.concat([read_table(path, BERT_GAN_FAKE) for path in paths], ignore_index=True)
    fakes = fakes[fakes["comment_id"].isin(threads.index)]
    for column in ("submission_id", "subreddit"):
        fakes[column] = threads[column].reindex(fakes["comment_id"]).to_numpy()
    sampling = ["temperature", "top_k", "top_p"]
    columns = ["comment_id", "submission_id", "subreddit", "comment", "reply", "real", "split"]
    both = pd.concat([real[real["split"].isin(SPLITS)], fakes], ignore_index=True)
    both = both[columns + sampling]
    rng = np.random.default_rng(seed)
    both = both.iloc[rng.permutation(len(both))]
    matched_pairs, by_words = (_matched(both, cells) for cells in (_cells(both), _word_bands(both)))
    matched = "characters and words"
    if len(matched_pairs) < LEAST_MATCHED * len(by_words):
        matched_pairs, matched = by_words, "words"
    matched_pairs.attrs["matched"] = matched
    if missing := [split for split in SPLITS if split not in set(matched_pairs["split"])]:
        raise BotlibError(
            f"no fakes and real replies of similar length in the {missing[0]} threads: "
            "raise fake_comments, or run 01_data with more threads"
        )
    return matched_pairs, _kept(both, matched_pairs)


def _cells(pairs: pd.DataFrame) -> pd.Series:
    """Returns a number for each reply: equal where characters and word lengths are alike."""
    characters = np.maximum(pairs["reply"].str.len().to_numpy(dtype=float), 1)
    words = np.maximum(pairs["reply"].str.split().str.len().to_numpy(dtype=float), 1)
    bands = [
        np.floor(np.log(values) / np.log(step)).astype(int)
        for values, step in ((characters, CHARACTERS_STEP), (characters / words, PER_WORD_STEP))
    ]
    return pd.Series(1000 * bands[0] + bands[1], index=pairs.index)


def _word_bands(pairs: pd.DataFrame) -> pd.Series:
    return pd.cut(pairs["reply"].str.split().str.len(), WORD_EDGES, right=False).cat.codes


def _matched(pairs: pd.DataFrame, cells: pd.Series) -> pd.DataFrame:
    """Returns as many fakes as real replies of each split and cell, the first ones."""
    keys = [pairs["split"], cells.rename("cell")]
    counts = pairs.groupby([*keys, "real"]).size().unstack(fill_value=0)
    least = counts.reindex(columns=[0, 1], fill_value=0).min(axis=1)
    limit = least.reindex(pd.MultiIndex.from_arrays(keys)).to_numpy()
    place = pairs.groupby([*keys, "real"]).cumcount().to_numpy()
    return pairs[place < limit].reset_index(drop=True)


def two_parts(
    pairs: pd.DataFrame, seed: int, share: float = 0.7
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns pairs to train an encoder on, and pairs of other threads to fit a head on it.

    Args:
      pairs: rows with submission_id.
      seed: of the draw.
      share: of the threads that go to the encoder.
    """
    from sklearn.model_selection import GroupShuffleSplit

    draw = GroupShuffleSplit(n_splits=1, train_size=share, random_state=seed)
    encoder, head = next(draw.split(pairs, groups=pairs["submission_id"]))
    return pairs.iloc[encoder], pairs.iloc[head]


def _kept(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    names = {0: "fakes", 1: "real replies"}
    tables = {
        when: frame.groupby(["split", "real"]).size().unstack(fill_value=0).rename(columns=names)
        for when, frame in (("there", before), ("kept", after))
    }
    table = pd.concat(tables, axis=1)
    table.columns = [f"{kind} {when}" for when, kind in table.columns]
    return table.reindex(list(SPLITS))


def share_unfinished(paths: Sequence[Path]) -> float:
    """Returns the share of fakes that the length limit cut, from the tables' manifests."""
    extras = [read_manifest(path)["extra"] for path in paths]
    rows = sum(len(read_table(path, BERT_GAN_FAKE, ["real"])) for path in paths)
    return sum(extra["unfinished"] for extra in extras) / max(rows, 1)
