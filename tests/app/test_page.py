"""The page in a real browser: judged, posted once, stopped, on a phone, by night, after a restart.

Every request that leaves this machine fails its test.
"""

import threading
from pathlib import Path

import pytest

from botlib.app import server
from botlib.app.gate import Gate
from botlib.live.outbox.queue import Outbox
from botlib.live.policy import DISCLOSURE
from botlib.live.posting import sending
from botlib.settings import PostSettings
from tests.live import small_models

pytestmark = [pytest.mark.slow, pytest.mark.alone]

PHONE = {"width": 390, "height": 844}
PAYLOADS = (
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<a href=\"javascript:window.pwned=1\">click</a> [x](javascript:window.pwned=1)",
    "\u202egnp.exe\u202c \u2066\u2069 \u200b\u200d\u2060\ufeff",
    "Z\u0351\u036b\u0343\u036a\u0302" * 300,
    "W" * 9000,
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J",
    "http://evil.example/pixel.png ![x](http://evil.example/pixel.png)",
    "{{7*7}} ${7*7} %s %n </textarea></script><style>*{display:none}</style>",
    "<svg onload=window.pwned=1><iframe srcdoc='<script>top.pwned=1</script>'>",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Here the bot's pauses are real: STOP must end them."""
    monkeypatch.setattr(Outbox, "synchronous", "OFF")


class Served:
    """The page's program: started, ended and started again at one port."""

    def __init__(self, site):
        self.site, self.port, self.running = site, 0, None

    def start(self):
        gate = Gate()
        self.running = server.serve(server.application(self.site, gate), "127.0.0.1", self.port)
        self.port = self.running.server_port
        run = {"kwargs": {"poll_interval": 0.01}, "daemon": True}
        threading.Thread(target=self.running.serve_forever, **run).start()
        return gate.link(f"http://127.0.0.1:{self.port}")

    def stop(self):
        self.running.shutdown()
        self.running.server_close()


@pytest.fixture
def served(site):
    small_models.fill(site.workspace)
    made = Served(site)
    yield made
    made.stop()


@pytest.fixture
def visit(chromium, served):
    """Opens the link in a browser of its own; says at the end if anything went elsewhere."""
    link, contexts, foreign, broken = served.start(), [], [], []

    def open_page(address=link, viewport=PHONE, scheme="light", context=None):
        context = context or chromium.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda r: foreign.append(r.url) if not _local(r.url) else None)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("dialog", lambda dialog: broken.append(dialog.message))
        page.goto(address)
        page.locator("#place").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == [] and broken == []


def _local(url):
    return url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:"))


def states(site):
    with site.outbox() as outbox:
        return {reply.id: reply.state for reply in outbox.replies()}


def post_now(site, **more):
    settings = {"reddit": "sandbox", "dry_run": False, "allowed_subreddits": "writing,scifi"}
    settings |= {"min_comment_score": 0, "max_per_subreddit_hour": 0, "min_pause_minutes": 0,
                 "max_pause_minutes": 0}  # fmt: skip
    with site.reddit() as reddit:
        sending.post_approved(site.workspace, reddit, PostSettings(**settings | more))
        return reddit.sandbox.replies()["reply"].tolist()


def toast(page, text):
    page.locator(".toast.on", has_text=text).wait_for()


