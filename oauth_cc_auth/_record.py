"""Small values that are equal where all that they hold is equal, such as `Sleep(0.5)`.

Written out, where NamedTuple or dataclass would be shorter: those write and compile code when they are imported, a
tenth of a millisecond for each of twenty.
"""

from __future__ import annotations

from typing import TypeVar

RecordT = TypeVar("RecordT", bound="Record")


class Record:
    """What has slots and is compared by them."""

    __slots__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]  # typeshed lets every object be hashed; nobody hashes these

    def replaced(self: RecordT, **changes: object) -> RecordT:
        """A copy that holds something else in some slots."""
        copy = object.__new__(type(self))
        for name in self.__slots__:
            setattr(copy, name, getattr(self, name))
        for name, value in changes.items():
            setattr(copy, name, value)  # an AttributeError for a name that it does not have
        return copy

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"
