"""Nested values of settings, kept so that no one can change them afterwards.

A setting may hold mappings and lists, for a body in JSON. What a person passes may change later; what is kept does not,
can be compared, hashed, pickled and passed on as a setting again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Nested(Mapping[str, Any]):
    """A mapping that never changes; so do the values in it."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = {name: frozen(value) for name, value in members.items()}

    def __getitem__(self, name: str) -> Any:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __hash__(self) -> int:
        return hash(frozenset(self._members.items()))

    def __repr__(self) -> str:
        return repr(self._members)

    def __reduce__(self) -> tuple[Any, ...]:
        return Nested, (self._members,)


def frozen(value: Any) -> Any:
    """`value` with its mappings as `Nested` and its lists as tuples."""
    if isinstance(value, Mapping):
        return value if isinstance(value, Nested) else Nested(value)
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value


def thawed(value: Any) -> Any:
    """`frozen` undone: plain dicts and lists, as a JSON encoder and a pickle want them."""
    if isinstance(value, Mapping):
        return {name: thawed(member) for name, member in value.items()}
    return list(map(thawed, value)) if isinstance(value, (list, tuple)) else value
