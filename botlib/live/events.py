"""The bot's log: one line a decision, as key=value pairs that a person and a program can read."""

import json
import logging
import re
from typing import Any

from botlib.terminal import harmless

log = logging.getLogger("botlib.live")
_PLAIN = re.compile(r"[^\s=\"\\]+")


def note(event: str, **fields: Any) -> None:
    """Logs an event; values with blanks are quoted as in JSON, missing ones left out."""
    pairs = [f"{key}={_value(value)}" for key, value in fields.items() if value not in (None, "")]
    log.info(" ".join([f"event={event}", *pairs]))


def _value(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else harmless(str(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
