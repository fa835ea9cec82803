"""Header fields (RFC 9110): which text fits into one, and how long ``Retry-After`` asks a client to wait.

The checks use no regular expressions: compiling one takes longer than importing this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters, digits

_HEADER_NAME_CHARACTERS = "!#$%&'*+-.^_`|~" + ascii_letters + digits  # RFC 9110 §5.6.2


def has_control(text: str) -> bool:
    """True where there is a control character of ASCII in it."""
    return not text.isprintable() and any(character < " " or character == "\x7f" for character in text)


def is_header_name(text: str) -> bool:
    """A token of RFC 9110 §5.6.2."""
    return text != "" and not text.strip(_HEADER_NAME_CHARACTERS)


def is_header_value(text: str) -> bool:
    """Printable ASCII and tabs, no white space at either end (RFC 9110 §5.5, without obs-text); perhaps nothing."""
    return text.isascii() and text.replace("\t", " ").isprintable() and text.strip() == text


def is_encodable(text: str) -> bool:
    """False where there is a lone surrogate in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Far beyond anything that is obeyed; keeps a number of a thousand digits from becoming an error.
_FOREVER = 10.0**9  # seconds


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, never negative; None without a usable one.

    A date counts from the answer's own ``Date``: the two clocks need not agree. Without one it counts from `wall`,
    a Unix time in seconds.
    """
    import re

    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value, re.ASCII):
        return min(float(value), _FOREVER)
    until = _unix_time(value)
    if until is None:
        return None
    now = _unix_time(headers.get("date", ""))
    return min(max(0.0, until - (wall if now is None else now)), _FOREVER)


def _unix_time(date: str) -> float | None:
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(date)
        # "-0000" and a missing zone make a naive date; HTTP dates are in GMT.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
