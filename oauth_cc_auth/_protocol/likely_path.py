"""Where an answer without `access_token` may have its token, for the advice. Pure, no I/O.

Nothing is ever used because of that: a person has to say it, in `TokenEndpoint.response_fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .members import whole_of

_NAMES = frozenset({"accesstoken", "apitoken", "authtoken", "bearertoken", "jwt", "jwttoken", "sessiontoken", "token"})
_LEVELS = 3
_TOKEN = r"[\w.~+/-]{20,}=*"  # RFC 6750 §2.1; anything shorter may be a word
_WHOLE, _EXAMPLE = "$", "path.to.token"


def likely_path(body: bytes) -> str:
    """A path to what seems to be a token in an answer without `access_token`.

    It is an example if no member of the JSON object is called like a token, and empty if there is nothing to describe.
    """
    whole = whole_of(body)
    if isinstance(whole, str):
        return _WHOLE if re.fullmatch(_TOKEN, whole.strip(), re.ASCII) else ""
    if not isinstance(whole, Mapping) or not whole or "access_token" in whole:
        return ""
    return _path_in(whole, _LEVELS) or _EXAMPLE


def _path_in(members: Mapping[str, Any], levels: int) -> str:
    for name, value in members.items():
        if isinstance(value, str) and value and re.sub(r"[\W_]", "", name).lower() in _NAMES:
            return name
    if levels > 1:
        for name, value in members.items():
            rest = _path_in(value, levels - 1) if isinstance(value, Mapping) else ""
            if rest:
                return f"{name}.{rest}"
    return ""
