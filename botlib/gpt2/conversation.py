"""The form of a conversation for a GPT-2: what stands between a comment and its reply.

The form belongs to the model, not to the settings: a model answers best in the form it was trained
with. The model's folder keeps it; training, fakes, live replies and perplexity read it here.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from botlib.data.pairs.text import SEPARATOR, clean_text, prompt
from botlib.errors import BotlibError
from botlib.gpt2.vocabulary import Vocabulary

FILE = "conversation.json"
# "separator": `<|endoftext|>comment [SEP] reply<|endoftext|>`, as in the 2020 tutorial.
# "turns": `comment<|endoftext|>reply<|endoftext|>`, as DialoGPT (Zhang et al. 2020) was trained.
FORMS = ("separator", "turns")


@dataclasses.dataclass(frozen=True)
class Conversation:
    """One way to write a conversation as token ids.

    Args:
      vocabulary: the model's.
      form: one of FORMS.
    """

    vocabulary: Vocabulary
    form: str = "separator"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise BotlibError(
                f"the form of a conversation must be {' or '.join(FORMS)}, not {self.form!r}: "
                "update botlib, or use another model"
            )

    def prompts(self, comments: Sequence[str]) -> list[list[int]]:
        """Returns the prompt of each comment, as token ids."""
        if self.form == "separator":
            return self.vocabulary.encode([prompt(comment) for comment in comments])
        texts = [clean_text(comment) for comment in comments]
        return [[*ids, self.vocabulary.end] for ids in self.vocabulary.encode(texts)]

    def replies(self, replies: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each reply, with the end-of-text token."""
        before = " " if self.form == "separator" else ""
        texts = [f"{before}{clean_text(reply)}" for reply in replies]
        return [[*ids, self.vocabulary.end] for ids in self.vocabulary.encode(texts)]

    def cut(self, prompt_ids: list[int], room: int) -> list[int]:
        """Returns the last `room` tokens of a prompt, with the token that opens a text."""
        if self.form == "separator":
            return [self.vocabulary.end, *prompt_ids[-(room - 1) :]]
        return prompt_ids[-room:]

    def examples(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns training texts (`comment [SEP] reply`) as ids, one list for each text.

        With the form "turns" a second end-of-text token closes an example, so that the next
        comment isn't read as the next turn.
        """
        end = self.vocabulary.end
        if self.form == "separator":
            return [[end, *ids] for ids in self.vocabulary.encode(texts)]
        pairs = [text.partition(f" {SEPARATOR} ") for text in texts]
        comments = self.prompts([comment for comment, _, _ in pairs])
        replies = self.replies([reply for _, _, reply in pairs])
        return [[*c, *r, end] for c, r in zip(comments, replies, strict=True)]


def read(folder: Path) -> str:
    """Returns the form that a model folder declares; models without a file have "separator".

    Raises:
      BotlibError: the file is damaged.
    """
    path = Path(folder) / FILE
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["form"])
    except FileNotFoundError:
        return "separator"
    except (ValueError, KeyError, TypeError) as error:
        raise BotlibError(
            f"{path} is damaged ({error}): download or import the model again"
        ) from error


def write(folder: Path, form: str) -> None:
    """Writes the form into a model folder."""
    (Path(folder) / FILE).write_text(json.dumps({"form": form}) + "\n", encoding="utf-8")
