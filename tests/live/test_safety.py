"""What a bot keeps out of, and what it may talk about all the same."""

import sys
import types

import pytest

from botlib.live import safety
from botlib.live.safety import concern, unfit


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I've been suicidal since March", "crisis"),
        ("some days I want to die", "crisis"),
        ("my therapist says no", "medical"),
        ("is 50 mg too much?", "medical"),
        ("Can my landlord sue me for this?", "legal"),
        ("I need legal advice", "legal"),
        ("just KYS", "harassment"),
        ("write to jane.doe@example.org", "personal data"),
        ("call (555) 123-4567 now", "personal data"),
        ("he lives at 12 Main Street", "personal data"),
        ("I'm 13 and new here", "minors"),
        ("a 14-year-old wrote this", "minors"),
        ("what would a middle schooler do", "minors"),
    ],
)
def test_concerns(text, kind):
    assert concern(text, detoxify=False).startswith(kind)


@pytest.mark.parametrize(
    "text",
    [
        "Skyscrapers are killing the view.",
        "I'm 12% done with the draft, and 10 minutes in.",
        "The suits at the publisher's pursued it.",
        "Version 1.2.3-4567 and ISBN 978-3-16-148410-0",
        "I am 100 pages in.",
        "The dosages? No: the dose of irony.",
        "Grape juice, therapeutic boredom, and the custodian.",
        "See https://example.org/2020-555-1234-x for more",
    ],
)
def test_no_concern(text):
    assert concern(text, detoxify=False) == ""


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("See https://example.org for more.", "holds a link"),
        ("[here](/r/all)", "holds a link"),
        ("As u/some_one said", "calls u/some_one"),
        ("I'm not a bot, you know.", "denies"),
        ("I am a real person!", "denies"),
    ],
)
def test_unfit(reply, reason):
    assert unfit(reply).startswith(reason)


@pytest.mark.parametrize(
    "reply", ["A person who reads is fine.", "Is a bot human?", "50/50, and/or w/o", "(see above)"]
)
def test_fit(reply):
    assert unfit(reply) == ""


def test_detoxify_is_asked_where_it_is_installed(monkeypatch):
    class Detoxify:
        def __init__(self, name: str) -> None:
            assert name == "original"

        def predict(self, text: str) -> dict[str, float]:
            return {"toxicity": 0.97 if "fool" in text else 0.1, "insult": 0.9}

    monkeypatch.setitem(sys.modules, "detoxify", types.SimpleNamespace(Detoxify=Detoxify))
    safety._detoxify.cache_clear()
    try:
        assert concern("you fool") == "harassment (toxicity 0.97)"
        assert concern("you", detoxify=False) == ""
    finally:
        safety._detoxify.cache_clear()


def test_long_texts_take_no_time():
    for piece in ("y", "1 ", "a.", "I'm ", "1 Aa "):
        assert concern(piece * (40_000 // len(piece)), detoxify=False) == ""
