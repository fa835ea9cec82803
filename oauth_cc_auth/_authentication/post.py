"""The id and the secret in the request body (RFC 6749 §2.3.1)."""

from __future__ import annotations

from .base import AuthenticationContext, ClientAuthentication, Credentials


class ClientSecretPost(ClientAuthentication):
    """Id and secret in the request body (RFC 6749 §2.3.1)."""

    name = "client_secret_post"

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """Body fields, and no header."""
        return _body_fields(context.client_id, context.client_secret or "")

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """`credentials_for` with the arguments of version 0.1."""
        return _body_fields(client_id, client_secret)


ClientSecretPost.__module__ = "oauth_cc_auth"


def _body_fields(client_id: str, client_secret: str) -> Credentials:
    return Credentials(fields=(("client_id", client_id), ("client_secret", client_secret)))
