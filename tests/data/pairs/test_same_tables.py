"""The tables that 01 writes, byte for byte: whoever runs it again gets the same.

If you change a rule or a table on purpose, print `_hashes` and put the new ones here.
"""

import dataclasses
import hashlib
import random

import orjson
import pandas as pd
import pytest
import zstandard

from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.settings import DataSettings

MARCH = 1551398400
_WORDS = """
the of to and a in is it you that he was for on are with as his they be at have this from or had by
not but what all were when we there can an your which their said if do will each about how up out
them then she many some so these would other into has more her two like him see time could no make
than first been its who now people my made over did down only way find use may water long little
very after words called just where most know thesis river café naïve
"""
WORDS = _WORDS.split()
FRAME = "welcome to our subreddit please read all of the rules before you post or comment here"


def _text(chance: random.Random, texts: list[str]) -> str:
    kind = chance.random()
    if texts and kind < 0.22:
        # A copy with a word changed
        words = chance.choice(texts).split()
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        return " ".join(words)
    if kind < 0.24:
        return chance.choice(["Thanks!", "👍", "https://example.org/x", "[deleted]", "NA", " \r\n"])
    if kind < 0.27:
        return f"{FRAME} {chance.choice(WORDS)} {chance.choice(WORDS)}"
    words = chance.choices(WORDS, k=chance.randint(2, 60))
    if kind < 0.45:
        words.insert(
            len(words) // 2, chance.choice(["\n\n", '"so, they say"', "u/some_body", "&gt;"])
        )
    return " ".join(words)


def _dump(folder) -> None:
    """Writes threads over two months: copies, templates, quotes, closed accounts, deep turns."""
    chance = random.Random(18)
    posts, comments, texts = [], [], []
    for number in range(160):
        created = MARCH + number * 30_000
        name = f"p{number:x}"
        subreddit = ("Scifi", "writing")[number % 2]
        post = {"id": name, "subreddit": subreddit, "title": _text(chance, texts)}
        post |= {"selftext": _text(chance, texts), "author": f"u{number % 31}", "is_self": True}
        post |= {"score": number, "created_utc": created, "retrieved_on": created + 10**6}
        posts.append(post)
        parents = [f"t3_{name}"]
        for at in range(chance.randint(0, 16)):
            identity = f"c{number:x}{'z' * (at % 3)}{at:x}"
            body = _text(chance, texts)
            texts.append(body) if body.strip() else None
            if chance.random() < 0.1 and comments:
                body = f"&gt; {comments[-1]['body']}\n\n{body}"
            comment = {"id": identity, "subreddit": subreddit, "body": body}
            comment |= {"author": chance.choice([*(f"u{n}" for n in range(40)), "[deleted]"])}
            comment |= {"score": chance.randint(-3, 30), "parent_id": chance.choice(parents)}
            comment |= {"link_id": f"t3_{name}", "created_utc": created + at // 2 * 60}
            comments.append(comment | {"retrieved_on": created + chance.choice([10, 10**6])})
            parents.append(f"t1_{identity}")
    folder.mkdir()
    for name, rows in (("submissions", posts), ("comments", comments)):
        lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        (folder / f"{name}.zst").write_bytes(zstandard.compress(lines))


def _hashes(workspace, report) -> dict[str, str]:
    """Returns a hash of each table's bytes, and one of all that the report says."""
    paths = sorted(workspace.root.glob("*.csv"))
    hashes = {path.stem: _hash(path.read_bytes()) for path in paths}
    values = (getattr(report, field.name) for field in dataclasses.fields(report))
    texts = [v.to_csv() if isinstance(v, pd.DataFrame) else str(v) for v in values]
    return hashes | {"report": _hash("\n".join(texts).encode())}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


@pytest.fixture
def made_up(tmp_path, workspace):
    """Returns a function of changed settings to the report of the tables of a made-up dump."""
    _dump(tmp_path / "dump")

    def make(**changes):
        settings = DataSettings(**{"subreddits": "scifi,writing", "depth": 0} | changes)
        extract.extract(
            tmp_path / "dump",
            subreddits=["scifi", "writing"],
            depth=settings.depth,
            out=workspace,
            progress=False,
        )
        return build.write_pairs(workspace, settings)

    return make


EXPECTED = {
    "all": {
        "bert_gan_real": "a84897148680",
        "conversations": "6c12785bf6a1",
        "gpt2_finetune": "83cbbee28385",
        "gpt2_generate": "b7699cc56c63",
        "report": "0b6effa62f2a",
    },
    "quantiles": {
        "bert_gan_real": "cecf8156858e",
        "conversations": "29c89cb0c84d",
        "gpt2_finetune": "e38afc322c53",
        "gpt2_generate": "02c632b5e1e2",
        "report": "5ecfd4ed2341",
    },
    "loose": {
        "bert_gan_real": "20f3ba553d51",
        "conversations": "498fcaa75c02",
        "gpt2_finetune": "0d37c167b49b",
        "gpt2_generate": "e0fedf762ae9",
        "report": "0988b832831b",
    },
    "real": {
        "bert_gan_real": "be0c43a3fdc0",
        "conversations": "5c12446a0f24",
        "gpt2_finetune": "bcd29434cc2b",
        "gpt2_generate": "7401a0886824",
        "report": "3cb70f58963a",
    },
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("all", {}),
        ("quantiles", {"rating_bins": "quantiles", "max_pairs": 150, "depth": 1}),
        ("loose", {"skip_rules": "by_poster,young_score,near_duplicate", "template_limit": 1}),
    ],
)
def test_the_same_dump_gives_the_same_tables(made_up, workspace, name, changes):
    report = made_up(**changes)
    assert report.splits["pairs"].sum() > 50
    assert _hashes(workspace, report) == EXPECTED[name]


def test_tables_are_the_same_however_few_rows_are_in_memory(made_up, workspace, monkeypatch):
    monkeypatch.setattr("botlib.data.pairs.build._ROWS", 7)
    monkeypatch.setattr("botlib.data.pairs.conversations_build._ROWS", 5)
    monkeypatch.setattr("botlib.data.pairs.shingles._TEXTS", 40)
    monkeypatch.setattr("botlib.data.pairs.duplicates._PART", 500)
    monkeypatch.setattr("botlib.data.pairs.duplicates._PAIRS", 3)
    monkeypatch.setattr("botlib.data.raw._STRETCH", 1)
    monkeypatch.setattr("botlib.data.pairs.duplicates._PARTS", 4)
    assert _hashes(workspace, made_up()) == EXPECTED["all"]
    assert not list(workspace.cache.glob(".pairs*"))


def test_real_threads_give_the_same_tables(reddit_college, workspace):
    names = ["CollegeMajors", "Emory"]
    files = [path for name in names for path in reddit_college.glob(f"{name}_*.zst")]
    extract.extract(files, subreddits=names, depth=0, out=workspace, progress=False)
    settings = DataSettings(subreddits=",".join(names), depth=0)
    assert _hashes(workspace, build.write_pairs(workspace, settings)) == EXPECTED["real"]
