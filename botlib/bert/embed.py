"""Texts as vectors: the mean of a frozen encoder's last layer, by ONNX Runtime."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from botlib.bert.batches import sorted_batches
from botlib.bert.features import PairFeatures
from botlib.bert.scorer import BATCH_TOKENS, session
from botlib.cores import cores

# What `Embedder` needs in a folder
PARTS = ("embed.onnx", "vocab.txt")
# Most comments and replies are shorter; what comes later in a text hardly moves its mean
MAX_TOKENS = 96


class Embedder:
    """A frozen encoder that `export` wrote.

    Args:
      folder: holds `PARTS`.
      do_lower_case: whether its vocabulary is uncased.
      threads: CPU cores to use; 0: all.
    """

    def __init__(self, folder: Path, do_lower_case: bool, threads: int = 0) -> None:
        self._features = PairFeatures(Path(folder) / "vocab.txt", do_lower_case, MAX_TOKENS)
        self._session, self.device = session(Path(folder) / "embed.onnx")
        self._threads = 1 if self.device == "cuda" else threads or cores()
        self.width = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, texts: Sequence[str], progress: bool = False) -> np.ndarray:
        """Returns a vector of length 1 for each text, float32 (n, width), in order.

        Equal texts are read once: siblings share their comment.
        """
        from tqdm.auto import tqdm

        distinct = list(dict.fromkeys(texts))
        encoded = self._features.encode_texts(distinct)
        vectors = np.zeros((len(distinct), self.width), np.float32)
        share = -(-int(encoded.lengths.sum()) // self._threads)
        batches = list(sorted_batches(encoded, max(1, min(BATCH_TOKENS[self.device], share))))

        def run(rows: np.ndarray) -> np.ndarray:
            return self._session.run(None, encoded.pad(rows))[0]

        with (
            tqdm(
                total=len(distinct), desc="reading texts", unit="text", disable=not progress
            ) as bar,
            ThreadPoolExecutor(self._threads) as pool,
        ):
            for rows, found in zip(batches, pool.map(run, batches), strict=True):
                vectors[rows] = found
                bar.update(len(rows))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        row_of = {text: row for row, text in enumerate(distinct)}
        return vectors[[row_of[text] for text in texts]]


def export(encoder, folder: Path) -> None:
    """Writes `PARTS` of an `encoder.Encoder` into an existing folder, its matrices as int8."""
    from botlib.bert import export as onnx
    from botlib.bert import model as bert_model

    folder = Path(folder)
    exact = folder / "embed_fp32.onnx"
    onnx.to_onnx(bert_model.mean_state(encoder), exact, encoder.heads)
    onnx.to_int8(exact, folder / "embed.onnx")
    exact.unlink()
    shutil.copyfile(encoder.vocab_file, folder / "vocab.txt")
