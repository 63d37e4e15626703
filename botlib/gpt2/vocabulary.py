"""GPT-2's byte-level BPE: read from `encoder.json` and `vocab.bpe`, or learned from texts."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from botlib.errors import BotlibError

END_OF_TEXT = "<|endoftext|>"
FILES = ("encoder.json", "vocab.bpe")


class Vocabulary:
    """Encodes texts as token ids and decodes them, with the same ids as gpt-2-simple's encoder.

    The end-of-text token never comes out of a text: "<|endoftext|>" in somebody's comment is
    encoded as ordinary pieces.

    Attributes:
      tokens: all tokens, by id.
      end: id of the end-of-text token.
    """

    def __init__(self, folder: Path):
        """Reads the vocabulary of a GPT-2 folder.

        Raises:
          BotlibError: a file is missing or damaged, ids have gaps, or there is no end of text.
        """
        self.folder = Path(folder)
        encoder, merges = (self.folder / name for name in FILES)
        for path in (encoder, merges):
            if not path.is_file():
                raise BotlibError(f"{path} is missing: {self.folder} is not a GPT-2 model folder")
        try:
            ids = json.loads(encoder.read_text(encoding="utf-8"))
            self._tokenizer = _byte_level(models.BPE.from_file(str(encoder), str(merges)))
        except Exception as error:
            raise BotlibError(
                f"{encoder} or {merges} is damaged ({error}): copy it again"
            ) from error
        if END_OF_TEXT not in ids:
            raise BotlibError(
                f"{encoder} has no {END_OF_TEXT} token, which ends a reply: "
                "take the vocabulary of a GPT-2 model, or base_model='scratch'"
            )
        self.tokens: list[str] = sorted(ids, key=ids.__getitem__)
        if sorted(ids.values()) != list(range(len(ids))):
            raise BotlibError(
                f"{encoder} is damaged: its ids are not 0 … {len(ids) - 1}; copy it again"
            )
        self.end: int = ids[END_OF_TEXT]

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text, on all cores."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of token ids; half a UTF-8 character becomes U+FFFD."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def names(self, ids: Sequence[int]) -> list[str]:
        """Returns the tokens of ids, which is what CTranslate2 takes."""
        return [self.tokens[i] for i in ids]


def learn(texts: Iterable[str], size: int, folder: Path) -> None:
    """Learns a byte-level BPE of `size` tokens and writes it as GPT-2's two files.

    Args:
      texts: the texts to learn from.
      size: tokens in all: 256 bytes, the end of text, and size - 257 merges (fewer if the
        texts are too few).
      folder: where `encoder.json` and `vocab.bpe` go.
    """
    tokenizer = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    ids = dict(sorted(learned["vocab"].items(), key=lambda item: item[1]))
    ids[END_OF_TEXT] = len(ids)
    folder.mkdir(parents=True, exist_ok=True)
    encoder, merges = (folder / name for name in FILES)
    encoder.write_text(json.dumps(ids), encoding="utf-8")
    pairs = (pair if isinstance(pair, str) else " ".join(pair) for pair in learned["merges"])
    merges.write_text("\n".join(["#version: 0.2", *pairs, ""]), encoding="utf-8")


def whole_characters(text: str) -> str:
    """Returns a text without the broken character that a cut leaves at its end."""
    text = text.rstrip("\ufffd")
    # A joiner or an accent that lost what it belongs to
    while text and (text[-1] == "\u200d" or unicodedata.category(text[-1]) == "Cs"):
        text = text[:-1]
    return text


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
