"""Reads Reddit through the public archive, without a key: answers PRAW's requests from it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import prawcore
import requests

from botlib.data.archive.client import Archive, ArchiveError
from botlib.data.archive.pages import created, usable
from botlib.data.archive.store import taken_back, unread
from botlib.errors import BotlibError
from botlib.live.stopping import Stop

# Why nothing can be posted through the archive, and what to do instead
BY_HAND = (
    "reddit=archive only reads: hand over each reply (python -m botlib hand-over --workspace DIR), "
    "or set reddit=live with a key of your own"
)
# Older posts are no longer read; comments of the last day show where people talk
_POST_HOURS, _COMMENT_HOURS = 48, 24
_HOUR = 3600
# The archive reads these 36 hours after posting; until then it has 1 or 0, which means nothing
_UNKNOWN_YET = ("score", "ups", "downs", "upvote_ratio", "num_comments")


class ArchiveRequestor(prawcore.Requestor):
    """Answers PRAW from the archive; Reddit itself is never contacted, and nothing can be sent.

    Args:
      archive: the client of the archive.
      stop: ends every wait.
      clock: seconds since 1970, UTC.
    """

    replies_sent = 0

    def __init__(
        self,
        *args: Any,
        archive: Archive | None = None,
        stop: Stop | None = None,
        clock: Callable[[], float] = time.time,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._archive = archive or Archive(sleep=stop.wait if stop else None)
        self._clock = clock

    @property
    def requests_made(self) -> int:
        return self._archive.requests_made

    def close(self) -> None:
        self._archive.close()
        super().close()

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Answers one request of PRAW's.

        Raises:
          BotlibError: it would change something on Reddit.
          prawcore.RequestException: the archive can't be read now.
        """
        method, url = str(args[0]).upper(), str(args[1])
        path = urlsplit(url).path.strip("/").split("/")
        parameters = {**dict(kwargs.get("params") or {}), **dict(kwargs.get("data") or {})}
        try:
            return _response(self._answer(method, path, parameters))
        except ArchiveError as error:
            raise prawcore.RequestException(error, args, kwargs) from None

    def _answer(self, method: str, path: list[str], parameters: Mapping[str, str]) -> Any:
        match [method, *path]:
            case ["POST", "api", "v1", "access_token"]:
                # No request is sent, so any token will do
                return {"access_token": "none", "expires_in": 86400, "scope": "read"}
            case ["POST", "api", "morechildren"]:
                rows = self._archive.by_ids("comments", parameters["children"].split(","))
                return {"json": {"data": {"things": [_comment(row) for row in usable(rows)]}}}
            case ["GET", "api", "info"]:
                return _listing(self._info(parameters["id"].split(",")))
            case ["GET", "comments", post_id, *rest]:
                return self._thread(post_id, rest[-1] if len(rest) > 1 else "")
            case ["GET", "r", name, "about", "rules"]:
                return {"rules": self._archive.rules([name]).get(name.lower(), [])}
            case ["GET", "r", name, "about"]:
                about = self._archive.about(name)
                return about and {"kind": "t5", "data": {"id": name, **about}}
            case ["GET", "r", name, ("rising" | "hot" | "new") as listing]:
                return self._posts(name, listing, int(parameters.get("limit") or 25))
        raise BotlibError(BY_HAND)

    def _info(self, names: list[str]) -> list[dict[str, Any]]:
        things = {}
        for prefix, kind, thing in (("t1_", "comments", _comment), ("t3_", "posts", _post)):
            ids = [name[3:] for name in names if name.startswith(prefix)]
            rows = usable(self._archive.by_ids(kind, ids)) if ids else []
            things |= {prefix + row["id"]: thing(row) for row in rows}
        return [things[name] for name in names if name in things]

    def _posts(self, name: str, listing: str, limit: int) -> Any:
        """The newest posts, or those with the most comments in the last day.

        Reddit's own "rising" and "hot" go by scores, which the archive has only later.
        """
        now = int(self._clock())
        oldest = now - _POST_HOURS * _HOUR
        newest = {"before": now + 1, "sort": "desc"}
        if listing == "new":
            posts = usable(self._archive.search("posts", name, after=oldest, **newest))
            if not posts and not self._archive.about(name):
                return None
            return _listing([_post(row) for row in posts[:limit]])
        comments = self._archive.search(
            "comments", name, after=now - _COMMENT_HOURS * _HOUR, **newest
        )
        comments_by_post = Counter(str(row.get("link_id"))[3:] for row in usable(comments))
        if not comments_by_post and not self._archive.about(name):
            return None
        # Some of these posts are too old
        ids = [post_id for post_id, _ in comments_by_post.most_common(max(100, 4 * limit))]
        rows = usable(self._archive.by_ids("posts", ids)) if ids else []
        fresh = [row for row in rows if created(row) >= oldest]
        fresh.sort(key=lambda row: (-comments_by_post[row["id"]], -created(row)))
        return _listing([_post(row) for row in fresh[:limit]])

    def _thread(self, post_id: str, comment_id: str) -> Any:
        posts = [_post(row) for row in usable(self._archive.by_ids("posts", [post_id]))]
        if not posts:
            return None
        things = [_branch(thing, post_id) for thing in self._archive.tree(post_id)]
        if comment_id:
            things = _path_to(comment_id, things)
        return [_listing(posts), _listing(things)]


