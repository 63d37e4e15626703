"""The rules of subreddits, stored for the person who approves: many forbid bots."""

import json
import re
import time
from collections.abc import Iterable

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.things import RuleFields
from botlib.terminal import one_line
from botlib.workspace import Workspace, atomic_file

_DAYS = 7  # rules seldom change
_ABOUT_BOTS = re.compile(
    r"\bbots?\b|\bautomat|\bA\.?I\.?\b|\bartificial|\bchat ?gpt|\bllms?\b|\bgenerated\b|\bspam",
    re.I,
)


def refresh(workspace: Workspace, reddit: Client, subreddits: Iterable[str]) -> None:
    """Fetches the rules that are missing or a week old: one request for each subreddit.

    The bot goes on without them; the log says which are missing.
    """
    rules_by_subreddit = _read(workspace)
    now = time.time()
    for name in subreddits:
        if now - rules_by_subreddit.get(name.lower(), {}).get("read", 0) < _DAYS * 86400:
            continue
        try:
            rules = [_text(things.rule(rule)) for rule in reddit.subreddit(name).rules]
        except (BotlibError, *UNREADABLE) as error:
            note("rules", subreddit=name, reason=f"can't be read now ({error})")
            continue
        rules_by_subreddit[name.lower()] = {"read": now, "rules": rules}
        with atomic_file(workspace.subreddit_rules) as file:
            json.dump(rules_by_subreddit, file, indent=1, ensure_ascii=False)


def lines(workspace: Workspace, subreddit: str) -> list[str]:
    """Returns what to read before a reply is approved: rules about bots first, with their text."""
    rules = _read(workspace).get(subreddit.lower(), {}).get("rules")
    if rules is None:
        return [f"rules of r/{subreddit}: not known, read them on Reddit"]
    about_bots = [rule for rule in rules if _ABOUT_BOTS.search(rule)]
    others = [rule.partition(": ")[0] for rule in rules if rule not in about_bots]
    bot_rule_lines = [f"! r/{subreddit}: {rule}" for rule in about_bots]
    return [*bot_rule_lines, f"other rules of r/{subreddit}: {'; '.join(others) or 'none'}"]


def _text(rule: RuleFields) -> str:
    parts = (rule.get("short_name"), rule.get("description"))
    return ": ".join(one_line(str(part)) for part in parts if part)


def _read(workspace: Workspace) -> dict:
    try:
        return json.loads(workspace.subreddit_rules.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
