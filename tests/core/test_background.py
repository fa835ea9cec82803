"""`_core.background`: renewals that no one waits for."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from oauth_cc_auth._core import background
from oauth_cc_auth._core.background import SWITCH, Background, _Job, is_switched_on
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.flight import GONE, Flight
from oauth_cc_auth._http import giving_way
from tests.fake_clock import FakeClock

LIMIT = 30.0  # s


@pytest.fixture(name="renewals")
def _renewals(monkeypatch: pytest.MonkeyPatch) -> Background:
    monkeypatch.delenv(SWITCH, raising=False)
    return Background(TokenCache(FakeClock()))


@pytest.fixture(name="gate")
def _gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def a_flight() -> Flight:
    return Flight(Caller(1, loop=None), limit=0)


@pytest.mark.parametrize(
    ("value", "is_on"), [(None, True), ("", True), ("1", True), ("0", False), (" No ", False), ("off", False)]
)
def test_the_switch(monkeypatch: pytest.MonkeyPatch, value: str | None, is_on: bool) -> None:
    """It is read each time, so it also counts for objects that are there already."""
    monkeypatch.delenv(SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(SWITCH, value)
    assert is_switched_on() is is_on


def test_who_leads_in_a_thread(renewals: Background, gate: threading.Event) -> None:
    """No other caller, so no one waits for itself."""
    flight = a_flight()
    assert renewals.start_thread(flight, gate.wait)
    assert flight.leader.loop is None
    assert flight.leader.thread not in (1, Caller.current(blocking=True).thread)
    gate.set()
    renewals.close(LIMIT)
    assert flight.outcome is GONE  # it ended, and brought nothing


def test_who_starts_a_thread_goes_first(
    renewals: Background, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal begins when the request that has started it is on its way."""
    monkeypatch.setattr(giving_way, "give_way", gate.wait)
    began = threading.Event()
    assert renewals.start_thread(a_flight(), began.set)
    assert not began.is_set()
    gate.set()
    assert began.wait(LIMIT)


class TestWhoMayLead:
    """A thread that finds out by itself whether there is something to renew."""

    def test_it_leads(self, renewals: Background, gate: threading.Event) -> None:
        """A flight that is no one else's, and that is settled if nothing comes of it."""
        flight, leads = a_flight(), threading.Event()

        def run(lead: Callable[[Flight], None]) -> None:
            lead(flight)
            leads.set()
            gate.wait(LIMIT)

        assert renewals.start_leader(run)
        assert leads.wait(LIMIT)
        assert flight.leader.loop is None
        assert flight.leader.thread != 1
        assert flight.outcome is None
        gate.set()
        renewals.close(LIMIT)
        assert flight.outcome is GONE

    def test_one_finds_out_for_all(self, renewals: Background, gate: threading.Event) -> None:
        """Until it leads: from then on, others see its flight."""
        began, leads = list[str](), threading.Event()

        def run(lead: Callable[[Flight], None]) -> None:
            began.append("first")
            gate.wait(LIMIT)
            lead(a_flight())
            leads.set()

        def second(lead: object) -> None:
            began.append("second")

        assert renewals.start_leader(run)
        assert renewals.start_leader(second)
        gate.set()
        assert leads.wait(LIMIT)
        assert renewals.start_leader(second)
        renewals.close(LIMIT)
        assert began == ["first", "second"]

    def test_it_has_nothing_to_lead(self, renewals: Background) -> None:
        """The next one may have."""
        began = list[object]()
        for _ in range(2):
            assert renewals.start_leader(began.append)
            for job in tuple(renewals._jobs):
                assert job.is_over.wait(LIMIT)
        assert len(began) == 2

    def test_an_error_does_not_keep_the_next_one_away(self, renewals: Background) -> None:
        """What a log handler raises, for example."""

        def run(lead: object) -> None:
            raise ValueError

        began = threading.Event()
        assert renewals.start_leader(run)
        for job in tuple(renewals._jobs):
            assert job.is_over.wait(LIMIT)
        assert renewals.start_leader(lambda lead: began.set())
        assert began.wait(LIMIT)

    def test_closed(self, renewals: Background) -> None:
        """No thread begins, and none is taken to be on its way."""
        renewals.close()
        assert not renewals.start_leader(lambda lead: None)
        assert not renewals.start_leader(lambda lead: None)

    def test_an_interrupt_does_not_keep_the_next_one_away(
        self, renewals: Background, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before there is a thread. `close` does not wait for it either."""

        def interrupted() -> Any:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(background, "copy_context", interrupted)
            with pytest.raises(KeyboardInterrupt):
                renewals.start_leader(lambda lead: None)
        began = threading.Event()
        assert renewals.start_leader(lambda lead: began.set())
        assert began.wait(LIMIT)
        with pytest.raises(KeyboardInterrupt):
            renewals._has_begun(_Job(), interrupted)
        renewals.close()

    def test_a_child_starts_its_own(
        self, renewals: Background, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It has no thread of its parent."""
        began, child = threading.Event(), os.getpid() + 1
        assert renewals.start_leader(lambda lead: gate.wait(LIMIT))
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: child)
            assert renewals.start_leader(lambda lead: began.set())
        assert began.wait(LIMIT)


