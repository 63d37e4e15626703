import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.evaluation import leakage

LONG = "you should really talk to your advisor about this before the term ends"


def rows(*texts, start=0):
    return pd.DataFrame(
        {
            "submission_id": [f"t{start + i}" for i in range(len(texts))],
            "comment_id": [f"c{start + i}" for i in range(len(texts))],
            "comment": [f"question number {start + i}" for i in range(len(texts))],
            "reply": texts,
        }
    )


def test_a_clean_split_is_called_clean():
    other = "nobody knows how long the committee takes to read a thesis"
    result = leakage.overlap({"train": rows(LONG), "test": rows(other, "thanks!", start=9)})
    assert result["shared"].sum() == 0
    assert result.loc[("train", "thread"), "of"] == 2
    assert result.loc[("train", "reply text"), "of"] == 1  # "thanks!" proves nothing
    assert "No thread and no comment is in two splits" in leakage.sentence(result)


def test_each_kind_of_leak_is_found():
    train = rows(LONG, "thanks!")
    test = rows(LONG.upper() + "!", LONG + " and the break begins", "thanks!", start=1)
    result = leakage.overlap({"train": train, "validation": rows("no"), "test": test})
    assert result.loc[("train", "thread"), "shared"] == 1
    assert result.loc[("train", "comment"), "shared"] == 1
    assert result.loc[("train", "reply text"), "shared"] == 1
    assert result.loc[("train", "near-duplicate reply"), ["shared", "of"]].tolist() == [2, 2]
    assert result.loc[("validation", "near-duplicate reply"), "shared"] == 0
    assert "1 rows by thread, 1 rows by comment" in leakage.sentence(result)


def test_tables_without_ids_and_without_rows():
    texts = rows(LONG)[["comment", "reply"]]
    result = leakage.overlap({"train": texts, "test": texts})
    assert ("train", "thread") not in result.index
    with pytest.raises(BotlibError, match="'test'"):
        leakage.overlap({"train": texts, "test": texts[:0]})
