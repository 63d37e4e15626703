"""Nobody but who has the secret uses the page, and no other site through their browser."""

import logging

import pytest

from botlib.app import server
from botlib.app.embed import COLAB
from botlib.app.gate import TRIES, Gate, loopback
from botlib.errors import BotlibError

from .conftest import Browser


def every_question(app):
    """The page's addresses that say or change something."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    return [rule for rule in rules if rule.rule != "/api/enter"]


def test_without_the_secret_every_question_is_refused(app, stranger):
    asked = every_question(app)
    assert len(asked) >= 5
    for rule in asked:
        path = rule.rule.replace("<int:reply_id>", "1").replace("<decision>", "approve")
        answer = stranger.post(path) if "POST" in rule.methods else stranger.get(path)
        assert (answer.status_code, rule.rule) == (401, rule.rule)


def test_the_secret_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends(app, key):
    browser = Browser(app)
    answer = browser.post("/api/enter", key=key)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert key not in cookie and key not in answer.text
    assert browser.get("/api/review").status_code == 200


def test_a_wrong_secret_opens_nothing(app, stranger, key):
    for wrong in ("", "x", key[:-1], key + "x", "ключ"):
        answer = stranger.post("/api/enter", key=wrong)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
    assert "printed a new one" in stranger.post("/api/enter", key="").json["error"]


def test_the_secret_is_in_no_page_and_no_log(app, gate, key, browser, caplog):
    with caplog.at_level(logging.DEBUG):
        texts = [browser.get(path).text for path in ("/", "/static/app.js", "/api/review")]
    assert not any(key in text for text in [*texts, caplog.text])
    # The link's secret stands behind "#", which browsers keep to themselves
    assert gate.link("http://127.0.0.1:8765") == f"http://127.0.0.1:8765/#key={key}"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example:8765", "", "[::1"]
)
def test_another_name_for_this_machine_is_refused(browser, host):
    """DNS rebinding: a site points its own name at 127.0.0.1 and is the same origin there."""
    answer = browser.get("/api/review", Host=host)
    assert answer.status_code in (400, 403)
    assert browser.get("/", Host=host).status_code in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765"])
def test_the_machines_own_names_are_known(stranger, host):
    assert stranger.get("/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost.evil.example", "x"],
)
def test_another_site_decides_nothing(browser, site, origin):
    browser.origin = {"Origin": origin}
    waiting = browser.get("/api/review").json["waiting"][0]
    answer = browser.post(f"/api/review/{waiting['id']}/approve", version=waiting["version"])
    assert answer.status_code == 403
    with site.outbox() as outbox:
        assert outbox.get(waiting["id"]).state == "proposed"


def test_a_request_that_any_page_can_send_is_refused(app, browser):
    """A form or an image of another site carries cookies, but no header of ours."""
    del browser.headers["X-Botlib"]
    assert browser.get("/api/review").status_code == 403
    assert browser.post("/api/review/1/approve").status_code == 403


def test_what_the_browser_says_of_a_foreign_request_counts(browser):
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert browser.get("/api/review", **foreign).status_code == 403
    assert browser.get("/static/app.js", **foreign).status_code == 403
    # A person follows a link in a chat
    assert browser.get("/", **foreign | {"Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_every_answer_forbids_foreign_code_frames_and_caches(stranger):
    for path in ("/", "/static/app.js", "/api/review", "/nothing"):
        answer = stranger.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.get("/api/review").headers["Cache-Control"] == "no-store"


def test_files_beside_the_pages_own_are_out_of_reach(stranger):
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"):
        answer = stranger.get(path)
        assert answer.status_code in (308, 404)
        assert "import" not in answer.text


def test_guessing_the_password_is_slow(site, monkeypatch):
    now = [1000.0]
    gate = Gate(password="a long password", clock=lambda: now[0])
    browser = Browser(server.application(site, gate))
    for _ in range(TRIES):
        assert browser.post("/api/enter", key="guess").status_code == 401
    refused = browser.post("/api/enter", key="a long password")
    assert refused.status_code == 429 and "wait" in refused.json["error"]
    now[0] += 61
    assert browser.post("/api/enter", key="a long password").status_code == 200


def test_a_short_password_is_refused():
    with pytest.raises(BotlibError, match="12 characters"):
        Gate(password="short")


def test_in_a_frame_the_link_lets_in_once_and_the_session_travels_in_a_header(site):
    """A saved notebook holds the link; a frame in another site gets no cookie."""
    gate = Gate(frames=["https://*.colab.example"])
    app = server.application(site, gate)
    link = gate.link("http://127.0.0.1:8765").partition("#key=")[2]
    framed = Browser(app)
    answer = framed.post("/api/enter", key=link)
    assert "Set-Cookie" not in answer.headers
    framed.headers["Authorization"] = f"Bearer {answer.json['token']}"
    assert framed.get("/api/review").status_code == 200
    assert Browser(app).post("/api/enter", key=link).status_code == 401
    policy = framed.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors https://*.colab.example" in policy


@pytest.mark.parametrize(
    "host",
    [
        "8888-gpu-t4-s-1x2y3z-c.us-central1-0.prod.colab.dev",
        "abcdefgh12-496ff2e9c6d22116-8888-colab.googleusercontent.com",
    ],
)
def test_colabs_proxy_reaches_the_page_by_its_own_name(site, host):
    gate = Gate(frames=COLAB)
    framed = Browser(server.application(site, gate))
    framed.headers["Host"], framed.origin["Origin"] = host, f"https://{host}"
    key = gate.link("").partition("#key=")[2]
    token = framed.post("/api/enter", key=key).json["token"]
    framed.headers["Authorization"] = f"Bearer {token}"
    assert framed.get("/api/review").status_code == 200
    framed.origin["Origin"] = "https://evil.example"
    assert framed.post("/api/review/1/reject").status_code == 403


def test_which_addresses_only_this_machine_reaches():
    assert all(map(loopback, ["127.0.0.1", "localhost", "::1", "127.8.8.8"]))
    assert not any(map(loopback, ["0.0.0.0", "::", "192.168.1.2", "example.org", ""]))


def test_other_machines_need_a_password_that_no_command_line_holds(workspace, monkeypatch, capsys):
    from botlib.__main__ import main, parser

    monkeypatch.delenv("BOTLIB_APP_PASSWORD", raising=False)
    arguments = ["app", "--workspace", str(workspace.root), "--host", "0.0.0.0"]
    assert main(arguments) == 1
    assert "set BOTLIB_APP_PASSWORD" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parser().parse_args([*arguments, "--password", "x"])
