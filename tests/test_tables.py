"""Tables come back as they were written, and a wrong one is refused by name."""

import pandas as pd
import pytest

from botlib.commands.score import PAIRS
from botlib.errors import BotlibError
from botlib.tables import BERT_GAN_FAKE, GPT2_FINETUNE, GPT2_GENERATE, read_table, write_table


def frame(**columns):
    rows = {"comment_id": ["c1"], "subreddit": ["scifi"], "comment": ["hi"], "split": ["test"]}
    return pd.DataFrame(rows | columns)


@pytest.mark.parametrize(
    "text", ["NA", "null", "", "nan", "1e5", "007", 'a "quoted", line\nand another', "🙂 שלום"]
)
def test_texts_survive_the_round_trip(tmp_path, text):
    write_table(tmp_path / "t.csv", frame(comment=[text]), GPT2_GENERATE)
    assert read_table(tmp_path / "t.csv", GPT2_GENERATE)["comment"].tolist() == [text]


def test_a_missing_table_names_the_notebook_that_writes_it(tmp_path):
    with pytest.raises(BotlibError, match=r"gpt2_finetune\.csv is missing: run 01_data first"):
        read_table(tmp_path / "gpt2_finetune.csv", GPT2_FINETUNE)


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("comment_id,comment\nc1,hi\n")
    with pytest.raises(BotlibError, match="has no column 'subreddit': run 01_data again"):
        read_table(tmp_path / "t.csv", GPT2_GENERATE)


def test_a_value_of_the_wrong_type_is_refused_when_read_and_when_written(tmp_path):
    row = dict.fromkeys(BERT_GAN_FAKE.columns, "1") | {"real": "maybe"}
    pd.DataFrame([row]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(BotlibError, match=r"of the wrong type .*: run "):
        read_table(tmp_path / "t.csv", BERT_GAN_FAKE)
    with pytest.raises(BotlibError, match="column 'real'"):
        write_table(tmp_path / "u.csv", pd.DataFrame([row]), BERT_GAN_FAKE)
    assert not (tmp_path / "u.csv").exists()


def test_an_empty_file_is_no_table(tmp_path):
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(BotlibError, match="is not a CSV table"):
        read_table(tmp_path / "t.csv", GPT2_FINETUNE)


def test_score_says_which_columns_its_table_needs(tmp_path):
    from botlib.__main__ import main

    path = tmp_path / "pairs.csv"
    arguments = ["score", "--workspace", str(tmp_path), "--model", "bert_rank"]
    arguments += ["--pairs", str(path), "--out", str(tmp_path / "scores.csv")]
    cure = "give --pairs a CSV with the columns comment_id, reply_id, comment, reply"
    for content, wrong in (
        ("", "not a CSV table"),
        ("comment,reply\na,b\n", "no column 'comment_id'"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(BotlibError, match=f"{wrong}.*{cure}"):
            read_table(path, PAIRS)
        assert main(arguments) == 1
    path.unlink()
    with pytest.raises(BotlibError, match=f"is missing: {cure}"):
        read_table(path, PAIRS)
