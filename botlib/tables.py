"""The CSV tables: columns, types and checks; all joins are on ids, never on text."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from botlib import drive
from botlib.errors import BotlibError
from botlib.workspace import atomic_file

TEXT = "str"
ID = "str"
INTEGER = "int64"
REAL = "float64"
# Times are seconds since 1970, UTC; absent in some dumps, hence nullable
TIME = "Int64"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table: its name, its writer, its columns in order (column → dtype), and how to mend it.

    `cure` is for tables that no notebook writes; for the others the cure is to run their writer.
    `optional` columns are absent in tables of earlier versions, and read as empty there.
    """

    name: str
    writer: str
    columns: dict[str, str]
    cure: str = ""
    optional: tuple[str, ...] = ()

    def extended(self, name: str, writer: str, columns: dict[str, str]) -> "Table":
        return Table(name, writer, {**self.columns, **columns})


RAW = Table(
    "raw_data/myreddit_{YYYY_MM}.csv",
    "01_data",
    {
        "subreddit": TEXT,
        "submission_id": ID,
        "title": TEXT,
        "submission": TEXT,
        "submission_author": TEXT,
        "submission_score": TIME,
        "comment_id": ID,
        "comment": TEXT,
        "comment_author": TEXT,
        "comment_score": TIME,
        "comment_created_utc": TIME,
        "reply_id": ID,
        "reply": TEXT,
        "reply_author": TEXT,
        "reply_score": TIME,
        "reply_created_utc": TIME,
        "reply_retrieved_utc": TIME,
    },
)
# The turns between a comment and its post: each comment (answered, or above an answered
# comment) and the comment that it answers
ABOVE = Table(
    "raw_data/above_{YYYY_MM}.csv",
    "01_data",
    {"comment_id": ID, "parent_id": ID, "parent": TEXT, "parent_author": TEXT},
)
# Posts and comments, each once, cleaned: a comment's parent_id leads to the turn above it
CONVERSATIONS = Table(
    "conversations.csv",
    "01_data",
    {
        "kind": TEXT,
        "id": ID,
        "parent_id": ID,
        "submission_id": ID,
        "title": TEXT,
        "text": TEXT,
    },
)
GPT2_FINETUNE = Table(
    "gpt2_finetune.csv", "01_data", {"comment_id": ID, "text": TEXT}, optional=("comment_id",)
)
GPT2_GENERATE = Table(
    "gpt2_generate.csv",
    "01_data",
    {"comment_id": ID, "subreddit": TEXT, "comment": TEXT, "split": TEXT},
)
BERT_GAN_REAL = Table(
    "bert_gan_real.csv",
    "01_data",
    {
        "comment_id": ID,
        "reply_id": ID,
        "submission_id": ID,
        "subreddit": TEXT,
        "comment": TEXT,
        "reply": TEXT,
        "real": INTEGER,
        "rating": INTEGER,
        "reply_score": INTEGER,
        "reply_created_utc": TIME,
        "reply_retrieved_utc": TIME,
        "comment_score": TIME,
        "comment_created_utc": TIME,
        "split": TEXT,
    },
)
BERT_GAN_FAKE = Table(
    "bert_gan_fake{NNN}.csv",
    "03_bert_realism",
    {
        "comment_id": ID,
        "comment": TEXT,
        "reply": TEXT,
        "real": INTEGER,
        "sample": INTEGER,
        "temperature": REAL,
        "top_k": INTEGER,
        "top_p": REAL,
        "split": TEXT,
    },
)
PROPOSED = Table(
    "proposed_replies_{DATE}.csv",
    "05_generate",
    {
        "subreddit": TEXT,
        "post_id": ID,
        "title": TEXT,
        "post_score": TIME,
        "comment_id": ID,
        "comment_score": TIME,
        "comment": TEXT,
        "sample": INTEGER,
        "proposed_reply": TEXT,
        "log_prob": REAL,
    },
)
# All comments of the threads that 05 read, whether the bot may answer them or not
READ_THREADS = Table(
    "read_threads_{DATE}.csv",
    "05_generate",
    {
        "subreddit": TEXT,
        "post_id": ID,
        "comment_id": ID,
        "parent_id": ID,
        "author": TEXT,
        "comment": TEXT,
        "created_utc": TIME,
    },
)
REALISTIC = PROPOSED.extended(
    "realistic_replies_{DATE}.csv", "06_discriminate_and_post", {"prob_real": REAL}
)
PREDICTIONS = REALISTIC.extended(
    "reply_score_predictions_{DATE}.csv",
    "06_discriminate_and_post",
    {
        **{f"prob_rating_{rating}": REAL for rating in range(4)},
        "score": REAL,
        "rank": TIME,
        "decision": TEXT,
        "reason": TEXT,
    },
)
TABLES = (
    RAW,
    ABOVE,
    CONVERSATIONS,
    GPT2_FINETUNE,
    GPT2_GENERATE,
    BERT_GAN_REAL,
    BERT_GAN_FAKE,
    PROPOSED,
    READ_THREADS,
    REALISTIC,
    PREDICTIONS,
)


