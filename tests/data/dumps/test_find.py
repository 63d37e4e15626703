"""Folders of dumps as people have them: what is taken, what is left alone, what is named."""

import gzip
from pathlib import Path

import pytest
import zstandard

from botlib.data.dumps import extract
from botlib.data.dumps.find import find_files
from botlib.data.sample import world as sample
from botlib.errors import BotlibError


def _row(field: str, subreddit: str = "a") -> bytes:
    return b'{"id":"x","subreddit" : "%s","%s":"x"}\n' % (subreddit.encode(), field.encode())


def _put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_finding_files(tmp_path):
    for name in ("A_comments.zst", "A_submissions.zst", "RC_2019-05.zst", "RS_2019-05.zst"):
        (tmp_path / name).write_bytes(zstandard.compress(b""))
    (tmp_path / "notes.txt").write_text("no dump")
    (tmp_path / "some.ndjson").write_bytes(_row("body"))
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(_row("title")))
    found = {(file.path.name, file.kind, file.month) for file in find_files(tmp_path).files}
    assert found == {
        ("A_comments.zst", "comments", ""),
        ("A_submissions.zst", "submissions", ""),
        ("RC_2019-05.zst", "comments", "2019_05"),
        ("RS_2019-05.zst", "submissions", "2019_05"),
        ("some.ndjson", "comments", ""),
        ("posts.jsonl.gz", "submissions", ""),
    }
    assert len(find_files([tmp_path / "R*.zst"]).files) == 2
    assert len(find_files(str(tmp_path / "A_*")).files) == 2


def test_nothing_to_find_is_one_clear_line(tmp_path):
    with pytest.raises(BotlibError, match="no dump files"):
        find_files(tmp_path)
    (tmp_path / "A_comments.zst").write_bytes(zstandard.compress(_row("body")))
    with pytest.raises(BotlibError, match="no file of submissions"):
        find_files(tmp_path)
    (tmp_path / "other.ndjson").write_bytes(b'{"name":"x"}\n')
    with pytest.raises(BotlibError, match=r"no file of submissions.*other\.ndjson: neither"):
        find_files(tmp_path)


def test_the_fingerprint_follows_the_content_not_the_place(tmp_path):
    one, two = tmp_path / "A_comments.zst", tmp_path / "b" / "A_comments.zst"
    two.parent.mkdir()
    for path in (one, two):
        path.write_bytes(zstandard.compress(_row("body")))
        (path.parent / "A_submissions.zst").write_bytes(zstandard.compress(b""))
    first = find_files(tmp_path).files[0].fingerprint
    assert first == find_files(two.parent).files[0].fingerprint
    two.write_bytes(zstandard.compress(_row("body") + b"{}\n"))
    assert first != find_files(two.parent).files[0].fingerprint


def test_subfolders_odd_names_and_strays_of_a_real_folder(tmp_path):
    comments, posts = zstandard.compress(_row("body")), zstandard.compress(_row("title"))
    _put(tmp_path / "2024" / "A_comments.ZST", comments)
    _put(tmp_path / "deep" / "er" / "r_A_posts.jsonl", _row("title"))
    _put(tmp_path / "r_a_comments.jsonl", _row("body"))
    _put(tmp_path / "RS_2024-01.zst", posts)
    _put(tmp_path / ".covered" / "a.json", b'{"subreddit":"a","title":"x"}')
    _put(tmp_path / "config.json", b'{"title": "settings", "body": 3}')
    _put(tmp_path / "manifest.json", b'{\n "title": "x"\n}')
    _put(tmp_path / "code.tar.gz", gzip.compress(b"no lines"))
    found = find_files(tmp_path, ["a"])
    assert {(file.path.name, file.kind) for file in found.files} == {
        ("A_comments.ZST", "comments"),
        ("r_A_posts.jsonl", "submissions"),
        ("r_a_comments.jsonl", "comments"),
        ("RS_2024-01.zst", "submissions"),
    }
    assert found.unreadable == [] and found.others == []


def test_files_of_other_subreddits_are_never_opened(tmp_path, monkeypatch, workspace):
    sample.write_sample(tmp_path / "dumps", seed=1, threads=60)
    wanted, *_ = sample.SUBREDDITS
    others = {f"other{number}_{kind}.zst" for number in range(8) for kind in sample_kinds()}
    for name in others:
        _put(tmp_path / "dumps" / "torrent" / name, b"never to be read")
    opened, open_ = [], Path.open

    def counting(path, *arguments, **options):
        opened.append(Path(path))
        return open_(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", counting)
    report = extract.extract(
        tmp_path / "dumps", subreddits=[wanted.upper()], out=workspace, progress=False
    )
    dumps = {path.name for path in opened if path.is_relative_to(tmp_path / "dumps")}
    assert dumps == {f"{wanted}_{kind}.zst" for kind in sample_kinds()}
    assert others < set(report.not_opened) and report.errors == []


def sample_kinds():
    return ("comments", "submissions")


def test_a_file_given_by_its_path_is_read_whatever_it_is_called(tmp_path):
    names = [tmp_path / "mine_comments.zst", tmp_path / "mine_submissions.zst"]
    for name in names:
        _put(name, zstandard.compress(b""))
    assert len(find_files(names, ["a"]).files) == 2
    with pytest.raises(BotlibError, match=r"no dump files of r/a at .*mine_comments\.zst, mine_"):
        find_files(tmp_path, ["a"])


def test_a_subreddit_whose_name_begins_like_the_prefix_is_found(tmp_path):
    for name in ("r_a_comments.jsonl", "r_a_posts.jsonl", "r_r_a_posts.jsonl", "b_posts.jsonl"):
        _put(tmp_path / name, _row("title"))
    found = find_files(tmp_path, ["r_a"])
    assert [path.name for path in found.others] == ["b_posts.jsonl"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a_comments.zst", b"", "is empty"),
        ("a_comments.zst", b"<html>busy</html>", "web page"),
        ("a_comments.zst", b"Rar!" + bytes(20), "not what its name says"),
        ("a_comments.jsonl", _row("body"), "1 of 1 lines can't be read"),
        (
            "a_comments.jsonl",
            b'{"id":"x","subreddit":"a","body":"x","parent_id":"t3_x","link_id":"t3_x",'
            b'"created_utc":1700000000000}\n',
            "milliseconds",
        ),
        ("lines.jsonl", b"<html>busy</html>", "web page"),
    ],
)
def test_a_file_that_cannot_be_read_is_blamed_not_the_spelling(
    tmp_path, workspace, name, content, problem
):
    folder = tmp_path / "dumps"
    _put(folder / "a_submissions.jsonl", _row("title"))
    _put(folder / name, content)
    if not name.startswith("a_"):
        _put(folder / "a_comments.zst", zstandard.compress(b""))
    with pytest.raises(BotlibError, match=problem) as caught:
        extract.extract(folder, subreddits=["a"], out=workspace, progress=False)
    assert name in str(caught.value) and "spelling" not in str(caught.value)
    assert "\n" not in str(caught.value)
