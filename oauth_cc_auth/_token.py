"""A token as the token endpoint issued it. The one law: it never changes, and never shows itself."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from ._redact.redact import MASK

TOKEN_MEMBERS = ("access_token", "refresh_token", "id_token")  # of an answer; each of them is a secret


class Token:
    """An access token (RFC 6749 §5.1). Immutable, because many requests share it; its repr shows no secret.

    Attributes:
        access_token: The token itself.
        token_type: Its type in the server's words, such as ``Bearer``; None if the server named none.
        expires_at: When it ends, in Unix time (seconds); None if the server named no usable lifetime.
        scope: Granted scopes, separated by single spaces; None if neither side named any.
        extra: Everything else in the answer, by name.
        serial: Tells tokens apart, since a renewed token may have the text of the old one. Copies and pickles keep it.
    """

    access_token: str
    token_type: str | None
    expires_at: float | None
    scope: str | None
    extra: Mapping[str, Any]
    serial: str

    def __init__(
        self,
        access_token: str,
        *,
        token_type: str | None = "Bearer",
        expires_at: float | None = None,
        scope: str | None = None,
        extra: Mapping[str, Any] | None = None,
        serial: str | None = None,
    ) -> None:
        self.__dict__.update(
            access_token=access_token,
            token_type=token_type,
            expires_at=expires_at,
            scope=scope,
            extra=MappingProxyType({} if extra is None else dict(extra)),
            serial=_new_serial() if serial is None else serial,
        )

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Token is immutable; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Token is immutable; {name} cannot be deleted")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "extra": dict(self.extra)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"serial": _new_serial(), **state, "extra": MappingProxyType(state["extra"])})

    def __repr__(self) -> str:
        extra = dict.fromkeys(self.extra, MASK)
        return (
            f"Token(access_token={MASK!r}, token_type={self.token_type!r}, expires_at={self.expires_at!r}, "
            f"scope={self.scope!r}, extra={extra!r})"
        )


Token.__module__ = "oauth_cc_auth"


def _new_serial() -> str:
    return os.urandom(8).hex()


def _token(fields: dict[str, Any]) -> Token:  # pyright: ignore[reportUnusedFunction]  # pickles use it
    """What pickles of version 0.1 call."""
    return Token(**fields)
