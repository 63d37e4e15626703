"""Plain pages of the sandbox, where a person reads the bot's replies in a browser."""

from datetime import UTC, datetime

from flask import render_template_string

from botlib.sandbox.state import SandboxState, Thing

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.45 sans-serif; max-width: 50rem; margin: 1.5rem auto; padding: 0 1rem }
a { color: #0b5394 } header { border-bottom: 1px solid #999; margin-bottom: 1rem }
.meta { color: #555; font-size: .85rem } .body { white-space: pre-wrap; overflow-wrap: anywhere }
article { border-left: 2px solid #bbb; margin: .8rem 0 .8rem .2rem; padding-left: .8rem }
article.own { border-left: 4px solid #b45309; background: #fff7ed }
.badge { border: 1px solid #b45309; color: #7c2d12; border-radius: 3px; padding: 0 .3em }
</style></head><body>
<header><a href="/">sandbox Reddit</a>, made up on this machine; the bot is u/{{ me }}</header>
"""

_FRONT = (
    _FRAME
    + """<h1>Subreddits</h1>
<ul>{% for name, posts, replies in rows %}
<li><a href="/r/{{ name }}/">r/{{ name }}</a> <span class="meta">{{ posts }} posts,
{{ replies }} replies by the bot</span></li>{% endfor %}</ul></body></html>"""
)

_SUBREDDIT = (
    _FRAME
    + """<h1>r/{{ name }}</h1>
<ol>{% for post, replies in rows %}<li><a href="{{ post.permalink }}">{{ post.title }}</a>
<div class="meta">{{ post.score }} points by u/{{ post.author }}, {{ when(post) }}
{% if replies %}<span class="badge">{{ replies }} by the bot</span>{% endif %}</div></li>
{% endfor %}
</ol></body></html>"""
)

_THREAD = (
    _FRAME
    + """<h1 dir="auto">{{ post.title }}</h1>
<p class="meta">{{ post.score }} points by u/{{ post.author }} in
<a href="/r/{{ post.subreddit }}/">r/{{ post.subreddit }}</a>, {{ when(post) }}
{% if post.locked %}<span class="badge">locked</span>{% endif %}</p>
<div class="body" dir="auto">{{ post.selftext }}</div>
{% for comment, depth in rows %}
<article id="{{ comment.name }}"{% if comment.author == me %} class="own"{% endif %}
 style="margin-left: {{ [depth, 12] | min * 1.2 }}rem">
<div class="meta">u/{{ comment.author or "[deleted]" }} · {{ comment.score }} points ·
{{ when(comment) }}
{% if comment.author == me %}<span class="badge">bot</span>{% endif %}</div>
<div class="body" dir="auto">{{ comment.body }}</div></article>{% endfor %}</body></html>"""
)


def front(state: SandboxState, me: str) -> str:
    """Returns the list of subreddits."""
    own = [comment["subreddit"].lower() for comment in state.written_by(me)]
    rows = [
        (about["display_name"], len(state.posts(name)), own.count(name))
        for about in state.subreddits()
        for name in [about["display_name"].lower()]
    ]
    return render_template_string(_FRONT, title="sandbox Reddit", rows=rows, me=me)


def subreddit(state: SandboxState, name: str, me: str) -> str:
    """Returns the list of a subreddit's posts; those the bot replied to come first."""
    own = [comment["link_id"] for comment in state.written_by(me)]
    rows = [(post, own.count(post["name"])) for post in state.posts(name)]
    rows.sort(key=lambda row: (-row[1], -(row[0].get("score") or 0)))
    return render_template_string(
        _SUBREDDIT, title=f"r/{name}", name=name, rows=rows, me=me, when=_when
    )


def thread(post: Thing, comments: list[Thing], me: str) -> str:
    """Returns the page of a post: all comments, indented by depth."""
    replies_by_parent: dict[str, list[Thing]] = {}
    for comment in comments:
        replies_by_parent.setdefault(comment.get("parent_id") or post["name"], []).append(comment)
    rows: list[tuple[Thing, int]] = []
    stack = [(comment, 0) for comment in reversed(replies_by_parent.get(post["name"], []))]
    while stack:
        comment, depth = stack.pop()
        rows.append((comment, depth))
        stack += [
            (child, depth + 1) for child in reversed(replies_by_parent.get(comment["name"], []))
        ]
    return render_template_string(
        _THREAD, title=post["title"], post=post, rows=rows, me=me, when=_when
    )


def _when(thing: Thing) -> str:
    return datetime.fromtimestamp(thing.get("created_utc") or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")
