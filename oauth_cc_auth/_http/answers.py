"""What an HTTP answer says by its status, its headers and its first byte, whatever it means (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .interrupts import Ignoring

# What is said of a body that ends too early.
CUT_OFF = "its body is cut off"


def is_redirect(status: int) -> bool:
    """True for 3xx, with a target or without."""
    return 300 <= status < 400


class RedirectHider:
    """A response hook that takes the target off a redirect.

    requests and httpx prepare a next request even if they are not to follow. requests reads the whole body for that,
    and both raise errors for an odd target.

    Attributes:
        location: The target; None if there was none.
        response: What it acted on last; a hook that comes later may raise for it.
    """

    def __init__(self) -> None:
        self.response: Any = None
        self.location: str | None = None

    def __call__(self, response: Any, **options: Any) -> None:
        """Act on a response of requests or of a blocking httpx client."""
        self.response = response
        if is_redirect(response.status_code):
            self.location = response.headers.pop("location", None)

    async def ahide(self, response: Any) -> None:
        """`__call__` for an async client."""
        self(response)


def phrase(status: int) -> str:
    """The standard's words for a status, or nothing. The server's own words could be anything."""
    with Ignoring(ValueError):
        return HTTPStatus(status).phrase
    return ""


def is_web_page(content_type: str, body: bytes) -> bool:
    """True if the answer is HTML, by its type or by its first byte."""
    return "html" in content_type.lower() or body.lstrip()[:1] == b"<"


# Far beyond anything that is obeyed; keeps a number of a thousand digits from becoming an error.
_FOREVER = 10.0**9  # seconds


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, never negative; None without a usable one.

    A date counts from the answer's own ``Date``: the two clocks need not agree. Without one it counts from `wall`,
    a Unix time in seconds.

    Args:
        headers: By lower-case name.
    """
    import re

    if "retry-after" not in headers:
        return None
    value = headers["retry-after"].strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value):
        return min(float(value), _FOREVER)
    until = unix_time(value)
    if until is None:
        return None
    now = _date_of(headers)
    return min(max(0.0, until - (wall if now is None else now)), _FOREVER)


def unix_time(date: str) -> float | None:
    """An HTTP date (RFC 9110 §5.6.7) as a Unix time in seconds; None if it is none."""
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    with Ignoring(Exception):  # made for e-mail; what it raises for odd text differs between versions of Python
        parsed = parsedate_to_datetime(date)
        # "-0000" and a missing zone make a naive date; HTTP dates are in GMT.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    return None


def clock_skew(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds by which the server's clock is ahead of `wall`, a Unix time; None without a usable ``Date``.

    Args:
        headers: By lower-case name.
    """
    told = _date_of(headers)
    return None if told is None else told - wall


def _date_of(headers: Mapping[str, str]) -> float | None:
    return unix_time(headers["date"]) if "date" in headers else None


def is_json(content_type: str) -> bool:
    """True for ``application/json`` and for types that are made of it (RFC 6839 §3.1)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or kind.endswith("+json")
