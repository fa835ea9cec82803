"""JSON Web Signatures in their compact form (RFC 7515 §7.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .keys import base64url


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A JWT (RFC 7519) with this header and these claims, signed by `sign`."""
    message = ".".join(base64url(_json(part)) for part in (header, claims))
    return f"{message}.{base64url(sign(message.encode()))}"


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
