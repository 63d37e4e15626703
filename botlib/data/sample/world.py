"""A small made-up Reddit, written as dump files, whose scores follow a rule that is known."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from botlib.data.sample import grammar
from botlib.workspace import atomic_file

SUBREDDITS = tuple(grammar.TOPICS)
FIRST_MONTH, LAST_MONTH = "2019_01", "2019_06"

RULE = """\
A reply's score is -3
  + 4 if it is on the topic of the comment it answers (both texts are needed to tell)
  + 2 if it helps (it contains a piece of advice)
  + 1 if its length is middling (12 to 30 words)
  + 1 if the comment asked politely
  + 1 if it came within an hour of the comment
  + 1 if the comment itself scored at least 5
  + noise (normal, standard deviation 1), rounded to a whole number."""

_WEIGHTS = {"on_topic": 4, "helpful": 2, "middling": 1, "polite": 1, "early": 1, "popular": 1}
_START = 1546300800  # 2019-01-01
_SPAN = 175 * 86400  # so that the last thread's replies still fall into June
_MONTH = 30 * 86400
# Chance of each kind of row that cleaning should find
_DIRT = {
    "deleted_author": 0.015,
    "deleted_text": 0.01,
    "removed_text": 0.01,
    "url_only": 0.01,
    "quote_only": 0.01,
    "with_quote": 0.02,
    "foreign": 0.01,
    "template": 0.008,
    "short": 0.015,
    "entities": 0.02,
    "mention": 0.01,
    "email": 0.005,
    "self_reply": 0.015,
    "by_poster": 0.015,
    "no_score": 0.01,
    "young": 0.01,
    "copy": 0.01,
    "long": 0.003,
}


def write_sample(folder: str | Path, *, seed: int, threads: int = 1500) -> list[Path]:
    """Write a comments and a submissions file for each of `SUBREDDITS`, as public dumps have them.

    The files hold what real ones hold too: deleted, quoted, foreign, copied and automatic texts,
    link posts, hidden scores, times as strings, and now and then a broken line.

    Args:
      folder: where to write; made if absent.
      seed: the same seed gives the same bytes.
      threads: number of posts, spread evenly over the subreddits and over six months.

    Returns:
      The paths, NAME_comments.zst and NAME_submissions.zst in turn.
    """
    import zstandard

    posts: dict[str, list[dict]] = {name: [] for name in SUBREDDITS}
    comments: dict[str, list[dict]] = {name: [] for name in SUBREDDITS}
    for number in range(threads):
        rows = thread(number, seed=seed)
        subreddit = rows[0]["subreddit"]
        posts[subreddit].append(rows[0])
        comments[subreddit].extend(rows[1:])
    written = []
    for subreddit in SUBREDDITS:
        for kind, rows in (("comments", comments), ("submissions", posts)):
            path = Path(folder) / f"{subreddit}_{kind}.zst"
            rows[subreddit].sort(key=lambda row: int(row["created_utc"]))
            with atomic_file(path, "wb") as file:
                file.write(zstandard.compress(b"".join(_lines(rows[subreddit], kind)), 10))
            written.append(path)
    return written


def thread(number: int, *, seed: int) -> list[dict]:
    """Returns a post and its comments, as dumps have them; the number decides the subreddit."""
    return _Thread(SUBREDDITS[number % len(SUBREDDITS)], number, seed).rows()


def thread_id(number: int) -> str:
    """Returns the id of the post of thread `number`."""
    return _base36(0x9F0000 + number)


def rule_features(comment: str, reply: str) -> dict[str, bool]:
    """Return what the rule sees in the two texts: on_topic, helpful, middling, polite."""
    topic = _topic(comment)
    return {
        "on_topic": topic is not None and topic == _topic(reply),
        "helpful": any(advice in reply for advice in _ADVICE),
        "middling": 12 <= len(reply.split()) <= 30,
        "polite": any(phrase in comment for phrase in grammar.POLITE),
    }


def rule_score(comment: str, reply: str, *, early: bool = False, popular: bool = False) -> float:
    """Return the score the rule expects, before noise and rounding; `RULE` says it in words."""
    features = rule_features(comment, reply) | {"early": early, "popular": popular}
    return sum(_WEIGHTS[name] for name, holds in features.items() if holds) - 3


_ADVICE = [
    advice
    for topics in grammar.TOPICS.values()
    for topic in topics.values()
    for advice in topic.advice
]
_TOPIC_OF = {
    term: name
    for topics in grammar.TOPICS.values()
    for name, topic in topics.items()
    for term in topic.terms
}
_TERMS = re.compile(r"\b(" + "|".join(sorted(_TOPIC_OF, key=len, reverse=True)) + r")\b", re.I)


def _topic(text: str) -> str | None:
    match = _TERMS.search(text)
    return _TOPIC_OF[match[1].lower()] if match else None


def _lines(rows: list[dict], kind: str) -> Iterator[bytes]:
    # A bot has neither package, and needs none to show made-up threads
    import orjson

    for number, row in enumerate(rows, 1):
        yield orjson.dumps(row) + b"\n"
        if number % 500 == 0:
            yield f'{{"id":"cut{number}","{kind}":"this line was cut sho\n'.encode()


class _Thread:
    """One post with its comments, replies, and replies to replies."""

    def __init__(self, subreddit: str, number: int, seed: int) -> None:
        self.random = random.Random(f"{seed}/{number}")
        self.subreddit = subreddit
        self.number = number
        self.made: list[dict] = []
        self.created = _START + self.random.randrange(_SPAN)
        self.popularity = min(self.random.expovariate(1 / 3), 12)

    def rows(self) -> list[dict]:
        """Return the post, then the comments."""
        chance = self.random
        topic = chance.choice(list(grammar.TOPICS[self.subreddit]))
        post = self._post(topic)
        self._moderator(post)
        for _ in range(chance.choices((1, 2, 3, 4), (1, 3, 4, 2))[0]):
            comment_topic = topic if chance.random() < 0.85 else self._other(topic)
            kind = chance.choice(grammar.COMMENTS)
            body, work = self._comment_text(comment_topic, kind)
            polite = rule_features(body, "")["polite"]
            score = round(1 + self.popularity + 2 * polite + chance.gauss(0, 1))
            comment = self._comment(post, body, score, self._wait(3 * 3600, post), post["author"])
            self._replies(comment, comment_topic, kind.answers, work, post, levels=2)
        return [post, *self.made]

    def _post(self, topic: str) -> dict:
        chance = self.random
        post_id = thread_id(self.number)
        is_self = chance.random() > 0.06
        terms = {"topic": topic, "work": self._work()}
        return {
            "id": post_id,
            "name": f"t3_{post_id}",
            "subreddit": self.subreddit,
            "title": self._fill(chance.choice(grammar.TITLES), **terms),
            "selftext": self._fill(chance.choice(grammar.POSTS), **terms) if is_self else "",
            "author": self._author(),
            "score": round(2 + 6 * self.popularity),
            "over_18": False,
            "created_utc": self.created,
            "retrieved_on": self.created + _MONTH,
            "is_self": is_self,
            "stickied": False,
            "locked": False,
        }

    def _moderator(self, post: dict) -> None:
        if self.random.random() < 0.06:
            parent = self._comment(post, grammar.MODERATOR, 1, self.created + 5, post["author"])
            parent["author"] = "AutoModerator"
            self._comment(parent, "What did I do wrong?", 0, self.created + 900, "AutoModerator")

    def _replies(
        self, parent: dict, topic: str, answers: tuple[str, ...], work: str, post: dict, levels: int
    ) -> None:
        chance = self.random
        many = (0, 1, 2, 3, 4, 5) if levels == 2 else (0, 0, 0, 0, 1, 2)
        for _ in range(chance.choice(many)):
            dirt = chance.choices((*_DIRT, ""), (*_DIRT.values(), 1 - sum(_DIRT.values())))[0]
            reply_topic = topic if chance.random() < 0.65 else self._other(topic)
            named = work if topic == reply_topic and work else self._work()
            body = self._reply_text(reply_topic, answers, named)
            created = self._wait(2 * 3600, parent)
            early = created - int(parent["created_utc"]) < 3600
            popular = (parent["score"] or 0) >= 5
            expected = rule_score(parent["body"], body, early=early, popular=popular)
            score = round(expected + chance.gauss(0, 1))
            reply = self._comment(parent, body, score, created, post["author"])
            self._soil(reply, parent, post, dirt)
            if levels > 1 and not dirt:
                self._replies(reply, reply_topic, grammar.TO_REPLIES, named, post, levels - 1)

    def _comment_text(self, topic: str, kind: grammar.Comment) -> tuple[str, str]:
        chance = self.random
        work = self._work()
        manner = grammar.POLITE if chance.random() < 0.4 else (*grammar.CLOSING, *grammar.IMPOLITE)
        parts = [kind.opening]
        if chance.random() < 0.5:
            parts.append(chance.choice(grammar.TOPICS[self.subreddit][topic].remarks))
        if chance.random() < 0.7:
            parts.append(chance.choice(kind.middles))
        parts.append(chance.choice(manner))
        text = " ".join(self._fill(part, topic=topic, work=work) for part in parts if part)
        return text, work if work.lower() in text.lower() else ""

    def _reply_text(self, topic: str, answers: tuple[str, ...], work: str) -> str:
        chance = self.random
        remarks = grammar.TOPICS[self.subreddit][topic].remarks
        parts = [chance.choice(grammar.ON_TERM)]
        if chance.random() < 0.9:
            parts.insert(0, chance.choice(answers))
        if chance.random() < 0.5:
            parts.append(chance.choice(remarks))
        for patterns in (grammar.ON_WORK, grammar.HELP, grammar.FILLER):
            if chance.random() < 0.4:
                parts.append(chance.choice(patterns))
        return " ".join(self._fill(part, topic=topic, work=work) for part in parts)

    def _comment(self, parent: dict, body: str, score: int, created: int, not_by: str) -> dict:
        chance = self.random
        number = (self.number << 8) + len(self.made)
        row = {
            "id": _base36(0x1F0000000 + number),
            "subreddit": self.subreddit,
            "body": body,
            "author": self._author(parent["author"], not_by),
            "score": score,
            "parent_id": f"{'t3' if 'title' in parent else 't1'}_{parent['id']}",
            "link_id": parent["name"] if "title" in parent else parent["link_id"],
            # Some years' dumps write the time as a string
            "created_utc": str(created) if chance.random() < 0.01 else created,
            "retrieved_on": created + _MONTH,
            "stickied": False,
        }
        self.made.append(row)
        return row

    def _soil(self, reply: dict, parent: dict, post: dict, dirt: str) -> None:
        """Turn a clean reply into one of the kinds that cleaning should find."""
        body = reply["body"]
        other = self.made[self.random.randrange(len(self.made))]
        changes = {
            "deleted_author": {"author": "[deleted]"},
            "deleted_text": {"author": "[deleted]", "body": "[deleted]"},
            "removed_text": {"body": "[removed]"},
            "url_only": {"body": f"https://example.org/{reply['id']}"},
            "quote_only": {"body": f"&gt; {parent['body']}"},
            "with_quote": {"body": f"&gt; {parent['body']}\n\n{body}"},
            "foreign": {"body": self.random.choice(grammar.FOREIGN) + f" {self.number}"},
            "template": {"body": self._fill(grammar.TEMPLATE)},
            "short": {"body": self.random.choice(grammar.SHORT)},
            "entities": {"body": body + " Cats &amp; dogs &lt;3"},
            "mention": {"body": body + f" Ask u/{self._author()}."},
            "email": {"body": body + f" Write to {self._author()}@example.org."},
            "self_reply": {"author": parent["author"]},
            "by_poster": {"author": post["author"]},
            "no_score": {"score": None},
            "young": {"retrieved_on": int(reply["created_utc"]) + 1800},
            "copy": {"body": other["body"]},
            "long": {"body": f"{body} " * 40},
        }
        reply.update(changes.get(dirt, {}))

    def _wait(self, mean: int, after: dict) -> int:
        return int(after["created_utc"]) + 30 + int(self.random.expovariate(1 / mean))

    def _other(self, topic: str) -> str:
        return self.random.choice(
            [name for name in grammar.TOPICS[self.subreddit] if name != topic]
        )

    def _author(self, *not_these: str) -> str:
        while True:
            first, second = map(self.random.choice, (grammar.NAMES_FIRST, grammar.NAMES_SECOND))
            name = f"{first}_{second}_{self.random.randrange(1, 10)}"
            if name not in not_these:
                return name

    def _work(self) -> str:
        first, second = map(self.random.choice, (grammar.WORK_FIRST, grammar.WORK_SECOND))
        return f"the {first} {second}"

    def _fill(self, pattern: str, topic: str = "", work: str = "") -> str:
        about = grammar.TOPICS[self.subreddit].get(topic)
        term = self.random.choice(about.terms) if about else ""
        advice = self.random.choice(about.advice) if about else ""
        who = self.random.choice(grammar.WHO)
        return pattern.format(
            term=term,
            Term=term[:1].upper() + term[1:],
            work=work,
            Work=work[:1].upper() + work[1:],
            advice=advice,
            who=who,
            Who=who[:1].upper() + who[1:],
            n=self.random.randrange(2, 100),
        )


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
