"""Which letters a pattern can't match without: looking for them first saves most of the time."""

from re import _parser

LEAST = 3


def needed(pattern: str) -> frozenset[str]:
    """Returns texts, three letters or longer, of which every match holds at least one.

    An empty set says that none are known, so the pattern must be tried on every text.
    """
    return _best(list(_parser.parse(pattern))) or frozenset()


def _best(items: list) -> frozenset[str] | None:
    """The longest texts that a sequence needs."""
    found: list[frozenset[str]] = []
    run = ""
    for kind, value in [*items, (None, None)]:
        if kind is _parser.LITERAL:
            run += chr(value)
            continue
        # Zero-width: the letters before and after stand side by side
        if kind in (_parser.AT, _parser.ASSERT, _parser.ASSERT_NOT):
            continue
        if len(run) >= LEAST:
            found.append(frozenset([run]))
        run = ""
        inner = None
        if kind is _parser.SUBPATTERN:
            inner = _best(list(value[-1]))
        elif kind in (_parser.MAX_REPEAT, _parser.MIN_REPEAT) and value[0]:
            inner = _best(list(value[2]))
        elif kind is _parser.BRANCH:
            branches = [_best(list(branch)) for branch in value[1]]
            inner = frozenset().union(*branches) if all(branches) else None
        if inner:
            found.append(inner)
    return max(found, key=lambda texts: (min(4, *map(len, texts), 4), -len(texts)), default=None)
