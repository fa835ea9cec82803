"""`_core.flight`: a token request under way, and those who wait for it."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextvars import copy_context

import pytest
import trio

from oauth_cc_auth import Token
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.flight import GONE, GRACE, Flight, leading
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules

LOOP = object()


def a_flight(leader: Caller | None = None) -> Flight:
    return Flight(leader or Caller(1, loop=None), limit=10.0)


def test_a_new_flight() -> None:
    """It is under way and replaces nothing."""
    flight = a_flight()
    assert (flight.limit, flight.outcome, flight.replaces, flight.newest, flight.epoch) == (10.0, None, None, None, 0)
    assert (flight.is_optional, flight.is_superseded, flight.deferred_events) == (False, False, ())


def test_a_flight_that_renews() -> None:
    """It knows the token that it replaces, how often the cache was invalidated before, and whether it can wait."""
    lease = Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
    newest = Lease(Token("def"), "Bearer def", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
    flight = Flight(Caller(1, loop=None), limit=10.0, replaces=lease, newest=newest, epoch=3, is_optional=True)
    assert (flight.replaces, flight.newest, flight.epoch, flight.is_optional) == (lease, newest, 3, True)


def test_a_leader_has_some_time_more_than_its_next_step_takes() -> None:
    """Its thread may not run at once when the step has ended."""
    flight = a_flight()
    flight.extend(until=30.0)
    assert flight.limit == 30.0 + GRACE


@pytest.mark.parametrize("blocking", [True, False])
def test_the_current_caller(blocking: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread is one caller; another thread is another, no matter what number the system gives it."""
    monkeypatch.setattr("oauth_cc_auth._core.caller._of_threads", [])  # as in a process in which no one has asked yet
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
            (Caller(1, LOOP), Caller(1, None), False),  # it blocks the loop that leads, but fetches for itself
            (Caller(1, None), Caller(1, LOOP), True),
            (Caller(1, LOOP), Caller(1, LOOP), False),  # two tasks of one loop
            (Caller(1, None), Caller(2, None), False),
            (Caller(1, LOOP), Caller(2, None), False),
            (Caller(1, None), Caller(2, LOOP), False),
        ],
    )
    def test_by_thread(self, leader: Caller, caller: Caller, expected: bool) -> None:
        """It would if the leader blocks the thread until the caller returns."""
        assert a_flight(leader).would_wait_for_itself(caller) is expected

    @pytest.mark.parametrize(
        ("leader", "caller", "expected"),
        [
            (Caller(1, LOOP), Caller(1, None), True),
            (Caller(1, LOOP), Caller(1, LOOP), False),
            (Caller(1, LOOP), Caller(2, None), False),
            (Caller(1, None), Caller(1, None), False),
        ],
    )
    def test_who_blocks_the_loop_of_the_leader(self, leader: Caller, caller: Caller, expected: bool) -> None:
        """A sync call in the thread of that loop."""
        assert a_flight(leader).is_blocked_by(caller) is expected

    def test_by_context(self) -> None:
        """What a leader starts, in any thread, would wait for its leader."""
        flight, other = a_flight(), a_flight()
        context = copy_context()
        context.run(leading.set, (other, flight))
        assert context.run(flight.would_wait_for_itself, Caller(2, None)) is True
        context.run(leading.set, (other,))
        assert context.run(flight.would_wait_for_itself, Caller(2, None)) is False


class TestStranded:
    def test_its_loop_runs(self) -> None:
        """The leader goes on, whether a task of the same loop asks or a blocking call in it."""

        async def main() -> None:
            here = Caller.current(blocking=False)
            assert here.loop is asyncio.get_running_loop()
            assert not a_flight(here).is_stranded(here)
            blocking = Caller.current(blocking=True)
            assert blocking.loop is None  # waiting would still block the thread
            assert not a_flight(here).is_stranded(blocking)

        asyncio.run(main())

    def test_its_loop_has_stopped(self) -> None:
        """No one will go on with it: neither without a loop nor in the next loop of that thread."""

        async def current() -> Caller:
            return Caller.current(blocking=False)

        async def stranded(flight: Flight) -> bool:
            return flight.is_stranded(await current())

        flight = a_flight(asyncio.run(current()))
        assert flight.is_stranded(Caller.current(blocking=True))
        assert asyncio.run(stranded(flight))
        assert trio.run(stranded, flight)

    @pytest.mark.parametrize("leader", [Caller(2, None), Caller(2, LOOP)])
    def test_no_one_can_know(self, leader: Caller) -> None:
        """No one knows about a leader in another thread."""
        assert not a_flight(leader).is_stranded(Caller(1, None))
        assert not a_flight(leader).is_stranded(Caller(1, object()))

    def test_a_blocking_leader_in_the_same_thread(self) -> None:
        """For what asks on its behalf, it runs. Anything else in its thread runs only because it does not."""
        flight = a_flight(Caller(1, None))
        assert flight.is_stranded(Caller(1, None))
        assert flight.is_stranded(Caller(1, object()))
        context = copy_context()
        context.run(leading.set, (flight,))
        assert not context.run(flight.is_stranded, Caller(1, None))


class TestWaking:
    def test_everyone_once(self) -> None:
        """Every subscriber is woken when it is settled, and never again."""
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

    def test_a_caller_that_has_gone_is_not_woken(self) -> None:
        """The flight forgets a caller that gave up."""
        flight, woken = a_flight(), list[str]()

        def wake() -> None:
            woken.append("a")

        flight.subscribe(wake)
        flight.unsubscribe(wake)
        flight.wake_all()
        assert woken == []

    def test_going_twice(self) -> None:
        """It does no harm, not even after a wake-up."""
        flight = a_flight()
        flight.unsubscribe(print)
        flight.subscribe(list)
        flight.wake_all()
        flight.unsubscribe(list)

    def test_one_whose_loop_has_ended(self) -> None:
        """Its error does not keep the others from waking up."""
        flight, woken = a_flight(), list[str]()

        def fail() -> None:
            raise RuntimeError("Event loop is closed")

        flight.subscribe(lambda: woken.append("a"))
        flight.subscribe(fail)
        flight.subscribe(lambda: woken.append("b"))
        flight.wake_all()
        assert sorted(woken) == ["a", "b"]

    @pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
    )
    def test_an_interrupt(self) -> None:
        """It passes through, of whatever type it is, once the others have been woken."""
        flight, woken = a_flight(), list[str]()

        def handler(number: int, frame: object) -> None:
            raise RuntimeError("soft time limit")

        flight.subscribe(lambda: woken.append("a"))
        flight.subscribe(lambda: signal.raise_signal(signal.SIGINT))
        flight.subscribe(lambda: woken.append("b"))
        before = signal.signal(signal.SIGINT, handler)
        try:
            with pytest.raises(RuntimeError, match="soft time limit"):
                flight.wake_all()
        finally:
            signal.signal(signal.SIGINT, before)
        assert sorted(woken) == ["a", "b"]
