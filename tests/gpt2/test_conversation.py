"""A model is asked in the form that it was trained with, wherever it came from."""

import dataclasses

import pytest

from botlib.data.pairs.conversations import Above
from botlib.errors import BotlibError
from botlib.gpt2 import conversation, dataset
from botlib.gpt2.conversation import Context, Conversation
from botlib.gpt2.vocabulary import Vocabulary, learn

PAIRS = [("Is rice fine?", "Rice is fine."), ("And soup?", "Soup, too.\n\nAsk the cook.")]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    learn([text for pair in PAIRS for text in pair] * 5, 300, folder)
    return Vocabulary(folder)


@pytest.mark.parametrize("form", conversation.FORMS)
def test_training_begins_with_the_very_prompt_of_a_live_comment(words, form):
    written = Conversation(words, form)
    texts = [f"{comment} [SEP] {reply}" for comment, reply in PAIRS]
    for example, (comment, reply) in zip(written.examples(texts), PAIRS, strict=True):
        (prompt,), (answer,) = written.prompts([comment]), written.replies([reply])
        assert example[: len(prompt)] == prompt
        # "separator": the end that closes a reply opens the next text
        assert [*example, words.end][len(prompt) : len(prompt) + len(answer)] == answer


def test_turns_stand_as_in_dialogpt(words):
    (example,) = Conversation(words, "turns").examples(["Is rice fine? [SEP] Rice is fine."])
    comment, reply = words.encode(["Is rice fine?", "Rice is fine."])
    assert example == [*comment, words.end, *reply, words.end, words.end]


@pytest.mark.parametrize("form", conversation.FORMS)
def test_a_long_comment_loses_its_beginning_never_what_parts_the_turns(words, form):
    written = Conversation(words, form)
    long = "rice " * 100 + "fine?"
    (ids,) = written.prompts([long])
    (cut,) = written.prompts([long], rooms=20)
    assert len(cut) == 20
    assert cut[-5:] == ids[-5:]


ABOVE = Above("Kitchen", "Which food is right?", ("Soup is right.", "Rice is fine."))
THREAD = Context("thread", tokens=500, turns=2)


def _shown(words: Vocabulary, ids: list[int]) -> str:
    return words.decode(ids).replace("<|endoftext|>", "|")


def _prompt(words, form, context=THREAD, above=ABOVE, room=None, comment="And soup?") -> str:
    written = Conversation(words, form, context)
    return _shown(words, written.prompts([comment], [above], room)[0])


def test_a_conversation_stands_oldest_first(words):
    assert _prompt(words, "separator") == (
        "|Kitchen\n\nWhich food is right? [SEP]\nRice is fine. [SEP]\nSoup is right. [SEP]\n"
        "And soup? [SEP]"
    )
    assert _prompt(words, "turns") == (
        "Kitchen\n\nWhich food is right?|Rice is fine.|Soup is right.|And soup?|"
    )


@pytest.mark.parametrize("form", conversation.FORMS)
@pytest.mark.parametrize("context", [Context(), Context("title"), Context("thread", 500, 1)])
def test_a_model_sees_no_more_than_it_was_trained_with(words, form, context):
    shown = _prompt(words, form, context)
    assert ("Kitchen" in shown) == context.seen
    assert ("Which food" in shown) == ("Soup is" in shown) == (context.kind == "thread")
    assert "Rice is fine" not in shown


@pytest.mark.parametrize("form", conversation.FORMS)
def test_the_post_is_cut_first_then_the_title_then_old_turns_and_the_comment_last(words, form):
    written = Conversation(words, form, THREAD)
    whole = len(written.prompts(["And soup?"], [ABOVE])[0])
    parts = ("And soup?", "Soup is right", "Rice is fine", "Kitchen", "Which food is right?")
    left = []
    for room in range(whole, 2, -1):
        ids = written.prompts(["And soup?"], [ABOVE], room)[0]
        assert len(ids) <= room
        shown = _shown(words, ids)
        # What is there stands there with all that is nearer to the reply
        there = [part in shown for part in parts]
        left.append(sum(there))
        if "Rice is fine" in shown:
            assert "Soup is right" in shown
        if any(there[1:]):
            assert there[0]
    assert left[0] == 5 and left[-1] == 0
    # In the room of the turns alone no turn gives way to the title, nor the title to the post
    for kept in (Above("", "", ABOVE.turns), Above("Kitchen", "", ABOVE.turns)):
        (ids,) = written.prompts(["And soup?"], [kept])
        assert written.prompts(["And soup?"], [ABOVE], len(ids)) == [ids]
    # One after the other goes, and the title before any turn
    assert set(left) == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize("form", conversation.FORMS)
def test_training_begins_with_the_very_prompt_of_a_live_conversation(words, form):
    written = Conversation(words, form, dataclasses.replace(THREAD, tokens=30))
    (example,) = written.examples(["And soup? [SEP] Soup, too."], [ABOVE], window=256)
    (prompt,) = written.prompts(["And soup?"], [ABOVE], rooms=200)
    assert example[: len(prompt)] == prompt


@pytest.mark.parametrize("form", conversation.FORMS)
def test_in_training_only_what_stands_above_gives_way_to_the_window(words, form):
    written = Conversation(words, form, THREAD)
    text = f"{'rice ' * 60}fine? [SEP] {'soup ' * 60}too."
    (alone,), (example,) = (
        written.examples([text]), written.examples([text], [ABOVE], window=64)
    )  # fmt: skip
    assert example == alone
    (short,) = written.examples(["And soup? [SEP] Yes."], [ABOVE], window=40)
    assert len(short) <= 40


def test_texts_above_are_cleaned_as_comments_are(words):
    above = Above("A [SEP] title", "u/somebody &amp; co", ("", "[SEP]"))
    assert _prompt(words, "turns", above=above) == "A title\n\n[user] & co|And soup?|"


def test_windows_begin_where_a_conversation_begins(words):
    written = Conversation(words, "turns")
    texts = [f"{comment} [SEP] {reply}" for comment, reply in PAIRS] * 60
    tokens, starts = dataset.encode(texts, written)
    windows = dataset.Windows(tokens, starts, words.end, length=40, seed=3)
    (one,), (two,) = (words.encode([comment])[:1] for comment, _ in PAIRS)
    for number in range(12):
        window = windows.batch(number, 1)[0].tolist()
        assert window[: len(one)] == one or window[: len(two)] == two


def test_what_a_model_sees_above_a_comment_is_kept_in_its_folder(words, tmp_path):
    conversation.write(tmp_path, "turns", THREAD)
    assert conversation.load(tmp_path, words) == Conversation(words, "turns", THREAD)
    conversation.write(tmp_path, "turns")
    assert not conversation.load(tmp_path, words).reads_above
    (tmp_path / conversation.FILE).write_text('{"form": "turns"}\n')
    assert not conversation.load(tmp_path, words).reads_above
    (tmp_path / conversation.FILE).write_text('{"form": "turns", "context": {"kind": "film"}}')
    with pytest.raises(BotlibError, match="update botlib"):
        conversation.load(tmp_path, words)


def test_a_folder_keeps_its_form_and_an_old_one_has_the_separator(tmp_path):
    assert conversation.read(tmp_path) == "separator"
    conversation.write(tmp_path, "turns")
    assert conversation.read(tmp_path) == "turns"
    (tmp_path / conversation.FILE).write_text("{")
    with pytest.raises(BotlibError, match="damaged"):
        conversation.read(tmp_path)


def test_a_form_of_a_later_version_is_refused(words):
    with pytest.raises(BotlibError, match="update botlib"):
        Conversation(words, "scroll")
