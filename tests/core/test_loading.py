"""`_core.loading`: modules for later, loaded by one thread while event loops go on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from oauth_cc_auth._core import loading
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
                group.start_soon(modules.aload)
            await anyio.wait_all_tasks_blocked()
            loads.may_end.set()

    run(main)
    assert modules.are_loaded
    assert loads.names == ["a", "b"]
    assert len(loads.threads) == 1
    assert threading.current_thread() not in loads.threads


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
    run(modules.aload)
    assert modules.are_loaded
    assert loads.threads == {threading.current_thread()}


@both_kinds
def test_an_error_leaves_no_one_waiting(
    run: Callable[[Callable[[], Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs the modules meets it: a file that is missing, for example."""
    loads, modules = Loads(monkeypatch, ImportError("no such file")), Modules("a")
    loads.may_end.set()
    run(modules.aload)
    after_the_error = modules.are_loaded
    run(modules.aload)
    assert (after_the_error, modules.are_loaded) == (False, True)
    assert loads.names == ["a", "a"]


def test_a_task_that_is_cancelled_leaves_no_one_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop may even have ended when the thread does; others are woken all the same."""
    loads, modules = Loads(monkeypatch), Modules("a")

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(modules.aload(), 0)

    async def wait() -> None:
        task = asyncio.create_task(modules.aload())
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
        task = asyncio.create_task(modules.aload())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    child = os.getpid() + 1
    with monkeypatch.context() as patched:
        patched.setattr(loading, "getpid", lambda: child)
        loads.may_end.set()
        asyncio.run(modules.aload())
    assert modules.are_loaded