def read_table(path: Path, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Returns a table, all columns or some, after checking it.

    Args:
      path: the CSV file.
      table: its columns and types.
      columns: which columns, in which order; all of the table's by default.

    Returns:
      A frame with those columns and the table's types; empty texts are "", never NaN.

    Raises:
      BotlibError: no such file, a column is missing, or a value doesn't fit its column.
    """
    (frame,) = read_parts(path, table, columns, rows=None)
    return frame


def read_parts(
    path: Path, table: Table, columns: Sequence[str] | None = None, *, rows: int | None
) -> Iterator[pd.DataFrame]:
    """Yields a table as `read_table` returns it, so many rows at a time; None for all at once.

    Raises:
      BotlibError: as there; a wrong value when its part is read.
    """
    path = Path(path)
    columns = list(columns or table.columns)
    cure = table.cure or f"run {table.writer} again"
    try:
        present = pd.read_csv(path, nrows=0, encoding="utf-8").columns
    except FileNotFoundError:
        drive.check(path)
        raise BotlibError(
            f"{path} is missing: {table.cure or f'run {table.writer} first'}"
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise BotlibError(f"{path} is not a CSV table ({error}): {cure}") from error
    missing = [column for column in columns if column not in present]
    if needed := [column for column in missing if column not in table.optional]:
        raise BotlibError(f"{path} has no column {needed[0]!r}: {cure}")
    stored = [column for column in columns if column in present]
    try:
        with pd.read_csv(
            path,
            usecols=stored,
            dtype={column: table.columns[column] for column in stored},
            # Only a number can be absent: a comment may consist of "NA" or "null"
            keep_default_na=False,
            na_values={column: [""] for column in stored if table.columns[column] != TEXT},
            encoding="utf-8",
            iterator=True,
        ) as reader:
            while True:
                frame = reader.read(rows)
                yield frame.assign(**dict.fromkeys(missing, ""))[columns]
                if rows is None or len(frame) < rows:
                    return
    except StopIteration:
        return
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise BotlibError(f"{path} contains a value of the wrong type ({error}): {cure}") from error


def write_table(path: Path, frame: pd.DataFrame, table: Table) -> None:
    """Writes a table atomically, its columns in order, after a check.

    Raises:
      BotlibError: a column is missing or a value doesn't fit its column.
    """
    with table_writer(path, table) as write:
        write(frame)


@contextlib.contextmanager
def table_writer(path: Path, table: Table) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yields what writes a part of a table, as `write_table` does; the file is there at the end.

    Raises:
      BotlibError: as there, and the file is left as it was.
    """
    with atomic_file(path) as file:
        file.write(",".join(table.columns) + "\n")

        def write(frame: pd.DataFrame) -> None:
            checked = _checked(frame, table)
            checked.to_csv(file, index=False, header=False, lineterminator="\n")

        yield write


def _checked(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    absent = [column for column in table.columns if column not in frame.columns]
    frame = frame.assign(**{column: "" for column in absent if column in table.optional})
    if missing := [column for column in absent if column not in table.optional]:
        raise BotlibError(f"{table.name} can't be written: column {missing[0]!r} is missing")
    frame = frame[list(table.columns)]
    for column, dtype in table.columns.items():
        # pandas 2 would write an absent text as "nan"
        values = frame[column].fillna("") if dtype == TEXT else frame[column]
        try:
            frame = frame.assign(**{column: values.astype(dtype)})
        except (ValueError, TypeError) as error:
            raise BotlibError(
                f"{table.name}: column {column!r} must be {dtype} ({error})"
            ) from error
    return frame
