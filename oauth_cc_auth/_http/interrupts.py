"""Exceptions that a signal handler of the program raises: the soft time limit of a job queue, most of all.

One law: such an exception is not about what the package was doing. Whatever here catches what others raise lets it
through as it came, also inside of what a client library made of it: not retried, not swallowed, not wrapped.

Its type tells nothing, since limits are `TimeoutError`, `OSError` or `RuntimeError` as well. What tells is where it
comes from. A handler runs in the midst of whatever the main thread does, so its frame is in the traceback: in that of
the exception itself, or in that of another one in its chain. Only handlers that are installed count. A callable that
sets a time limit of its own, and takes it back, has raised an error of its own.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # built in, and in no stub
import sys
from collections.abc import Iterator
from functools import partial
from types import CodeType, FrameType, TracebackType
from typing import Any


def is_interrupt(error: BaseException) -> bool:
    """True if a signal handler raised `error` or something in its chain, while the frame that caught it was running."""
    codes = {code for link in chain(error) for code in _codes(link.__traceback__)}
    return bool(codes) and not codes.isdisjoint(_codes_of_handlers())


class Ignoring:
    """``with Ignoring(OSError):`` is `contextlib.suppress` that lets interrupts through."""

    __slots__ = ("_kinds",)

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return isinstance(error, self._kinds) and not is_interrupt(error)


def _waiting_for(error: BaseException) -> frozenset[FrameType]:
    """The frames that called the one that caught `error`. What one of these has caught was there before."""
    frames, frame = [], error.__traceback__ and error.__traceback__.tb_frame.f_back
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frozenset(frames)


def chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything behind it: causes, contexts, members of groups, and where urllib3 keeps its causes.

    What was being handled before the frame that caught `error` was called is no part of it. It is a context of `error`
    all the same, since the code that cleans up after a time limit may send requests too.
    """
    waiting = _waiting_for(error)
    seen: set[int] = set()
    found: list[Any] = [error]
    while found:
        link = found.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        if link.__traceback__ is not None and link.__traceback__.tb_frame in waiting:
            continue
        yield link
        members = getattr(link, "exceptions", ())
        found += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        found += members if isinstance(members, (tuple, list)) else ()


def _codes(trace: TracebackType | None) -> Iterator[CodeType]:
    while trace is not None:
        yield trace.tb_frame.f_code
        trace = trace.tb_next


def _codes_of_handlers() -> set[object]:
    # No one has installed a handler without importing this module, which takes a millisecond.
    if "signal" not in sys.modules:
        return set()
    # Not by that module: it makes members of enums, which takes 250 µs, and good renewals come here too.
    handlers = map(_signal.getsignal, _signal.valid_signals())
    return {_code_of(handler) for handler in handlers if callable(handler)}


def _code_of(handler: Any) -> object:
    while isinstance(handler, partial):
        handler = handler.func
    if not hasattr(handler, "__code__"):  # a bound method has the code of its function
        handler = type(handler).__call__
    return getattr(handler, "__code__", None)
