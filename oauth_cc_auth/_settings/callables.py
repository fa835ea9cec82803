"""A person's callables are plain functions: they are called, and no one awaits what they return.

A coroutine is an object like any other. As a condition it is true, so an async `renew_on` would have every success sent
again. So an async callable is refused when it is given; and if an awaitable comes back all the same, of a lambda for
one, it is an error and not a value.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

# Of inspect's CO_COROUTINE, CO_ITERABLE_COROUTINE and CO_ASYNC_GENERATOR, without importing inspect.
_ASYNC_FLAGS = 0x80 | 0x100 | 0x200


def is_async(function: object) -> bool:
    """True for an async function, also in a partial, as a method, or as the ``__call__`` of an object."""
    while isinstance(function, partial):
        function = function.func
    return _has_async_code(function) or (callable(function) and _has_async_code(type(function).__call__))


def _has_async_code(function: Any) -> bool:
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)  # a bound method has its function's code
    return isinstance(flags, int) and bool(flags & _ASYNC_FLAGS)


def has_callable(value: Any) -> bool:
    """True for a callable, and for a mapping or tuple that holds one."""
    if isinstance(value, Mapping):
        return any(map(has_callable, value.values()))
    return any(map(has_callable, value)) if isinstance(value, tuple) else callable(value)


def wants_argument(function: Callable[..., Any], position: int = 0) -> bool:
    """True if `function` cannot be called with fewer than `position` + 1 arguments."""
    from inspect import Parameter, signature

    try:
        parameters = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # some that are written in C
        return False
    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    needed = [each for each in parameters if each.kind in by_place and each.default is Parameter.empty]
    return len(needed) > position


def given(function: Callable[..., Any], argument: Any) -> Callable[[], Any]:
    """`function` with `argument`, if it takes one: what can be called with nothing of ours around it.

    A frame of ours in between would have the function among its locals, and a report of a crash would show what that
    shows of itself.
    """
    return partial(function, argument) if wants_argument(function) else function


def returned_awaitable(value: Any) -> str:
    """What is wrong if a callable returned `value`, which only an event loop could use: "returned ..."; else empty.

    A coroutine is closed, or Python would warn about it in the middle of something else.
    """
    if not isinstance(value, (Awaitable, AsyncGenerator)):
        return ""
    if isinstance(value, Coroutine):
        value.close()
    return f"returned an object of type {type(value).__name__}, which no one awaits: pass a plain function"
