"""Values are compared, shown and copied by what they hold."""

from __future__ import annotations

import pytest

from oauth_cc_auth._record import Record


class Pair(Record):
    __slots__ = ("left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


class Couple(Pair):
    __slots__ = ()


def test_equal_where_all_is_equal() -> None:
    """One slot that differs is enough."""
    assert Pair(1, 2) == Pair(1.0, 2)
    assert Pair(1, 2) != Pair(1, 3)
    assert Pair(1, 2) != Pair(0, 2)


def test_other_classes_are_not_equal() -> None:
    """Not a tuple either, nor a class that holds the same."""
    assert Pair(1, 2) != (1, 2)
    assert Pair(1, 2) != Couple(1, 2)


def test_shows_what_it_holds() -> None:
    """As it is written in code."""
    assert repr(Pair("a", None)) == "Pair(left='a', right=None)"


def test_replaced_leaves_the_original_as_it_was() -> None:
    """The copy holds the changes, None among them, and the rest."""
    original = Pair(1, 2)
    assert original.replaced(right=None) == Pair(1, None)
    assert original == Pair(1, 2)


def test_replaces_nothing_that_is_not_there() -> None:
    """A slip of the pen would go unnoticed."""
    with pytest.raises(AttributeError, match="middle"):
        Pair(1, 2).replaced(middle=3)


def test_has_no_hash() -> None:
    """What it holds may change."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Pair(1, 2))
