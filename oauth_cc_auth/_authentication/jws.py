"""JSON Web Signatures in their compact form (RFC 7515 §7.1)."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .keys import base64url


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A JWT (RFC 7519) with this header and these claims, signed by `sign`."""
    message = ".".join(base64url(_json(part)) for part in (header, claims))
    return f"{message}.{base64url(sign(message.encode()))}"


def fresh_claims(lifetime: float) -> dict[str, Any]:
    """The claims that are new in each assertion: its times, and an id that no other one has.

    There is no ``nbf``: a clock that is one second ahead would make it an error.
    """
    now = int(time.time())
    return {"iat": now, "exp": now + int(lifetime), "jti": secrets.token_urlsafe(24)}


def check_lifetime(seconds: Any) -> None:
    """Raise a ConfigurationError unless these are seconds for which an assertion can be good."""
    if not isinstance(seconds, (int, float)) or not isfinite(seconds) or seconds < 1:
        raise ConfigurationError(field="lifetime", problem="must be seconds, 1 or more")


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
