"""Who takes part, by kind of client: the floor, an auth written by hand, this package, and the peers.

Each is set up as well as its documentation allows. Imports are inside the functions, so that a run loads only what
takes part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .kinds import KINDS


class Place(NamedTuple):
    """Where requests go.

    Attributes:
        token_url, api_url: The two endpoints.
        leeway: Whole seconds before the end of a token at which a peer is told to renew it.
        in_process: Answered by a transport in the process instead of a server.
    """

    token_url: str
    api_url: str
    leeway: int
    in_process: bool = False


class Contestant(NamedTuple):
    """One way to authenticate requests.

    Attributes:
        name: As printed; that of the distribution, where it is one.
        open: Makes a session or client whose ``get(url)`` sends an authenticated request.
        auth_of: The auth object of such a session, where there is one to call alone.
        start: Fetches the first token, where requests do not do so themselves. Async for async clients.
    """

    name: str
    open: Callable[[Place], Any]
    auth_of: Callable[[Any], Any] | None = lambda session: session.auth
    start: Callable[[Any], Any] | None = None


def contestants(kind: str) -> list[Contestant]:
    """All that serve this kind of client, the floor first."""
    from . import contestants_httpx, contestants_requests

    if kind == "requests":
        return contestants_requests.contestants()
    return contestants_httpx.contestants(KINDS[kind], is_async=kind.endswith("async"))
