"""`_flight`: a token request under way, and those who wait for it."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest

from oauth_cc_auth._flight import GONE, Caller, Flight, leading

LOOP = object()


def a_flight(leader: Caller | None = None) -> Flight:
    return Flight(leader or Caller(1, loop=None), limit=10.0)


def test_a_new_flight() -> None:
    """It is under way and replaces nothing."""
    flight = a_flight()
    assert (flight.limit, flight.outcome, flight.replaces, flight.epoch) == (10.0, None, None, 0)


@pytest.mark.parametrize("blocking", [True, False])
def test_the_current_caller(blocking: bool) -> None:
    """The same thread is the same caller; another thread is another, whatever number the system gives it."""
    here = Caller.current(blocking=blocking)
    elsewhere: list[Caller] = []
    thread = threading.Thread(target=lambda: elsewhere.append(Caller.current(blocking=blocking)))
    thread.start()
    thread.join()
    assert here.loop is None  # none is running
    assert Caller.current(blocking=blocking).thread is here.thread
    assert elsewhere[0].thread is not here.thread


class TestWaitingForItself:
    @pytest.mark.parametrize(
        ("leader", "caller", "expected"),
        [
            (Caller(1, None), Caller(1, None), True),
            (Caller(1, LOOP), Caller(1, None), True),  # a blocking call in the thread of the loop that leads
            (Caller(1, None), Caller(1, LOOP), True),
            (Caller(1, LOOP), Caller(1, LOOP), False),  # two tasks of one loop
            (Caller(1, None), Caller(2, None), False),
            (Caller(1, LOOP), Caller(2, None), False),
            (Caller(1, None), Caller(2, LOOP), False),
        ],
    )
    def test_by_thread(self, leader: Caller, caller: Caller, expected: bool) -> None:
        """Where one of the two blocks the thread that the other needs."""
        assert a_flight(leader).would_wait_for_itself(caller) is expected

    def test_by_context(self) -> None:
        """What a leader starts, in whichever thread, would wait for its leader."""
        flight, other = a_flight(), a_flight()
        context = copy_context()
        context.run(leading.set, (other, flight))
        assert context.run(flight.would_wait_for_itself, Caller(2, None)) is True
        context.run(leading.set, (other,))
        assert context.run(flight.would_wait_for_itself, Caller(2, None)) is False


class TestWaking:
    def test_everybody_once(self) -> None:
        """Who has subscribed is told when it is settled, and not told again."""
        flight, woken = a_flight(), list[str]()
        flight.subscribe(lambda: woken.append("a"))
        flight.subscribe(lambda: woken.append("b"))
        flight.outcome = GONE
        assert woken == []
        flight.wake_all()
        assert sorted(woken) == ["a", "b"]
        flight.wake_all()
        assert len(woken) == 2

    def test_a_settled_flight_wakes_at_once(self) -> None:
        """A follower that comes too late does not wait."""
        flight, woken = a_flight(), list[str]()
        flight.outcome = GONE
        flight.subscribe(lambda: woken.append("a"))
        assert woken == ["a"]

    def test_who_has_gone_is_not_woken(self) -> None:
        """A caller that gave up is forgotten."""
        flight, woken = a_flight(), list[str]()

        def wake() -> None:
            woken.append("a")

        flight.subscribe(wake)
        flight.unsubscribe(wake)
        flight.wake_all()
        assert woken == []

    def test_going_twice(self) -> None:
        """It does no harm, nor does going after having been woken."""
        flight = a_flight()
        flight.unsubscribe(print)
        flight.subscribe(list)
        flight.wake_all()
        flight.unsubscribe(list)

    def test_one_whose_loop_has_ended(self) -> None:
        """Its error keeps nobody else from being woken."""
        flight, woken = a_flight(), list[str]()

        def fail() -> None:
            raise RuntimeError("Event loop is closed")

        flight.subscribe(lambda: woken.append("a"))
        flight.subscribe(fail)
        flight.subscribe(lambda: woken.append("b"))
        flight.wake_all()
        assert sorted(woken) == ["a", "b"]
