"""What people write instead to get pairs out of dump files: three ways, the same rows."""

import csv
import json
from pathlib import Path

import duckdb
import pandas as pd
import zstandard

from botlib.data.raw import GONE
from botlib.tables import RAW

COLUMNS = list(RAW.columns)


def _split(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files of submissions and those of comments."""
    posts = [file for file in files if "_submissions" in file.name or file.name.startswith("RS_")]
    return posts, [file for file in files if file not in posts]


def json_stream(files: list[Path], names: set[str], out: Path) -> None:
    """Read line by line with the standard library's json, join in dictionaries."""
    post_files, comment_files = _split(files)
    posts, comments, order = {}, {}, []
    for post in _lines(post_files, names):
        if post.get("is_self") is not False and post["selftext"].strip() not in GONE:
            posts["t3_" + post["id"]] = post
    for comment in _lines(comment_files, names):
        if comment["body"].strip() not in GONE:
            comments["t1_" + comment["id"]] = comment
            order.append(comment)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for reply in order:
            comment = comments.get(reply["parent_id"])
            post = posts.get(comment["link_id"]) if comment else None
            if post:
                writer.writerow(
                    [
                        *(comment["subreddit"], post["id"], post["title"], post["selftext"]),
                        *(post["author"], post["score"]),
                        *(comment["id"], comment["body"], comment["author"], comment["score"]),
                        *(comment["created_utc"], reply["id"], reply["body"], reply["author"]),
                        *(reply["score"], reply["created_utc"], reply.get("retrieved_on")),
                    ]
                )


def _lines(files: list[Path], names: set[str]):
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    for path in files:
        with zstandard.open(path, "rt", dctx=decompressor, encoding="utf-8", newline="\n") as file:
            for line in file:
                row = json.loads(line)
                if row["subreddit"] in names:
                    yield row


def pandas_chunks(files: list[Path], names: set[str], out: Path) -> None:
    """Read in chunks with pandas, then merge."""
    post_files, comment_files = _split(files)
    posts = _frame(post_files, names, ["id", "title", "selftext", "is_self", "author", "score"])
    posts = posts[posts["is_self"] & ~posts["selftext"].str.strip().isin(GONE)]
    wanted = ["id", "subreddit", "body", "author", "score", "parent_id", "link_id", "created_utc"]
    texts = _frame(comment_files, names, [*wanted, "retrieved_on"])
    texts = texts[~texts["body"].str.strip().isin(GONE)]
    texts["retrieved_on"] = texts["retrieved_on"].astype("Int64")
    comments = texts.assign(name="t1_" + texts["id"]).drop(columns=["parent_id", "retrieved_on"])
    comments = _renamed(comments, "comment", body="comment")
    replies = texts.drop(columns=["link_id", "subreddit"])
    replies = _renamed(replies, "reply", body="reply", retrieved_on="reply_retrieved_utc")
    posts = posts.assign(link_id="t3_" + posts["id"])
    posts = _renamed(posts, "submission", selftext="submission")
    pairs = replies.merge(comments, left_on="parent_id", right_on="name")
    pairs.merge(posts, on="link_id")[COLUMNS].to_csv(out, index=False)


def _renamed(frame: pd.DataFrame, kind: str, **others: str) -> pd.DataFrame:
    own = {name: f"{kind}_{name}" for name in ("id", "author", "score", "created_utc")}
    return frame.rename(columns=own | others)


def _frame(files: list[Path], names: set[str], columns: list[str]) -> pd.DataFrame:
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    parts = []
    for path in files:
        with (
            zstandard.open(path, "rt", dctx=decompressor, encoding="utf-8", newline="\n") as file,
            pd.read_json(
                file, lines=True, chunksize=50_000, convert_dates=False, dtype=False
            ) as chunks,
        ):
            parts += [chunk.loc[chunk["subreddit"].isin(names), columns] for chunk in chunks]
    return pd.concat(parts, ignore_index=True)


def duckdb_direct(files: list[Path], names: set[str], out: Path) -> None:
    """Let DuckDB read the files itself (it can't with a 2 GiB window), filter first, then join."""
    post_files, comment_files = _split(files)
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    gone = ", ".join(f"'{text}'" for text in GONE)
    with duckdb.connect() as connection:
        connection.execute(
            f"""CREATE TEMP TABLE posts AS SELECT * FROM {
                _scan(
                    post_files,
                    "id title selftext author subreddit",
                    score="BIGINT",
                    is_self="BOOLEAN",
                )
            } WHERE subreddit IN ({listed}) AND is_self AND trim(selftext) NOT IN ({gone})"""
        )
        connection.execute(
            f"""CREATE TEMP TABLE texts AS SELECT * FROM {
                _scan(
                    comment_files,
                    "id body author parent_id link_id subreddit",
                    score="BIGINT",
                    created_utc="BIGINT",
                    retrieved_on="BIGINT",
                )
            } WHERE subreddit IN ({listed}) AND trim(body) NOT IN ({gone})"""
        )
        connection.execute(
            f"""COPY (SELECT c.subreddit, p.id AS submission_id, title, selftext AS submission,
              p.author AS submission_author, p.score AS submission_score,
              c.id AS comment_id, c.body AS comment, c.author AS comment_author,
              c.score AS comment_score, c.created_utc AS comment_created_utc,
              r.id AS reply_id, r.body AS reply, r.author AS reply_author,
              r.score AS reply_score, r.created_utc AS reply_created_utc,
              r.retrieved_on AS reply_retrieved_utc
            FROM texts r JOIN texts c ON r.parent_id = 't1_' || c.id
            JOIN posts p ON c.link_id = 't3_' || p.id) TO '{out}' (FORMAT csv, HEADER)"""
        )


def _scan(files: list[Path], texts: str, **others: str) -> str:
    columns = dict.fromkeys(texts.split(), "VARCHAR") | others
    return (
        f"read_json({[str(file) for file in files]}, format='newline_delimited', "
        f"columns={columns}, ignore_errors=true)"
    )
