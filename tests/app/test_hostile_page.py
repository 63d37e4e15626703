"""200 hostile comments, names, replies and cards, on every tab of the page in a real browser.

Nothing of them runs, loads, hides or widens anything; what they say stands there as text.
"""

import json

import pandas as pd
import pytest

from botlib.evaluation import record
from botlib.gpt2.generator import Generator
from botlib.live.heartbeat import Heartbeat
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.settings import PostSettings
from tests.app import hostile
from tests.app.conftest import toast

pytestmark = [pytest.mark.slow, pytest.mark.alone]

TEXTS = hostile.texts()


@pytest.fixture(autouse=True)
def no_disk(monkeypatch):
    monkeypatch.setattr(Outbox, "synchronous", "OFF")


@pytest.fixture
def replies(site):
    """As many replies wait as there are texts, each to a hostile comment under a hostile post."""
    with site.outbox() as outbox, outbox.transaction():
        for table in ("candidates", "changes", "replies"):
            outbox.execute(f"DELETE FROM {table}")
        for n, bad in enumerate(TEXTS):
            given = {"subreddit": f"writing{n}", "post_id": f"p{n}", "comment_id": f"c{n}",
                     "author": bad[:60], "title": bad, "comment": f"{bad} &lt;b&gt; {n}",
                     "reply": f"{bad} {n}", "permalink": "javascript:window.pwned=1",
                     "prob_real": 0.9, "score": 3 - n / 100, "reason": bad}  # fmt: skip
            outbox.propose("sandbox", [given])


def assert_harmless(page, tab):
    """No element, attribute, address or width that a text brought with it."""
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tags = "script, iframe, object, embed, link, style, base, form, video, math, template, body"
    assert page.locator(f"#{tab} :is({tags})").count() == 0
    assert page.locator(f"#{tab} img[src^='x'], #{tab} a:not([href^='https://'])").count() == 0
    elements = "[...document.querySelectorAll('main :not(.meter span)')]"
    named = f"{elements}.flatMap((e) => e.getAttributeNames())"
    assert page.evaluate(f"{named}.filter((name) => /^on|^srcdoc|^style/.test(name))") == []
    assert page.locator(".tabs button:visible").count() == 4


def test_review(visit, replies, site):
    page = visit()
    place = page.locator(".crumb .end")
    place.wait_for()
    for n in range(1, len(TEXTS)):
        assert_harmless(page, "review") if n % 5 == 0 else None
        page.keyboard.press("j")
        assert place.inner_text() == f"{n + 1} of {len(TEXTS)}"
    assert page.locator("#review", has_text=f"<b> {len(TEXTS) - 1}").count() == 1
    assert_harmless(page, "review")
    page.keyboard.press("a")
    toast(page, "Approved")


def test_try(visit, monkeypatch):
    waiting = list(TEXTS)

    def as_they_end(self, comment, n, *_, **__):
        for _ in range(n):
            yield [{"reply": waiting.pop(), "log_prob": -1.0}]

    monkeypatch.setattr(Generator, "as_they_end", as_they_end)
    page = visit()
    page.click("#tab-try")
    page.locator("#loading", has_text="loaded").wait_for()
    page.locator("summary", has_text="Setting A").click()
    page.locator("input[name=n-A]").fill("20")
    while len(waiting) >= 20:
        page.fill("#said", f"A comment. {waiting[-1]}"[:9000])
        page.click("#write")
        page.locator("[role=status]", has_text="20 candidates in").wait_for()
        assert page.locator(".candidates li:visible").count() == 20
        assert_harmless(page, "try")
    assert page.locator(".candidates", has_text="<script").count() == 1


def test_watch(visit, replies, site):
    with site.outbox() as outbox:
        for reply, bad in zip(outbox.replies(), TEXTS, strict=True):
            outbox.approve(reply.id, bad[:40] or "ann")
            outbox.mark_sending(reply.id)
            outbox.mark_posted(reply.id, f"r{reply.id}", bad)
            outbox.execute("INSERT INTO outcomes VALUES (?, ?, 25, 1, ?)", reply.id, 1.0, "there")
            optouts.opt_out(outbox, bad[:60], bad)
            optouts.shut(outbox, "sandbox", bad[:40], bad)
    post = PostSettings(reddit="sandbox", dry_run=False, allowed_subreddits="writing")
    with site.reddit() as reddit:
        heart = Heartbeat(site.workspace, reddit, post)
        for bad in TEXTS:
            heart.begins()
            heart.rests(600, error=bad)
    page = visit()
    page.click("#tab-watch")
    page.locator("#watch h3", has_text="opted out").wait_for()
    page.locator("#watch td.wide").first.wait_for()
    assert page.locator("#watch td.wide").count() == 40
    assert_harmless(page, "watch")
    for bad in TEXTS[::20]:
        with site.outbox() as outbox:
            optouts.pause(outbox, "sandbox", outbox.clock() + 900, bad)
        page.click("#tab-review")
        page.click("#tab-watch")
        page.locator(".state h2", has_text="Paused").wait_for()
        assert_harmless(page, "watch")
    page.click("#stop")
    page.locator(".state", has_text="Stopped").wait_for()


def test_models(visit, site):
    folders = (site.workspace.bert_realism, site.workspace.bert_upvotes, site.workspace.bert_rank)
    visit_later = [TEXTS[n : n + 40] for n in range(0, len(TEXTS), 40)]
    page = visit()
    for number, texts in enumerate(visit_later):
        scores = pd.DataFrame({"model": texts, texts[0]: texts})
        for folder, text in zip(folders, texts, strict=False):
            record.save(folder, text, text, scores)
            # An imported bundle's card is somebody else's text
            card = dict.fromkeys(("base_model", "licence", "encoder", "reason", "note"), text)
            (folder / "model_card.json").write_text(json.dumps(card), encoding="utf-8")
        page = visit(context=page.context)
        page.click("#tab-models")
        page.locator("#models details").first.wait_for()
        for fold in page.locator("#models summary").all():
            fold.click()
        assert page.locator("#models td").count() >= 2 * len(texts), number
        assert_harmless(page, "models")
