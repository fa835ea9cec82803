"""Renewals that no one waits for. The one law: what cannot begin now is left to a caller that has to wait anyway.

A renewal runs in a daemon thread with a copy of the context, or in a task of the running event loop if only that can
send token requests. Such a thread makes one attempt, so it does not live for much longer than `timeout`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from math import inf
from typing import Any

from oauth_cc_auth._http.giving_way import giving_way
from oauth_cc_auth._http.interrupts import Ignoring, is_interrupt
from oauth_cc_auth._redact.redact import kind_and_place

from .cache import TokenCache
from .caller import Caller, running_loop
from .flight import GONE, Flight

logger = logging.getLogger("oauth_cc_auth")

SWITCH = "OAUTH_CC_RENEW_IN_BACKGROUND"  # turns all of this off, for tests: a renewal must not outlive their mocks
OFF = frozenset({"0", "false", "no", "off"})
_NAME = "oauth_cc_auth renewal"


def is_switched_on() -> bool:
    """True if aging tokens may be renewed in the background."""
    value = os.environ.get(SWITCH)
    return not value or value.strip().casefold() not in OFF


class _Job:
    """One renewal.

    Attributes:
        flight: What it leads; None until it knows.
        is_over: Set when it has ended, its events and log lines included.
        process: In which it runs; a child has the object, but neither thread nor loop.
        runner: The thread or the event loop that runs it.
        task: Keeps the task alive; asyncio itself does not.
    """

    __slots__ = ("flight", "is_over", "process", "runner", "task")

    def __init__(self, flight: Flight | None = None, runner: object = None) -> None:
        self.flight = flight
        self.is_over = threading.Event()
        self.process = os.getpid()
        self.runner = runner
        self.task: Any = None

    def can_be_awaited(self) -> bool:
        """True if it ends by itself while this thread waits."""
        if self.process != os.getpid() or self.runner in (threading.current_thread(), running_loop()):
            return False
        is_running = getattr(self.runner, "is_running", None)  # asyncio's loops; one that was stopped ends nothing
        return True if is_running is None else bool(is_running())


class Background:
    """The renewals of one auth object that no one waits for.

    Args:
        cache: Whose flights they lead.
    """

    __slots__ = ("_about_to_lead", "_cache", "_is_closed", "_jobs")

    def __init__(self, cache: TokenCache) -> None:
        self._about_to_lead: _Job | None = None
        self._cache = cache
        self._is_closed = False
        self._jobs: set[_Job] = set()

    def start_thread(self, flight: Flight, run: Callable[[], object]) -> bool:
        """Call `run`, which leads `flight`, in a thread; False if none can be started."""
        flight.leader = _no_caller()
        return self._has_begun_in_thread(_Job(flight), run)

    def start_leader(self, run: Callable[[Callable[[Flight], None]], object]) -> bool:
        """Have a thread find out whether it is to lead a flight, and lead it; False if none can be started.

        As long as a thread has not found out, no other one is started (or rarely: two requests may ask at once).

        Args:
            run: Finds out, and leads. It is given a function, to be called with the flight as soon as it leads one.
        """
        if self._is_closed:
            return False
        before = self._about_to_lead
        if before is not None and before.process == os.getpid():
            return True
        job = _Job()

        def lead(flight: Flight) -> None:
            flight.leader = _no_caller()
            job.flight = flight
            self._about_to_lead = None

        has_begun = False
        try:
            self._about_to_lead = job
            has_begun = self._has_begun_in_thread(job, lambda: run(lead))
        finally:  # an interrupt may strike, and no renewal would begin any more
            if not has_begun:
                self._about_to_lead = None
        return has_begun

    def _has_begun_in_thread(self, job: _Job, run: Callable[[], object]) -> bool:
        context = copy_context()
        job.runner = thread = threading.Thread(target=lambda: context.run(self._run, job, run), daemon=True, name=_NAME)
        return self._has_begun(job, thread.start)

    def start_task(self, flight: Flight, run: Callable[[], Awaitable[object]]) -> bool:
        """Await what `run` returns, which leads `flight`, in a task of the running loop; False if there is none."""
        loop: Any = running_loop()
        job = _Job(flight, loop)

        def end(task: object) -> None:
            self._end(job)

        def start() -> None:
            if hasattr(loop, "run_sync_soon"):  # trio's
                import trio

                trio.lowlevel.spawn_system_task(self._arun, job, run, name=_NAME, context=copy_context())
            else:
                job.task = loop.create_task(self._arun(job, run), name=_NAME)
                job.task.add_done_callback(end)  # it may be cancelled before it begins

        return loop is not None and self._has_begun(job, start)

    def _has_begun(self, job: _Job, start: Callable[[], object]) -> bool:
        has_begun = False
        try:
            self._jobs.add(job)  # first: `close` either finds it, or has closed this before the next line
            if not self._is_closed:
                start()
                has_begun = True
        except RuntimeError as error:  # no more threads, or the interpreter or the loop is shutting down
            if is_interrupt(error):
                raise
        finally:
            if not has_begun:
                self._jobs.discard(job)
                job.is_over.set()
        return has_begun

    def _run(self, job: _Job, run: Callable[[], object]) -> None:
        try:
            with giving_way():  # at first to the request that has started this
                run()
        except Exception as error:  # of a log handler: no one else is there to see it
            if is_interrupt(error):
                raise
            _report(error)
        finally:
            self._end(job)

    async def _arun(self, job: _Job, run: Callable[[], Awaitable[object]]) -> None:
        try:
            await run()
        except Exception as error:  # as above; trio would end the whole program
            if is_interrupt(error):
                raise
            _report(error)
        finally:
            self._end(job)

    def _end(self, job: _Job) -> None:
        if self._about_to_lead is job:
            self._about_to_lead = None
        self._jobs.discard(job)
        if job.flight is not None:
            self._cache.settle(job.flight, GONE)  # nothing, unless the job never began
        job.is_over.set()

    def close(self, timeout: float | None = None) -> None:
        """Start no more, and wait for what runs, for at most `timeout` seconds."""
        self._is_closed = True
        until = inf if timeout is None else time.monotonic() + timeout
        for job in tuple(self._jobs):
            if job.can_be_awaited():
                job.is_over.wait(None if timeout is None else max(0.0, until - time.monotonic()))

    async def aclose(self, timeout: float | None = None) -> None:
        """`close` in the running event loop, which it does not block; it waits for the tasks of that loop too."""
        self._is_closed = True
        if self._jobs:
            import anyio

            # A limiter of its own: the default one may be used up.
            limiter = anyio.CapacityLimiter(1)
            await anyio.to_thread.run_sync(self.close, timeout, abandon_on_cancel=True, limiter=limiter)


def _no_caller() -> Caller:
    """Stands for a leader in a thread of its own, which is that of no caller."""
    return Caller(object(), None)


def _report(error: Exception) -> None:
    with Ignoring(Exception):
        logger.warning("a renewal in the background ended early: %s", kind_and_place(error))
