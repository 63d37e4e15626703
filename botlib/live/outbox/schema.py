"""A row of the outbox, and the states a reply goes through; its tables are in migrations.py."""

import dataclasses

PROPOSED, APPROVED, EDITED, REJECTED = "proposed", "approved", "edited", "rejected"
POSTING, POSTED, FAILED, GIVEN_UP = "posting", "posted", "failed", "given up"
HANDED_OVER = "handed over"  # a person took it, to post it by hand
STATES = (PROPOSED, APPROVED, EDITED, REJECTED, POSTING, POSTED, FAILED, GIVEN_UP, HANDED_OVER)
READY = (APPROVED, EDITED)
# The reason of a reply in "posting" until Reddit has answered
SENDING = "about to be sent"
# Stands in the reason of an unclear reply that only a person can settle; the places follow
ASK = "; is it on Reddit? Say so in `python -m botlib review`: "
# It may be on Reddit: nobody has said so yet
UNCLEAR = (POSTING, HANDED_OVER)

# From which states a reply may come into a state; a posted reply stays posted, whatever happens
FROM = {
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
    comment_score: int | None = None  # what the comment had when a person last saw it

    @property
    def asks(self) -> bool:
        """Whether only a person can find out if it is on Reddit."""
        return self.state == POSTING and ASK in self.reason

    def expired(self, now: float, hours: float) -> str:
        """Returns why an approval is too old to count (`hours`; 0: never), or ""."""
        age = 0.0 if self.approved is None else now - self.approved
        if not hours or self.state not in READY or age <= 3600 * hours:
            return ""
        return f"approved {age / 3600:.0f} hours ago, and an approval counts for {hours:g}"


COLUMNS = tuple(field.name for field in dataclasses.fields(Reply))
# What a proposal may carry
GIVEN = (
    *("subreddit", "post_id", "comment_id", "author", "title", "comment", "permalink"),
    *("reply", "prob_real", "score", "reason", "comment_score"),
)