def test_a_hook_that_closes(renewals: Background) -> None:
    """In the very thread that would have to be waited for."""
    assert renewals.start_thread(a_flight(), renewals.close)
    renewals.close(LIMIT)
    assert not renewals._jobs


def test_without_a_loop(renewals: Background) -> None:
    """There is no task."""
    assert not renewals.start_task(a_flight(), lambda: asyncio.sleep(0))


def test_closed(renewals: Background) -> None:
    """Neither a thread nor a task begins."""
    renewals.close()
    assert not renewals.start_thread(a_flight(), lambda: None)


def test_closed_meanwhile(renewals: Background) -> None:
    """`close` has not seen a job that does not begin any more. Nor does anyone wait for it."""
    job = _Job()
    renewals.close()
    assert not renewals._has_begun(job, lambda: pytest.fail("it began"))
    assert job.is_over.is_set()
    assert not renewals._jobs


def test_a_thread_of_the_parent(renewals: Background, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child does not have it, so it waits for nothing."""
    assert renewals.start_thread(a_flight(), gate.wait)
    child = os.getpid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: child)
        renewals.close()
    assert renewals._jobs


def test_an_interrupt_in_a_task_passes_through(renewals: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises is not hidden."""
    monkeypatch.setattr("oauth_cc_auth._core.background.is_interrupt", lambda error: True)

    def strike() -> None:
        raise RuntimeError("the handler")

    async def astrike() -> None:
        strike()

    job = _Job(a_flight())
    with pytest.raises(RuntimeError, match="the handler"):
        renewals._run(job, strike)
    with pytest.raises(RuntimeError, match="the handler"):
        asyncio.run(renewals._arun(job, astrike))
    with pytest.raises(RuntimeError, match="the handler"):
        renewals._has_begun(job, strike)
    assert job.is_over.is_set()


class TestTasks:
    def test_cancelled_before_it_begins(self, renewals: Background) -> None:
        """Its flight is settled all the same, and no one waits for it."""
        flight = a_flight()

        async def main() -> None:
            assert renewals.start_task(flight, lambda: asyncio.sleep(LIMIT))

        asyncio.run(main())
        assert flight.outcome is GONE
        renewals.close()

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_cancelled_at_the_end_of_its_loop(self, renewals: Background, backend: str) -> None:
        """No warning, and no one waits for it."""
        flight = a_flight()

        async def main() -> None:
            began = anyio.Event()

            async def run() -> None:
                began.set()
                await anyio.sleep_forever()

            assert renewals.start_task(flight, run)
            await began.wait()

        anyio.run(main, backend=backend)
        assert flight.outcome is GONE
        renewals.close()

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_close_in_its_own_loop(self, renewals: Background, backend: str) -> None:
        """A blocking wait would never end; the twin for loops waits."""

        async def main() -> None:
            release = anyio.Event()
            assert renewals.start_task(a_flight(), release.wait)
            renewals.close()
            assert renewals._jobs
            release.set()
            with anyio.fail_after(LIMIT):
                await renewals.aclose()
            assert not renewals._jobs
            await renewals.aclose()

        anyio.run(main, backend=backend)

    def test_a_loop_that_was_stopped(self, renewals: Background) -> None:
        """Nothing ends in it, so no one waits."""
        loop = asyncio.new_event_loop()

        async def main() -> None:
            assert renewals.start_task(a_flight(), lambda: asyncio.sleep(LIMIT))

        loop.run_until_complete(main())
        renewals.close()
        (job,) = renewals._jobs
        job.task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        assert not renewals._jobs
