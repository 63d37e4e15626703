"""Makes Reddit's JSON readable for PRAW: one malformed thing must not cost a whole thread."""

from typing import Any

KINDS = frozenset({"t1", "t2", "t3", "t4", "t5", "t6", "more", "Listing"})

_TYPES = {
    **dict.fromkeys(("name", "author", "subreddit", "parent_id", "link_id", "permalink"), str),
    **dict.fromkeys(("body", "title", "selftext", "context"), str),
    **dict.fromkeys(("score", "created_utc"), (int, float, str)),
}


def mend(answer: Any) -> tuple[Any, int]:
    """Mends the listings in an answer, in place.

    Things of unknown kind and things without an id are taken out; a null author becomes
    "[deleted]", which PRAW knows; replies that aren't a listing are dropped.

    Args:
      answer: parsed JSON of any endpoint.

    Returns:
      The answer, and how many things were taken out of it.
    """
    dropped = 0
    stack = list(answer) if isinstance(answer, list) else [answer]
    if isinstance(answer, dict) and isinstance(answer.get("json"), dict):
        data = answer["json"].get("data")
        if isinstance(data, dict) and isinstance(data.get("things"), list):
            usable_things = [thing for thing in data["things"] if _usable(thing)]
            dropped += len(data["things"]) - len(usable_things)
            data["things"] = usable_things
            stack += usable_things
    while stack:
        thing = stack.pop()
        if not isinstance(thing, dict) or not isinstance(thing.get("data"), dict):
            continue
        data = thing["data"]
        if thing.get("kind") == "Listing":
            children = data.get("children")
            if not isinstance(children, list):
                # A listing without a list isn't empty: something is missing
                children = []
                dropped += 1
            data["children"] = [child for child in children if _usable(child)]
            data.setdefault("after", None)
            dropped += len(children) - len(data["children"])
            stack += data["children"]
        elif thing.get("kind") in ("t1", "t3", "t4"):
            for key, expected in _TYPES.items():
                if not isinstance(data.get(key, ""), expected):
                    # All readers expect a missing field; none expects a list
                    del data[key]
            if thing["kind"] == "t4":
                for key in ("author", "dest", "replies", "subreddit"):
                    data.setdefault(key, "" if key in ("dest", "replies") else None)
            else:
                data["author"] = data.get("author") or "[deleted]"
            if thing["kind"] == "t1":
                if not isinstance(data.get("replies"), dict):
                    data["replies"] = ""
                stack.append(data["replies"])
        elif thing.get("kind") == "more":
            data.setdefault("children", [])
            data.setdefault("count", len(data["children"]))
    return answer, dropped


def _usable(thing: Any) -> bool:
    if not isinstance(thing, dict) or thing.get("kind") not in KINDS:
        return False
    data = thing.get("data")
    return isinstance(data, dict) and (
        thing["kind"] == "Listing" or (isinstance(data.get("id"), str) and bool(data["id"]))
    )
