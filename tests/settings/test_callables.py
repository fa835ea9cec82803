"""`_settings.callables`: which callables are async, and what to do with an awaitable that came back all the same."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial, wraps
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from oauth_cc_auth._settings.callables import is_async, returned_awaitable, wants_argument


async def coroutine(*args: Any) -> str:
    return "value"


async def generator(*args: Any) -> AsyncIterator[str]:
    yield "value"


@types.coroutine
def old_style(*args: Any) -> Generator[None, None, str]:
    yield
    return "value"


class Async:
    async def __call__(self, *args: Any) -> str:
        return "value"

    async def method(self, *args: Any) -> str:
        return "value"


def plain(*args: Any) -> str:
    return "value"


@wraps(coroutine)
def waits_itself(*args: Any) -> str:
    return asyncio.run(coroutine(*args))


class Sync:
    def __call__(self, *args: Any) -> str:
        return "value"


class Anything:
    """Has every attribute that one asks for."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any) -> str:
        return "value"


@pytest.mark.parametrize(
    "function",
    [
        coroutine,
        generator,
        old_style,
        Async(),
        Async().method,
        partial(coroutine, 1),
        partial(partial(Async().method), 1),
        partial(Async()),
        AsyncMock(),
    ],
)
def test_async_callables(function: object) -> None:
    """Functions, methods, objects, and partials of each."""
    assert is_async(function)


@pytest.mark.parametrize(
    "function",
    [plain, Sync(), partial(plain), waits_itself, print, lambda *args: "value", Async, MagicMock(), Anything(), "text"],
)
def test_plain_callables(function: object) -> None:
    """Also one that wraps an async function and waits for it, and a class, whose objects are not called."""
    assert not is_async(function)


class ToAwait:
    def __await__(self) -> Generator[None, None, str]:
        yield
        return "value"


@pytest.mark.parametrize(
    ("make", "name"),
    [(coroutine, "coroutine"), (generator, "async_generator"), (ToAwait, "ToAwait")],
)
def test_what_only_an_event_loop_could_use(make: Callable[[], Awaitable[str]], name: str) -> None:
    """It is named, and a coroutine is closed: Python does not warn that it was never awaited."""
    problem = returned_awaitable(make())
    gc.collect()
    assert problem == f"returned an object of type {name}, which no one awaits: pass a plain function"


@pytest.mark.parametrize("value", [None, True, "", "text", 0, object(), MagicMock(), iter(())])
def test_values(value: object) -> None:
    """Whatever else comes back is judged by who called."""
    assert returned_awaitable(value) == ""


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda: 1, 0),
        (lambda last: last, 1),
        (lambda last=None: last, 0),
        (lambda *others: others, 0),
        (lambda a, b, c: a, 3),
        (lambda a, *, b: a, 1),
        (partial(lambda a, b: a, 1), 1),
        (iter([1]).__next__, 0),
        (dict, 0),
    ],
)
def test_how_many_arguments_a_callable_wants(function: Any, count: int) -> None:
    """Those without which it cannot be called; one written in C that says nothing wants none."""
    assert [wants_argument(function, position) for position in range(4)] == [position < count for position in range(4)]
