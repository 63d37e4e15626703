"""Which letters a pattern can't match without: looking for them first saves most of the time."""

from re import _parser

LEAST = 3
# Spellings of one place in a pattern; more cost more than they save
MOST = 24


def needed(pattern: str) -> frozenset[str]:
    """Returns texts, three letters or longer, of which every match holds at least one.

    An empty set says that none are known, so the pattern must be tried on every text.
    """
    return _best(list(_parser.parse(pattern))) or frozenset()


def _best(items: list) -> frozenset[str] | None:
    """The longest texts that a sequence needs."""
    found: list[frozenset[str]] = []
    run = {""}
    for item in [*items, (None, None)]:
        kind, value = item
        # Zero-width: the letters before and after stand side by side
        if kind in (_parser.AT, _parser.ASSERT, _parser.ASSERT_NOT):
            continue
        spellings = _spellings(item)
        if spellings and len(run) * len(spellings) <= MOST:
            run = {start + end for start in run for end in spellings}
            continue
        if min(map(len, run)) >= LEAST:
            found.append(frozenset(run))
        run = spellings or {""}
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


def _spellings(item: tuple) -> set[str] | None:
    """All texts that a part of a pattern matches, if they are few; else None."""
    kind, value = item
    if kind is _parser.LITERAL:
        return {chr(value)}
    if kind is _parser.IN:
        if len(value) <= 6 and all(part[0] is _parser.LITERAL for part in value):
            return {chr(part[1]) for part in value}
    elif kind is _parser.SUBPATTERN:
        return _product(value[-1])
    elif kind is _parser.BRANCH:
        branches = [_product(branch) for branch in value[1]]
        if all(branches) and sum(map(len, branches)) <= MOST:
            return set().union(*branches)
    elif kind is _parser.MAX_REPEAT and value[1] == 1:
        inner = _product(value[2])
        return inner and (inner | {""} if value[0] == 0 else inner)
    return None


def _product(items: list) -> set[str] | None:
    texts = {""}
    for item in items:
        if item[0] in (_parser.AT, _parser.ASSERT, _parser.ASSERT_NOT):
            continue
        spellings = _spellings(item)
        if not spellings or len(texts) * len(spellings) > MOST:
            return None
        texts = {start + end for start in texts for end in spellings}
    return texts
