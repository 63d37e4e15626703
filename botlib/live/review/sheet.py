"""Proposed replies as a CSV file that a person fills in a spreadsheet, and back."""

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.outbox import lookups
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import APPROVED, ASK, EDITED, FAILED, GIVEN_UP, REJECTED, Reply
from botlib.live.posting import settle
from botlib.live.reddit.client import Client
from botlib.live.review.display import WAITING, link, person, reply_note, waiting
from botlib.terminal import harmless, readable
from botlib.workspace import atomic_file

CSV_COLUMNS = [
    *("id", "decision", "reply", "comment", "title", "subreddit", "author", "score"),
    *("prob_real", "note", "link", "comment_id", "outbox", "seen"),
]
APPROVE, REJECT, UNDO = "approve", "reject", "undo"
NOT_POSTED = "not posted"
_DONE = ("approved", "edited", "rejected", "undone", "posted", NOT_POSTED, "left")
_UNDOABLE = (APPROVED, EDITED, REJECTED, FAILED, GIVEN_UP)


def write_csv(outbox: Outbox, site: str, path: Path, reddit: Client | None = None) -> int:
    """Writes the replies that wait, with an empty column `decision`; returns how many.

    A person fills in approve, reject or undo, edits `reply` where needed, and `read_csv` reads the
    file back. For a reply that may be on Reddit they write its permalink, or "not posted". A text
    that begins with = is quoted, so that a spreadsheet doesn't run it as a formula. A byte order
    mark tells Excel that the file is UTF-8.
    """
    identity = outbox.identity
    rows = [
        {
            "id": reply.id,
            "decision": "",
            "reply": _quote_formula(harmless(reply.reply)),
            "comment": _quote_formula(readable(reply.comment)),
            "title": _quote_formula(readable(reply.title)),
            "subreddit": reply.subreddit,
            "author": _quote_formula(readable(reply.author)),
            "score": reply.score,
            "prob_real": reply.prob_real,
            "note": _quote_formula(_question(reply) if reply.asks else reply_note(reply)),
            "link": link(reply, reddit),
            # With a letter first: a spreadsheet reads 12e4567 as a number
            "comment_id": f"t1_{reply.comment_id}",
            "outbox": f"o-{identity}",
            "seen": _version(reply),
        }
        for reply in [*settle.open_questions(outbox, site), *waiting(outbox, site)]
    ]
    with atomic_file(path) as file:
        file.write("\ufeff")
        pd.DataFrame(rows, columns=CSV_COLUMNS).to_csv(file, index=False, lineterminator="\n")
    return len(rows)


def read_csv(outbox: Outbox, site: str, path: Path, *, by: str | None = None) -> dict[str, int]:
    """Reads decisions back: all of them or, after an error, none.

    Returns:
      How many were approved, edited, rejected, undone, posted, not posted, left.

    Raises:
      BotlibError: no such file, a column is missing, the file is another outbox's, two rows
        contradict each other, or a row is wrong; the row is named.
    """
    frame = _read(Path(path))
    by = by or person()
    replies_by_id = lookups.by_ids(outbox, site, frame["id"].str.strip())
    identity = f"o-{outbox.identity}"
    actions: list[tuple[str, Callable[[], None]]] = []
    decisions_by_reply: dict[str, tuple[int, str, str]] = {}
    for line, row in enumerate(frame.to_dict("records"), 2):
        where = f"{path}, row {line}"
        decision, text = row["decision"].strip().lower(), _unquote_formula(row["reply"])
        if not decision:
            actions.append(("left", lambda: None))
            continue
        about_posting = decision == NOT_POSTED or "/comments/" in decision
        if decision not in (APPROVE, REJECT, UNDO) and not about_posting:
            raise BotlibError(
                f"{where}: decision must be approve, reject, undo or empty, not {decision!r}"
            )
        reply = _reply_of_row(row, replies_by_id, identity, where, site)
        decision_and_text = (decision, _plain_lines(text) if decision == APPROVE else "")
        if reply.id in decisions_by_reply:
            first_line, *earlier = decisions_by_reply[reply.id]
            if tuple(earlier) != decision_and_text:
                raise BotlibError(
                    f"{path}: rows {first_line} and {line} decide differently about reply "
                    f"{reply.id}: delete one of the two rows"
                )
            continue
        decisions_by_reply[reply.id] = (line, *decision_and_text)
        actions.append(_action(outbox, reply, decision, text, row["seen"].strip(), by, where))
    counts = dict.fromkeys(_DONE, 0)
    with outbox.transaction():
        for outcome, action in actions:
            action()
            counts[outcome] += 1
    return counts


