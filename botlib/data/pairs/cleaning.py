"""Which pairs are fit to learn from: named rules, each with the number of pairs it dropped."""

import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from botlib.bots import is_bot_name, is_bot_text
from botlib.data.pairs import compare
from botlib.data.pairs.dropped import Dropped
from botlib.data.pairs.language import is_foreign
from botlib.data.pairs.measures import count_tokens
from botlib.data.pairs.spill import Pairs
from botlib.data.pairs.text import clean_text
from botlib.data.raw import GONE
from botlib.errors import BotlibError
from botlib.settings import DataSettings, comma_list

_NOBODY = frozenset({"", "[deleted]", "[removed]"})
_URL = re.compile(r"\[([^\]]*)\]\(\S+?\)|https?://\S+|www\.\S+")
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED_LINE = re.compile(r"^ ?>+ ?(.*)$")


def clean(raw: pd.DataFrame, settings: DataSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop pairs that teach the wrong thing, and clean the texts of the rest.

    Rules that look at one pair come first, then those that compare texts. Each can be switched
    off by its name in `settings.skip_rules`.

    Args:
      raw: the raw table, or those of its columns that `RAW_COLUMNS` names.
      settings: limits, and the rules to skip.

    Returns:
      The pairs left, in the order given, with cleaned `comment` and `reply`; and the counts: rule,
      about, dropped, left, one row a rule in the order applied.

    Raises:
      BotlibError: `skip_rules` names a rule that doesn't exist.
    """
    dropped = Dropped()
    frame = clean_rows(raw, settings, dropped)
    with tempfile.TemporaryDirectory(prefix="botlib.") as folder:
        pairs = Pairs(Path(folder))
        pairs.append(frame)
        pairs.finish()
        frame = frame[compare_rows(pairs, settings, dropped)]
    return frame, finished_counts(len(raw), dropped.counts, settings)


def clean_rows(raw: pd.DataFrame, settings: DataSettings, dropped: Dropped) -> pd.DataFrame:
    """Return what the rules that need to see one pair only leave; note the rest in `dropped`."""
    skipped = skipped_rules(settings)
    frame = _apply(raw, _BY_AUTHOR, settings, skipped, dropped)
    frame = frame.assign(**_cleaned_texts(frame, settings, skipped))
    return _apply(frame, _BY_TEXT, settings, skipped, dropped)


def compare_rows(pairs: Pairs, settings: DataSettings, dropped: Dropped) -> np.ndarray:
    """Return which pairs the rules that compare texts leave, (n,) bool; all must be there."""
    return compare.compare(pairs, settings, skipped_rules(settings), dropped)


def finished_counts(rows: int, dropped: dict[str, int], settings: DataSettings) -> pd.DataFrame:
    """Return the table of counts: rule, about, dropped, left; skipped rules say so."""
    table = [("(raw)", "pairs read", 0, rows)]
    skipped = skipped_rules(settings)
    for name, about in RULES.items():
        rows -= dropped.get(name, 0)
        note = " (switched off)" if name in skipped else ""
        table.append((name, about + note, dropped.get(name, 0), rows))
    return pd.DataFrame(table, columns=["rule", "about", "dropped", "left"])


def skipped_rules(settings: DataSettings) -> set[str]:
    """Return the names in `skip_rules`, checked."""
    skipped = set(comma_list(settings.skip_rules))
    if unknown := skipped - set(RULES):
        raise BotlibError(
            f"01_data: skip_rules: no rule {sorted(unknown)[0]!r}; there are {', '.join(RULES)}"
        )
    return skipped


Rule = Callable[[pd.DataFrame, DataSettings], np.ndarray]


def _apply(
    frame: pd.DataFrame,
    rules: dict[str, Rule],
    settings: DataSettings,
    skipped: set[str],
    dropped: Dropped,
) -> pd.DataFrame:
    for name, rule in rules.items():
        if name in skipped or frame.empty:
            continue
        drop = np.asarray(rule(frame, settings), dtype=bool)
        dropped.add(name, frame, drop)
        if drop.any():
            frame = frame[~drop]
    return frame


def _cleaned_texts(
    frame: pd.DataFrame, settings: DataSettings, skipped: set[str]
) -> dict[str, list[str]]:
    """Return the comment and the reply, cleaned; a comment's many copies only once."""
    scrub = "scrub" not in skipped
    which, texts = pd.factorize(frame["comment"])
    texts = np.array([clean_text(text, scrub=scrub) for text in texts], dtype=object)
    comments = texts[which].tolist()
    replies = [clean_text(text, scrub=scrub) for text in frame["reply"].tolist()]
    if "quote" not in skipped:
        replies = [
            without_quotes(reply, comment) if reply.startswith(">") or "\n>" in reply else reply
            for comment, reply in zip(comments, replies, strict=True)
        ]
    return {"comment": comments, "reply": replies}


def without_quotes(reply: str, comment: str) -> str:
    """Return the reply without the lines in which it quotes the comment."""
    letters = _letters(comment)
    lines = []
    for line in reply.split("\n"):
        quoted = _QUOTED_LINE.match(line)
        if not (quoted and _letters(quoted[1]) in letters):
            lines.append(line)
    return "\n".join(lines).strip()


def _letters(text: str) -> str:
    return "".join(_WORD.findall(text.lower()))


def _gone(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    gone = set(GONE) - {""}
    return _either(frame, lambda texts: [text.strip() in gone for text in texts])


def _empty(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return _either(frame, lambda texts: [not text.strip() for text in texts])


def _deleted_account(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return frame["comment_author"].isin(_NOBODY) | frame["reply_author"].isin(_NOBODY)


def _bot(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    authors = pd.concat([frame["comment_author"], frame["reply_author"]]).unique()
    bots = [name for name in authors if is_bot_name(name)]
    return frame["comment_author"].isin(bots) | frame["reply_author"].isin(bots)


def _bot_text(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return _either(frame, lambda texts: [is_bot_text(text) for text in texts])


def _self_reply(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return _same_person(frame, "comment_author")


def _by_poster(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return _same_person(frame, "submission_author")


def _same_person(frame: pd.DataFrame, column: str) -> np.ndarray:
    return (frame["reply_author"] == frame[column]) & ~frame["reply_author"].isin(_NOBODY)


def _no_score(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return frame["reply_score"].isna()


def _young_score(frame: pd.DataFrame, settings: DataSettings) -> np.ndarray:
    age = frame["reply_retrieved_utc"] - frame["reply_created_utc"]
    return (age < settings.min_score_hours * 3600).fillna(False)


def _quote(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    return frame["reply"] == ""


def _url_only(frame: pd.DataFrame, _: DataSettings) -> np.ndarray:
    def only(texts: list[str]) -> list[bool]:
        return [
            ("http" in text or "www." in text) and not _WORD.search(_URL.sub(r"\1", text))
            for text in texts
        ]

    return _either(frame, only)


def _short(frame: pd.DataFrame, settings: DataSettings) -> np.ndarray:
    few = settings.min_words
    return _either(frame, lambda texts: [len(text.split(None, few)) < few for text in texts])


def _long(frame: pd.DataFrame, settings: DataSettings) -> np.ndarray:
    def long(texts: list[str]) -> np.ndarray:
        # A word has two characters at least, a token a byte: only long texts need counting.
        sizes = np.array([len(text.encode()) for text in texts], dtype=np.int64)
        long = sizes > 2 * settings.max_words
        long[long] = [
            len(text.split()) > settings.max_words
            for text, many in zip(texts, long, strict=True)
            if many
        ]
        open_ = (sizes > settings.max_tokens) & ~long
        candidates = [text for text, many in zip(texts, open_, strict=True) if many]
        long[open_] = count_tokens(candidates, settings.tokenizer) > settings.max_tokens
        return long

    return _either(frame, long)


def _foreign(frame: pd.DataFrame, settings: DataSettings) -> np.ndarray:
    return _either(frame, lambda texts: is_foreign(texts, settings.foreign_probability))


def _either(frame: pd.DataFrame, test: Callable[[list[str]], Iterable[bool]]) -> np.ndarray:
    """Return where the test holds for the comment or the reply; equal comments are tested once."""
    which, comments = pd.factorize(frame["comment"])
    of_comment = np.asarray(test(list(comments)), dtype=bool)[which]
    return of_comment | np.asarray(test(frame["reply"].tolist()), dtype=bool)


_BY_AUTHOR: dict[str, Rule] = {
    "gone": _gone,
    "empty": _empty,
    "deleted_account": _deleted_account,
    "bot": _bot,
    "bot_text": _bot_text,
    "self_reply": _self_reply,
    "by_poster": _by_poster,
    "no_score": _no_score,
    "young_score": _young_score,
}
_BY_TEXT: dict[str, Rule] = {
    "quote": _quote,
    "url_only": _url_only,
    "short": _short,
    "long": _long,
    "foreign": _foreign,
}

# Every rule and what it says, in the order applied; `scrub` changes texts and drops none.
RULES = {
    "gone": "comment or reply deleted or removed",
    "empty": "no text",
    "deleted_account": "written by a closed account",
    "bot": "AutoModerator or another bot, by its name",
    "bot_text": "signed by a bot, or written from a known bot's template",
    "self_reply": "answers their own comment",
    "by_poster": "the post's author answers",
    "no_score": "score hidden or missing",
    "young_score": "score read too soon after posting",
    "scrub": "names of users, e-mail addresses and telephone numbers replaced in the text",
    "quote": "nothing but a quote of the comment (other quotes are cut out)",
    "url_only": "nothing but links",
    "short": "fewer words than min_words",
    "long": "more than max_words or max_tokens",
    "foreign": "another language than English, from foreign_probability on",
    "template": "begins or ends like more than template_limit other texts",
    "near_duplicate": "nearly the same as an older text",
}
RAW_COLUMNS = (
    *("subreddit", "submission_id", "submission_author"),
    *("comment_id", "comment", "comment_author", "comment_score", "comment_created_utc"),
    *("reply_id", "reply", "reply_author", "reply_score", "reply_created_utc"),
    "reply_retrieved_utc",
)
