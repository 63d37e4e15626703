"""The fast engine: CTranslate2, on all cores or a GPU, stopping where a reply ends."""

import json
import logging
import secrets
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import ctranslate2

from botlib import model_files
from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.gpt2.reply_stream import ReplyStream
from botlib.gpt2.vocabulary import Vocabulary

_log = logging.getLogger("botlib.gpt2")

# Sequences decoded together: 40 are about a tenth faster, but hold half as much memory again
ROWS = {"cpu": 20, "cuda": 640}
# Tokens scored together; each has a row of logits (200 kB for GPT-2's vocabulary)
SCORED_TOKENS = {"cpu": 1024, "cuda": 8192}
# Copies of the weights: one a core is fastest, but memory is not free
MOST_REPLICAS = 4


class CTranslate2Engine:
    """The fast engine: several single-core copies of the model, not one copy on many cores.

    Measured with the 124M shape, 2 cores, 16 comments × 10 replies: 1.5 × faster. Each copy gets
    a fixed share of the comments and its own random numbers, so no timing changes a reply.
    """

    def __init__(self, folder: Path, device: str, compute_type: str, threads: int):
        self.folder = _model_folder(folder)
        self.vocabulary = Vocabulary(self.folder)
        self.window, self.hparams = _sizes(self.folder)
        gpus = ctranslate2.get_cuda_device_count()
        self._models: list[ctranslate2.Generator] = []
        self._seed: int | None = None
        # 0 is what `generate` asks for unless told otherwise, so its first call needs no reload
        try:
            self._place(
                device if device != "auto" else "cuda" if gpus else "cpu", compute_type, threads
            )
            self._load(0)
        except BotlibError as error:
            # A driver or cuBLAS that doesn't fit is common; a bot on the CPU is only slower
            if device != "auto" or self.device != "cuda":
                raise
            _log.warning(
                "the GPU can't be used, so the CPU generates: %s", error.__cause__ or error
            )
            self._place("cpu", "auto", threads)
            self._load(0)

    def _place(self, device: str, compute_type: str, threads: int) -> None:
        self.device = device
        self.compute_type = _compute_type(device) if compute_type == "auto" else compute_type
        self.replicas = 1 if device == "cuda" else min(threads, MOST_REPLICAS)
        self.cores = max(1, threads // self.replicas)

    def sample(
        self, prompts: list[list[int]], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[tuple[int, list[tuple[list[int], float]]]]:
        self._draw_from(seed)
        # Alike lengths share a batch: what is longer than the shortest is fed token by token
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        size = max(1, ROWS[self.device] // n)
        if self.device == "cpu":
            size = max(1, min(size, -(-len(prompts) // self.replicas)))
        waiting: deque = deque()
        try:
            for model, batch in _shared(self._models, order, size):
                results = model.generate_batch(
                    [self.vocabulary.names(prompts[i]) for i in batch],
                    asynchronous=True,
                    **self._options(n, decoder),
                )
                waiting.extend(zip(batch, results, strict=True))
                # A few batches in the queue keep the cores busy; more only hold memory
                while len(waiting) > 3 * size * self.replicas:
                    yield _drawn(*waiting.popleft(), n)
            while waiting:
                yield _drawn(*waiting.popleft(), n)
        except RuntimeError as error:
            raise _clear(error) from error

    def as_they_end(
        self, prompt: list[int], n: int, decoder: Decoder, seed: int | None
    ) -> Iterator[list[tuple[list[int], float]]]:
        if decoder.greedy:
            yield from (drawn for _, drawn in self.sample([prompt], n, decoder, seed))
            return
        self._draw_from(seed)
        stream, jobs = ReplyStream(), []
        try:
            for k, model in enumerate(self._models[:n]):
                jobs += model.generate_batch(
                    [self.vocabulary.names(prompt)],
                    asynchronous=True,
                    callback=stream.collector(),
                    **self._options(len(range(k, n, self.replicas)), decoder),
                )
            yield from stream.read(jobs, n)
        except RuntimeError as error:
            raise _clear(error) from error
        finally:
            # Whoever asked may be gone
            stream.close()

    def _draw_from(self, seed: int | None) -> None:
        if seed is None:
            if not self._drawn_at_random:
                self._load(None)
        elif self._seed != seed or not self._models:
            self._load(seed)
        self._seed = None

    def log_probs(self, sequences: list[list[int]]) -> Iterator[list[float]]:
        if not self._models:
            self._load(0)
        order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
        by_index: dict[int, list[float]] = {}
        try:
            shares = [order[k :: self.replicas] for k in range(self.replicas)]
            jobs = [
                model.score_batch(
                    [self.vocabulary.names(sequences[i]) for i in share],
                    max_batch_size=SCORED_TOKENS[self.device],
                    batch_type="tokens",
                    max_input_length=0,
                    asynchronous=True,
                )
                for model, share in zip(self._models, shares, strict=True)
            ]
            for share, results in zip(shares, jobs, strict=True):
                for index, result in zip(share, results, strict=True):
                    by_index[index] = result.result().log_probs
        except RuntimeError as error:
            raise _clear(error) from error
        yield from (by_index[i] for i in range(len(sequences)))

    def close(self) -> None:
        """Frees the memory; the next call loads the model again."""
        self._models = []

    def _load(self, seed: int | None) -> None:
        """Loads the copies; a worker's random numbers begin with the seed at its first draw."""
        self._models = []
        self._seed = seed
        self._drawn_at_random = seed is None
        first = secrets.randbits(32) if seed is None else seed * MOST_REPLICAS + 1
        try:
            for replica in range(self.replicas):
                ctranslate2.set_random_seed((first + replica) % 2**32)
                model = ctranslate2.Generator(
                    str(self.folder),
                    device=self.device,
                    compute_type=self.compute_type,
                    inter_threads=1,
                    intra_threads=self.cores,
                    max_queued_batches=-1,
                )
                start = [self.vocabulary.names([self.vocabulary.end])]
                model.generate_batch(start, max_length=1, sampling_topk=2)
                self._models.append(model)
        except (RuntimeError, ValueError) as error:
            raise _clear(error) from error

    def _options(self, n: int, decoder: Decoder) -> dict:
        banned = [self.vocabulary.encode([text, f" {text}"]) for text in decoder.banned]
        suppressed = [self.vocabulary.names(ids) for pair in banned for ids in pair if ids]
        return {
            # Greedy has one answer; `_drawn` repeats it
            "num_hypotheses": 1 if decoder.greedy else n,
            "sampling_topk": 1 if decoder.greedy else decoder.top_k,
            "sampling_topp": 1.0 if decoder.greedy else decoder.top_p,
            "sampling_temperature": 1.0 if decoder.greedy else decoder.temperature,
            "repetition_penalty": decoder.repetition_penalty,
            "suppress_sequences": suppressed or None,
            "min_length": decoder.min_tokens,
            "max_length": decoder.max_tokens,
            "include_prompt_in_result": False,
            "return_end_token": True,
            "return_scores": True,
            # Scores as sums, not means
            "length_penalty": 0,
        }


def _drawn(index: int, job, n: int) -> tuple[int, list[tuple[list[int], float]]]:
    result = job.result()
    drawn = list(zip(result.sequences_ids, result.scores, strict=True))
    return index, drawn if len(drawn) == n else drawn * n


def _shared(models: list, order: list[int], size: int) -> Iterator[tuple]:
    """Deals batches of `size` to the copies in turn."""
    for number, start in enumerate(range(0, len(order), size)):
        yield models[number % len(models)], order[start : start + size]


def _compute_type(device: str) -> str:
    """Returns the fastest type whose replies are as good on this device (int8 costs nothing)."""
    if device not in ROWS:
        raise BotlibError(f"device must be cpu, cuda or auto, not {device!r}")
    fastest = "float16" if device == "cuda" else "int8"
    supported = ctranslate2.get_supported_compute_types(device)
    return fastest if fastest in supported else "default"


def _model_folder(folder: Path) -> Path:
    if (folder / "model.bin").is_file():
        return folder
    if (folder / "ctranslate2").is_dir():
        model_files.needed(folder, "gpt2")
        return folder / "ctranslate2"
    raise BotlibError(
        f"{folder} holds no GPT-2 that can generate: run 02_gpt2_finetune, "
        "or `python -m botlib import FILE`"
    )


def _sizes(folder: Path) -> tuple[int, dict[str, int]]:
    path = folder / "gpt2.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return int(about["context"]), about["hparams"]
    except (OSError, ValueError, KeyError) as error:
        raise BotlibError(
            f"{path} is missing or damaged ({error}): run 02_gpt2_finetune again"
        ) from error


def _clear(error: Exception) -> BotlibError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "out of memory" in text.lower() or "bad_alloc" in text.lower():
        return BotlibError(
            f"out of memory while generating ({text}): lower the replies for each comment or "
            "max_tokens, or choose compute_type='int8'"
        )
    return BotlibError(
        f"CTranslate2 can't run this model with these options: {text}; try device='cpu' and "
        "compute_type='float32'"
    )
