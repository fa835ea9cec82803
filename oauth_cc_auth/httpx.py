"""Client credentials for httpx: ``httpx.Client(auth=ClientCredentialsAuth(token_url, client_id, client_secret))``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

try:
    import httpx
except ImportError as _missing:
    from ._install import how_to_install

    raise ImportError(f"oauth_cc_auth.httpx needs httpx: {how_to_install('httpx')}") from _missing

from ._httpx.auth import HttpxFamilyAuth

__all__ = ["ClientCredentialsAuth"]


class ClientCredentialsAuth(
    HttpxFamilyAuth["httpx.Client | httpx.AsyncClient", httpx.Request, httpx.Response], httpx.Auth
):
    """OAuth 2.0 client credentials for httpx: pass it as ``auth=`` of a client, sync or async, or of a request.

    The arguments are described at `__init__`. Errors are also ``httpx.RequestError``: ``ConnectError`` or
    ``TimeoutException`` where that is what happened. One object may serve any number of clients, threads and event
    loops, asyncio's and trio's.
    """

    _library: ClassVar[Any] = httpx


if not TYPE_CHECKING:  # a checker would take any name for one that is here

    def __getattr__(name: str) -> NoReturn:
        from ._doors import refuse

        refuse(__name__, name)
