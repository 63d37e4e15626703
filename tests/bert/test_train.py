"""Training: what it learns, writes and refuses; the same again from the same seed."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib import drive, model_files
from botlib.bert import batches as bert_batches
from botlib.bert import encoder as encoders
from botlib.bert import examples as bert_pairs
from botlib.bert import export, loop, train
from botlib.bert import model as bert_model
from botlib.bert.features import PairFeatures
from botlib.bert.scorer import Scorer
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.probabilities import softmax
from botlib.settings import ClassifierSettings, RealismSettings
from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
ANIMALS, FOODS = ("cat", "dog", "fox", "owl"), ("rice", "soup", "figs", "tea")
SETTINGS = ClassifierSettings(
    epochs=2,
    batch_size=16,
    learning_rate=2e-3,
    classifier_max_tokens=24,
    mixed_precision="off",
)


def quick(**changes) -> dict:
    return {"settings": dataclasses.replace(SETTINGS, **changes), "progress": False}


QUICK = quick()


def made_up(rows: int, seed: int) -> pd.DataFrame:
    """Replies that name the comment's animal are real, rated 3 and score high; others not."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(rows):
        animal, other = rng.choice(ANIMALS, 2, replace=False)
        real = int(rng.integers(2))
        found.append(
            {
                "comment_id": f"c{number // 4}",
                "reply_id": f"r{number}",
                "comment": f"my {animal} wants {rng.choice(FOODS)} today",
                "reply": f"a {animal if real else other} likes {rng.choice(FOODS)} " * 2,
                "real": real,
                "rating": 3 * real + int(rng.integers(2)) * (1 - real),
                "reply_score": 10 * real + int(rng.integers(3)),
                "reply_created_utc": 1_600_000_000 + int(rng.integers(600)),
            }
        )
    frame = pd.DataFrame(found)
    first = frame.groupby("comment_id")["comment"].transform("first")
    animal = first.str.split().str[1]
    told = frame["reply"].str.split().str[1]
    return frame.assign(rank_comment=first, fits=(animal == told).astype(int))


def siblings(rows: int, seed: int) -> pd.DataFrame:
    frame = made_up(rows, seed)
    return frame.assign(comment=frame["rank_comment"], reply_score=10 * frame["fits"])


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Workspace:
    return Workspace.open(tmp_path_factory.mktemp("workspace"), create=True)


@pytest.fixture(scope="module")
def encoder(kept) -> encoders.Encoder:
    frame = made_up(400, 1)
    return encoders.load("scratch:1x64", kept, frame["comment"] + " " + frame["reply"])


@pytest.fixture(scope="module")
def trained(kept, encoder) -> Path:
    """One realism classifier for all tests that only look at it."""
    table = kept.root / "pairs.csv"
    table.write_text("made up\n")
    train.train(
        made_up(800, 1),
        made_up(200, 2),
        task="realism",
        encoder=encoder,
        out=kept.bert_realism,
        inputs=[table],
        **quick(epochs=4),
    )
    return kept.bert_realism


def test_learns_whether_a_reply_fits(trained):
    test = made_up(300, 3)
    scores = Scorer(trained).predict(test["comment"].tolist(), test["reply"].tolist())
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(test["real"], scores[:, 1]) > 0.9


def test_leaves_what_its_users_need(trained, encoder):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        *("model.onnx", "vocab.txt", "config.json", "history.csv", "model_card.json"),
        *("manifest.json", "weights.npz"),
    }
    config = json.loads((trained / "config.json").read_text())
    assert (config["task"], config["classes"], config["max_tokens"]) == (
        *("realism", ["fake", "real"]),
        24,
    )
    assert config["do_lower_case"] and config["temperature"] > 0
    if config["precision"] == "int8":
        assert config["validation_metric"] - config["validation_metric_int8"] <= train.INT8_COST
    manifest = read_manifest(trained)
    assert list(manifest["inputs"]) == ["../pairs.csv"]
    assert (manifest["seed"], manifest["parameters"]["classifier_max_tokens"]) == (2020, 24)
    assert not list(trained.parent.glob(".bert_realism*")), "no leftovers of training"


