"""The part of Reddit's HTTP API that PRAW uses, as a Flask application over SandboxState."""

import re
import secrets
import threading
from collections.abc import Callable

from flask import Flask, Response, abort, jsonify, redirect, request

from botlib.sandbox import pages
from botlib.sandbox.faults import Faults, api_error, fault_response
from botlib.sandbox.state import SandboxState, Thing
from botlib.sandbox.trees import MAX_COMMENTS, Tree, listing, wrapped

MAX_REPLY_CHARS = 10_000  # Reddit refuses longer comments


class Account:
    """The bot's account and application, as the sandbox knows them."""

    def __init__(self, name: str = "sandbox_bot", client_id: str = "sandbox") -> None:
        self.name = name
        self.client_id = client_id
        self.client_secret = "sandbox-secret"
        self.password = "sandbox-password"
        self.refresh_token = "sandbox-refresh-token"
        self.suspended = False


def application(
    state: Callable[[], SandboxState],
    account: Account,
    faults: Callable[[], Faults | None] = lambda: None,
    rate_limit: Callable[[], tuple[int, int, int]] = lambda: (999, 1, 1),
    hang: threading.Event | None = None,
    hang_seconds: float = 30.0,
    lag: Callable[[], float] = lambda: 0.0,
    disorder: Callable[[list[Thing]], list[Thing]] = lambda things: things,
) -> Flask:
    """Returns the application.

    Args:
      state: returns the site's state.
      account: the account that may log in.
      faults: returns the function that chooses faults, or None.
      rate_limit: returns the values of the headers: requests remaining, used, seconds to reset.
      hang: ends every "hang" fault when set.
      hang_seconds: how long such a fault lasts otherwise.
      lag: returns the seconds until a new reply shows.
      disorder: changes the order of an account's comments, which is only roughly by time on Reddit.
    """
    app = Flask("sandbox", static_folder=None)
    app.url_map.strict_slashes = False
    # Tokens need not be stored: each kind of user has one
    tokens = {"user": secrets.token_hex(8), "anonymous": secrets.token_hex(8)}
    hang = hang or threading.Event()

    def signed_in() -> bool:
        return tokens["user"] in request.headers.get("Authorization", "")

    def wants_json() -> bool:
        return "bearer" in request.headers.get("Authorization", "").lower()

    def visible(link: str) -> list[Thing]:
        comments = filter(shows, state().comments(link))
        return [_seen_by(comment, signed_in(), account.name) for comment in comments]

    def shows(thing: Thing) -> bool:
        return thing.get("_shows", 0) <= state().clock()

    @app.before_request
    def arrive() -> Response | None:
        path = request.path
        state().count("requests")
        if request.method == "POST":
            state().count(f"POST {path.rstrip('/')}")
        fault = faults() and faults()(request.method, path)
        request.environ["sandbox.fault"] = fault
        if fault and not fault.startswith("after:"):
            return fault_response(fault, hang, hang_seconds)
        token = request.headers.get("Authorization", "").lower().removeprefix("bearer ")
        if wants_json() and token not in tokens.values():
            return jsonify(message="Unauthorized", error=401), 401
        return None

    @app.after_request
    def leave(response: Response) -> Response:
        fault = request.environ.get("sandbox.fault") or ""
        if fault.startswith("after:"):
            response = app.make_response(
                fault_response(fault.removeprefix("after:"), hang, hang_seconds)
            )
        remaining, used, reset = rate_limit()
        response.headers["x-ratelimit-remaining"] = str(float(remaining))
        response.headers["x-ratelimit-used"] = str(used)
        response.headers["x-ratelimit-reset"] = str(reset)
        return response

    @app.post("/api/v1/access_token")
    def access_token():
        login = request.authorization
        if login is None or login.username != account.client_id:
            return jsonify(message="Unauthorized", error=401), 401
        if login.password != account.client_secret:
            return jsonify(message="Unauthorized", error=401), 401
        kind = "anonymous"
        if request.form.get("grant_type") == "password":
            name, password = request.form.get("username", ""), request.form.get("password", "")
            if name.lower() != account.name.lower() or password != account.password:
                return jsonify(error="invalid_grant")
            kind = "user"
        elif request.form.get("grant_type") == "refresh_token":
            if request.form.get("refresh_token") != account.refresh_token:
                # As Reddit does; a wrong password gets 200 and "invalid_grant"
                return jsonify(message="Bad Request", error=400), 400
            kind = "user"
        return jsonify(access_token=tokens[kind], token_type="bearer", expires_in=86400, scope="*")

    @app.get("/api/v1/me")
    def me():
        if not signed_in():
            return jsonify(message="Forbidden", error=403), 403
        return jsonify({**_redditor(account.name), "is_suspended": account.suspended})

    @app.get("/")
    def front():
        return pages.front(state(), account.name)

    @app.get("/r/<name>/")
    def subreddit_page(name: str):
        return pages.subreddit(state(), name, account.name)

    @app.get("/r/<name>/about/")
    def about(name: str):
        fields = state().subreddit(name)
        if fields is None:
            return redirect("/subreddits/search?q=" + name, 302)
        if fields["subreddit_type"] == "private":
            return jsonify(reason="private", message="Forbidden", error=403), 403
        return jsonify(kind="t5", data=fields)

    @app.get("/r/<name>/<any(hot, new, rising, top):sort>/")
    def posts(name: str, sort: str):
        listed: list[Thing] = []
        for single_name in name.split("+"):
            about = state().subreddit(single_name)
            if about is None:
                return redirect("/subreddits/search?q=" + name, 302)
            if about["subreddit_type"] == "private":
                return jsonify(reason="private", message="Forbidden", error=403), 403
            if about["subreddit_type"] == "banned":
                return jsonify(reason="banned", message="Not Found", error=404), 404
            listed += state().posts(single_name)
        key = "created_utc" if sort == "new" else "score"
        listed.sort(key=lambda post: -(post.get(key) or 0))
        return jsonify(_page(listed))

    @app.get("/comments/<post_id>/")
    @app.get("/comments/<post_id>/<slug>/<comment_id>/")
    @app.get("/r/<name>/comments/<post_id>/<slug>/")
    @app.get("/r/<name>/comments/<post_id>/<slug>/<comment_id>/")
    def thread(post_id: str, comment_id: str = "", slug: str = "", name: str = ""):
        post = state().get(f"t3_{post_id}") or abort(404)
        comments = visible(post["name"])
        if not wants_json():
            return pages.thread(post, comments, account.name)
        tree = Tree(comments, post["name"], request.args.get("sort", "confidence"))
        limit = min(request.args.get("limit", MAX_COMMENTS, type=int), MAX_COMMENTS)
        if comment_id:
            comment = tree.by_name.get(f"t1_{comment_id}")
            context = request.args.get("context", 0, type=int)
            below = tree.single(comment, context, limit) if comment else listing([])
        else:
            below = tree.forest(limit)
        return jsonify([listing([wrapped(post)]), below])

    @app.post("/api/morechildren/")
    def more_children():
        link = request.form["link_id"]
        tree = Tree(visible(link), link, request.form.get("sort", "confidence"))
        things = tree.more([f"t1_{child}" for child in request.form["children"].split(",")])
        return jsonify(json={"errors": [], "data": {"things": things}})

    @app.get("/api/info/")
    def info():
        names = request.args.get("id", "").split(",")
        abouts = {about["name"]: about for about in state().subreddits()}
        things = [abouts.get(name) or state().get(name) for name in names]
        return jsonify(
            listing([wrapped(_seen_by(t, signed_in(), account.name)) for t in things if t])
        )

    @app.post("/api/comment/")
    def comment():
        if not signed_in():
            return jsonify(message="Forbidden", error=403), 403
        parent, text = request.form.get("thing_id", ""), request.form.get("text", "")
        if refusal := _refusal(state(), parent, text):
            return refusal
        comment_added = state().add_comment(
            parent, text, author=account.name, _shows=state().clock() + lag()
        )
        state().count("replies")
        return jsonify(
            json={"errors": [], "data": {"things": [wrapped({**comment_added, "replies": ""})]}}
        )

    @app.post("/api/del/")
    def delete():
        thing = state().get(request.form.get("id", "")) or abort(404)
        if thing["author"] == account.name and signed_in():
            state().change(thing["name"], author="[deleted]", body="[deleted]", _deleted=True)
            state().count("deletions")
        return jsonify({})

    @app.get("/message/<any(inbox, unread, messages):which>/")
    def inbox(which: str):
        if not signed_in():
            return jsonify(message="Forbidden", error=403), 403
        items = [_as_inbox_item(item, account.name) for item in state().inbox(account.name)]
        if which == "unread":
            items = [item for item in items if item["new"]]
        return jsonify(_page(items))

    @app.post("/api/read_message/")
    def read_message():
        for name in request.form.get("id", "").split(","):
            state().change(name, new=False)
        return jsonify({})

    @app.get("/user/<name>/about/")
    def user(name: str):
        return jsonify(kind="t2", data=_redditor(name))

    @app.get("/user/<name>/comments/")
    def history(name: str):
        return jsonify(_page(disorder(list(filter(shows, state().written_by(name))))))

    @app.errorhandler(404)
    def unknown(_error):
        return jsonify(message="Not Found", error=404), 404

    return app