def test_a_reply_is_tried_proposed_edited_approved_and_posted_once(visit, site):
    with site.outbox() as outbox:
        reply = outbox.replies()[0]
        for table in ("candidates", "changes", "replies"):
            outbox.execute(f"DELETE FROM {table}")
    page = visit()
    # The secret is gone from the address, and no script can read the cookie
    assert "key" not in page.url and page.evaluate("document.cookie") == ""
    page.click("#tab-try")
    page.locator("#loading", has_text="loaded").wait_for()
    page.locator("summary", has_text="Setting A").click()
    page.locator("input[name=threshold-A]").fill("0")
    address = f"https://www.reddit.com/r/writing/comments/{reply.post_id}/_/{reply.comment_id}/"
    page.fill("#said", address)
    page.click("#write")
    page.locator("[role=status]", has_text="candidates in").wait_for()
    page.locator(".card.reply button", has_text="Propose it").click()
    toast(page, "waits in Review")
    page.click("#tab-review")
    page.locator(".actions button", has_text="Edit").click()
    page.locator("#review textarea").fill("Written by a person.")
    page.locator("button", has_text="Approve this text").click()
    page.locator("h2", has_text="Nothing waits for you").wait_for()
    assert list(states(site).values()) == ["edited"]
    assert post_now(site) == [f"Written by a person.\n\n---\n{DISCLOSURE}"]
    assert len(post_now(site)) == 1


def test_the_second_browser_that_approves_the_same_reply_is_told(visit, site):
    ann, bob = visit(), visit(viewport={"width": 1280, "height": 900})
    for page in (ann, bob):
        page.locator("#reply").wait_for()
    assert ann.inner_text("#reply") == bob.inner_text("#reply")
    ann.locator(".actions button", has_text="Approve").click()
    toast(ann, "Approved")
    if bob.locator("#reply").count():
        bob.locator(".actions button", has_text="Approve").click()
        toast(bob, "approved by now")
    # No other reply slips under the thumb
    bob.locator("h2", has_text="Somebody else decided").wait_for()
    bob.keyboard.press("j")
    bob.locator("#review", has_text="of 2").wait_for()
    assert sorted(states(site).values()) == ["approved", "proposed", "proposed"]
    with site.outbox() as outbox:
        assert len(outbox.history()[lambda changes: changes["after"] == "approved"]) == 1


def test_stop_ends_posting_at_once(visit, site):
    page = visit()
    with site.outbox() as outbox:
        for reply in outbox.replies():
            outbox.approve(reply.id, "ann")
    slow = {"min_pause_minutes": 1.0, "max_pause_minutes": 1.0}
    posting = threading.Thread(target=post_now, args=(site,), kwargs=slow)
    posting.start()
    page.click("#tab-watch")
    page.locator(".facts div", has_text="posted in 24 h").locator("dd", has_text="1").wait_for()
    page.click("#stop")
    page.locator(".state", has_text="Stopped").wait_for()
    posting.join(5)
    assert not posting.is_alive()
    assert sorted(states(site).values()) == ["approved", "approved", "posted"]
    # Going on needs two taps
    page.click("#start")
    assert site.workspace.stop_switch.exists()
    page.click("#start")
    toast(page, "allowed again")
    assert not site.workspace.stop_switch.exists()


def test_keys_judge_and_undo_without_a_mouse(visit, site):
    page = visit(viewport={"width": 1280, "height": 900})
    place = page.locator(".crumb .end")
    place.wait_for()
    page.keyboard.press("j")
    assert place.inner_text() == "2 of 3"
    page.keyboard.press("k")
    assert place.inner_text() == "1 of 3"
    page.keyboard.press("r")
    page.keyboard.type("jaeu are letters here")
    page.keyboard.press("Enter")
    toast(page, "Rejected")
    page.keyboard.press("e")
    page.locator("#review textarea").fill("Mine.")
    page.keyboard.press("Control+Enter")
    toast(page, "with your text")
    page.keyboard.press("a")
    toast(page, "Approved. It is")
    assert sorted(states(site).values()) == ["approved", "edited", "rejected"]
    with site.outbox() as outbox:
        assert outbox.replies(states=["rejected"])[0].reason == "jaeu are letters here"
    page.keyboard.press("u")
    toast(page, "It was approved")
    page.keyboard.press("u")
    toast(page, "It was edited")
    assert sorted(states(site).values()) == ["proposed", "proposed", "rejected"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_tab_by_day_and_by_night(visit, scheme):
    page = visit(scheme=scheme)
    for tab in ("review", "watch", "try", "models"):
        page.click(f"#tab-{tab}")
        page.locator(f"#{tab} > *").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for button in page.locator(f"#{tab} button:visible, .tabs button").all():
            assert button.bounding_box()["height"] >= 38, button.inner_text()
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("color", "backgroundColor")
    )
    lightness = [sum(map(int, colour[4:-1].split(","))) for colour in (ink, paper)]
    assert (lightness[0] > lightness[1]) == (scheme == "dark")


