"""A person judges the proposed replies: in a notebook, in a terminal, or in a CSV file."""

from botlib.live.review.cards import approval_list
from botlib.live.review.display import link, person, thread_text, waiting
from botlib.live.review.prompt import review_in_terminal
from botlib.live.review.sheet import read_csv, write_csv

__all__ = [
    "approval_list",
    "link",
    "person",
    "read_csv",
    "review_in_terminal",
    "thread_text",
    "waiting",
    "write_csv",
]
