"""The other candidates of a reply's comment, kept so that a person can choose another one."""

import dataclasses
import json
from collections.abc import Iterable

import pandas as pd

from botlib.live.outbox.queue import Outbox
from botlib.terminal import harmless


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What else was written for a comment, and what became of it."""

    sample: int
    text: str
    prob_real: float | None
    score: float | None
    decision: str
    reason: str


def keep(outbox: Outbox, site: str, comment_id: str, judged: pd.DataFrame) -> None:
    """Keeps the candidates of a comment beside its reply; the chosen one is the reply itself.

    Args:
      outbox: has the reply already.
      site: "live" or "sandbox".
      comment_id: whose.
      judged: the table `reply_score_predictions`, or a part of it.
    """
    (found,) = outbox.execute(
        "SELECT id FROM replies WHERE site = ? AND comment_id = ?", site, comment_id
    )
    others = judged[(judged["comment_id"] == comment_id) & (judged["decision"] != "reply")]
    others = others.sort_values("rank", na_position="last")
    with outbox.together():
        for row in others.to_dict("records"):
            if not (text := harmless(str(row["proposed_reply"]))).strip():
                continue
            numbers = (_number(row["prob_real"]), _number(row["score"]))
            outbox.execute(
                "INSERT OR IGNORE INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(found[0], int(row["sample"]), text, *numbers, row["decision"], row["reason"]),
            )


def of(outbox: Outbox, reply_id: int) -> list[Candidate]:
    """Returns the other candidates of a reply's comment, the best first."""
    return by_reply(outbox, [reply_id]).get(reply_id, [])


def by_reply(outbox: Outbox, reply_ids: Iterable[int]) -> dict[int, list[Candidate]]:
    """Returns the same for many replies, in one question."""
    rows = outbox.execute(
        "SELECT reply, sample, text, prob_real, score, decision, reason FROM candidates "
        "WHERE reply IN (SELECT value FROM json_each(?)) ORDER BY rowid",
        json.dumps(list(reply_ids)),
    )
    found: dict[int, list[Candidate]] = {}
    for reply_id, *values in rows:
        found.setdefault(reply_id, []).append(Candidate(*values))
    return found


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)
