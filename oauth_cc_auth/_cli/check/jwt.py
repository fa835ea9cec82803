"""What a JWT (RFC 7519) says of itself. It is not verified, and its signature is never shown.

A client need not understand its token (RFC 6749 §1.4), and the plugin never looks into it. But it helps a person who
asks why an API refuses the token: a wrong audience is there in plain Base64.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from oauth_cc_auth._redact.redact import MASK, presentable

from .facts import JwtFacts

DATES = ("exp", "nbf", "iat", "auth_time")  # claims that are Unix times in seconds

_LATEST = 2.0e11  # Unix time in seconds; Python's calendar ends before it, and milliseconds begin after it
_LONGEST = 65536  # characters; a longer header reaches no API
_DEEPEST = 4  # levels of claims within claims that are shown
_MOST = 50  # members of one claim that are shown

# Some providers put a token for another API into a claim.
_TOKEN_WITHIN = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w.-]*")

_PARTS_OF_JWS, _PARTS_OF_JWE = 3, 5


def read_jwt(token: str, secrets: Iterable[str]) -> JwtFacts | None:
    """What `token` says, with `secrets` and itself masked; None if it is not a JWT."""
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) not in (_PARTS_OF_JWS, _PARTS_OF_JWE):
        return None
    header = _members(parts[0])
    if header is None or "alg" not in header:
        return None
    # A token within the token would work.
    hidden = (*secrets, token, *(part for part in parts[2:] if part))
    if len(parts) == _PARTS_OF_JWE:
        return JwtFacts(_clean_members(header, hidden), None) if "enc" in header else None
    claims = _members(parts[1])
    return None if claims is None else JwtFacts(_clean_members(header, hidden), _clean_members(claims, hidden))


def _members(part: str) -> Mapping[str, Any] | None:
    try:
        # A JWT has no padding; too much of it does no harm.
        parsed = json.loads(urlsafe_b64decode(part + "=="))
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _clean_members(members: Mapping[str, Any], hidden: tuple[str, ...]) -> dict[str, Any]:
    cleaned: dict[str, Any] = _clean(dict(members), hidden, _DEEPEST)
    return cleaned


def _clean(value: object, hidden: tuple[str, ...], depth: int) -> Any:
    """`value` in a form that may be shown, and that strict JSON can hold."""
    if isinstance(value, str):
        return presentable(_TOKEN_WITHIN.sub(MASK, value), hidden)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if depth == 0 and isinstance(value, (list, dict)):
        return "…"
    if isinstance(value, list):
        return [_clean(item, hidden, depth - 1) for item in value[:_MOST]]
    if isinstance(value, dict):
        few = list(value.items())[:_MOST]
        return {presentable(name, hidden): _clean(item, hidden, depth - 1) for name, item in few}
    return value


def time_claim(claims: Mapping[str, Any], name: str) -> float | None:
    """The Unix time in a claim, in seconds; None if it is absent or odd."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < _LATEST else None


def words_claim(claims: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """The words in the first of these claims that is there: of a string with spaces, or of a list."""
    for name in names:
        value = claims.get(name)
        if isinstance(value, str) and value:
            return tuple(value.split())
        if isinstance(value, list) and value:
            return tuple(str(item) for item in value)
    return ()
