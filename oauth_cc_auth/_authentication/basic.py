"""HTTP Basic (RFC 6749 §2.3.1): id and secret in a header."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

from .base import AuthenticationContext, ClientAuthentication, Credentials


class ClientSecretBasic(ClientAuthentication):
    """HTTP Basic, the method that every server must support (RFC 6749 §2.3.1).

    Args:
        percent_encode: Encode id and secret before Base64, as the RFC demands. Pass False for servers that never decode
            (glewlwyd 2.7, node-oauth).
    """

    def __init__(self, *, percent_encode: bool = True) -> None:
        self.percent_encode = percent_encode
        self.name = "client_secret_basic" if percent_encode else "client_secret_basic (not percent-encoded)"

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """An ``Authorization`` header, and nothing in the body."""
        return self._header(context.client_id, context.client_secret or "")

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """`credentials_for` with the arguments of version 0.1."""
        return self._header(client_id, client_secret)

    def _header(self, client_id: str, client_secret: str) -> Credentials:
        encoded, raw = basic_blobs(client_id, client_secret)
        return Credentials(headers=(("Authorization", f"Basic {encoded if self.percent_encode else raw}"),))

    def __repr__(self) -> str:
        return f"ClientSecretBasic(percent_encode={self.percent_encode})"


ClientSecretBasic.__module__ = "oauth_cc_auth"


def basic_blobs(client_id: str, client_secret: str) -> tuple[str, str]:
    """The Base64 text of HTTP Basic, first with id and secret percent-encoded, then as they are."""
    encoded = f"{percent_encoded(client_id)}:{percent_encoded(client_secret)}"
    return _base64(encoded), _base64(f"{client_id}:{client_secret}")


def is_changed(client_id: str, client_secret: str) -> bool:
    """True if percent-encoding makes something else of id or secret."""
    return any(percent_encoded(text) != text for text in (client_id, client_secret))


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def percent_encoded(value: str) -> str:
    """`value` as HTTP Basic wants it (RFC 6749 §2.3.1)."""
    # Form encoding would write a space as "+", which Authlib 1.9 does not decode; all that decode know "%20".
    return quote(value, safe="")
