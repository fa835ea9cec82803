"""Modules of this package that are loaded when they are first needed. The one law: no event loop reads them from disk.

A program that only imports an adapter (an SDK, a command that prints its help) does not pay for what fetching takes.
Code that blocks loads a module where it needs it. In an event loop, a thread loads what all token requests take before
the first one, and what few settings take comes with the auth object that has them.

A fork waits until a module is loaded. Python's lock of a module that is being imported would stay locked in the child,
by a thread that the child does not have.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from os import getpid
from threading import Thread
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring

from .process_lock import ProcessLock

# Seconds that a task waits for the thread; then its event loop loads the modules. And seconds that a thread or a fork
# waits for one that loads; then it goes on all the same. If a signal handler raises at the wrong moment, Python's
# import system keeps a lock, and an import in another thread waits for ever.
LONGEST = 5.0
LONGEST_TURN = 1.0

_loading = ProcessLock()


class _Turn:
    """``with _Turn():`` is ``with _loading.here():`` with a wait of `LONGEST_TURN` at most."""

    __slots__ = ("_lock",)

    def __enter__(self) -> None:
        lock = _loading.here()
        self._lock = lock if lock.acquire(timeout=LONGEST_TURN) else None

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release()


_forking: list[_Turn] = []


def _before_fork() -> None:
    turn = _Turn()
    turn.__enter__()
    _forking.append(turn)


def _after_fork_in_parent() -> None:
    _forking.pop().__exit__()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows and WebAssembly, which do not fork
    # Nothing for the child, which has a lock of its own.
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)

_known: dict[str, Any] = {}  # by name; to ask Python costs ten times as much


def loaded(name: str) -> Any:
    """The module `name` of this package, imported if it is not there yet."""
    module = _known.get(name)
    if module is None:
        with _Turn():
            module = _known[name] = import_module(f"oauth_cc_auth.{name}")
    return module


# What every token request takes, and its renewal in the background.
FETCHING = (
    *("_core.flow", "_core.drive", "_core.background"),
    *("_core.introduction", "_core.refusals", "_core.reported"),  # and what an API may do to the token
)


class Modules:
    """Modules that are needed together, later.

    Args:
        names: In this package.

    Attributes:
        are_loaded: True once all of them are.
    """

    __slots__ = ("_lock", "_names", "_process", "_waiting", "are_loaded")

    def __init__(self, *names: str) -> None:
        self.are_loaded = False
        self._names = names
        self._lock = ProcessLock()  # not the one that is held while modules are loaded: event loops take this one
        self._process = 0  # a child has no thread that would ever wake those who wait in its parent
        self._waiting: list[Callable[[], object]] = []

    def load(self) -> None:
        """Load them. Blocks."""
        for name in self._names:
            loaded(name)
        self.are_loaded = True

    async def aload(self, seconds: float) -> None:
        """Have one thread load them, for all that wait.

        If that takes longer than `seconds`, or than `LONGEST`, code that needs them loads them in place. So does
        this, if no thread can be started.
        """
        import anyio

        from .caller import thread_safe

        done = anyio.Event()
        if self._is_first(thread_safe(done.set)):
            has_begun = False
            try:
                with Ignoring(RuntimeError):  # too many threads, or none at all as in WebAssembly
                    Thread(target=self._load_for_all, name="oauth_cc_auth loading", daemon=True).start()
                    has_begun = True
            finally:
                if not has_begun:
                    self._load_for_all()
        with anyio.move_on_after(min(seconds, LONGEST)):
            await done.wait()

    def _is_first(self, wake: Callable[[], object]) -> bool:
        with self._lock.here():
            if self._process != getpid():
                self._process, self._waiting = getpid(), []
            self._waiting.append(wake)
            return len(self._waiting) == 1

    def _load_for_all(self) -> None:
        try:
            with Ignoring(Exception):  # code that needs the modules will meet the same error
                self.load()
        finally:
            with self._lock.here():
                waiting, self._waiting = self._waiting, []
            for wake in waiting:
                with Ignoring(Exception):  # its loop has ended: a RuntimeError in asyncio, an OSError in trio
                    wake()
