"""The form of a conversation for a GPT-2: what it sees above a comment, and what parts the turns.

The form belongs to the model, not to the settings: a model answers best in the form it was trained
with. The model's folder keeps it; training, fakes, live replies and perplexity read it here.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from botlib.data.pairs.conversations import NOTHING, Above
from botlib.data.pairs.text import SEPARATOR, clean_text, prompt
from botlib.errors import BotlibError
from botlib.gpt2.vocabulary import Vocabulary

FILE = "conversation.json"
# "separator": `<|endoftext|>comment [SEP] reply<|endoftext|>`, as in the 2020 tutorial.
# "turns": `comment<|endoftext|>reply<|endoftext|>`, as DialoGPT (Zhang et al. 2020) was trained.
FORMS = ("separator", "turns")
# What a model sees of what stands above a comment: nothing, the post's title, or also the post's
# text and the comments in between
CONTEXTS = ("comment", "title", "thread")
# Fewer tokens of a post's text, or of a turn that is cut, say nothing
LEAST_PART = 8


@dataclasses.dataclass(frozen=True)
class Context:
    """How much a model sees of what stands above a comment.

    Attributes:
      kind: one of CONTEXTS.
      tokens: the most that it may take of a prompt.
      turns: the most comments above the comment, as in training: more would be new to the model.
    """

    kind: str = "comment"
    tokens: int = 128
    turns: int = 0

    def __post_init__(self) -> None:
        if self.kind not in CONTEXTS:
            raise BotlibError(
                f"the context of a conversation must be {', '.join(CONTEXTS)}, not {self.kind!r}: "
                "update botlib, or use another model"
            )

    @property
    def seen(self) -> bool:
        """Returns whether anything above a comment is seen."""
        return self.kind != "comment"

    def reduced(self, above: Above) -> Above:
        """Returns what the model sees of it."""
        if not self.seen:
            return NOTHING
        if self.kind == "title":
            return Above(title=above.title)
        return dataclasses.replace(above, turns=above.turns[: self.turns])


@dataclasses.dataclass(frozen=True)
class Conversation:
    """One way to write a conversation as token ids.

    Args:
      vocabulary: the model's.
      form: one of FORMS.
      context: what the model sees above a comment.
    """

    vocabulary: Vocabulary
    form: str = "separator"
    context: Context = Context()

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise BotlibError(
                f"the form of a conversation must be {' or '.join(FORMS)}, not {self.form!r}: "
                "update botlib, or use another model"
            )

    @property
    def reads_above(self) -> bool:
        """Returns whether the model sees anything above a comment."""
        return self.context.seen

    def prompts(
        self,
        comments: Sequence[str],
        above: Sequence[Above] | None = None,
        rooms: int | Sequence[int] | None = None,
    ) -> list[list[int]]:
        """Returns the prompt of each comment, as token ids: the conversation up to the reply.

        Where the room is too small, the post's text is cut first, then the title goes, then the
        oldest turns, and only then the comment is cut, from its beginning.

        Args:
          comments: the comments to answer.
          above: what stands above each; a model that doesn't see it ignores it.
          rooms: tokens that each prompt may have; None: as many as it needs.
        """
        prompts = self._written(comments, above, rooms)
        limits = _each(rooms, len(comments))
        return [
            ids if limit is None else [*self._opening, *self._end_of(ids, limit)]
            for ids, limit in zip(prompts, limits, strict=True)
        ]

    def replies(self, replies: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each reply, with the end-of-text token."""
        before = " " if self.form == "separator" else ""
        texts = [f"{before}{clean_text(reply)}" for reply in replies]
        return [[*ids, self.vocabulary.end] for ids in self.vocabulary.encode(texts)]

    def examples(
        self,
        texts: Sequence[str],
        above: Sequence[Above] | None = None,
        window: int | None = None,
    ) -> list[list[int]]:
        """Returns training texts (`comment [SEP] reply`) as ids, one list for each text.

        With the form "turns" a second end-of-text token closes an example, so that the next
        comment isn't read as the next turn.

        Args:
          texts: comments with their replies.
          above: what stands above each comment.
          window: tokens that a training step sees; what stands above is cut to it, the comment
            and the reply never are.
        """
        pairs = [text.partition(f" {SEPARATOR} ") for text in texts]
        replies = self.replies([reply for _, _, reply in pairs])
        # One is left for the end that closes a text or opens the next
        rooms = None if window is None else [window - len(reply) - 1 for reply in replies]
        prompts = self._written([comment for comment, _, _ in pairs], above, rooms)
        if self.form == "separator":
            # The end of one text opens the next
            return [[*p, *r[:-1]] for p, r in zip(prompts, replies, strict=True)]
        end = self.vocabulary.end
        return [[*p, *r, end] for p, r in zip(prompts, replies, strict=True)]

    @property
    def _opening(self) -> list[int]:
        return [self.vocabulary.end] if self.form == "separator" else []

    def _end_of(self, ids: list[int], room: int) -> list[int]:
        """Returns the last tokens of a prompt that fit beside its opening, without that."""
        opening = len(self._opening)
        return ids[max(opening, len(ids) - room + opening) :]

    def _written(
        self,
        comments: Sequence[str],
        above: Sequence[Above] | None,
        rooms: int | Sequence[int] | None,
    ) -> list[list[int]]:
        """Returns prompts whose part above the comment is cut to the room, and only that."""
        if self.form == "separator":
            texts = [prompt(comment) for comment in comments]
        else:
            texts = [clean_text(comment) for comment in comments]
        contexts = [NOTHING] * len(comments)
        if above and self.reads_above:
            contexts = [_cleaned(self.context.reduced(one)) for one in above]
        # Each text is encoded once: threads repeat their posts and turns
        pieces = list(dict.fromkeys(text for one in contexts for text in _pieces(one)))
        ids = dict(zip(pieces, self.vocabulary.encode(pieces), strict=True))
        written = []
        for last, one, room in zip(
            self.vocabulary.encode(texts), contexts, _each(rooms, len(comments)), strict=True
        ):
            if self.form == "turns":
                last = [*last, self.vocabulary.end]
            used = len(self._opening) + len(last)
            left = self.context.tokens if room is None else min(self.context.tokens, room - used)
            written.append([*self._opening, *self._above(one, ids, left), *last])
        return written

    def _above(self, above: Above, ids: dict[str, list[int]], left: int) -> list[int]:
        """Returns what stands above a comment in at most `left` tokens, the oldest first."""
        parts: list[list[int]] = []
        close = self._close
        for text in above.turns:
            turn = [*ids[text], *close]
            if not parts and len(turn) > left >= LEAST_PART:
                # The comment answers this one, so its end is worth more than all above it
                turn = turn[-left:]
            if len(turn) > left:
                break
            parts.insert(0, turn)
            left -= len(turn)
        head = [*ids[above.title], *close] if above.title else list(close)
        if len(head) <= left:
            if above.post and left - len(head) >= LEAST_PART:
                post = ids[f"{_GAP}{above.post}" if above.title else above.post]
                head = [*head[: -len(close)], *post[: left - len(head)], *close]
            if len(head) > len(close):
                parts.insert(0, head)
        return [token for part in parts for token in part]

    @property
    def _close(self) -> list[int]:
        """Returns what stands between two turns above a comment."""
        if self.form == "turns":
            return [self.vocabulary.end]
        return self.vocabulary.encode([f" {SEPARATOR}\n"])[0]


