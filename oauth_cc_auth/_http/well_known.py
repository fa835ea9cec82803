"""Where a server says what it is: URLs with ``/.well-known/`` (RFC 8615), as people paste them."""

from __future__ import annotations

_DOCUMENTS = ("oauth-authorization-server", "openid-configuration")


def issuer_behind(url: str) -> str | None:
    """The issuer whose metadata is at `url`, or nearly: one may have a slash at its end. None if it is no such URL.

    The well-known path comes before that of the issuer (RFC 8414 §3.1) or after it (OpenID Connect Discovery §4.1).
    """
    before, found, after = url.partition("?")[0].partition("/.well-known/")
    name, _, rest = after.partition("/")
    if not found or name not in _DOCUMENTS:
        return None
    return f"{before}/{rest}" if rest else before
