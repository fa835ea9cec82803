"""How long a server asks us to wait (RFC 9110 §10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime

# Far beyond anything that is obeyed; keeps a number of a thousand digits from becoming an error.
_FOREVER = 10.0**9  # seconds


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, never negative; None without a usable one.

    A date counts from the answer's own ``Date``: the two clocks need not agree. Without one it counts from `wall`,
    a Unix time in seconds.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value, re.ASCII):
        return min(float(value), _FOREVER)
    until = _unix_time(value)
    if until is None:
        return None
    now = _unix_time(headers.get("date", ""))
    return min(max(0.0, until - (wall if now is None else now)), _FOREVER)


def _unix_time(date: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(date)
        # "-0000" and a missing zone make a naive date; HTTP dates are in GMT.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
