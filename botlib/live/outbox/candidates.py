"""The other candidates of a comment, stored so that a person can choose another reply."""

import dataclasses
import json
from collections.abc import Iterable

import pandas as pd

from botlib.live.outbox.queue import Outbox
from botlib.terminal import harmless


@dataclasses.dataclass(frozen=True)
class Candidate:
    """Another reply that was written for a comment, and the decision about it."""

    sample: int
    text: str
    prob_real: float | None
    score: float | None
    decision: str
    reason: str


def store(outbox: Outbox, site: str, comment_id: str, judged: pd.DataFrame) -> None:
    """Stores the candidates of a comment; the chosen one is the reply itself, and left out.

    Args:
      outbox: already holds the reply.
      site: "live" or "sandbox".
      comment_id: of the comment.
      judged: the table `reply_score_predictions`, or a part of it.
    """
    (reply_row,) = outbox.execute(
        "SELECT id FROM replies WHERE site = ? AND comment_id = ?", site, comment_id
    )
    others = judged[(judged["comment_id"] == comment_id) & (judged["decision"] != "reply")]
    others = others.sort_values("rank", na_position="last")
    with outbox.transaction():
        for row in others.to_dict("records"):
            if not (text := harmless(str(row["proposed_reply"]))).strip():
                continue
            scores = (_number(row["prob_real"]), _number(row["score"]))
            outbox.execute(
                "INSERT OR IGNORE INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(reply_row[0], int(row["sample"]), text, *scores, row["decision"], row["reason"]),
            )


def for_reply(outbox: Outbox, reply_id: int) -> list[Candidate]:
    """Returns the other candidates of a reply's comment, the best first."""
    return for_replies(outbox, [reply_id]).get(reply_id, [])


def for_replies(outbox: Outbox, reply_ids: Iterable[int]) -> dict[int, list[Candidate]]:
    """Returns the other candidates of many replies, by reply id: one query."""
    rows = outbox.execute(
        "SELECT reply, sample, text, prob_real, score, decision, reason FROM candidates "
        "WHERE reply IN (SELECT value FROM json_each(?)) ORDER BY rowid",
        json.dumps(list(reply_ids)),
    )
    candidates: dict[int, list[Candidate]] = {}
    for reply_id, *values in rows:
        candidates.setdefault(reply_id, []).append(Candidate(*values))
    return candidates


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)
