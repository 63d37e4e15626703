"""What cleaning measures in texts: words, GPT-2 tokens, the share of English; many at a time."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from tokenizers import ByteLevelBPETokenizer

from botlib.errors import BotlibError

# Near enough to the pattern GPT-2 cuts a text with before it merges bytes
_PIECE = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
# Of those pieces (words, numbers, signs) one in six has two tokens.
_TOKENS_PER_PIECE = 1.17
# Too short a text to tell its language by its common words
_FEW_WORDS = 6


def words_of(texts: Sequence[str]) -> tuple[pa.Array, np.ndarray]:
    """Return every text's words, one after the other, and how many each text has.

    Words are runs of letters and digits in lower case. A text without any (emoji, signs) counts
    as one word: itself.
    """
    strings = pa.array(texts, pa.large_string())
    plain = pc.replace_substring_regex(pc.utf8_lower(strings), r"[^\p{L}\p{N}]+", " ")
    plain = pc.utf8_trim(plain, " ")
    words = pc.split_pattern(pc.if_else(pc.equal(plain, ""), strings, plain), " ")
    lengths = pc.list_value_length(words).to_numpy(zero_copy_only=False)
    return pc.list_flatten(words), lengths.astype(np.int64)


def english_share(texts: Sequence[str]) -> np.ndarray:
    """Return each text's share of common English words; 1.0 for texts of fewer than six words.

    English prose has about a half, text in other languages a few by chance.
    """
    words, lengths = words_of(texts)
    common = pc.is_in(words, pa.array(sorted(ENGLISH_STOP_WORDS), pa.large_string()))
    totals = np.concatenate([[0], np.cumsum(common.to_numpy(zero_copy_only=False))])
    ends = np.cumsum(lengths)
    share = (totals[ends] - totals[ends - lengths]) / np.maximum(lengths, 1)
    return np.where(lengths < _FEW_WORDS, 1.0, share)


def count_tokens(texts: Sequence[str], folder: str = "") -> np.ndarray:
    """Return the number of GPT-2 tokens of each text, int64.

    Args:
      texts: any number of texts.
      folder: holds encoder.json and vocab.bpe; if "", the number is an estimate (within about
        10 % for English prose).

    Raises:
      BotlibError: the folder lacks one of the files.
    """
    if folder:
        encodings = _tokenizer(folder).encode_batch(list(texts))
        return np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
    pieces = pc.count_substring_regex(pa.array(texts, pa.large_string()), _PIECE)
    return np.rint(pieces.to_numpy(zero_copy_only=False) * _TOKENS_PER_PIECE).astype(np.int64)


@functools.lru_cache(maxsize=2)
def _tokenizer(folder: str) -> ByteLevelBPETokenizer:
    files = [Path(folder) / name for name in ("encoder.json", "vocab.bpe")]
    for file in files:
        if not file.is_file():
            raise BotlibError(
                f"01_data: tokenizer: {file} is missing; name a folder with encoder.json and "
                "vocab.bpe, or leave it empty"
            )
    return ByteLevelBPETokenizer(*map(str, files))
