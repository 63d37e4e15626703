"""The processes of `benchmarks.dialogrpt`: ours, and transformers' sequence classifier."""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.worker import serve

Work = tuple[int, Callable[[], object]]
BATCH = 8


def ours(job: dict) -> Work:
    """ONNX Runtime, a batch a core."""
    from botlib.bert.dialogrpt import DialogRpt

    judge = DialogRpt(Path(job["model"]), job["precision"], threads=job["threads"])
    comments, replies = zip(*job["pairs"], strict=True)

    def run() -> None:
        _keep(job, job["precision"], judge.predict(comments, replies)[:, 0].tolist())

    return len(job["pairs"]), run


def transformers_score(job: dict) -> Work:
    """GPT2ForSequenceClassification in float32: batches of 8, sorted by length, all cores."""
    import torch
    from transformers import GPT2ForSequenceClassification

    torch.set_num_threads(job["threads"])
    model = GPT2ForSequenceClassification.from_pretrained(job["model"], dtype=torch.float32).eval()
    texts = job["ids"]
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))

    def run() -> None:
        scores = [0.0] * len(texts)
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            longest = max(len(texts[row]) for row in rows)
            pads = [longest - len(texts[row]) for row in rows]
            fill = model.config.pad_token_id
            given = zip(rows, pads, strict=True)
            ids = torch.tensor([texts[row] + [fill] * pad for row, pad in given])
            mask = torch.tensor([[1] * (longest - pad) + [0] * pad for pad in pads])
            with torch.inference_mode():
                found = model(ids, attention_mask=mask).logits[:, 0].tolist()
            for row, score in zip(rows, found, strict=True):
                scores[row] = score
        _keep(job, "transformers", scores)

    return len(texts), run


def _keep(job: dict, name: str, scores: list[float]) -> None:
    (Path(job["scores"]) / f"{name}.json").write_text(json.dumps(scores))


ENGINES = {engine.__name__: engine for engine in (ours, transformers_score)}


if __name__ == "__main__":
    serve(lambda job: ENGINES[job["engine"]](job))
