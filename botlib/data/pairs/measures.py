"""What cleaning measures in texts: words, GPT-2 tokens, hashes; many at a time."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import ByteLevelBPETokenizer

from botlib.errors import BotlibError

# Near enough to the pattern GPT-2 cuts a text with before it merges bytes
_PIECE = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
# Of those pieces (words, numbers, signs) one in six has two tokens.
_TOKENS_PER_PIECE = 1.17


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


def keys_of(texts: Sequence[str]) -> np.ndarray:
    """Return a hash of each text, uint64, the same on every machine: eight bytes stand for it."""
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)


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
