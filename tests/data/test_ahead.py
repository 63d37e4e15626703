"""Work done ahead: in order, a few at a time, ended early when nobody wants it any more."""

import threading

import pytest

from botlib.data.ahead import in_order


def test_results_come_in_order_and_items_are_taken_a_few_at_a_time():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(lambda number: number * 2, items())
    assert next(results) == 0
    assert len(taken) < 10
    assert list(results) == [number * 2 for number in range(1, 100)]


def test_with_room_no_item_waits_for_a_slow_one_before_it():
    last = threading.Event()

    def work(number):
        if number == 9:
            last.set()
        return number if number else last.wait(60)

    assert list(in_order(work, range(10), room=10)) == [True, *range(1, 10)]


def test_a_failure_is_raised_and_tells_the_others_to_stop():
    stop = threading.Event()

    def work(number):
        if number == 0:
            raise ValueError("broken")
        assert stop.wait(60)

    with pytest.raises(ValueError, match="broken"):
        list(in_order(work, range(2), stop))
