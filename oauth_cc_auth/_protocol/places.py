"""Where a described endpoint has the members of its answer. Pure, no I/O.

A path leads from the whole answer to one value: dots nest, numbers count items of a list, ``$`` is the answer itself,
``header:`` is followed by the name of a header, and ``cookie:`` by that of a cookie that is set; ``cookie:*`` is all of
them, as the header ``Cookie`` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from oauth_cc_auth._redact.redact import presentable

_HEADER, _COOKIE = "header:", "cookie:"
_ALL_COOKIES = "cookie:*"

MISSING = object()


def found(answer: Any, headers: Mapping[str, str], path: str) -> Any:
    """What is at `path`, or `MISSING`.

    Args:
        answer: The parsed JSON, or the text of an answer that is none.
        headers: By lower-case name.
        path: As in `TokenEndpoint.response_fields`.
    """
    if path.startswith(_HEADER):
        return headers.get(path.removeprefix(_HEADER).strip().lower(), MISSING)
    if path.startswith(_COOKIE):
        return _cookie(headers.get("set-cookie", ""), path.removeprefix(_COOKIE).strip())
    if path == "$":
        return answer.strip() if isinstance(answer, str) else answer
    return _follow(answer, path.removeprefix("$."))


def _cookie(line: str, name: str) -> Any:
    """The value of a cookie; several headers are one line, with commas, which dates have too.

    An empty value deletes a cookie. The last one of a name counts (RFC 6265 §5.3).
    """
    cookies = {found[1]: found[2].strip() for found in re.finditer(r"(?:^|,\s*)([^\s=;,]+)=\"?([^\";,]*)", line)}
    if name == "*":
        return "; ".join(f"{each}={value}" for each, value in cookies.items() if value) or MISSING
    return cookies.get(name) or MISSING


def _follow(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        if path in value:  # also a name with dots in it
            return value[path]
        for end in (index for index, character in enumerate(path) if character == "."):
            if path[:end] in value:
                return _follow(value[path[:end]], path[end + 1 :])
        return MISSING
    first, _, rest = path.partition(".")
    if isinstance(value, list) and first.isdecimal() and int(first) < len(value):
        item = value[int(first)]
        return _follow(item, rest) if rest else item
    return MISSING


def is_in_head(path: str) -> bool:
    """True if `path` names a header or a cookie."""
    return path.startswith((_HEADER, _COOKIE))


def not_found(answer: Any, path: str, secrets: Iterable[str]) -> str:
    """What is wrong if nothing is at `path`: how far it leads, and the names of the members that are there.

    Args:
        secrets: What must be masked.
    """
    if is_in_head(path):
        kind, _, name = path.partition(":")
        return "it sets no cookie" if path == _ALL_COOKIES else f"it has no {kind} {name.strip()}"
    reached, there = _members_on_the_way(answer, path)
    place = f"{reached!r} is there, and {there}" if reached else there
    return f"it has no {path!r}: {presentable(place, secrets)}"


def _members_on_the_way(answer: Any, path: str) -> tuple[str, str]:
    """How far `path` leads in `answer`, as a path, and what is there instead: names of members, or a type."""
    steps = path.removeprefix("$.").split(".")
    for length in range(len(steps) - 1, 0, -1):
        start = ".".join(steps[:length])
        value = _follow(answer, start)
        if value is not MISSING:
            return start, _described(value)
    return "", _described(answer)


def _described(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"its members are: {', '.join(map(str, value)) or 'none'}"
    if isinstance(value, list):
        return f"it is a list of {len(value)}"
    return "it has no members"
