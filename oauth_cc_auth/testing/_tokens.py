"""The tokens that the server has issued, and which of them are still valid."""

import json
import math
import threading
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl


class IssuedTokens:
    """Knows every issued token. Thread-safe. A value that is issued again is a new token with a new number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: list[str] = []
        self._valid: dict[str, tuple[int, float]] = {}

    def issue(self, value: str, expires_in: object, now: float) -> None:
        """Add the token ``value``, issued at ``now`` with this ``expires_in``."""
        with self._lock:
            self._values.append(value)
            self._valid[value] = (len(self._values), now + seconds_to_live(expires_in))

    def number(self, value: str, now: float) -> int | None:
        """The 1-based number of a valid token. None if it is unknown, expired or revoked."""
        with self._lock:
            number, expires_at = self._valid.get(value, (None, math.inf))
        return number if now < expires_at else None

    def revoke(self, value: str) -> None:
        with self._lock:
            self._valid.pop(value, None)

    def revoke_all(self) -> None:
        with self._lock:
            self._valid.clear()

    def values(self) -> tuple[str, ...]:
        """Every value in order of issue, valid or not."""
        with self._lock:
            return tuple(self._values)


def seconds_to_live(expires_in: object) -> float:
    """The life of a token in seconds: infinite for anything but a positive number or a string of one."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, (int, float, str)):
        return math.inf
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return math.inf
    return seconds if seconds > 0 else math.inf


def token_in(content: bytes) -> tuple[str, object] | None:
    """The token and the ``expires_in`` in a token answer, JSON or form-encoded. None if there is no token."""
    members = _members(content.decode("utf-8", "replace"))
    value = members.get("access_token")
    return (value, members.get("expires_in")) if isinstance(value, str) else None


def _members(text: str) -> Mapping[str, object]:
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return dict(parse_qsl(text))
    return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
