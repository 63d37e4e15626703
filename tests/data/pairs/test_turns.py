"""The turns above answered comments are found by climbing from all of them at once."""

import types

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from botlib.data.pairs.conversations_build import _Links, _Turns
from botlib.data.pairs.measures import keys_of


def _one_by_one(parents: dict[str, str], answered: list[str]) -> list[tuple[str, str]]:
    """Each turn and the answered comment below it, climbing from one after the other."""
    root_of: dict[str, str] = {}
    for root in sorted(answered):
        name = parents.get(root)
        while name is not None and name not in root_of and name not in answered:
            root_of[name] = root
            name = parents.get(name)
    return list(root_of.items())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_same_turns_in_the_same_order_as_climbing_one_by_one(data):
    size = data.draw(st.integers(2, 25))
    names = data.draw(st.permutations([f"c{number}" for number in range(size)]))
    # Each comment answers an earlier one, or one that no table has
    above = [data.draw(st.integers(-1, at - 1)) for at in range(1, size)]
    parents = {names[at]: names[to] if to >= 0 else "x" for at, to in enumerate(above, 1)}
    answered = [name for name in names if data.draw(st.booleans())] or names[:1]
    links = sorted(parents.items(), key=lambda link: keys_of([link[0]])[0])
    keys = keys_of([name for name, _ in links])
    links = _Links(
        [],
        keys,
        np.arange(len(links)),
        keys_of([parent for _, parent in links]),
        pa.array([parent for _, parent in links]),
    )
    kept = types.SimpleNamespace(
        pairs=types.SimpleNamespace(texts=lambda *_: pa.chunked_array([answered])),
        rows=np.ones(len(answered), dtype=bool),
        first=np.ones(len(answered), dtype=bool),
        keys=lambda _: keys_of(answered),
    )
    turns = _Turns.of(links, kept)
    ids = dict(zip(keys_of([*names, "x"]).tolist(), [*names, "x"], strict=True))
    by_place = np.argsort(turns.order)
    found = [(ids[int(turns.keys[at])], answered[turns.roots[at]]) for at in by_place]
    assert found == _one_by_one(parents, answered)
