"""The id and the secret in the request body (RFC 6749 §2.3.1)."""

from __future__ import annotations

from .base import ClientAuthentication, Credentials


class ClientSecretPost(ClientAuthentication):
    """Id and secret in the request body (RFC 6749 §2.3.1)."""

    name = "client_secret_post"

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """Body fields, and no header."""
        return Credentials(fields=(("client_id", client_id), ("client_secret", client_secret)))
