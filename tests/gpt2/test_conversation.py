"""A model is asked in the form that it was trained with, wherever it came from."""

import pytest

from botlib.errors import BotlibError
from botlib.gpt2 import conversation, dataset
from botlib.gpt2.conversation import Conversation
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
        prompt = written.cut(prompt, 1000)
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
    (ids,) = written.prompts(["rice " * 100 + "fine?"])
    cut = written.cut(ids, 20)
    assert len(cut) == 20
    assert cut[-5:] == ids[-5:]


def test_windows_begin_where_a_conversation_begins(words):
    written = Conversation(words, "turns")
    texts = [f"{comment} [SEP] {reply}" for comment, reply in PAIRS] * 60
    tokens, starts = dataset.encode(texts, written)
    windows = dataset.Windows(tokens, starts, words.end, length=40, seed=3)
    (one,), (two,) = (words.encode([comment])[:1] for comment, _ in PAIRS)
    for number in range(12):
        window = windows.batch(number, 1)[0].tolist()
        assert window[: len(one)] == one or window[: len(two)] == two


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
