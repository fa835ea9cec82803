"""Headers and fields of a token request whose values the person's callables compute, asked before each request."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._settings.callables import given, has_callable, returned_awaitable
from oauth_cc_auth._settings.shown import shown_field
from oauth_cc_auth._token import Token

from .effects import CallFunction, Effect, Raised

Pairs = tuple[tuple[str, Any], ...]
Calling = Callable[[Callable[[], Any]], CallFunction]


def computed(
    pairs: Pairs,
    last: Token | None,
    call: Calling,
    check: Callable[[Pairs], Pairs],
) -> Generator[Effect, Any, Pairs | Raised]:
    """`pairs` with the values that the callables in them return now.

    Args:
        pairs: Names and values. A value may be a callable, or hold some.
        last: What the endpoint issued last, for a callable that takes an argument; None if it issued nothing yet.
        call: Makes the effect that calls a function.
        check: Checks pairs as settings are checked; raises a ConfigurationError.
    """
    if not any(has_callable(value) for _, value in pairs):
        return pairs
    found: list[tuple[str, Any]] = []
    for name, value in pairs:
        if not has_callable(value):
            found.append((name, value))
            continue
        result = yield from _computed(value, last, call)
        if not isinstance(result, Raised):
            try:
                found += check(((name, result),))
                continue
            except ConfigurationError as error:
                result = Raised(f"what it returned cannot be used: {error}")
        return Raised(f"the callable for {shown_field(name)} gave no value: {result.text}")
    return tuple(found)


def _computed(value: Any, last: Token | None, call: Calling) -> Generator[Effect, Any, Any]:
    """`value` without callables, or the `Raised` of the first that failed."""
    if callable(value):
        result = yield call(given(value, last))
        awaitable = returned_awaitable(result)
        return Raised(f"it {awaitable}") if awaitable else result
    if isinstance(value, Mapping):
        members = {}
        for name, member in value.items():
            members[name] = yield from _computed(member, last, call)
            if isinstance(members[name], Raised):
                return members[name]
        return members
    if isinstance(value, tuple):
        items = []
        for item in value:
            items.append((yield from _computed(item, last, call)))
            if isinstance(items[-1], Raised):
                return items[-1]
        return items
    return value
