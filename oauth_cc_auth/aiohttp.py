"""aiohttp: a client middleware that adds the token, and renews it if the API refuses it.

    auth = ClientCredentialsAuth("https://login.example.com/oauth2/token", "abcd-1234", "secret123456")
    tokens = ClientCredentialsMiddleware(auth, "https://api.example.com")
    session = aiohttp.ClientSession(middlewares=(tokens,))

The token requests are sent by httpx or httpx2, whose auth object this takes.
"""

from collections.abc import Iterable
from typing import Any

from ._adapter import behaviour
from ._adapter.base import BaseAuth, check_bearer
from ._errors import ConfigurationError, InsecureRequestError, TokenError
from ._http.origin import may_carry_secrets, origin_of
from ._install import how_to_install
from ._redact.redact import shown_url
from ._token import Token

try:
    from aiohttp import BytesPayload, ClientHandlerType, ClientRequest, ClientResponse
except ImportError as _error:
    raise ImportError(f"oauth_cc_auth.aiohttp needs aiohttp 3.12 or later: {how_to_install('aiohttp')}") from _error

__all__ = ["ClientCredentialsMiddleware"]


class ClientCredentialsMiddleware:
    """A client middleware for `aiohttp.ClientSession` and for single requests.

    Requests to `api_origins` carry the token. aiohttp calls its middlewares for every redirect as well, so the origins
    have to be named: nothing else tells an API from whatever it redirects to.

    If the API answers 401, the token is renewed, unless there is a newer one, and the request is sent once more. That
    goes for requests without a body, and with bytes, text, JSON or a form; any other body can be read only once.

    Args:
        auth: A `ClientCredentialsAuth` of `oauth_cc_auth.httpx` or `oauth_cc_auth.httpx2`.
        api_origins: Origins such as ``https://api.example.com`` that get the token: one, or several.

    Raises:
        ConfigurationError: an argument cannot be right.
    """

    def __init__(self, auth: BaseAuth[Any], api_origins: str | Iterable[str]) -> None:
        if not hasattr(auth, "aget_headers"):
            problem = f"must be a ClientCredentialsAuth of oauth_cc_auth.httpx or .httpx2, not {type(auth).__name__}"
            raise ConfigurationError(field="auth", problem=problem)
        check_bearer(auth)
        self._auth: Any = auth
        origins = behaviour.api_origins(api_origins, _wire_url)
        if origins is None:
            raise ConfigurationError(field="api_origins", problem="must name the origins that get the token")
        self._origins = origins

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Called by aiohttp.

        Raises:
            TokenError: no token can be had.
            InsecureRequestError: the request would carry the token over plain http.
        """
        url = str(request.url)
        if origin_of(url) not in self._origins:
            return await handler(request)
        if not may_carry_secrets(url) and not self._auth.config.allow_insecure_http:
            problem = f"{shown_url(url)} is not https and would show the token to everyone on the way"
            raise InsecureRequestError(problem, remedy="use https")
        token = await self._attach(request)
        response = await handler(request)
        if response.status != 401 or token is None or not _can_be_sent_again(request):
            return response
        try:
            await self._auth.aget_token(refused=token)
        except TokenError:  # logged; the API's answer says more to the caller
            return response
        response.release()
        await self._attach(request)
        return await handler(request)

    async def _attach(self, request: ClientRequest) -> Token | None:
        """Add the headers; the token that they carry."""
        request.headers.update(await self._auth.aget_headers())
        token: Token | None = self._auth.current_token  # nothing is awaited in between
        return token


def _can_be_sent_again(request: ClientRequest) -> bool:
    return not request.body or isinstance(request.body, BytesPayload)


def _wire_url(url: str) -> str:
    from yarl import URL

    try:
        return str(URL(url))
    except ValueError:
        return ""
