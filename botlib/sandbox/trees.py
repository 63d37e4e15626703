"""Comment trees as Reddit's JSON nests them, with "more" where it stops."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Thing = dict[str, Any]

# Reddit shows at most about 500 comments and ten levels at once; /api/morechildren a hundred
MAX_COMMENTS = 500
MAX_DEPTH = 10
MAX_MORE = 100


def listing(children: Sequence[Thing], after: str | None = None) -> Thing:
    """Returns a Listing of wrapped things."""
    return {
        "kind": "Listing",
        "data": {"children": list(children), "after": after, "before": None, "dist": len(children)},
    }


def wrapped(thing: Thing) -> Thing:
    """Returns a thing as {"kind": …, "data": …}; a thing may carry its own (odd) kind."""
    kind = thing.get("_kind") or str(thing.get("name", "t1_")).split("_")[0]
    return {"kind": kind, "data": {k: v for k, v in thing.items() if k != "_kind"}}


class Tree:
    """The comments of one post.

    Args:
      comments: flat, each with name, parent_id, score, created_utc.
      link: the post's fullname.
      sort: "new" puts the newest first, anything else the highest score.
    """

    def __init__(self, comments: Sequence[Thing], link: str, sort: str = "confidence") -> None:
        self.link = link
        self.below: dict[str, list[Thing]] = defaultdict(list)
        self.by_name = {comment["name"]: comment for comment in comments}
        key = "created_utc" if sort == "new" else "score"
        for comment in sorted(comments, key=lambda c: -(c.get(key) or 0)):
            self.below[comment.get("parent_id") or link].append(comment)

    def forest(self, limit: int = MAX_COMMENTS) -> Thing:
        """Returns the listing of a post page: at most `limit` comments, "more" for the rest."""
        shown: set[str] = set()
        level = self.below[self.link]
        depth = 0
        while level and depth < MAX_DEPTH and len(shown) < limit:
            level = level[: limit - len(shown)]
            shown.update(comment["name"] for comment in level)
            level = [child for comment in level for child in self.below[comment["name"]]]
            depth += 1
        return listing(self._children(self.link, shown, 0))

    def single(self, comment: Thing, context: int, limit: int = MAX_COMMENTS) -> Thing:
        """Returns the listing of a comment's page: up to eight parents, it, its replies."""
        shown = {comment["name"]}
        level = self.below[comment["name"]]
        depth = 0
        while level and depth < MAX_DEPTH and len(shown) < limit:
            level = level[: limit - len(shown)]
            shown.update(child["name"] for child in level)
            level = [child for parent in level for child in self.below[parent["name"]]]
            depth += 1
        node = self._node(comment, shown, 0)
        for _ in range(min(context, 8)):
            parent = self.by_name.get(node["data"].get("parent_id") or "")
            if parent is None:
                break
            above = wrapped(parent)
            above["data"]["replies"] = listing([node])
            node = above
        return listing([node])

    def more(self, names: Sequence[str]) -> list[Thing]:
        """Returns the answer of /api/morechildren: flat things, parents before their children."""
        things: list[Thing] = []
        queue = [self.by_name[name] for name in names if name in self.by_name]
        not_shown: list[Thing] = []
        while queue:
            comment = queue.pop(0)
            if len(things) >= MAX_MORE:
                not_shown.append(comment)
                continue
            thing = wrapped(comment)
            thing["data"]["replies"] = ""
            things.append(thing)
            queue[:0] = self.below[comment["name"]]
        for parent in dict.fromkeys(comment["parent_id"] for comment in not_shown):
            siblings = [comment for comment in not_shown if comment["parent_id"] == parent]
            things.append(self._more(parent, siblings, 1))
        return things

    def _children(self, parent: str, shown: set[str], depth: int) -> list[Thing]:
        comments = self.below[parent]
        nodes = [self._node(c, shown, depth) for c in comments if c["name"] in shown]
        hidden = [comment for comment in comments if comment["name"] not in shown]
        if hidden:
            nodes.append(self._more(parent, hidden, depth))
        return nodes

    def _node(self, comment: Thing, shown: set[str], depth: int) -> Thing:
        node = wrapped({**comment, "depth": depth})
        children = self._children(comment["name"], shown, depth + 1)
        node["data"]["replies"] = listing(children) if children else ""
        return node

    def _more(self, parent: str, hidden: Sequence[Thing], depth: int) -> Thing:
        if depth >= MAX_DEPTH:
            # "continue this thread": no ids, no count
            data = {"count": 0, "name": "t1__", "id": "_", "children": []}
        else:
            ids = [comment["name"].split("_", 1)[1] for comment in hidden]
            count = sum(1 + self._below_count(comment["name"]) for comment in hidden)
            data = {"count": count, "name": f"t1_{ids[0]}", "id": ids[0], "children": ids}
        return {"kind": "more", "data": {**data, "parent_id": parent, "depth": depth}}

    def _below_count(self, name: str) -> int:
        count = 0
        stack = [name]
        while stack:
            children = self.below.get(stack.pop(), ())
            count += len(children)
            stack.extend(child["name"] for child in children)
        return count
