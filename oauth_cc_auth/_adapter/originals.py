"""The classes of a client library as the library made them, whatever stands in their place by now.

A cache can be installed for a whole process: it puts a subclass in the place of ``requests.Session`` or
``httpx.Client``, before or after the library is imported here. One law: a class is known by its own name and module,
among the bases of what is there. So every session of the library is one, whenever it was made; and a token request of
our own goes through no such cache.
"""

from __future__ import annotations

from typing import Any


def original_class(library: Any, name: str) -> Any:
    """What `library` itself calls `name`; what is there instead if that is no subclass of it."""
    current = getattr(library, name)
    return next((cls for cls in getattr(current, "__mro__", ()) if _is_original(cls, library, name)), current)


def is_made_by(library: Any, name: str, value: object) -> bool:
    """True if `value` is an object of the class `name` of `library`, or says so as a mock with a `spec` does."""
    if any(_is_original(cls, library, name) for cls in type(value).__mro__):
        return True
    cls = original_class(library, name)
    return isinstance(cls, type) and isinstance(value, cls)


def _is_original(cls: type, library: Any, name: str) -> bool:
    return cls.__name__ == name and cls.__module__.partition(".")[0] == library.__name__
