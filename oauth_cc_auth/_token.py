"""A token as the token endpoint issued it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._redact import MASK


class Token:
    """An access token (RFC 6749 §5.1). Its repr shows no secret.

    Attributes:
        access_token: The token itself.
        token_type: What the server called it, such as ``Bearer``; None where it named none.
        expires_at: Unix time in seconds at which it ends; None where the server told no usable lifetime.
        scope: Granted scopes, separated by single spaces; None where neither side named any.
        extra: Everything else in the answer, by name.
    """

    __slots__ = ("access_token", "expires_at", "extra", "scope", "token_type")

    def __init__(
        self,
        access_token: str,
        *,
        token_type: str | None = "Bearer",
        expires_at: float | None = None,
        scope: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.access_token = access_token
        self.token_type = token_type
        self.expires_at = expires_at
        self.scope = scope
        self.extra: Mapping[str, Any] = {} if extra is None else dict(extra)

    def __repr__(self) -> str:
        extra = dict.fromkeys(self.extra, MASK)
        return (
            f"Token(access_token={MASK!r}, token_type={self.token_type!r}, expires_at={self.expires_at!r}, "
            f"scope={self.scope!r}, extra={extra!r})"
        )
