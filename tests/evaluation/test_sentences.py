import numpy as np
import pandas as pd

from botlib.evaluation import metrics, sentences, slices


def result(value, low, high, **more):
    return {"auc": value, "intervals": {"auc": (low, high)}, **more}


def test_a_clear_win_and_a_clear_loss_are_called_so():
    models = {"BERT": result(0.9, 0.88, 0.92), "TF-IDF": result(0.8, 0.78, 0.82)}
    assert "clearly above TF-IDF" in sentences.against_baselines(models, "auc")
    assert "0.900 [0.880, 0.920]" in sentences.against_baselines(models, "auc")
    assert "clearly below BERT" in sentences.against_baselines(models, "auc", "TF-IDF")


def test_overlap_is_called_chance_and_a_tie_is_no_success():
    close = {"BERT": result(0.81, 0.78, 0.84), "TF-IDF": result(0.8, 0.78, 0.82)}
    assert "chance may explain it" in sentences.against_baselines(close, "auc")
    behind = {"BERT": result(0.79, 0.76, 0.82), "TF-IDF": result(0.8, 0.78, 0.82)}
    assert "fine-tuning did not help" in sentences.against_baselines(behind, "auc")
    unknown = {"BERT": result(0.9, np.nan, np.nan), "TF-IDF": result(0.8, np.nan, np.nan)}
    assert "clearly above" in sentences.against_baselines(unknown, "auc")


def test_the_best_baseline_is_named():
    models = {
        "length only": result(0.7, 0.68, 0.72),
        "BERT": result(0.9, 0.88, 0.92),
        "TF-IDF": result(float("nan"), np.nan, np.nan),
    }
    assert "length only, the best baseline" in sentences.against_baselines(models, "auc")


def test_realism_says_what_accuracy_hides(two_class):
    rare = pd.concat([two_class[two_class.real == 1], two_class[two_class.real == 0][:20]])
    text = sentences.realism({"BERT": metrics.binary(rare.real, rare.p, resamples=20)})
    assert "always predicts that class" in text and "Balanced accuracy" in text
    even = sentences.realism({"BERT": metrics.binary(two_class.real, two_class.p, resamples=20)})
    assert "always predicts" not in even


def test_ratings_rank_and_lift(four_class, siblings):
    y, p, groups = four_class
    text = sentences.ratings({"BERT": metrics.multiclass(y, p, groups, resamples=20)})
    assert "is easiest to predict" in text and "micro" in text
    length = siblings.reply.str.len().to_numpy(float)
    models = {
        "BERT rank": metrics.pairwise(siblings, length, resamples=50),
        "length only": metrics.pairwise(siblings, -length, resamples=50),
    }
    assert "clearly above length only" in sentences.rank(models)
    none = {"BERT rank": metrics.pairwise(siblings, length, min_gap=999)}
    assert "take more data" in sentences.rank(none)
    gain = sentences.lift({"BERT rank": metrics.lift(siblings, length, resamples=50)})
    loss = sentences.lift({"BERT rank": metrics.lift(siblings, -length, resamples=50)})
    assert "a gain of" in gain and "a loss of" in loss
    equal = metrics.lift(siblings, np.zeros(len(siblings)), resamples=50)
    assert "may be chance" in sentences.lift({"BERT rank": equal})


def test_calibration_threshold_and_slices(two_class):
    rng = np.random.default_rng(2)
    p = rng.uniform(size=20_000)
    y = rng.uniform(size=20_000) < p
    assert "can be read as they are" in sentences.calibration(metrics.calibration(y, p))
    assert "too low" in sentences.calibration(metrics.calibration(y, p**3))
    rows = metrics.by_threshold(two_class.real, two_class.p, [0.5, 1.0])
    text = sentences.threshold(rows)
    assert text.startswith("A threshold of 0.5 keeps ")
    assert text.endswith("A threshold of 1 keeps nothing.")
    by_length = slices.auc_by_length(two_class, two_class.p, resamples=20)
    assert "is best at length" in sentences.slices(by_length, "length")
    one = slices.auc_by_decoder(two_class.assign(temperature=1.0), two_class.p, resamples=20)
    assert "There is only one decoder, " in sentences.slices(one, "decoder")


def test_the_context_sentence_names_the_cost():
    known = {"auc_macro": 0.6, "intervals": {}}
    text = sentences.context(known, {"auc_macro": 0.75, "intervals": {}})
    assert "+0.150" in text and "hindsight" in text


def test_a_paired_gain_decides_where_intervals_overlap():
    close = {"BERT": result(0.81, 0.78, 0.84), "TF-IDF": result(0.8, 0.78, 0.82)}
    assert sentences.best_baseline(close, "auc") == "TF-IDF"

    def told(low, high):
        gain = {"gain": (low + high) / 2, "intervals": {"gain": (low, high)}}
        return sentences.against_baselines(close, "auc", gain=gain)

    assert told(0.002, 0.018).endswith("0.010 [0.002, 0.018], is more than chance.")
    assert "may be chance" in told(-0.01, 0.03)
    assert "prefer the baseline" in told(-0.03, -0.01)


def test_the_encoder_without_its_head_is_no_baseline():
    results = {
        "BERT": {"auc": 0.90, "intervals": {"auc": (0.88, 0.92)}},
        "BERT alone": {"auc": 0.89, "intervals": {"auc": (0.87, 0.91)}},
        "TF-IDF": {"auc": 0.80, "intervals": {"auc": (0.78, 0.82)}},
    }
    assert sentences.best_baseline(results, "auc") == "TF-IDF"
    assert "clearly above TF-IDF, the best baseline" in sentences.against_baselines(results, "auc")


def test_the_head_is_named_with_its_numbers():
    choice = {"used": False, "measure": "AUC", "encoder": 0.99, "with_head": 0.983}
    choice |= {"gain": -0.007, "low": -0.009, "high": -0.005, "replies": 12000, "threads": 900}
    text = sentences.head(choice)
    assert text.startswith("The encoder judges alone") and "difference -0.007" in text
    assert "together" in sentences.head(choice | {"used": True, "gain": 0.01})
    few = {"used": False, "reason": "a head needs 500 replies"}
    assert sentences.head(few) == "The encoder judges alone: a head needs 500 replies."


def test_what_length_gives_away_is_said_from_the_numbers():
    def result(auc, low, high):
        return {"auc": auc, "intervals": {"auc": (low, high)}}

    names = ("length only", "length and characters per word")
    values = (result(0.5, 0.47, 0.53), result(0.61, 0.58, 0.64))
    text = sentences.length(dict(zip(names, values, strict=True)))
    assert "characters 0.500 [0.470, 0.530], which may be chance" in text
    assert "together 0.610 [0.580, 0.640], which is more than chance" in text


def test_shared_people_have_their_denominator():
    said = sentences.shared_people(651, 1302)
    assert said.startswith("651 of the 1,302 people") and "(50%)" in said
    assert "Nobody" in sentences.shared_people(0, 0)
