"""Client credentials for requests: ``session.auth = ClientCredentialsAuth(token_url, client_id, client_secret)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

try:
    import requests
except ImportError as _missing:
    from ._install import how_to_install

    raise ImportError(f"oauth_cc_auth.requests needs requests: {how_to_install('requests')}") from _missing
from requests.auth import AuthBase

from ._requests.auth import RequestsFamilyAuth

__all__ = ["ClientCredentialsAuth"]


class ClientCredentialsAuth(RequestsFamilyAuth["requests.Session", requests.PreparedRequest], AuthBase):
    """OAuth 2.0 client credentials for requests: pass it as ``auth=`` of a request or set it as ``session.auth``.

    The arguments are described at `__init__`. Errors are also ``requests.RequestException``: ``ConnectionError`` or
    ``Timeout`` if that is what happened. One object may serve any number of sessions and threads.
    """

    _library: ClassVar[Any] = requests


if not TYPE_CHECKING:  # a checker would take any name for one that is here

    def __getattr__(name: str) -> NoReturn:
        from ._doors import refuse

        refuse(__name__, name)
