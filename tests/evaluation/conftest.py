"""Made-up predictions whose figures are known."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")


@pytest.fixture
def two_class() -> pd.DataFrame:
    """600 rows in 120 threads; p tells the classes apart, not perfectly."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 600)
    p = 1 / (1 + np.exp(-(2 * (y - 0.5) * 1.5 + rng.normal(size=600))))
    return pd.DataFrame(
        {
            "real": y,
            "p": p,
            "submission_id": np.repeat([f"t{i}" for i in range(120)], 5),
            "comment_id": np.repeat([f"c{i}" for i in range(300)], 2),
            "reply": ["word " * int(n) for n in rng.integers(1, 200, 600)],
            "temperature": rng.choice([0.7, 1.0], 600),
            "top_k": 40,
            "top_p": 1.0,
        }
    )


@pytest.fixture
def four_class() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels 0–3, probabilities (400, 4), threads."""
    rng = np.random.default_rng(8)
    y = rng.integers(0, 4, 400)
    logits = rng.normal(size=(400, 4)) + 1.2 * np.eye(4)[y]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return y, p, np.repeat(np.arange(80), 5)


@pytest.fixture
def siblings() -> pd.DataFrame:
    """60 comments with four replies each; the longer reply scores higher, with noise."""
    rng = np.random.default_rng(9)
    words = rng.integers(1, 60, 240)
    return pd.DataFrame(
        {
            "submission_id": np.repeat([f"t{i}" for i in range(30)], 8),
            "subreddit": np.repeat(["GradSchool", "College"], 120),
            "comment_id": np.repeat([f"c{i}" for i in range(60)], 4),
            "reply_id": [f"r{i}" for i in range(240)],
            "comment": "what should I do?",
            "reply": ["word " * int(n) for n in words],
            "reply_score": np.round(words / 2 + rng.normal(scale=6, size=240)).astype(int),
            "reply_created_utc": 1_500_000_000 + np.tile([0, 600, 1800, 9000], 60),
            "reply_retrieved_utc": 1_600_000_000,
        }
    )
