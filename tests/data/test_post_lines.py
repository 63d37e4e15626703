"""Posts' lines on disk: each comes back whole, whatever its text and however the rows came."""

import numpy as np
import pyarrow as pa
import pytest

from botlib.data.post_lines import PostLines


def batches(texts: dict[int, str], size: int) -> list[pa.RecordBatch]:
    whole = pa.record_batch(
        {
            "post": pa.array(list(texts), pa.uint64()),
            "line": pa.array(list(texts.values()), pa.string()),
        }
    )
    return [whole[at : at + size] for at in range(0, len(texts), size)]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_each_post_comes_back_whole(tmp_path, size):
    texts = {2**64 - 1 - 7 * n: f"{n} naïve 😀\n" * (n % 4) for n in range(50)}
    posts = PostLines(batches(texts, size), tmp_path)
    keys = np.array(list(texts)[::-3] * 2, np.uint64)
    lines, places = posts.find(keys)
    assert len(lines) == len(set(keys.tolist()))
    assert lines.take(places).to_pylist() == [texts[int(key)] for key in keys]
    posts.close()
    assert not list(tmp_path.iterdir())


def test_there_may_be_no_posts_at_all(tmp_path):
    lines, places = PostLines([], tmp_path).find(np.empty(0, np.uint64))
    assert (len(lines), len(places)) == (0, 0)
