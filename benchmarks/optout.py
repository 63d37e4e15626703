"""How many requests to stop or to delete are heard, by place, and how much talk is taken for one.

The wordings stand in tests/live/optout/wordings/fresh; each set was measured once before the code
was improved with it. Real comments come from dumps, by a seed that nothing was tuned on.
"""

import argparse
from pathlib import Path

from benchmarks.report import row, write
from benchmarks.safety import comments, wilson
from botlib.live.optout import asked_for

FOLDER = Path(__file__).parents[1] / "tests" / "live" / "optout" / "wordings" / "fresh"
SETS = ("first", "second", "third", "fourth", "fifth")
PLACES = {"message": {"private": True}, "below the bot": {"to_bot": True}, "elsewhere": {}}
COMMENTS = 10_000
# What was heard when each set was first met
FIRST = {
    "first": {"message": 294, "below the bot": 291, "elsewhere": 84},
    "second": {"message": 221, "below the bot": 221, "elsewhere": 86},
    "third": {"message": 126, "below the bot": 126, "elsewhere": 43},
    "fourth": {"message": 236, "below the bot": 234, "elsewhere": 124},
    "fifth": {"message": 195, "below the bot": 195, "elsewhere": 117},
}
TALK_FIRST = {
    "first": {"message": 23, "below the bot": 21, "elsewhere": 15},
    "second": {"message": 11, "below the bot": 9, "elsewhere": 6},
    "third": {"message": 5, "below the bot": 5, "elsewhere": 1},
    "fourth": {"message": 5, "below the bot": 5, "elsewhere": 5},
    "fifth": {"message": 1, "below the bot": 1, "elsewhere": 2},
}
# Of the same comments, before the first set was written
REAL_BEFORE = {"message": 21, "below the bot": 18, "elsewhere": 11}


def fresh(name: str, place: str) -> list[tuple[set[str], str]]:
    """Returns (what is asked, text) of a set, those that are clear in a place.

    Args:
      name: of SETS.
      place: of PLACES; elsewhere a text must make clear that a bot is meant.
    """
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    texts = []
    for line in lines:
        if line and not line.startswith("# "):
            where, kind, text = line.split("|", 2)
            if where == "anywhere" or place != "elsewhere":
                asked = {"stop", "delete"} if kind == "both" else {kind}
                texts.append((asked, text.replace("\\n", "\n")))
    return texts


def talk(name: str) -> list[str]:
    """Returns a set's near misses: what has the words of a request, and asks nothing."""
    return (FOLDER / f"{name}_talk.txt").read_text(encoding="utf-8").splitlines()


def unheard(texts: list[tuple[set[str], str]], place: str) -> list[str]:
    """Returns the texts of which something that is asked goes unheard."""
    return [text for asked, text in texts if not asked <= asked_for(text, **PLACES[place])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=Path, default=Path("../shared/data/reddit_college"))
    parser.add_argument("--seed", type=int, default=1789, help="of the draw of comments")
    parser.add_argument("--show", action="store_true", help="prints what was misheard")
    arguments = parser.parse_args()
    rows = []

    def add(label: str, count: int, of: int, first: int, *, heard: bool) -> None:
        line = row(label, 1, 1, "", unit=f"of {of}", target=None, runs=1)
        # A count of 0 has no ratio
        line |= {"ours": count, "peer": first, "ratio": (count + 1) / (first + 1)}
        line |= {"peer_name": "at first sight" if heard else "before"}
        if not heard:
            line["ratio"] = 1 / line["ratio"]
        both = {"interval": wilson(count, of), "interval before": wilson(first, of)}
        rows.append(line | both)

    real = comments(arguments.dumps, COMMENTS, arguments.seed)
    for place, where in PLACES.items():
        for name in SETS:
            texts = fresh(name, place)
            missed = unheard(texts, place)
            first = FIRST[name][place]
            add(
                f"{place}, {name} set: heard",
                len(texts) - len(missed),
                len(texts),
                first,
                heard=True,
            )
            wrong = [text for text in talk(name) if asked_for(text, **where)]
            label = f"{place}, {name} set: near misses heard"
            add(label, len(wrong), len(talk(name)), TALK_FIRST[name][place], heard=False)
            if arguments.show:
                print(place, name, missed, wrong, sep="\n  ")
        alarms = [text for text in real if asked_for(text, **where)]
        label = f"{place}: real comments heard"
        add(label, len(alarms), len(real), REAL_BEFORE[place], heard=False)
        if arguments.show:
            print(place, *(" ".join(text.split())[:150] for text in alarms), sep="\n  ")
    write("optout", rows)


if __name__ == "__main__":
    main()
