"""A person judges in a terminal, one reply after the other, and may think again."""

from botlib.__main__ import main
from botlib.live import review
from botlib.live.outbox import candidates
from botlib.live.outbox.queue import Outbox
from botlib.live.policy import DISCLOSURE


class Person:
    """Types prepared answers, and remembers what was shown."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.shown: list[str] = []

    def ask(self, question: str) -> str:
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


def judge(outbox, client, *answers: str) -> tuple[dict[str, int], str]:
    person = Person(*answers)
    done = review.review_in_terminal(
        outbox, "sandbox", reddit=client, by="ann", ask=person.ask, show=person.shown.append
    )
    return done, "\n".join(person.shown)


def test_approve_edit_reject_and_read_the_thread(outbox, client, waiting, states):
    done, shown = judge(outbox, client, "t", "what", "a", "e", "", "e", r"New\ntext", "r", "no")
    assert done == {"approved": 1, "edited": 1, "rejected": 1, "left": 0}
    assert "Rivers?" in shown  # the post, from the thread
    assert DISCLOSURE in shown
    assert sorted(states().values()) == ["approved", "edited", "rejected"]
    edited = outbox.replies(states=["edited"])[0]
    assert edited.reply == "New\ntext"
    assert edited.approved_by == "ann"
    assert outbox.replies(states=["rejected"])[0].reason == "no"


def test_what_is_skipped_or_cut_short_is_left(outbox, client, waiting, states):
    assert judge(outbox, client, "s", "q")[0]["left"] == 3
    assert judge(outbox, client)[0]["left"] == 3
    assert set(states().values()) == {"proposed"}


def test_the_last_decisions_are_undone_one_by_one(outbox, client, waiting, states):
    done, _ = judge(outbox, client, "a", "r", "", "u", "u", "r", "bad", "a", "a")
    assert done == {"approved": 2, "edited": 0, "rejected": 1, "left": 0}
    assert sorted(states().values()) == ["approved", "approved", "rejected"]
    (rejected,) = outbox.replies(states=["rejected"])
    assert rejected.score == max(reply.score for reply in waiting)  # the first shown


def test_undo_after_an_edit_shows_the_models_text_again(outbox, client, waiting):
    best = max(waiting, key=lambda reply: reply.score)
    judge(outbox, client, "e", "Mine.", "u", "a")
    assert (outbox.get(best.id).state, outbox.get(best.id).reply) == ("approved", best.reply)


def test_the_decision_of_an_earlier_session_is_undone_too(outbox, client, waiting, states):
    judge(outbox, client, "a", "q")
    done, shown = judge(outbox, client, "u", "r", "", "q")
    assert "was approved; it waits again" in shown
    assert done == {"approved": 0, "edited": 0, "rejected": 1, "left": 2}
    assert sorted(states().values()) == ["proposed", "proposed", "rejected"]


def test_nothing_to_undo_is_said(outbox, client, waiting):
    done, shown = judge(outbox, client, "u", "q")
    assert "nothing to undo" in shown
    assert done["left"] == 3


def test_what_was_posted_meanwhile_is_not_undone(outbox, client, waiting):
    class Poster(Person):
        def ask(self, question):
            if self.answers[0] == "u":
                for reply in outbox.replies(states=["approved"]):
                    outbox.mark_posted(reply.id, "r1")
            return super().ask(question)

    person = Poster("a", "u", "q")
    review.review_in_terminal(outbox, "sandbox", by="ann", ask=person.ask, show=person.shown.append)
    assert any("is posted" in shown for shown in person.shown)
    assert len(outbox.replies(states=["posted"])) == 1


def test_a_reply_that_failed_is_shown_with_the_reason_and_approved_again(
    outbox, client, waiting, states
):
    for reply in waiting:
        outbox.approve(reply.id, "ann")
    outbox.mark_sending(1)
    outbox.mark_failed(1, "5 tries; the last: HTTP 503")
    done, shown = judge(outbox, client, "a")
    assert "could not be posted: 5 tries; the last: HTTP 503" in shown
    assert done["approved"] == 1
    assert states()[1] == "approved"


def test_why_an_approval_was_taken_back_is_shown_with_the_new_words(outbox, client, waiting):
    outbox.approve(1, "ann")
    outbox.take_back(1, "the comment was edited after you saw it", comment="Brand new words")
    _, shown = judge(outbox, client, "s", "s", "s")
    assert "note: the comment was edited after you saw it" in shown
    assert "Brand new words" in shown


def test_nobody_approves_words_that_changed_while_they_were_shown(outbox, client, waiting, states):
    class Slow(Person):
        def ask(self, question):
            outbox.execute("UPDATE replies SET comment = 'no bots please'")
            return super().ask(question)

    person = Slow("a", "q")
    review.review_in_terminal(outbox, "sandbox", by="ann", ask=person.ask, show=person.shown.append)
    assert any("changed since you saw it" in shown for shown in person.shown)
    assert set(states().values()) == {"proposed"}


def test_no_escape_sequence_of_reddits_reaches_the_terminal(outbox, client, hostile, sandbox):
    for reply in hostile:
        sandbox.state.change(f"t3_{reply.post_id}", title="\x1b[2Jgone", selftext="\u202eevil")
    _, shown = judge(outbox, client, "t", "q")
    assert not set(shown) & set("\x1b\x07\x9b\r\x00\u202e\u202c\u2066")
    assert "5 > 3 & [31mred[0m\n    next" in shown
    # A title can't look like the next question
    assert "]0;ownedA title2J [1 of 9]" in shown


def test_the_command_undoes_by_number(workspace, outbox, waiting, states, capsys):
    outbox.approve(1, "ann")
    where = ["review", "--workspace", str(workspace.root)]
    assert main([*where, "--undo", "1", "--live"]) != 0
    assert "leave out --live" in capsys.readouterr().err
    assert main([*where, "--undo", "1"]) == 0
    assert "waits for you again" in capsys.readouterr().out
    assert states()[1] == "proposed"
    assert main([*where, "--undo", "1"]) != 0
    assert "is proposed" in capsys.readouterr().err
    assert main([*where, "--undo", "77"]) != 0


def test_the_commands_list_is_harmless(workspace, outbox, hostile, capsys):
    with Outbox(workspace.outbox) as other:
        other.execute("UPDATE replies SET reply = 'a \x1b[2J'")
    assert main(["review", "--workspace", str(workspace.root), "--list"]) == 0
    assert not set(capsys.readouterr().out) & set("\x1b\x07\x9b\r\x00\u202e")


def test_the_second_of_two_people_is_told_that_the_first_decided(outbox, client, waiting, states):
    """Two browsers, or a page and a terminal: neither overwrites the other's decision."""
    best = max(waiting, key=lambda reply: reply.score)

    class Slow(Person):
        def ask(self, question):
            if outbox.get(best.id).state == "proposed":
                outbox.edit(best.id, "Ann's own text.", "ann", saw=best)
            return super().ask(question)

    for answers in (("a", "q"), ("e", "Mine.", "q"), ("r", "", "q")):
        person = Slow(*answers)
        done = review.review_in_terminal(
            outbox, "sandbox", by="bob", ask=person.ask, show=person.shown.append
        )
        assert not any((done["approved"], done["edited"], done["rejected"]))
        assert any("edited by now (edited by ann)" in shown for shown in person.shown)
        assert outbox.get(best.id).reply == "Ann's own text."
        outbox.undo(best.id, "ann")


def test_the_other_candidates_of_a_reply_are_kept_and_a_forgotten_persons_go(outbox, waiting):
    best = waiting[0]
    others = candidates.for_reply(outbox, best.id)
    assert [other.decision for other in others].count("reply") == 0
    assert len(others) == 2
    assert {other.text for other in others}.isdisjoint({best.reply})
    outbox.forget([best.author.lower()], [])
    assert candidates.for_reply(outbox, best.id) == []
    assert candidates.for_reply(outbox, waiting[1].id)
