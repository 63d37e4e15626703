"""The bot's log: every decision for a program, one line a round for a person."""

import json
import logging
import math
import re
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

from botlib.durations import in_words
from botlib.terminal import harmless, one_line

log = logging.getLogger("botlib.live")
_PLAIN = re.compile(r"[^\s=\"\\]+")

# The choices of `--log`: a line a round; every decision as key=value pairs; or as JSON lines
STYLES = ("info", "debug", "json")


def note(event: str, **fields: Any) -> None:
    """Logs an event; values with blanks are quoted as in JSON, missing ones left out."""
    present = {key: value for key, value in fields.items() if value not in (None, "")}
    pairs = [f"{key}={_value(value)}" for key, value in present.items()]
    extra = {"event": event, "fields": present}
    log.info(" ".join([f"event={_value(event)}", *pairs]), extra=extra)


def _value(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else harmless(str(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def show(style: str = "info", stream: IO[str] | None = None, *, quiet: bool = False) -> None:
    """Shows the log from now on; a later call replaces an earlier one.

    Args:
      style: one of STYLES.
      stream: where; by default standard error.
      quiet: with the style "info", only events that need a person.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(old)
    handler = _Handler(sys.stderr if stream is None else stream)
    handler.setFormatter({"debug": _Pairs, "json": _Json, "info": _Words}[style]())
    if style == "info":
        handler.addFilter(_News(quiet))
    root.addHandler(handler)
    log.setLevel(logging.INFO if style == "info" else logging.DEBUG)


class _Handler(logging.StreamHandler):
    """Our handler; of other libraries it shows only warnings."""

    def filter(self, record: logging.LogRecord) -> bool:
        own = record.name == log.name or record.levelno >= logging.WARNING
        return bool(own and super().filter(record))


class _Pairs(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")


class _Words(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = sentence(record.event, record.fields) if hasattr(record, "event") else ""
        timestamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{timestamp} {one_line(text or record.getMessage())}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {"time": f"{moment}.{int(record.msecs):03d}Z", "level": record.levelname.lower()}
        if hasattr(record, "event"):
            line |= {"event": record.event}
            line |= {k: _plain(v) for k, v in record.fields.items() if k not in line}
        else:
            line |= {"event": "log", "message": harmless(record.getMessage())}
        if record.exc_info:
            line["traceback"] = harmless(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return harmless(value) if isinstance(value, str) else value


class _News(logging.Filter):
    """Lets through what a person should read; of a lasting state, only its beginning."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self.quiet = quiet
        self.lasting: set[str] = set()
        self.this_round: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "event"):
            return record.levelno >= logging.WARNING
        if record.event == "round":
            # A state that this round didn't report is over, and news when it returns
            self.lasting, self.this_round = self.this_round, set()
        text = sentence(record.event, record.fields)
        if not text or (self.quiet and record.event not in _MUST_SEE):
            return False
        if record.event not in _STANDING:
            return True
        self.this_round.add(text)
        return text not in self.lasting


_MUST_SEE = {"error", "stopped", "shut out", "asks", "warning", "waiting for Reddit"}
# Reported in every round while it lasts
_STANDING = {"stopped", "asks", "unclear", "warning", "post", "rules"}


def sentence(event: str, fields: Mapping[str, Any]) -> str:
    """Returns an event as a person reads it; "" if it is only for `--log debug`."""
    get = fields.get
    why = f": {get('reason')}" if get("reason") else ""
    match event:
        case "start":
            permission = "dry run" if get("dry_run") else f"may post in {get('allowed')}"
            return (
                f"started on the {get('site')} site as {get('account') or 'nobody'}, {permission}"
            )
        case "round":
            return _round(fields)
        case "post" if get("decision") != "waits":
            where = f" {get('url')}" if get("url") else ""
            return f"reply {get('id')} in r/{get('subreddit')}: {get('decision')}{why}{where}"
        case "error":
            retry = f"; tried again in {in_words(get('again'))}" if get("again") else ""
            return f"failed{why}{retry}"
        case "waiting for Reddit":
            return f"waiting for Reddit{why}; tried again in {in_words(get('again', 0))}"
        case "stopped" if get("reason") != "told to stop":  # that is what "end" says
            return f"nothing is posted{why}"
        case "shut out" | "warning" | "rules" | "notice":
            return f"{event}{why}"
        case "judges":
            return f"there is no {get('missing')}{why}; {get('cure')}"
        case "inbox":
            return f"u/{get('author')} asked: {get('request')}: {get('done')}"
        case "deleted":
            return f"reply {get('reply')} in r/{get('subreddit')} was deleted{why}"
        case "unclear" | "asks":
            return f"{get('replies')} replies unclear{why}"
        case "end":
            return f"ended after {get('rounds', 0)} rounds{why}"
    return ""


def _round(fields: Mapping[str, Any]) -> str:
    parts = [f"read {fields.get('read', 0)}"]
    parts += [f"{what} {fields[what]}" for what in ("proposed", "posted") if fields.get(what)]
    live = "" if fields.get("site") == "sandbox" else " --live"
    if waiting := fields.get("waiting"):
        parts.append(
            f"{waiting} {'waits' if waiting == 1 else 'wait'} for you: botlib review{live}"
        )
    if by_hand := fields.get("by_hand"):
        parts.append(f"{by_hand} approved: botlib hand-over")
    return ", ".join(parts)