def test_history_has_losses_speed_and_validations(trained):
    history = pd.read_csv(trained / "history.csv")
    assert list(history) == loop.HISTORY_COLUMNS
    assert history["step"].is_monotonic_increasing and history["step"].iloc[-1] == 200
    checked = history.dropna(subset="validation_loss")
    assert len(checked) == 4
    assert checked["validation_loss"].iloc[-1] < checked["validation_loss"].iloc[0]
    assert (history["pairs_per_second"] > 0).all()


def test_learning_rate_rises_then_falls_to_zero():
    rates = [loop._schedule(progress, 0.1) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]
    np.testing.assert_allclose(rates, [0.01, 0.5, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("pooling", ["cls", "pair"])
def test_onnx_says_what_keras_says(encoder, tmp_path, pooling):
    model = bert_model.build(encoder, 4, pooling=pooling, dropout=0.1, seed=1)
    head = model.get_layer("head")
    head.set_weights([50 * weights for weights in head.get_weights()])
    fused = export.to_onnx(model, tmp_path / "model.onnx", encoder.heads)
    assert fused == 1
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    frame = made_up(20, 5)
    features = PairFeatures(encoder.vocab_file, True, 48)
    replies = [reply * (1 + number % 4) for number, reply in enumerate(frame["reply"])]
    inputs = features.encode(frame["comment"].tolist(), replies).pad(np.arange(20))
    ours = softmax(session.run(["logits"], inputs)[0])
    theirs = softmax(model(inputs, training=False).numpy())
    assert np.abs(ours - theirs).max() < 1e-4


def test_kept_weights_are_those_that_were_exported(trained, encoder):
    """Keras with the stored weights gives the probabilities that the Scorer gives."""
    model = bert_model.build(encoder, 2, pooling="pair", dropout=0.1, seed=9)
    stored = np.load(trained / "weights.npz")
    model.set_weights([stored[variable.name] for variable in model.variables])
    frame = made_up(20, 5)
    texts = frame["comment"].tolist(), frame["reply"].tolist()
    inputs = PairFeatures(encoder.vocab_file, True, 24).encode(*texts).pad(np.arange(20))
    logits = model(inputs, training=False).numpy()
    np.testing.assert_allclose(Scorer(trained, "fp32").logits(*texts), logits, atol=1e-4)


def test_same_seed_same_model(encoder, tmp_path):
    losses = []
    for name in ("first", "second"):
        history = train.train(
            *(made_up(160, 1), made_up(60, 2)),
            **{"task": "upvotes", "encoder": encoder, "out": tmp_path / name, **QUICK},
        )
        losses.append(history["loss"].to_numpy())
    np.testing.assert_array_equal(*losses)
    first, second = (np.load(tmp_path / n / "weights.npz") for n in ("first", "second"))
    assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_an_earlier_model_is_a_start(trained, encoder, tmp_path):
    arguments = {"encoder": encoder, "out": tmp_path / "model", **quick(epochs=1)}
    frames = made_up(80, 1), made_up(60, 2)
    history = train.train(*frames, task="realism", start_from=trained, **arguments)
    assert history["loss"].iloc[0] < 0.5
    history = train.train(*frames, task="upvotes", start_from=trained, **arguments)
    assert history["loss"].iloc[0] > 0.5, "four classes have a head of their own"
    # What travels with a model doesn't tell whose machine it was made on
    for name in ("model_card.json", "manifest.json"):
        assert str(trained.parent) not in (tmp_path / "model" / name).read_text()
    assert model_files.needed(tmp_path / "model", "bert_upvotes") == sorted(train.PARTS)


def test_weights_of_another_encoder(trained, kept, tmp_path):
    frame = made_up(100, 1)
    other = encoders.load("scratch:1x32", kept, frame["comment"] + " " + frame["reply"])
    arguments = {"task": "realism", "encoder": other, "out": tmp_path / "model", **QUICK}
    with pytest.raises(BotlibError, match=r"weights of another encoder than scratch:1x32"):
        train.train(frame, frame, start_from=trained, **arguments)
    with pytest.raises(BotlibError, match=r"weights\.npz is missing"):
        train.train(frame, frame, start_from=tmp_path, **arguments)


def test_rank_orders_siblings(encoder, tmp_path):
    chosen = {"task": "rank", "encoder": encoder, "out": tmp_path / "rank", **quick(epochs=3)}
    history = train.train(siblings(800, 1), siblings(200, 2), **chosen)
    assert history["validation_metric"].max() > 0.9
    scores = Scorer(tmp_path / "rank").predict(["my cat wants tea today"] * 2, ["a cat", "a dog"])
    assert scores.shape == (2,)


@pytest.mark.parametrize("on_drive", [False, True])
def test_a_killed_run_goes_on_where_it_was(encoder, tmp_path, monkeypatch, on_drive):
    if on_drive:
        monkeypatch.setattr(drive, "DRIVE", tmp_path.parent)
    steps = []
    original = loop.Loop._train_on

    def counted(self, rows, rate):
        if len(steps) == 15:
            steps.append(self.step)
            raise KeyboardInterrupt
        steps.append(self.step)
        return original(self, rows, rate)

    monkeypatch.setattr(loop.Loop, "_train_on", counted)
    arguments = {"task": "realism", "encoder": encoder, "out": tmp_path / "model", **QUICK}
    frames = made_up(160, 1), made_up(60, 2)
    with pytest.raises(KeyboardInterrupt):
        train.train(*frames, **arguments)
    assert not (tmp_path / "model").exists()
    history = train.train(*frames, **arguments)
    assert steps == [*range(15), 15, *range(15, 20)]
    assert history["step"].tolist() == sorted(set(history["step"]))
    assert history.dropna(subset="validation_loss")["step"].tolist() == [5, 10, 15, 20]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_killed_run_goes_on_though_settings_of_no_weight_changed(encoder, tmp_path, monkeypatch):
    """Else another way to sample the next fakes would throw an hour of training away."""
    steps = []
    original = loop.Loop._train_on

    def counted(self, rows, rate):
        steps.append(self.step)
        if len(steps) == 15:
            raise KeyboardInterrupt
        return original(self, rows, rate)

    monkeypatch.setattr(loop.Loop, "_train_on", counted)
    shared = {field.name: getattr(SETTINGS, field.name) for field in dataclasses.fields(SETTINGS)}
    place = {"task": "realism", "encoder": encoder, "out": tmp_path / "model", "progress": False}
    frames = made_up(160, 1), made_up(60, 2)
    with pytest.raises(KeyboardInterrupt):
        train.train(*frames, settings=RealismSettings(**shared), **place)
    moved = RealismSettings(**shared | {"drive_root": "/elsewhere"}, unseen_decoder="0.5:0:1.0")
    train.train(*frames, settings=moved, **place)
    assert steps[15] == 10  # the last validation, which is where it was kept


def test_the_card_tells_every_setting_that_trained_the_model(trained):
    told = json.loads((trained / "model_card.json").read_text())["parameters"]
    names = {field.name for field in dataclasses.fields(ClassifierSettings)} - {"drive_root"}
    assert names <= set(told)
    assert told == read_manifest(trained)["parameters"]
    assert (told["epochs"], told["encoder"], told["warmup"]) == (4, "scratch:1x64", 0.1)


def test_a_start_trained_anew_begins_a_new_run(trained, encoder, tmp_path, monkeypatch):
    """Else a killed rank run would go on from ratings that are gone."""
    start = shutil.copytree(trained, tmp_path / "start")
    steps = []
    original = loop.Loop._train_on

    def counted(self, rows, rate):
        steps.append(self.step)
        if len(steps) == 15:
            raise KeyboardInterrupt
        return original(self, rows, rate)

    monkeypatch.setattr(loop.Loop, "_train_on", counted)
    arguments = {"task": "realism", "encoder": encoder, "out": tmp_path / "model", **QUICK}
    frames = made_up(160, 1), made_up(60, 2)
    with pytest.raises(KeyboardInterrupt):
        train.train(*frames, start_from=start, **arguments)
    stored = dict(np.load(start / "weights.npz"))
    np.savez(start / "weights.npz", **{name: 0.9 * value for name, value in stored.items()})
    train.train(*frames, start_from=start, **arguments)
    assert steps[15] == 0


def test_stops_early_and_keeps_the_best_weights(encoder, tmp_path, monkeypatch):
    losses = iter([0.5, 0.4, 0.6, 0.7, 0.8, 0.9])
    weights = []

    def validate(self, row):
        row["validation_loss"] = next(losses)
        weights.append([variable.numpy() for variable in self.variables])
        return row["validation_loss"]

    monkeypatch.setattr(loop.Loop, "_validation_loss", validate)
    monkeypatch.setattr(loop, "VALIDATIONS", 10)
    history = train.train(
        *(made_up(160, 1), made_up(60, 2)),
        **{"task": "realism", "encoder": encoder, "out": tmp_path / "model", **quick(patience=1)},
    )
    assert history["validation_loss"].dropna().tolist() == [0.5, 0.4, 0.6, 0.7]
    card = json.loads((tmp_path / "model" / "model_card.json").read_text())
    assert card["best_step"] == history.dropna(subset="validation_loss")["step"].iloc[1]
    stored = np.load(tmp_path / "model" / "weights.npz")
    assert any(np.array_equal(stored[name], weights[1][-1]) for name in stored.files)


def test_top_layers_only(encoder):
    model = bert_model.build(encoder, 2, pooling="cls", dropout=0.1, seed=1)
    names = [variable.name for variable in bert_model.trained_variables(model, 1)]
    assert any(name.startswith("layer_0/") for name in names)
    assert not any("embedding" in name for name in names)
    assert len(bert_model.trained_variables(model, 0)) == len(model.trainable_variables)


def test_a_gpu_gets_half_precision_and_xla_and_later_work_neither(monkeypatch):
    tf = train.tensorflow()
    options = tf.config.optimizer
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    with train._xla(tf, "auto"), train._precision(tf, "auto") as half:
        assert (half, options.get_jit()) == ("float16", "autoclustering")
        assert options.get_experimental_options()["auto_mixed_precision"]
    assert not options.get_jit()
    assert not options.get_experimental_options()["auto_mixed_precision"]
    with train._xla(tf, "off"), train._precision(tf, "off") as half:
        assert (half, options.get_jit()) == ("float32", "")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with train._xla(tf, "auto"):
        assert not options.get_jit()


def test_temperature_cools_what_is_too_sure():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1, (4000, 2))
    labels = (rng.random(4000) < softmax(logits)[:, 1]).astype(int)
    assert train._temperature(4 * logits, labels) == pytest.approx(4, rel=0.1)


def test_batches_hold_every_pair_once_and_pairs_of_like_length(encoder):
    frame = made_up(500, 1)
    frame["reply"] = [reply * (1 + number % 4) for number, reply in enumerate(frame["reply"])]
    features = PairFeatures(encoder.vocab_file, True, 64)
    examples = bert_pairs.examples_of(frame, "realism", features, "none")
    batches = bert_batches.epoch_batches(examples, 16, seed=1, epoch=0)
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert max(map(len, batches)) <= 16
    spread = np.mean([np.ptp(examples.pairs.lengths[rows]) for rows in batches])
    assert spread < np.ptp(examples.pairs.lengths) / 4
    again = bert_batches.epoch_batches(examples, 16, seed=1, epoch=0)
    other = bert_batches.epoch_batches(examples, 16, seed=1, epoch=1)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not all(len(a) == len(b) and (a == b).all() for a, b in zip(batches, other, strict=True))


def test_siblings_stay_together(encoder):
    features = PairFeatures(encoder.vocab_file, True, 64)
    examples = bert_pairs.examples_of(siblings(200, 1), "rank", features, "none")
    batches = bert_batches.epoch_batches(examples, 16, seed=1, epoch=0)
    homes = [set(examples.groups[rows]) for rows in batches]
    assert sum(map(len, homes)) == len(set().union(*homes)) == 50


def test_ranking_loss_knows_gaps_times_and_offsets():
    from botlib.bert.legacy_keras import tensorflow

    tf = tensorflow()
    batch = {
        "labels": [5.0, 1.0, 9.0, 0.0],
        "weights": [1.0] * 4,
        "groups": [0, 0, 1, 1],
        "times": [0.0, 60.0, 0.0, 7200.0],
        "offsets": [0.0, 2.0, 0.0, 0.0],
    }
    batch = {name: tf.constant(values) for name, values in batch.items()}
    total, weight = bert_model.loss_sums("rank", tf.constant([[3.0], [0.0], [0.0], [9.0]]), batch)
    # Only the first two are near in time: a gap of 4, and a lead of 3 less the other's offset of 2
    assert float(weight) == pytest.approx(np.log(5))
    assert float(total) == pytest.approx(np.log(5) * np.log1p(np.exp(-1)), rel=1e-5)


def test_balanced_weights_count_classes_alike(encoder):
    frame = made_up(200, 1).assign(real=[1] * 150 + [0] * 50)
    features = PairFeatures(encoder.vocab_file, True, 64)
    examples = bert_pairs.examples_of(frame, "realism", features, "balanced")
    sums = [examples.weights[examples.labels == label].sum() for label in (0, 1)]
    assert sums == pytest.approx([100, 100])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": lambda f: f.assign(real=1)}, "all 100 training pairs have real 1"),
        ({"validation": lambda f: f[:0]}, "there are no validation pairs for realism"),
        ({"training": lambda f: f.drop(columns="real")}, "training pairs lack the column 'real'"),
        ({"training": lambda f: f.assign(real=f["real"] + 1)}, "have real 2, not 0 to 1"),
        ({"task": "fun"}, "task must be one of realism, upvotes, rank"),
        (
            {"classifier_max_tokens": 2000},
            "has room for 512: set classifier_max_tokens to 512 or less",
        ),
        ({"learning_rate": 1e20, "epochs": 9}, "the loss is no longer a number"),
    ],
)
def test_clear_errors(encoder, tmp_path, change, message):
    frames = {"training": made_up(100, 1), "validation": made_up(40, 2)}
    for name in frames:
        frames[name] = change.get(name, lambda frame: frame)(frames[name])
    changes = {k: v for k, v in change.items() if k not in frames}
    task = changes.pop("task", "realism")
    with pytest.raises(BotlibError, match=message):
        train.train(
            **frames,
            **{"task": task, "encoder": encoder, "out": tmp_path / "model", **quick(**changes)},
        )
    assert not (tmp_path / "model").exists()


