"""The engines that `bert.py` compares, each in a process of its own."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.worker import serve

MAX_TOKENS, BATCH = 128, 32


def load(job: dict) -> tuple[int, Callable]:
    """Returns how many pairs a run works through, and the run."""
    with Path(job["pairs"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = rows[: len(rows) // job.get("share", 1)]
    texts = [row["comment"] for row in rows], [row["reply"] for row in rows]
    run = ENGINES[job["engine"]](job, *texts, [int(row["rating"]) for row in rows])
    return len(rows), run


def ours_score(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """From texts to probabilities."""
    from botlib.bert.scorer import Scorer

    scorer = Scorer(Path(job["model"]), job["precision"])
    return lambda: scorer.predict(comments, replies)


def ours_embed(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """From texts to vectors, without a cache."""
    from botlib.bert.embed import Embedder

    embedder = Embedder(Path(job["encoder"]), do_lower_case=True)
    return lambda: embedder.embed([*comments, *replies])


def ours_train(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """An epoch with what `bert.train` does for each batch."""
    import contextlib

    import pandas as pd

    from botlib.bert import batches, train
    from botlib.bert import examples as bert_pairs
    from botlib.bert import loop as bert_loop
    from botlib.bert import model as bert_model
    from botlib.bert.features import PairFeatures
    from botlib.bert.legacy_keras import tensorflow
    from botlib.settings import ClassifierSettings

    tf, encoder = tensorflow(), _encoder(job)
    # Mixed precision as the default has it, for the life of this process
    contextlib.ExitStack().enter_context(train._precision(tf, "auto"))
    frame = pd.DataFrame({"comment": comments, "reply": replies, "rating": ratings})
    features = PairFeatures(encoder.vocab_file, encoder.do_lower_case, MAX_TOKENS)
    examples = bert_pairs.examples_of(frame, "upvotes", features, "none")
    settings = ClassifierSettings(batch_size=BATCH)
    model = bert_model.build(encoder, 4, pooling="cls", dropout=0.1, seed=1)
    strategy = tf.distribute.get_strategy()
    loop = bert_loop.Loop(model, "upvotes", settings, examples, examples, strategy, False)

    def run() -> None:
        losses = [
            loop._train_on(rows, 2e-5)
            for rows in batches.epoch_batches(examples, BATCH, seed=1, epoch=0)
        ]
        float(losses[-1])

    return run


def keras_score(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """The tutorial's way: everything padded to 128, batches of 32."""
    model, inputs, _ = _keras(job, comments, replies, ratings)
    return lambda: model.predict(inputs, batch_size=BATCH, verbose=0)


def keras_train(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """The same for training."""
    model, inputs, labels = _keras(job, comments, replies, ratings)
    model.compile("adam", "sparse_categorical_crossentropy")
    return lambda: model.fit(inputs, labels, batch_size=BATCH, verbose=0)


def _keras(job: dict, comments: list, replies: list, ratings: list) -> tuple:
    import numpy as np

    from botlib.bert import model as bert_model
    from botlib.bert.features import PairFeatures
    from botlib.bert.legacy_keras import keras as legacy_keras

    keras, encoder = legacy_keras(), _encoder(job)
    features = PairFeatures(encoder.vocab_file, encoder.do_lower_case, MAX_TOKENS)
    pairs = features.encode(comments, replies)
    inputs = pairs.pad(np.arange(len(pairs)), to=MAX_TOKENS)
    model = bert_model.build(encoder, 4, pooling="cls", dropout=0.1, seed=1)
    model = keras.Model(model.input, keras.layers.Softmax()(model.output))
    return model, inputs, np.array(ratings)


def _encoder(job: dict):
    from botlib.bert import encoder
    from botlib.workspace import Workspace

    return encoder.load("minilm", Workspace.open(job["workspace"]))


def torch_score(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """transformers, batches padded to their longest; pairs sorted by length, as ours are."""
    import torch

    model, tokenizer = _torch(job, getattr(torch, job["dtype"]))
    model.eval()
    order = sorted(range(len(replies)), key=lambda i: len(comments[i]) + len(replies[i]))
    size = job["batch"]

    def run() -> None:
        with torch.inference_mode():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                model(**_tokenised(tokenizer, comments, replies, rows)).logits.softmax(-1)

    return run


def torch_train(job: dict, comments: list, replies: list, ratings: list) -> Callable:
    """transformers, AdamW, gradients clipped, batches in random order padded to their longest."""
    import random

    import torch

    model, tokenizer = _torch(job, torch.float32)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.01)
    order = random.Random(1).sample(range(len(replies)), len(replies))

    def run() -> None:
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            labels = torch.tensor([ratings[row] for row in rows])
            batch = _tokenised(tokenizer, comments, replies, rows)
            model(**batch, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return run


def _torch(job: dict, dtype) -> tuple:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = job["minilm"]
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=4, dtype=dtype)
    return model, AutoTokenizer.from_pretrained(folder)


def _tokenised(tokenizer, comments: list, replies: list, rows: list) -> dict:
    return tokenizer(
        *([texts[row] for row in rows] for texts in (comments, replies)),
        padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt",
    )  # fmt: skip


ENGINES = {
    function.__name__: function
    for function in (
        ours_score,
        ours_embed,
        ours_train,
        keras_score,
        keras_train,
        torch_score,
        torch_train,
    )
}

if __name__ == "__main__":
    serve(load)
