"""A row of the outbox, and the states of a reply; migrations.py has the tables."""

import dataclasses

PROPOSED, APPROVED, EDITED, REJECTED = "proposed", "approved", "edited", "rejected"
POSTING, POSTED, FAILED, GIVEN_UP = "posting", "posted", "failed", "given up"
HANDED_OVER = "handed over"  # to a person, who posts it
STATES = (PROPOSED, APPROVED, EDITED, REJECTED, POSTING, POSTED, FAILED, GIVEN_UP, HANDED_OVER)
READY = (APPROVED, EDITED)
# The reason of a reply in "posting" until Reddit answers
SENDING = "about to be sent"
# Part of the reason of an unclear reply that only a person can settle; unread places follow
ASK = "; is it on Reddit? Say so in `python -m botlib review`: "
# The reply may be on Reddit; this isn't known yet
UNCLEAR = (POSTING, HANDED_OVER)

# By state, the states before it; a posted reply always stays posted
ALLOWED_FROM = {
    PROPOSED: (APPROVED, EDITED, REJECTED, FAILED, GIVEN_UP),
    APPROVED: (PROPOSED, REJECTED, FAILED, GIVEN_UP),
    EDITED: (PROPOSED, APPROVED, EDITED, REJECTED, FAILED, GIVEN_UP),
    REJECTED: (PROPOSED, APPROVED, EDITED, FAILED),
    POSTING: READY,
    POSTED: (*UNCLEAR, *READY),
    HANDED_OVER: READY,
    FAILED: (POSTING,),
    GIVEN_UP: (POSTING, *READY),
}


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
    approved: float | None = None  # when a person approved it
    comment_score: int | None = None  # when a person last saw it

    @property
    def asks(self) -> bool:
        """Whether only a person can find out if the reply is on Reddit."""
        return self.state == POSTING and ASK in self.reason

    def expired(self, now: float, hours: float) -> str:
        """Returns why an approval is too old to count (`hours`; 0: never), or ""."""
        age = 0.0 if self.approved is None else now - self.approved
        if not hours or self.state not in READY or age <= 3600 * hours:
            return ""
        return f"approved {age / 3600:.0f} hours ago, and an approval counts for {hours:g}"


COLUMNS = tuple(field.name for field in dataclasses.fields(Reply))
# The fields that a proposal may set
PROPOSAL_FIELDS = (
    *("subreddit", "post_id", "comment_id", "author", "title", "comment", "permalink"),
    *("reply", "prob_real", "score", "reason", "comment_score"),
)
