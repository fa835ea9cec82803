"""How long a token lives, from whatever the endpoint sends and in the unit that the setting names. Pure, no I/O."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from math import inf, isnan
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._http.interrupts import Ignoring

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_LIFE = 365 * 24 * 3600.0  # seconds; Adobe IMS sends milliseconds, but the API's 401 renews the token anyway

_SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SECONDS_OF_TIME = {"unix": 1.0, "unix_ms": 0.001}
_LONGEST_TEXT = 64  # characters of a date
_LONGEST_CLAIMS = 65536  # characters of a JWT's claims


def lifetime(expires_in: object, unit: str = "s", wall: float = 0.0) -> float | None:
    """Seconds that a token lives, from anything that a server sends; None if it says nothing usable.

    PayPal, UPS and Entra v1 send a string, Salesforce nothing at all. Zero and less mean "use it once".

    Args:
        expires_in: What the answer says.
        unit: One of `TokenEndpoint`'s units.
        wall: Unix time in seconds at which the token was asked for; counts if the answer names a point in time.
    """
    if unit == "clock":
        seconds = _of_clock(expires_in)
    elif unit == "date":
        ends = _of_date(expires_in)
        seconds = None if ends is None else ends - wall
    else:
        number = _number(expires_in)
        if number is None:
            return None
        seconds = number * _SECONDS[unit] if unit in _SECONDS else number * _SECONDS_OF_TIME[unit] - wall
    return None if seconds is None else min(max(0.0, seconds), LONGEST_LIFE)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int beyond the floats
        number = inf if isinstance(value, int) and value > 0 else -inf
    except ValueError:
        return None
    return None if isnan(number) else number


def _of_clock(value: object) -> float | None:
    """Seconds in ``D:HH:MM:SS``; the larger parts may be missing."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(:\d{1,2}){1,3}(\.\d{1,9})?", value.strip(), re.ASCII):
        return None
    *larger, last = value.strip().split(":")
    seconds = float(last)
    for part, factor in zip(reversed(larger), (60.0, 3600.0, 86400.0), strict=False):
        seconds += int(part) * factor
    return seconds


def _of_date(value: object) -> float | None:
    """Unix time of a date by ISO 8601 or RFC 9110 §5.6.7; one without an offset is in UTC."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return None
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    text = value.strip()
    for read in (_iso_date, parsedate_to_datetime):
        with Ignoring(ValueError, TypeError, IndexError, OverflowError):
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    return None


def _iso_date(text: str) -> datetime:
    """Python 3.10 reads neither "Z", nor an offset without a colon, nor any number of digits after the seconds."""
    from datetime import datetime

    parts = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))? ?(?:(Z|z|UTC)|([+-]\d\d):?(\d\d)?)?",
        text,
        re.ASCII,
    )
    if parts is None:
        raise ValueError
    day, time, fraction, _, hours, minutes = parts.groups()
    offset = "+00:00" if hours is None else f"{hours}:{minutes or '00'}"
    moment = datetime.fromisoformat(f"{day}T{time}{offset}")
    return moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))


def lifetime_of_jwt(token: str) -> float | None:
    """Seconds from ``iat`` to ``exp`` in the claims of a JWT (RFC 7519 §4.1), which is not verified; None if none.

    Both times are by one clock, the server's, so it does not matter what ours says.
    """
    parts = token.split(".")
    if len(parts) != 3 or not parts[0].startswith("eyJ") or len(parts[1]) > _LONGEST_CLAIMS:
        return None
    with Ignoring(ValueError, RecursionError):
        claims: Any = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        if isinstance(claims, dict):
            ends, began = _number(claims.get("exp")), _number(claims.get("iat"))
            if ends is not None and began is not None and ends > began:
                return min(ends - began, LONGEST_LIFE)
    return None
