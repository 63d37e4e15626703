"""The page in a real browser: judged, posted once, stopped, on a phone, by night, after a restart.

Every request that leaves this machine fails its test.
"""

import threading
from pathlib import Path

import pytest

from botlib.app import server
from botlib.live.outbox.queue import Outbox
from botlib.live.policy import DISCLOSURE
from botlib.live.posting import sending
from botlib.settings import PostSettings
from tests.app.conftest import PHONE, toast

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Here the bot's pauses are real: STOP must end them."""
    monkeypatch.setattr(Outbox, "synchronous", "OFF")


# What a thumb is to hit, and is lower than 44 pixels
SMALL = """() => [...document.querySelectorAll("button, summary, select, textarea, input")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => `${e.outerHTML.slice(0, 80)} ${e.getBoundingClientRect().height}`)"""
# Buttons of the two bars whose label takes two lines
BROKEN_LABELS = """() => [...document.querySelectorAll(".actions button, .tabs button")]
  .filter((button) => {
    const label = document.createRange();
    label.selectNodeContents(button);
    const boxes = [...label.getClientRects()].filter((r) => r.width);
    const tops = boxes.map((r) => r.top + r.height / 2);
    return Math.max(...tops) - Math.min(...tops) > 8;
  }).map((button) => button.textContent)"""
# Texts whose contrast is below what WCAG 2.2 AA asks for
FAINT = """() => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent.trim();
    if (!text || !e.checkVisibility({ opacityProperty: true })) continue;
    if (e.closest(":disabled, .toast, svg")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgb(style.color)), light(behind(e))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${text} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


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
        closed = page.locator(f"#{tab} details:not([open]) > summary:visible")
        while closed.count():
            closed.first.click()
        assert page.evaluate(SMALL) == [], tab
        assert page.evaluate(FAINT) == [], tab
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("color", "backgroundColor")
    )
    lightness = [sum(map(int, colour[4:-1].split(","))) for colour in (ink, paper)]
    assert (lightness[0] > lightness[1]) == (scheme == "dark")


@pytest.mark.parametrize("width", [375, 360, 320])
def test_no_label_breaks_on_a_narrow_phone(visit, width):
    page = visit(viewport={"width": width, "height": 700})
    page.locator(".actions .big").first.wait_for()
    broken = page.evaluate(BROKEN_LABELS)
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_two_settings_stand_side_by_side_and_each_answers_its_own_sliders(visit, width):
    page = visit(viewport={"width": width, "height": 900})
    page.click("#tab-try")
    page.locator("#loading", has_text="loaded").wait_for()
    page.fill("#said", "Rivers?")
    page.click("#write")
    left, right = (page.locator(f"section[aria-label='Setting {name}']") for name in "AB")
    left.locator("[role=status]", has_text="candidates in").wait_for()
    page.click("#compare")
    right.locator("[role=status]", has_text="candidates in").wait_for()
    boxes = [side.bounding_box() for side in (left, right)]
    if width == 1280:
        assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    else:
        assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    before = left.locator("li .text").all_inner_texts()
    # Temperature writes anew, the threshold only decides anew; and only on its own side
    right.locator("input[name=temperature-B]").fill("0")
    for _ in range(200):
        greedy = right.locator("li .text").all_inner_texts()
        if len(greedy) == len(before) and len(set(greedy)) == 1:
            break
        page.wait_for_timeout(100)
    assert len(greedy) > 3 and len(set(greedy)) == 1
    right.locator("input[name=threshold-B]").fill("1")
    right.locator("li.refused").nth(len(greedy) - 1).wait_for()
    assert left.locator("li .text").all_inner_texts() == before
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#compare")
    assert right.count() == 0 and left.locator("li .text").all_inner_texts() == before


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