def test_nothing_to_rank(encoder, tmp_path):
    frame = siblings(40, 1).assign(reply_score=1)
    with pytest.raises(BotlibError, match="no two training replies to one comment have"):
        train.train(frame, frame, task="rank", encoder=encoder, out=tmp_path / "model", **QUICK)


def test_out_of_memory(encoder, tmp_path, monkeypatch):
    from botlib.bert.legacy_keras import tensorflow

    def fail(*_):
        raise tensorflow().errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr(loop.Loop, "_train_on", fail)
    with pytest.raises(BotlibError, match="out of memory with batch_size 16 and classifier_max_t"):
        train.train(
            *(made_up(100, 1), made_up(40, 2)),
            **{"task": "realism", "encoder": encoder, "out": tmp_path / "model", **QUICK},
        )


TWO_REPLICAS = """
import sys
sys.path.insert(0, sys.argv[2])
import test_train as t
from pathlib import Path
from botlib.bert.legacy_keras import tensorflow
tf = tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
t.train._devices = lambda tf: ("CPU:0", "CPU:1")
kept = t.Workspace.open(sys.argv[1], create=True)
frame = t.made_up(400, 1)
encoder = t.encoders.load("scratch:1x64", kept, frame["comment"] + " " + frame["reply"])
for task, frames in (("realism", t.made_up), ("rank", t.siblings)):
    history = t.train.train(frames(400, 1), frames(100, 2), task=task, encoder=encoder,
                           out=kept.root / task, **t.QUICK)
    print(task, history["validation_loss"].dropna().tolist())
"""


