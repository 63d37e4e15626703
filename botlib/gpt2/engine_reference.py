"""The reference engine: gpt-2-simple's own sampler, made to stop where a reply ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from botlib import frameworks
from botlib.errors import BotlibError
from botlib.gpt2.convert import read_hparams
from botlib.gpt2.decoder import Decoder
from botlib.gpt2.vocabulary import Vocabulary


class ReferenceEngine:
    """The reference: gpt-2-simple's own sampler, slow, to compare the fast engine with.

    Its sampler always writes `max_tokens` tokens; what follows the end of text is cut here. It
    knows temperature, top_k and top_p (which, when given, replaces top_k), nothing else.
    """

    def __init__(self, folder: Path, threads: int):
        frameworks.claim("gpt-2-simple")
        import gpt_2_simple
        import tensorflow as tf
        from gpt_2_simple.src import model

        self.folder = _checkpoint_folder(folder)
        self.vocabulary = Vocabulary(self.folder)
        self.hparams = read_hparams(self.folder)
        self.window = _window(folder, self.hparams["n_ctx"])
        self._sizes = model.default_hparams()
        self._sizes.override_from_dict(self.hparams)
        self._graph = tf.Graph()
        with self._graph.as_default():
            # load_gpt2 restores whatever the graph holds, so it comes first
            self._session = gpt_2_simple.start_tf_sess(threads=threads)
            gpt_2_simple.load_gpt2(
                self._session,
                run_name=self.folder.name,
                checkpoint_dir=str(self.folder.parent),
                checkpoint=_checkpoint_name(self.folder),
            )
            self._tokens = tf.compat.v1.placeholder(tf.int32, [None, None])
            logits = model.model(hparams=self._sizes, X=self._tokens, reuse=True)["logits"]
            self._log_probs = tf.nn.log_softmax(logits)
        self._samplers: dict[tuple, tuple[Any, Any]] = {}

    def sample(
        self, prompts: list[list[int]], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[tuple[int, list[tuple[list[int], float]]]]:
        _check(decoder)
        width = 1 if decoder.greedy else n
        tokens, output = self._sampler(width, decoder, seed)
        for index, prompt in enumerate(prompts):
            out = self._session.run(output, {tokens: [prompt] * width})
            drawn = []
            for row in out[:, len(prompt) :]:
                ids = _until_end([int(i) for i in row], self.vocabulary.end)
                log_probs = next(self.log_probs([prompt + ids]))[len(prompt) - 1 :]
                drawn.append((ids, sum(log_probs)))
            drawn.sort(key=lambda pair: -pair[1])
            yield index, drawn if len(drawn) == n else drawn * n

    def as_they_end(
        self, prompt: list[int], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[list[tuple[list[int], float]]]:
        # All end at the same time here
        yield from (drawn for _, drawn in self.sample([prompt], n, decoder, seed))

    def log_probs(self, sequences: list[list[int]]) -> Iterator[list[float]]:
        for ids in sequences:
            table = self._session.run(self._log_probs, {self._tokens: [ids[:-1]]})[0]
            yield table[np.arange(len(ids) - 1), ids[1:]].tolist()

    def logits_of(self, ids: list[int]) -> np.ndarray:
        """Returns log probabilities of every next token: (len(ids), n_vocab)."""
        return self._session.run(self._log_probs, {self._tokens: [ids]})[0]

    def close(self) -> None:
        """Frees the memory; the engine can't be used afterwards."""
        self._session.close()

    def _sampler(self, width: int, decoder: Decoder, seed: int | None) -> tuple[Any, Any]:
        import tensorflow as tf
        from gpt_2_simple.src import sample

        key = (width, decoder, seed)
        if key not in self._samplers:
            with self._graph.as_default(), tf.compat.v1.variable_scope("", reuse=True):
                tf.compat.v1.set_random_seed(seed)
                tokens = tf.compat.v1.placeholder(tf.int32, [width, None])
                output = sample.sample_sequence(
                    hparams=self._sizes,
                    length=decoder.max_tokens,
                    context=tokens,
                    batch_size=width,
                    temperature=1.0 if decoder.greedy else decoder.temperature,
                    top_k=1 if decoder.greedy else decoder.top_k,
                    top_p=decoder.top_p if decoder.top_p < 1 and not decoder.greedy else 0.0,
                )
            self._samplers[key] = tokens, output
        return self._samplers[key]


def _check(decoder: Decoder) -> None:
    for name, neutral in (("repetition_penalty", 1.0), ("banned", ())):
        if getattr(decoder, name) != neutral:
            raise BotlibError(f"gpt-2-simple's sampler has no {name}: use engine='ctranslate2'")
    if decoder.min_tokens > 1:
        raise BotlibError("gpt-2-simple's sampler has no min_tokens: use engine='ctranslate2'")


def _until_end(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids


def _checkpoint_folder(folder: Path) -> Path:
    for candidate in (folder / "best", folder / "checkpoint", folder):
        if list(candidate.glob("model*.index")):
            return candidate
    raise BotlibError(
        f"{folder} holds no checkpoint for gpt-2-simple (imported models have none): "
        "use engine='ctranslate2'"
    )


def _checkpoint_name(folder: Path) -> str:
    """Returns the newest checkpoint's name; the file `checkpoint` may name a foreign path."""

    def step(path: Path) -> int:
        number = path.stem.rpartition("-")[2]
        return int(number) if number.isdigit() else -1

    return max(folder.glob("model*.index"), key=step).stem


def _window(folder: Path, default: int) -> int:
    path = folder / "ctranslate2" / "gpt2.json"
    return json.loads(path.read_text(encoding="utf-8"))["context"] if path.is_file() else default
