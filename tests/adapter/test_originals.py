"""`originals`: a class is known by its own name and module, whatever stands in its place."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from unittest.mock import create_autospec

import pytest

from oauth_cc_auth._adapter.originals import is_made_by, original_class


def a_class(module: str, name: str = "Session", *bases: type) -> Any:
    return type(name, bases, {"__module__": module})


@pytest.fixture(params=["library", "library.sessions", "library.parts.sessions"])
def library(request: pytest.FixtureRequest) -> Any:
    """A module with one class, which is defined in it or below it."""
    module: Any = ModuleType("library")
    module.Session = a_class(request.param)
    return module


def test_the_class_as_it_was_made(library: Any) -> None:
    """Nothing has replaced it."""
    assert original_class(library, "Session") is library.Session
    assert is_made_by(library, "Session", library.Session())


@pytest.mark.parametrize("module", ["cache", "library_cache", "cache.library"])
def test_a_subclass_in_its_place(library: Any, module: str) -> None:
    """The original is the base; objects of both will do, but not others of a module with such a name."""
    original = library.Session
    library.Session = a_class(module, "Session", original)
    assert original_class(library, "Session") is original
    assert is_made_by(library, "Session", original())
    assert is_made_by(library, "Session", library.Session())
    assert not is_made_by(library, "Session", a_class(module)())


def test_a_class_of_another_name(library: Any) -> None:
    """It is of the same library, and no session."""
    library.Adapter = a_class("library.adapters", "Adapter")
    assert not is_made_by(library, "Session", library.Adapter())
    assert original_class(library, "Adapter") is library.Adapter


def test_one_that_is_no_subclass_in_its_place(library: Any) -> None:
    """It is what there is; its objects will do, and those of the original."""
    made_before = library.Session()
    library.Session = a_class("lookalike")
    assert original_class(library, "Session") is library.Session
    assert is_made_by(library, "Session", library.Session())
    assert is_made_by(library, "Session", made_before)
    assert not is_made_by(library, "Session", object())


def test_no_class_in_its_place(library: Any) -> None:
    """Nothing is an object of a function."""
    made_before = library.Session()
    library.Session = lambda: None
    assert original_class(library, "Session") is library.Session
    assert is_made_by(library, "Session", made_before)
    assert not is_made_by(library, "Session", object())


def test_a_mock_with_a_specification(library: Any) -> None:
    """It says that it is an object of its class."""
    assert is_made_by(library, "Session", create_autospec(library.Session, instance=True))
    library.Session = a_class("cache", "Session", library.Session)
    assert is_made_by(library, "Session", create_autospec(library.Session, instance=True))
