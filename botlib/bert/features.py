"""Comment and reply as BERT's input: WordPieces, segments and masks, padded batch by batch.

The ids are those of bert-tensorflow's `FullTokenizer`. Its rules for single characters become a
translation table, since Rust's own (in `tokenizers`) know an older Unicode and drop newer emoji.
"""

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from botlib.errors import BotlibError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Longer words are [UNK], as in google-research/bert
MAX_WORD_CHARS = 200
# Words whose pieces are remembered; they take some 200 bytes each
MOST_WORDS = 500_000
# The share of a pair's room that a comment keeps when a long reply would push it out
COMMENT_SHARE = 0.25
# [CLS] comment [SEP] reply [SEP]
EXTRA_TOKENS = 3


@dataclasses.dataclass(frozen=True)
class EncodedPairs:
    """Pairs of varying length, end to end in one array, so that millions fit into memory.

    Attributes:
      ids: WordPiece ids of all pairs, int32.
      starts: where each pair begins in `ids`, with the end of the last one appended.
      second: for each pair the number of tokens in its first segment.
    """

    ids: np.ndarray
    starts: np.ndarray
    second: np.ndarray

    def __len__(self) -> int:
        return len(self.second)

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    def pad(self, rows: np.ndarray, to: int = 0, multiple: int = 1) -> dict[str, np.ndarray]:
        """Returns BERT's three inputs for some pairs, as long as the longest of them.

        Args:
          rows: which pairs, in the order wanted.
          to: pad to so many tokens instead.
          multiple: pad to a multiple of this.

        Returns:
          input_word_ids, input_mask and input_type_ids, each int32 of shape (pairs, tokens).
        """
        lengths = self.lengths[rows][:, None]
        longest = to or int(-(-lengths.max(initial=1) // multiple) * multiple)
        place = np.arange(longest)
        mask = place < lengths
        ids = np.zeros((len(rows), longest), np.int32)
        ids[mask] = self.ids[(self.starts[rows][:, None] + place)[mask]]
        return {
            "input_word_ids": ids,
            "input_mask": mask.astype(np.int32),
            "input_type_ids": (mask & (place >= self.second[rows][:, None])).astype(np.int32),
        }


class PairFeatures:
    """Turns comments and replies into BERT's input with one vocabulary.

    Args:
      vocab_file: WordPieces, one a line; the special tokens among them.
      do_lower_case: whether the vocabulary is uncased.
      max_tokens: room for a pair, its three special tokens included. A longer pair loses the end
        of its comment first, until a quarter of the room is left for it; then the end of its reply.

    Raises:
      BotlibError: the vocabulary is missing or lacks a special token.
    """

    def __init__(self, vocab_file: Path, do_lower_case: bool, max_tokens: int) -> None:
        from tokenizers import Tokenizer, models

        if max_tokens < EXTRA_TOKENS + 2:
            raise BotlibError(f"max_tokens must be at least {EXTRA_TOKENS + 2}, not {max_tokens}")
        vocabulary = {}
        for piece in read_vocabulary(vocab_file):
            vocabulary.setdefault(piece, len(vocabulary))
        if missing := [token for token in SPECIAL_TOKENS[:4] if token not in vocabulary]:
            raise BotlibError(f"{vocab_file} lacks {missing[0]}: it is not a BERT vocabulary")
        self.max_tokens = max_tokens
        self.do_lower_case = do_lower_case
        self._cls, self._sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._table = _Characters(do_lower_case)
        self._tokenizer = Tokenizer(
            models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARS)
        )
        self._pieces: dict[str, list[int]] = {}

    def encode(self, comments: Sequence[str], replies: Sequence[str]) -> EncodedPairs:
        """Returns the encoded pairs, in order.

        Raises:
          BotlibError: there are not as many replies as comments.
        """
        if len(comments) != len(replies):
            raise BotlibError(f"{len(comments)} comments, but {len(replies)} replies")
        # Siblings share their comment: each distinct text is cut into pieces once
        distinct = list(dict.fromkeys([*comments, *replies]))
        pieces = dict(zip(distinct, self.tokenize(distinct), strict=True))
        parts, lengths, second = [], [], []
        for comment, reply in zip(comments, replies, strict=True):
            first, last = _cut(pieces[comment], pieces[reply], self.max_tokens - EXTRA_TOKENS)
            parts += [[self._cls], first, [self._sep], last, [self._sep]]
            lengths.append(len(first) + len(last) + EXTRA_TOKENS)
            second.append(len(first) + 2)
        ids = np.fromiter((piece for part in parts for piece in part), np.int32, sum(lengths))
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return EncodedPairs(ids, starts, np.asarray(second, np.int64))

    def encode_texts(self, texts: Sequence[str]) -> EncodedPairs:
        """Returns single texts encoded, [CLS] text [SEP], cut at `max_tokens`; in order."""
        room = self.max_tokens - 2
        pieces = [text_pieces[:room] for text_pieces in self.tokenize(texts)]
        lengths = [len(text_pieces) + 2 for text_pieces in pieces]
        parts = (part for text_pieces in pieces for part in ([self._cls], text_pieces, [self._sep]))
        ids = np.fromiter((piece for part in parts for piece in part), np.int32, sum(lengths))
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        # All of it is the first segment
        return EncodedPairs(ids, starts, np.asarray(lengths, np.int64))

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the WordPiece ids of each text, without special tokens."""
        words = [self._clean(text).split() for text in texts]
        if len(self._pieces) > MOST_WORDS:
            self._pieces.clear()
        # Words repeat: each distinct one is cut into pieces once
        new = list({word for text_words in words for word in text_words} - self._pieces.keys())
        encodings = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        self._pieces.update(zip(new, (encoding.ids for encoding in encodings), strict=True))
        pieces = self._pieces
        return [[piece for word in text_words for piece in pieces[word]] for text_words in words]

    def _clean(self, text: str) -> str:
        if self.do_lower_case and "Σ" in text:
            # The one letter whose lower case depends on its place in the word
            text = text.lower()
        return text.translate(self._table)


def read_vocabulary(vocab_file: Path) -> list[str]:
    """Returns the WordPieces of a vocabulary file, line by line.

    Raises:
      BotlibError: there is no such file.
    """
    try:
        lines = Path(vocab_file).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise BotlibError(f"no vocabulary at {vocab_file}: {error.strerror}") from error
    return [line.strip() for line in lines[: -1 if lines[-1] == "" else None]]


def write_vocabulary(vocab_file: Path, pieces: Sequence[str]) -> None:
    """Writes WordPieces, one a line."""
    Path(vocab_file).write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")


def _cut(comment: list[int], reply: list[int], room: int) -> tuple[list[int], list[int]]:
    """The comment gives way before the reply, down to its share; then the reply is cut."""
    if len(comment) + len(reply) <= room:
        return comment, reply
    comment_room = min(len(comment), max(room - len(reply), int(room * COMMENT_SHARE)))
    return comment[:comment_room], reply[: room - comment_room]


class _Characters(dict):
    """What `BasicTokenizer` makes of each character, filled in as characters are met."""

    def __init__(self, do_lower_case: bool) -> None:
        super().__init__()
        self._do_lower_case = do_lower_case

    def __missing__(self, code: int) -> str:
        self[code] = value = self._become(chr(code))
        return value

    def _become(self, character: str) -> str:
        category = unicodedata.category(character)
        if character in " \t\n\r" or category == "Zs":
            return " "
        if character in "\0\ufffd" or category in ("Cc", "Cf"):
            return ""
        apart = _is_chinese(ord(character))
        if self._do_lower_case:
            decomposed = unicodedata.normalize("NFD", character.lower())
            character = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
        return "".join(f" {c} " if apart or _is_punctuation(c) else c for c in character)


def _is_chinese(code: int) -> bool:
    """Whether a code point lies in the blocks that BERT sets apart as single words."""
    return any(first <= code <= last for first, last in _CHINESE_BLOCKS)


_CHINESE_BLOCKS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def _is_punctuation(character: str) -> bool:
    """BERT counts all ASCII that isn't a letter, digit or blank: "$" and "`" too."""
    if character.isascii():
        return 33 <= ord(character) <= 126 and not character.isalnum()
    return unicodedata.category(character).startswith("P")