def _response(answer: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = 200 if answer else 404
    response._content = json.dumps(answer or {"message": "Not Found", "error": 404}).encode()
    response.headers["content-length"] = str(len(response._content))
    return response


def _listing(things: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"children": things, "after": None}}


def _post(row: Mapping[str, Any]) -> dict[str, Any]:
    link = f"/r/{row['subreddit']}/comments/{row['id']}/"
    return {"kind": "t3", "data": _visible(row, "posts", "t3", link)}


def _comment(row: Mapping[str, Any]) -> dict[str, Any]:
    link = f"/r/{row['subreddit']}/comments/{str(row.get('link_id'))[3:]}/_/{row['id']}/"
    return {"kind": "t1", "data": _visible(row, "comments", "t1", link)}


def _visible(row: Mapping[str, Any], kind: str, prefix: str, link: str) -> dict[str, Any]:
    """A row as Reddit shows it now: without what was deleted since or isn't known yet."""
    visible = {"name": f"{prefix}_{row['id']}", "permalink": link, **row, **taken_back(row, kind)}
    if unread(row):
        visible |= {key: None for key in _UNKNOWN_YET if key in visible}
    return visible


def _branch(thing: Mapping[str, Any], post_id: str) -> dict[str, Any]:
    """A comment with those below it; `more` gets the fields that PRAW reads."""
    data = dict(thing.get("data") or {})
    if thing.get("kind") == "more":
        children = [str(child) for child in data.get("children") or []]
        data |= {"id": children[0] if children else "", "children": children, "depth": 0}
        parent = str(data.get("parent_id") or post_id)
        data["parent_id"] = parent if parent[:3] in ("t1_", "t3_") else f"t1_{parent}"
        data |= {"name": f"t1_{data['id']}", "count": len(children)}
        return {"kind": "more", "data": data}
    if thing.get("kind") != "t1" or not usable([data]):
        return dict(thing)
    replies = data.pop("replies", "")
    answers = replies["data"].get("children") if isinstance(replies, dict) else None
    comment = _comment(data)
    things = [_branch(child, post_id) for child in answers or [] if isinstance(child, dict)]
    comment["data"]["replies"] = _listing(things) if things else ""
    return comment


def _path_to(comment_id: str, things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The one branch that leads to a comment; none if it isn't there."""
    for thing in things:
        data = thing.get("data") or {}
        if data.get("id") == comment_id:
            return [{**thing, "data": {**data, "replies": ""}}]
        replies = data.get("replies")
        answers = replies["data"]["children"] if isinstance(replies, dict) else []
        if path := _path_to(comment_id, answers):
            return [{**thing, "data": {**data, "replies": _listing(path)}}]
    return []
