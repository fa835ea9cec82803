"""`_core.loading`: modules for later, loaded by one thread while event loops go on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from oauth_cc_auth._core import caller, loading
from oauth_cc_auth._core.loading import Modules

RUN: list[Callable[[Callable[[], Any]], Any]] = [lambda main: asyncio.run(main()), trio.run]
both_kinds = pytest.mark.parametrize("run", RUN, ids=["asyncio", "trio"])


class Loads:
    """Stands for `loaded`: waits for `may_end`, and records names and threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: BaseException) -> None:
        self.names: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.may_end = threading.Event()
        self._errors = list(errors)
        monkeypatch.setattr(loading, "loaded", self)

    def __call__(self, name: str) -> None:
        with loading._Turn():  # as `loaded` has
            assert self.may_end.wait(20)
        self.names.append(name)
        self.threads.add(threading.current_thread())
        if self._errors:
            raise self._errors.pop()


def test_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the thread that asks."""
    loads, modules = Loads(monkeypatch), Modules("a", "b")
    loads.may_end.set()
    before = modules.are_loaded
    modules.load()
    assert (before, modules.are_loaded) == (False, True)
    assert (loads.names, loads.threads) == (["a", "b"], {threading.current_thread()})


@both_kinds
def test_one_thread_for_all_tasks(run: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the loop runs meanwhile: it is the loop that lets the thread end."""
    loads, modules = Loads(monkeypatch), Modules("a", "b")

    async def main() -> None:
        import anyio

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(modules.aload, 20.0)
            await anyio.wait_all_tasks_blocked()
            loads.may_end.set()

    run(main)
    assert modules.are_loaded
    assert loads.names == ["a", "b"]
    assert len(loads.threads) == 1
    assert threading.current_thread() not in loads.threads


@both_kinds
def test_a_wait_is_bounded(run: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is left to the caller: the thread may wait for a lock that no one will release."""
    loads, modules = Loads(monkeypatch), Modules("a")
    run(lambda: modules.aload(0.001))
    assert not modules.are_loaded
    loads.may_end.set()


def test_a_thread_that_never_ends_loading_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a fork."""
    has_begun, may_end = threading.Event(), threading.Event()

    def never_ends() -> None:
        with loading._Turn():
            has_begun.set()
            assert may_end.wait(20)

    thread = threading.Thread(target=never_ends)
    thread.start()
    assert has_begun.wait(20)
    monkeypatch.setattr(loading, "LONGEST_TURN", 0.001)
    monkeypatch.setattr(loading, "_known", {})
    assert loading.loaded("_version").__version__
    loading._before_fork()
    loading._after_fork_in_parent()
    may_end.set()
    thread.join()


def test_a_loop_that_cannot_be_woken_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted trio has closed what would wake it."""

    def closed() -> None:
        raise OSError("Bad file descriptor")

    real, wakes = caller.thread_safe, [closed]
    monkeypatch.setattr(caller, "thread_safe", lambda function: wakes.pop() if wakes else real(function))
    loads, modules = Loads(monkeypatch), Modules("a")

    async def main() -> None:
        first, second = (asyncio.create_task(modules.aload(20.0)) for _ in range(2))
        await asyncio.sleep(0)
        loads.may_end.set()
        await second
        first.cancel()

    asyncio.run(main())
    assert modules.are_loaded


@both_kinds
def test_without_threads(run: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """WebAssembly has none; then the loop waits."""

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    class NoThread(threading.Thread):
        start = fail

    loads, modules = Loads(monkeypatch), Modules("a")
    loads.may_end.set()
    monkeypatch.setattr(loading, "Thread", NoThread)
    run(lambda: modules.aload(20.0))
    assert modules.are_loaded
    assert loads.threads == {threading.current_thread()}


@both_kinds
def test_an_error_leaves_no_one_waiting(
    run: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs the modules meets it: a file that is missing, for example."""
    loads, modules = Loads(monkeypatch, ImportError("no such file")), Modules("a")
    loads.may_end.set()
    run(lambda: modules.aload(20.0))
    after_the_error = modules.are_loaded
    run(lambda: modules.aload(20.0))
    assert (after_the_error, modules.are_loaded) == (False, True)
    assert loads.names == ["a", "a"]


def test_a_task_that_is_cancelled_leaves_no_one_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop may even have ended when the thread does; others are woken all the same."""
    loads, modules = Loads(monkeypatch), Modules("a")

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(modules.aload(20.0), 0)

    async def wait() -> None:
        task = asyncio.create_task(modules.aload(20.0))
        await asyncio.sleep(0)
        loads.may_end.set()
        await task

    asyncio.run(give_up())
    asyncio.run(wait())
    assert modules.are_loaded


def test_a_child_has_no_thread_that_would_wake_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts one of its own."""
    loads, modules = Loads(monkeypatch), Modules("a")

    async def give_up() -> None:
        task = asyncio.create_task(modules.aload(20.0))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    child = os.getpid() + 1
    with monkeypatch.context() as patched:
        patched.setattr(loading, "getpid", lambda: child)
        loads.may_end.set()
        asyncio.run(modules.aload(20.0))
    assert modules.are_loaded
