"""Why no one knows how long a token lives, although the settings say where the answer tells it. Pure, no I/O.

Without this a typo in a path is silent: the token works, and is used until an API refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._token import TOKEN_MEMBERS, Token

from .places import MISSING, found, not_found

if TYPE_CHECKING:
    from .exchange import TokenRequest, TokenResponse

_MOMENTS = ("unix", "unix_ms", "date")
_LONG_AGO = 1e9  # Unix time in seconds, in 2001: what is said to end before that is no moment, but a span or a 0


def unread_life(
    request: TokenRequest, answer: TokenResponse, token: Token, told: Mapping[str, Any] | None = None
) -> str:
    """What is wrong with the place or the unit of `expires_in`, in words that hold no secret; empty if nothing is.

    Nothing is if the answer says null, or if the token itself or `default_lifetime` tells its life.

    Args:
        request: What was asked.
        answer: What came back.
        token: What was found in it.
        told: What the person's `response_fields` made of the answer, if that is a callable.
    """
    # This module is loaded with the auth object, and these with its first token request.
    from .lifetimes import lifetime
    from .members import json_type, members_of, whole_of

    endpoint = request.endpoint
    if endpoint is None or (token.expires_at is not None and endpoint.lifetime_unit not in _MOMENTS):
        return ""
    places, unit = endpoint.response_fields, endpoint.lifetime_unit
    named = places.get("expires_in") if isinstance(places, Mapping) else None
    path = named or "expires_in"
    # A form has members, too; a path leads only through JSON.
    whole = whole_of(answer.body) if named else members_of(answer.body, (), ())
    value = told.get(path, MISSING) if told is not None else found(whole, answer.headers, path)
    if value is None or (token.expires_at is not None and lifetime(value, unit, _LONG_AGO) != 0.0):
        return ""
    if value is not MISSING:
        return f"what it has for {path!r} is {json_type(value)} that the unit {unit!r} does not fit"
    if told is not None or callable(places) or (named is None and unit == "s"):
        return ""
    issued = [text for name in TOKEN_MEMBERS if isinstance(text := token.extra.get(name), str)]
    return not_found(whole, path, (*request.secrets, token.access_token, *issued))