_GAP = "\n\n"


def _cleaned(above: Above) -> Above:
    turns = tuple(filter(None, map(clean_text, above.turns)))
    return Above(clean_text(above.title), clean_text(above.post), turns)


def _pieces(above: Above) -> list[str]:
    post = f"{_GAP}{above.post}" if above.title else above.post
    return [text for text in (above.title, post, *above.turns) if text.strip()]


def _each(rooms: int | Sequence[int] | None, count: int) -> Sequence[int | None]:
    return [rooms] * count if rooms is None or isinstance(rooms, int) else rooms


def load(folder: Path, vocabulary: Vocabulary) -> Conversation:
    """Returns the form that a model folder declares, for its vocabulary.

    Raises:
      BotlibError: the file is damaged, or of a later version.
    """
    declared = about(folder)
    try:
        return Conversation(vocabulary, declared["form"], Context(**declared.get("context", {})))
    except (KeyError, TypeError) as error:
        raise _damaged(folder, error) from error


def read(folder: Path) -> str:
    """Returns the form that a model folder declares; models without a file have "separator".

    Raises:
      BotlibError: the file is damaged.
    """
    try:
        return str(about(folder)["form"])
    except (KeyError, TypeError) as error:
        raise _damaged(folder, error) from error


def write(folder: Path, form: str, context: Context = Context()) -> None:
    """Writes form and context into a model folder."""
    text = json.dumps({"form": form, "context": dataclasses.asdict(context)})
    (Path(folder) / FILE).write_text(text + "\n", encoding="utf-8")


def about(folder: Path) -> dict:
    path = Path(folder) / FILE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"form": "separator"}
    except ValueError as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> BotlibError:
    path = Path(folder) / FILE
    return BotlibError(f"{path} is damaged ({error}): download or import the model again")
