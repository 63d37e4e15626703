"""Texts as vectors: the mean of a frozen encoder's last layer, by ONNX Runtime."""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from botlib.bert.batches import sorted_batches
from botlib.bert.features import PairFeatures
from botlib.bert.onnx_session import BATCH_TOKENS, session
from botlib.cores import cores
from botlib.manifests import hash_path
from botlib.workspace import atomic_file

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
      parts: the names of the model and its vocabulary.
      cache: keeps the vectors of texts that were read, for a second model on the same pairs.
    """

    def __init__(
        self,
        folder: Path,
        do_lower_case: bool,
        threads: int = 0,
        parts: tuple[str, str] = PARTS,
        cache: Path | None = None,
    ) -> None:
        self.paths = [Path(folder) / name for name in parts]
        self.do_lower_case = do_lower_case
        self._features = PairFeatures(self.paths[1], do_lower_case, MAX_TOKENS)
        self._session, self.device = session(self.paths[0])
        self._cache = cache
        self._threads = 1 if self.device == "cuda" else threads or cores()
        self.width = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, texts: Sequence[str], progress: bool = False) -> np.ndarray:
        """Returns a vector of length 1 for each text, float32 (n, width), in order.

        Equal texts are read once: siblings share their comment.
        """
        distinct = list(dict.fromkeys(texts))
        store = _Store.load(self._cache, self.paths[0], self.width)
        vectors, missing = store.find(distinct)
        if len(missing):
            vectors[missing] = self._read([distinct[row] for row in missing], progress)
            store.add([distinct[row] for row in missing], vectors[missing])
        row_of = {text: row for row, text in enumerate(distinct)}
        return vectors[[row_of[text] for text in texts]]

    def _read(self, texts: list[str], progress: bool) -> np.ndarray:
        from tqdm.auto import tqdm

        encoded = self._features.encode_texts(texts)
        vectors = np.zeros((len(texts), self.width), np.float32)
        share = -(-int(encoded.lengths.sum()) // self._threads)
        batches = list(sorted_batches(encoded, max(1, min(BATCH_TOKENS[self.device], share))))

        def run(rows: np.ndarray) -> np.ndarray:
            return self._session.run(None, encoded.pad(rows))[0]

        with (
            tqdm(total=len(texts), desc="reading texts", unit="text", disable=not progress) as bar,
            ThreadPoolExecutor(self._threads) as pool,
        ):
            for rows, batch_vectors in zip(batches, pool.map(run, batches), strict=True):
                vectors[rows] = batch_vectors
                bar.update(len(rows))
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class _Store:
    """Vectors of texts that were read before, by a hash of the text, as float16; in one file."""

    def __init__(self, path: Path | None, model: str, keys: np.ndarray, vectors: np.ndarray):
        self.path, self.model, self.keys, self.vectors = path, model, keys, vectors

    @classmethod
    def load(cls, path: Path | None, model: Path, width: int) -> "_Store":
        digest = hash_path(model) if path else ""
        empty = cls(path, digest, np.zeros(0, np.uint64), np.zeros((0, width), np.float16))
        if path is None or not path.is_file():
            return empty
        try:
            with np.load(path, allow_pickle=False) as stored:
                same = str(stored["model"]) == digest
                return cls(path, digest, stored["keys"], stored["vectors"]) if same else empty
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return empty

    def find(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Returns float32 vectors of the texts, and which of them are missing."""
        vectors = np.zeros((len(texts), self.vectors.shape[1]), np.float32)
        if not len(self.keys):
            return vectors, np.arange(len(texts))
        keys = _keys(texts)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        stored = self.keys[place] == keys
        vectors[stored] = self.vectors[place[stored]]
        return vectors, np.flatnonzero(~stored)

    def add(self, texts: list[str], vectors: np.ndarray) -> None:
        if self.path is None:
            return
        keys = np.concatenate([self.keys, _keys(texts)])
        self.keys, first = np.unique(keys, return_index=True)
        self.vectors = np.concatenate([self.vectors, vectors.astype(np.float16)])[first]
        with atomic_file(self.path, "wb") as file:
            np.savez(file, keys=self.keys, vectors=self.vectors, model=np.array(self.model))


def _keys(texts: list[str]) -> np.ndarray:
    hashes = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(hashes), np.uint64)


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
