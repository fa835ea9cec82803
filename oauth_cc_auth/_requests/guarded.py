"""Keep a token in a header of its own on the origin that the person named, whatever happens on the way.

requests takes ``Authorization`` off a redirect to another origin, and no other header. It builds the redirected request
from a copy of the first one and then changes the URL of the copy. Hooks, adapters and sessions of other people may
make copies too, at any time. So the request itself decides: a guarded request drops the header as soon as its URL
leaves the origin, each time that someone reads its headers. The original keeps its header, since each copy has headers
of its own. A guarded request is otherwise what it was.
"""

from __future__ import annotations

import copyreg
from copy import deepcopy
from functools import cache
from typing import Any

from oauth_cc_auth._http.origin import surely_stays

_GUARD = "_oauth_cc_auth_guard"  # (header names, URL that the person named), beside the attributes of the library


def guard(request: Any, header_names: tuple[str, ...]) -> None:
    """Have `request` and its copies carry the headers `header_names` only to the origin that `request` names now."""
    cls = type(request)
    request.__dict__[_GUARD] = header_names, str(request.url)
    if not hasattr(cls, _GUARD):
        request.__class__ = _guarded_class(cls)  # type: ignore[arg-type]  # a class can be hashed


def _remove(names: tuple[str, ...], headers: Any) -> None:
    for name in names:
        headers.pop(name, None)


@cache
def _guarded_class(cls: Any) -> type[Any]:
    """The subclass of a library's prepared request whose headers are guarded."""

    class Guarded(cls):  # type: ignore[misc]  # a class known when the program runs
        @property
        def headers(self) -> Any:
            """The headers; ours is among them only if the URL is still on its origin."""
            attributes = self.__dict__
            headers, (names, named) = attributes.get("headers"), attributes[_GUARD]
            if headers and not surely_stays(named, str(attributes.get("url"))):
                _remove(names, headers)
            return headers

        @headers.setter
        def headers(self, headers: Any) -> None:
            self.__dict__["headers"] = headers

        def copy(self) -> Any:
            """What the library makes, guarded as this one is."""
            return self._guard_copy(super().copy())

        def __copy__(self) -> Any:
            twin = object.__new__(type(self))
            twin.__dict__.update(self.__dict__, headers=self.headers.copy())
            return twin

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            twin = object.__new__(type(self))
            memo[id(self)] = twin
            twin.__dict__.update(deepcopy(self.__dict__, memo))
            return twin

        def __reduce_ex__(self, protocol: Any) -> Any:
            # A pickle names the library's class, which guards nothing: so the token stays behind.
            names, _ = self.__dict__[_GUARD]
            headers = self.headers.copy()
            _remove(names, headers)
            state = {key: value for key, value in self.__dict__.items() if key != _GUARD}
            return copyreg._reconstructor, (cls, object, None), {**state, "headers": headers}  # type: ignore[attr-defined]

        def _guard_copy(self, copy: Any) -> Any:
            copy.__dict__[_GUARD] = self.__dict__[_GUARD]
            copy.__class__ = type(self)
            return copy

    setattr(Guarded, _GUARD, None)  # marks the class
    Guarded.__name__, Guarded.__qualname__, Guarded.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Guarded
