"""What a client authentication strategy is told. The one law: it is one object, so that more can be told later."""

from __future__ import annotations

from typing import Any, NoReturn

from oauth_cc_auth._redact.redact import MASK, shown_url


class AuthenticationContext:
    """The token request that a strategy proves, and the client that sends it. Read-only; its repr shows no secret.

    Attributes:
        client_id: Identifier of the client.
        client_secret: Its secret; None if it has none, which only a strategy without `needs_secret` meets.
        token_url: Where the token request goes.
        issuer: The issuer that `token_url` was discovered from; None if `token_url` was given.
        mtls_token_url: The endpoint's alias for mutual TLS (RFC 8705 §5); None if there is none.
        nonce: What the server wants to see in the next proof (RFC 9449 §8); None if it asked for none.
    """

    __slots__ = ("client_id", "client_secret", "issuer", "mtls_token_url", "nonce", "token_url")

    client_id: str
    client_secret: str | None
    token_url: str
    issuer: str | None
    mtls_token_url: str | None
    nonce: str | None

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str | None,
        token_url: str,
        issuer: str | None = None,
        mtls_token_url: str | None = None,
        nonce: str | None = None,
    ) -> None:
        set_slot = super().__setattr__
        set_slot("client_id", client_id)
        set_slot("client_secret", client_secret)
        set_slot("token_url", token_url)
        set_slot("issuer", issuer)
        set_slot("mtls_token_url", mtls_token_url)
        set_slot("nonce", nonce)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"AuthenticationContext is read-only; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"AuthenticationContext is read-only; {name} cannot be deleted")

    def __repr__(self) -> str:
        secret = None if self.client_secret is None else MASK
        return (
            f"AuthenticationContext(client_id={self.client_id!r}, client_secret={secret!r}, "
            f"token_url={shown_url(self.token_url)!r}, issuer={self.issuer!r}, "
            f"mtls_token_url={self.mtls_token_url!r}, nonce={self.nonce!r})"
        )
