"""The outbox's tables, and the states a reply goes through."""

import dataclasses

PROPOSED, APPROVED, EDITED, REJECTED = "proposed", "approved", "edited", "rejected"
POSTING, POSTED, FAILED, GIVEN_UP = "posting", "posted", "failed", "given up"
STATES = (PROPOSED, APPROVED, EDITED, REJECTED, POSTING, POSTED, FAILED, GIVEN_UP)
READY = (APPROVED, EDITED)

# From which states a reply may come into a state; a posted reply stays posted, whatever happens
FROM = {
    APPROVED: (PROPOSED, REJECTED, FAILED, POSTING),
    EDITED: (PROPOSED, APPROVED, EDITED, REJECTED, FAILED, POSTING),
    REJECTED: (PROPOSED, APPROVED, EDITED, FAILED),
    POSTING: READY,
    POSTED: (POSTING, *READY),
    FAILED: (POSTING,),
    GIVEN_UP: (POSTING, *READY),
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    subreddit TEXT NOT NULL,
    post_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    author TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    permalink TEXT NOT NULL DEFAULT '',
    reply TEXT NOT NULL,
    proposed_reply TEXT NOT NULL,
    prob_real REAL,
    score REAL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    changed REAL NOT NULL,
    sent REAL,
    reply_id TEXT NOT NULL DEFAULT '',
    UNIQUE (site, comment_id)
);
CREATE TABLE IF NOT EXISTS changes (
    reply INTEGER NOT NULL REFERENCES replies (id),
    time REAL NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS opted_out (
    author TEXT PRIMARY KEY COLLATE NOCASE, time REAL NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS shut (
    site TEXT NOT NULL, subreddit TEXT NOT NULL COLLATE NOCASE, time REAL NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (site, subreddit)
);
CREATE TABLE IF NOT EXISTS quiet (
    site TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outcomes (
    reply INTEGER NOT NULL REFERENCES replies (id),
    time REAL NOT NULL, hours REAL NOT NULL, score INTEGER, fate TEXT NOT NULL,
    UNIQUE (reply, time)
);
"""


@dataclasses.dataclass(frozen=True)
class Reply:
    """A row of the outbox; times are seconds since 1970, UTC."""

    id: int
    site: str
    subreddit: str
    post_id: str
    comment_id: str
    author: str
    title: str
    comment: str
    permalink: str
    reply: str
    proposed_reply: str
    prob_real: float | None
    score: float | None
    state: str
    reason: str
    approved_by: str
    attempts: int
    not_before: float
    changed: float
    sent: float | None
    reply_id: str


COLUMNS = tuple(field.name for field in dataclasses.fields(Reply))
# What a proposal may carry
GIVEN = (
    *("subreddit", "post_id", "comment_id", "author", "title", "comment", "permalink"),
    *("reply", "prob_real", "score", "reason"),
)
