"""The contestants, by kind of client: the floor, an auth written by hand, this package, and the peers.

Each is set up as well as its documentation allows. The functions import what they need, so a run loads only its
contestants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .kinds import KINDS


class Place(NamedTuple):
    """The servers for the requests.

    Attributes:
        token_url, api_url: The two endpoints.
        leeway: Whole seconds before the end of a token at which a peer renews it.
        in_process: True if a transport in the process answers instead of a server.
        renew_after: The fraction of a token's life after which ours renews it.
    """

    token_url: str
    api_url: str
    leeway: int
    in_process: bool = False
    renew_after: float = 0.8


class Contestant(NamedTuple):
    """One way to authenticate requests.

    Attributes:
        name: As printed: the name of the distribution, if there is one.
        open: Makes a session or client. Its ``get(url)`` sends an authenticated request.
        auth_of: Returns the auth object of such a session, if there is one to call alone.
        start: Fetches the first token, if requests do not fetch it themselves. Async for async clients.
    """

    name: str
    open: Callable[[Place], Any]
    auth_of: Callable[[Any], Any] | None = lambda session: session.auth
    start: Callable[[Any], Any] | None = None


def contestants(kind: str) -> list[Contestant]:
    """All contestants for this kind of client. The floor is the first."""
    from . import contestants_httpx, contestants_requests

    if kind == "requests":
        return contestants_requests.contestants()
    return contestants_httpx.contestants(KINDS[kind], is_async=kind.endswith("async"))
