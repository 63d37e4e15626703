"""GPT-2's figures draw the numbers they are given, and have a table of them."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from botlib.evaluation.figures import gpt2

mpl.use("Agg")


@pytest.fixture
def losses() -> pd.DataFrame:
    frame = pd.DataFrame({"step": range(1, 41), "seconds": [s / 2 for s in range(40)]})
    frame["loss"] = 4 - frame["step"] / 20
    frame["avg"] = frame["loss"]
    frame["tokens_per_s"] = 1000.0
    rounds = frame["step"] % 10 == 0
    frame["validation_loss"] = (frame["loss"] + 0.5).where(rounds)
    frame["perplexity"] = 20.0
    return frame


def test_the_curve_has_training_solid_and_validation_dashed(losses: pd.DataFrame) -> None:
    ax = gpt2.loss_curve(losses)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines["validation (held-out replies)"].get_linestyle() == "--"
    assert lines["training (comment and reply)"].get_linestyle() == "-"
    assert list(lines["validation (held-out replies)"].get_xdata()) == [10, 20, 30, 40]
    table = gpt2.loss_table(losses)
    assert list(table["step"]) == [10, 20, 30, 40]
    assert table["training loss"].iloc[0] == pytest.approx(losses["loss"].iloc[:10].mean())


def test_a_run_without_validation_has_a_curve_too(losses: pd.DataFrame) -> None:
    losses["validation_loss"] = float("nan")
    assert gpt2.loss_curve(losses).get_legend() is not None
    assert len(gpt2.loss_table(losses)) == 1


def test_the_live_curve_is_one_figure_updated(
    losses: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    class Handle:
        def update(self, figure: object) -> None:
            shown.append("update")

    monkeypatch.setattr(
        "IPython.display.display", lambda *_, **__: shown.append("display") or Handle()
    )
    show = gpt2.live_curve()
    for _ in range(3):
        show(losses, pd.DataFrame())
    assert shown == ["display", "update", "update"]


def test_a_batch_run_has_the_curve_once(
    losses: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTLIB_BATCH", "1")
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: pytest.fail("shown twice"))
    gpt2.live_curve()(losses, pd.DataFrame())


def test_the_training_curve_does_not_lag_behind_validation() -> None:
    # A loss that falls steeply: a mean drawn at the end of its steps would lie far above
    step = np.arange(1, 401)
    loss = 2 + 5 * np.exp(-step / 40)
    frame = pd.DataFrame({"step": step, "loss": loss, "seconds": step, "tokens_per_s": 1.0})
    frame["validation_loss"] = np.where(step % 40 == 0, loss, np.nan)
    lines = {line.get_label(): line for line in gpt2.loss_curve(frame).get_lines()}
    x, y = lines["training (comment and reply)"].get_data()
    assert np.abs(y - np.interp(x, step, loss)).max() < 0.2
