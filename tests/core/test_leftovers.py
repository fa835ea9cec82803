"""`_core.leftovers`: what a closed flow leaves to others is done soon, and never by who closes it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from oauth_cc_auth import Token
from oauth_cc_auth._core import leftovers
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.drive import adrive, drive
from oauth_cc_auth._core.effects import AskStore, Effect, Sleep
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.leftovers import do_leftovers, leave
from oauth_cc_auth._core.renewal_rules import RenewalRules
from tests.fake_clock import FakeClock

LIMIT = 30.0  # seconds; whatever takes longer counts as a hang
LEASE = Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)


class Left:
    """A flow that leaves something when it is closed."""

    def __init__(self, effect: Effect | None = None) -> None:
        self.done = threading.Event()
        self.threads: list[threading.Thread] = []  # which did it
        self._effect = effect

    def flow(self) -> Generator[Effect, Any, Lease]:
        try:
            if self._effect is not None:
                yield self._effect
            return LEASE
        finally:
            leave(self._do)

    def _do(self) -> None:
        self.threads.append(threading.current_thread())
        self.done.set()


def no_sending(*arguments: Any) -> Any:
    raise AssertionError


def test_a_thread_does_it_that_no_one_waits_for() -> None:
    left = Left()
    drive(left.flow(), no_sending, FakeClock())
    assert left.done.wait(LIMIT)
    (thread,) = left.threads
    assert thread is not threading.current_thread()
    assert thread.daemon


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_so_it_is_in_async_code(backend: str) -> None:
    """If the task is cancelled, too."""
    left, cancelled = Left(), Left(Sleep(1000))
    scopes: list[anyio.CancelScope] = []

    class Hanging(FakeClock):
        async def asleep(self, seconds: float) -> None:
            scopes[0].cancel()
            await anyio.sleep_forever()

    async def main() -> None:
        await adrive(left.flow(), no_sending, FakeClock())
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await adrive(cancelled.flow(), no_sending, Hanging())

    anyio.run(main, backend=backend)
    assert left.done.wait(LIMIT)
    assert cancelled.done.wait(LIMIT)


def test_garbage_starts_no_thread() -> None:
    """The next thread that asks a store does it."""
    left = Left(Sleep(1000))

    class Hanging(FakeClock):
        async def asleep(self, seconds: float) -> None:
            await asyncio.Future()

    async def main() -> None:
        running = adrive(left.flow(), no_sending, Hanging())
        running.send(None)
        running.close()  # as the garbage collector does

    asyncio.run(main())
    assert left.threads == []

    def ask() -> Generator[Effect, Any, Lease]:
        yield AskStore(lambda: None, LIMIT)
        assert left.done.wait(LIMIT)
        return LEASE

    drive(ask(), no_sending, FakeClock())
    assert threading.current_thread() not in left.threads


def test_what_fails_keeps_nothing_else_from_being_done() -> None:
    done: list[int] = []

    def fails() -> None:
        raise OSError("the store is down")

    leave(fails)
    leave(lambda: done.append(1))
    do_leftovers()
    assert done == [1]


def test_no_thread_at_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease ends by itself then."""

    class Refused:
        def __init__(self, **settings: Any) -> None:
            pass

        def start(self) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(leftovers, "threading", SimpleNamespace(Thread=Refused))
    left = Left()
    assert drive(left.flow(), no_sending, FakeClock()) is LEASE
    assert left.threads == []
    do_leftovers()
    assert left.threads == [threading.current_thread()]
