"""Small records, such as `Sleep(0.5)`. The one law: two are equal if they are of one class and all their slots are.

Every small record in this package is written this way. A NamedTuple or dataclass would be shorter, but writes and
compiles code at import: a tenth of a millisecond for each of twenty. A comment gives the reason if one is used anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    RecordT = TypeVar("RecordT", bound="Record")


class Record:
    """The base of all small records; a subclass names its `__slots__` and fills them in `__init__`."""

    __slots__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]  # typeshed lets every object be hashed; a record may change

    def replaced(self: RecordT, **changes: object) -> RecordT:
        """A copy with other values in some slots.

        Raises:
            AttributeError: there is no slot of that name.
        """
        copy = object.__new__(type(self))
        for name in self.__slots__:
            setattr(copy, name, getattr(self, name))
        for name, value in changes.items():
            setattr(copy, name, value)
        return copy

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"