@pytest.mark.slow
def test_two_replicas_train_two_models_in_one_process(tmp_path):
    arguments = [
        sys.executable,
        "-c",
        TWO_REPLICAS,
        str(tmp_path / "w"),
        str(Path(__file__).parent),
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for line in done.stdout.splitlines():
        losses = json.loads(line.split(maxsplit=1)[1])
        assert losses[-1] < losses[0]


KERAS_3_FIRST = """
import sys
import tensorflow as tf
tf.keras.layers.Dense(1)
sys.path.insert(0, sys.argv[2])
import test_train as t
kept = t.Workspace.open(sys.argv[1], create=True)
frame = t.made_up(64, 1)
encoder = t.encoders.load("scratch:1x32", kept, frame["comment"] + " " + frame["reply"])
t.train.train(frame, t.made_up(32, 2), task="realism", encoder=encoder,
              out=kept.root / "realism", **t.QUICK)
print(tf.keras.version(), t.Scorer(kept.root / "realism").predict(["a"], ["b"]).shape)
"""


def test_a_kernel_that_used_keras_3_first_can_train(tmp_path):
    here = str(Path(__file__).parent)
    arguments = [sys.executable, "-c", KERAS_3_FIRST, str(tmp_path / "w"), here]
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith("3."), done.stdout