def _action(
    outbox: Outbox, reply: Reply, decision: str, text: str, version: str, by: str, where: str
) -> tuple[str, Callable[[], None]]:
    """The outcome of a row, and the function that carries it out."""
    if decision not in (APPROVE, REJECT, UNDO):
        if not reply.asks:
            # Settled meanwhile, or the file is read a second time
            return "left", lambda: None
        if decision == NOT_POSTED:
            return NOT_POSTED, lambda: settle.say_not_posted(outbox, reply.id, by)
        return "posted", lambda: settle.say_posted(outbox, reply.id, decision, by)
    if reply.asks:
        raise BotlibError(f"{where}: {_question(reply)}")
    if decision == UNDO:
        if reply.state not in (*_UNDOABLE, *WAITING):
            raise BotlibError(f"{where}: reply {reply.id} is {reply.state}, which can't be undone")
        if reply.state not in _UNDOABLE:
            return "left", lambda: None
        return "undone", lambda: outbox.undo(reply.id, by)
    if reply.state not in WAITING:
        # The file is read a second time: the decision stays
        return "left", lambda: None
    if decision == REJECT:
        return "rejected", lambda: outbox.reject(reply.id, by)
    if version != _version(reply):
        raise BotlibError(
            f"{where}: reply {reply.id} or its comment changed since the file was written: write "
            "it again with --csv-out"
        )
    if not harmless(text).strip():
        raise BotlibError(f"{where}: the reply is empty; reject it instead")
    if _plain_lines(text) == _plain_lines(harmless(reply.reply)):
        outcome = "approved" if reply.reply == reply.proposed_reply else "edited"
        return outcome, lambda: outbox.approve(reply.id, by, saw=reply)
    return "edited", lambda: outbox.edit(reply.id, _plain_lines(text), by, saw=reply)


def _question(reply: Reply) -> str:
    return (
        "was this reply posted? Look, and write its permalink or "
        f'"{NOT_POSTED}" as decision ({readable(reply.reason.partition(ASK)[0])})'
    )


def _reply_of_row(
    row: dict[str, str], replies_by_id: dict[str, Reply], identity: str, where: str, site: str
) -> Reply:
    """The reply of a row; its number alone could be another outbox's."""
    if row["outbox"].strip() != identity:
        raise BotlibError(
            f"{where}: the file was written from another outbox than {identity}: write it again "
            "with --csv-out"
        )
    reply = replies_by_id.get(row["id"].strip())
    if reply is None:
        raise BotlibError(f"{where}: the outbox has no reply {row['id']!r} ({site})")
    if row["comment_id"].strip() != f"t1_{reply.comment_id}":
        raise BotlibError(
            f"{where}: reply {reply.id} answers the comment t1_{reply.comment_id}, not "
            f"{row['comment_id']!r}: write the file again with --csv-out"
        )
    return reply


def _read(path: Path) -> pd.DataFrame:
    """The file as texts, whether separated by comma, semicolon or tab."""
    try:
        raw = path.read_bytes()
        # Excel's "Unicode text" is UTF-16
        is_utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = raw.decode("utf-16" if is_utf16 else "utf-8-sig")
        header, _, body = text.partition("\n")
        first_line = header.strip().lower()
        if first_line.startswith("sep=") and len(first_line) == 5:
            text, header = body, body.partition("\n")[0]
        separator = max(
            ",;\t", key=lambda mark: len(next(csv.reader([header], delimiter=mark), []))
        )
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=separator)
    except (OSError, UnicodeError, csv.Error, ValueError) as error:
        # pandas' own errors are ValueErrors
        raise BotlibError(f"{path} can't be read ({error}): save it as CSV, UTF-8") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    needed: tuple[Any, ...] = ("id", "decision", "reply", "comment_id", "outbox", "seen")
    if missing := [name for name in needed if name not in frame.columns]:
        raise BotlibError(f"{path} lacks the column {missing[0]!r}: write it again with --csv-out")
    # A row that is too short lacks texts
    return frame.fillna("")


def _version(reply: Reply) -> str:
    """A hash of the comment and the reply in the file."""
    words = f"{reply.comment}\0{reply.reply}".encode(errors="surrogatepass")
    return f"v-{hashlib.sha256(words).hexdigest()[:16]}"


def _quote_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "'", "\t")) else text


def _unquote_formula(text: str) -> str:
    return text[1:] if text.startswith(("'=", "'+", "'-", "'@", "''", "'\t")) else text


def _plain_lines(text: str) -> str:
    # A spreadsheet may change line ends
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