def test_nothing_moves_while_candidates_arrive(visit):
    page = visit()
    page.click("#tab-try")
    page.locator("#loading", has_text="loaded").wait_for()
    page.evaluate(
        "() => { window.moved = 0; new PerformanceObserver((list) => { for (const one of "
        "list.getEntries()) window.moved += one.value; }).observe({ type: 'layout-shift' }); }"
    )
    page.locator("button", has_text="An example").click()
    page.locator("[role=status]", has_text="candidates in").wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("window.moved") < 0.01
    assert page.locator(".candidates li").count() >= 5


def test_a_restart_keeps_what_was_decided_and_what_was_being_typed(visit, served, site):
    page = visit()
    page.locator(".actions button", has_text="Approve").click()
    toast(page, "Approved")
    page.locator(".actions button", has_text="Edit").click()
    page.locator("#review textarea").fill("Half a sentence")
    served.stop()
    page.locator("button", has_text="Approve this text").click()
    toast(page, "doesn't answer")
    link = served.start()
    # The door may have come up by itself: the page asks now and then
    page.locator("button", has_text="Approve this text").dispatch_event("click")
    page.locator("#door h2", has_text="needs its link").wait_for()
    again = visit(link, context=page.context)
    again.locator(".actions button", has_text="Edit").click()
    assert again.locator("#review textarea").input_value() == "Half a sentence"
    again.locator("button", has_text="Approve this text").click()
    toast(again, "with your text")
    assert sorted(states(site).values()) == ["approved", "edited", "proposed"]


def test_200_malicious_comments_and_names_are_only_text(visit, site):
    with site.outbox() as outbox, outbox.transaction():
        outbox.execute("DELETE FROM candidates")
        outbox.execute("DELETE FROM changes")
        outbox.execute("DELETE FROM replies")
        for n in range(200):
            bad = PAYLOADS[n % len(PAYLOADS)]
            given = {"subreddit": f"writing{n}", "post_id": f"p{n}", "comment_id": f"c{n}",
                     "author": bad[:60], "title": bad, "comment": f"{bad} &lt;b&gt; {n}",
                     "reply": f"{bad} {n}", "permalink": "javascript:window.pwned=1",
                     "prob_real": 0.9, "score": 3 - n / 100, "reason": bad}  # fmt: skip
            outbox.propose("sandbox", [given])
    page = visit()
    place = page.locator(".crumb .end")
    place.wait_for()
    for n in range(1, 200):
        page.keyboard.press("j")
        assert place.inner_text() == f"{n + 1} of 200"
        if n % 20 < len(PAYLOADS):
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            tags = "#review :is(script, img, iframe, svg, style, a)"
            assert page.locator(tags).count() == 0
    assert page.evaluate("window.pwned") is None
    assert page.locator("#review", has_text="<b> 199").count() == 1
    page.keyboard.press("a")
    toast(page, "Approved")


def test_without_its_link_the_page_shows_nothing(visit, chromium, served):
    visit()
    stranger = chromium.new_context(viewport=PHONE).new_page()
    stranger.goto(f"http://127.0.0.1:{served.port}/")
    stranger.locator("#door h2", has_text="needs its link").wait_for()
    assert stranger.locator("#review .card").count() == 0
    stranger.context.close()


def test_the_pages_own_files_name_no_other_place():
    for path in Path(server.STATIC).iterdir():
        found = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in found and "//cdn" not in found, path.name
