"""The Azure SDK: credentials for its clients, and for others that take an ``azure.core`` credential.

auth = ClientCredentialsAuth("https://login.example.com/oauth2/token", "abcd-1234", "secret123456")
client = BlobServiceClient("https://account.blob.core.windows.net", credential=TokenCredential(auth))
"""

import time
from typing import Any

from ._adapter.base import BaseAuth, check_bearer
from ._errors import ConfigurationError
from ._install import how_to_install
from ._token import Token

try:
    from azure.core.credentials import AccessToken, AccessTokenInfo
except ImportError as _error:
    raise ImportError(f"oauth_cc_auth.azure needs azure-core 1.31 or later: {how_to_install('azure')}") from _error

__all__ = ["AsyncTokenCredential", "TokenCredential"]

# The SDK asks again for a token that ends within five minutes (azure-core 1.41). So one whose life is not known is
# asked for with every request, which costs nothing.
_UNKNOWN_LIFE = 0


class _Credential:
    """One auth object, and a sibling of it for each set of scopes."""

    def __init__(self, auth: BaseAuth[Any]) -> None:
        if not isinstance(auth, BaseAuth):
            raise ConfigurationError(field="auth", problem=f"must be an auth object, not {type(auth).__name__}")
        check_bearer(auth)
        self._auth: Any = auth
        self._siblings: dict[tuple[str, ...], Any] = {}

    def _for(self, scopes: tuple[str, ...]) -> Any:
        """What has tokens with `scopes`; the auth object itself if those are its own, or none."""
        if not scopes or " ".join(scopes) == self._auth.config.scope:
            return self._auth
        if scopes not in self._siblings:
            self._siblings.setdefault(scopes, self._auth.with_options(scope=scopes))
        return self._siblings[scopes]


class TokenCredential(_Credential):
    """A credential for the clients of the Azure SDK that block.

    The scopes that the SDK asks for are asked of the token endpoint, each set of them with a token of its own. The SDK
    asks again before a token ends; this then returns the one at hand, or a new one if it is time.

    Args:
        auth: A `ClientCredentialsAuth` of any library.

    Raises:
        ConfigurationError: it is none.
    """

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token with these scopes; `options`, such as `tenant_id`, are ignored.

        Raises:
            TokenError: no token can be had.
        """
        token: Token = self._for(scopes).get_token()
        return AccessToken(token.access_token, _expires_on(token))

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """`get_token` with more about the token.

        Raises:
            TokenError: no token can be had.
        """
        token: Token = self._for(scopes).get_token()
        return AccessTokenInfo(token.access_token, _expires_on(token), token_type=token.token_type or "Bearer")

    def close(self) -> None:
        """Nothing is open between token requests."""

    def __enter__(self) -> "TokenCredential":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncTokenCredential(_Credential):
    """`TokenCredential` for clients of the Azure SDK in an event loop.

    Args:
        auth: A `ClientCredentialsAuth` of `oauth_cc_auth.httpx` or `oauth_cc_auth.httpx2`.

    Raises:
        ConfigurationError: it is none.
    """

    def __init__(self, auth: BaseAuth[Any]) -> None:
        super().__init__(auth)
        if not hasattr(auth, "aget_token"):
            problem = "must be one of oauth_cc_auth.httpx or oauth_cc_auth.httpx2, which work in an event loop"
            raise ConfigurationError(field="auth", problem=problem)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """`TokenCredential.get_token` in an event loop; raises the same."""
        token: Token = await self._for(scopes).aget_token()
        return AccessToken(token.access_token, _expires_on(token))

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """`TokenCredential.get_token_info` in an event loop; raises the same."""
        token: Token = await self._for(scopes).aget_token()
        return AccessTokenInfo(token.access_token, _expires_on(token), token_type=token.token_type or "Bearer")

    async def close(self) -> None:
        """Nothing is open between token requests."""

    async def __aenter__(self) -> "AsyncTokenCredential":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def _expires_on(token: Token) -> int:
    """Unix time in seconds."""
    return int(time.time()) + _UNKNOWN_LIFE if token.expires_at is None else int(token.expires_at)