def _refusal(state: SandboxState, parent: str, text: str):
    """Reddit's answer to a reply that it refuses, or None."""
    parent_thing = state.get(parent)
    if parent_thing is None:
        return api_error("DELETED_COMMENT")
    post = parent_thing if parent.startswith("t3_") else state.get(parent_thing["link_id"])
    about = state.subreddit(parent_thing["subreddit"]) or {}
    if about.get("user_is_banned") or about.get("subreddit_type") == "private":
        return jsonify(message="Forbidden", error=403), 403
    if parent_thing.get("_deleted") or parent_thing.get("author") in (None, "[deleted]"):
        return api_error("DELETED_COMMENT")
    if post.get("archived") or parent_thing.get("archived"):
        return api_error("TOO_OLD")
    if post.get("locked") or parent_thing.get("locked"):
        return api_error("THREAD_LOCKED")
    if not text.strip():
        return api_error("NO_TEXT")
    if len(text) > MAX_REPLY_CHARS:
        return api_error("TOO_LONG")
    return None


def _page(things: list[Thing]) -> Thing:
    """One page of a listing, as `limit` and `after` ask."""
    limit = min(request.args.get("limit", 25, type=int), 100)
    names = [thing["name"] for thing in things]
    after = request.args.get("after")
    start = names.index(after) + 1 if after in names else 0
    page = things[start : start + limit]
    next_after = page[-1]["name"] if page and start + limit < len(things) else None
    return listing([wrapped(thing) for thing in page], after=next_after)


def _seen_by(thing: Thing, signed_in: bool, me: str) -> Thing:
    """A thing as an account sees it: only its author still sees a removed comment's text."""
    if thing.get("_removed") and not (signed_in and thing.get("author") == me):
        return {**thing, "body": "[removed]", "author": "[deleted]"}
    return thing


def _as_inbox_item(thing: Thing, me: str) -> Thing:
    if thing["name"].startswith("t4_"):
        return thing
    # As on Reddit, a comment in the inbox has a context, but no link_id, locked or archived
    absent_fields = ("link_id", "locked", "archived", "permalink")
    item = {k: v for k, v in thing.items() if k not in absent_fields}
    mentioned = f"u/{me}".lower() in thing["body"].lower()
    item |= {
        "context": f"{thing['permalink']}?context=3",
        "was_comment": True,
        "subject": "username mention" if mentioned else "comment reply",
        "type": "username_mention" if mentioned else "comment_reply",
    }
    return {"new": True, **item}


def _redditor(name: str) -> Thing:
    code = re.sub(r"\W", "", name.lower())
    return {"id": code, "name": name, "comment_karma": 1, "link_karma": 1, "created_utc": 0.0}
