"""Every kind of client that the plugin serves, so that a test is written once.

    @each_client
    def test_something(client: ClientKind) -> None:
        auth = client.auth_class(token_url, "id", "secret")
        with client.session(auth=auth) as session:
            assert session.request("GET", url).status == 200
            results = session.concurrently(50, url)

What an open session can do is in `tests.sessions`; its names that tests use are here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio.from_thread
import httpx
import httpx2
import pytest
import requests

import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
import oauth_cc_auth.requests
from tests.sessions import CALL_LIMIT, REQUEST_LIMIT, AsyncHttpxSession, HttpxSession, RequestsSession, Result, Session

__all__ = [
    "ALL_CLIENTS",
    "ASYNC_CLIENTS",
    "CALL_LIMIT",
    "HTTPX",
    "HTTPX2",
    "HTTPX2_ASYNCIO",
    "HTTPX2_TRIO",
    "HTTPX_ASYNCIO",
    "HTTPX_TRIO",
    "REQUESTS",
    "REQUEST_LIMIT",
    "SYNC_CLIENTS",
    "ClientKind",
    "Result",
    "Session",
    "client",
    "each_client",
    "for_clients",
]


@dataclass(frozen=True)
class ClientKind:
    """A client library in one of its ways of use.

    Attributes:
        library: the module. httpx and httpx2 have equal names, other classes and no common type; hence `Any`.
        auth_class: the plugin's `ClientCredentialsAuth` for it.
        backend: what runs the event loop of an async client; None for a sync one.
    """

    library: Any
    auth_class: Callable[..., Any]
    backend: str | None = None

    @property
    def id(self) -> str:
        name: str = self.library.__name__
        return name if self.backend is None else f"{name}-{self.backend}"

    @property
    def is_async(self) -> bool:
        return self.backend is not None

    @contextmanager
    def session(self, auth: Any = None, follow_redirects: bool = False, **options: Any) -> Iterator[Session]:
        """Open a session.

        Args:
            options: more arguments for the library's client; requests.Session takes none, so there they are
                attributes (`verify`, `hooks`, `trust_env`, …).
        """
        if self.library is requests:
            with requests.Session() as session:
                session.auth = auth
                for name, value in options.items():
                    setattr(session, name, value)
                yield RequestsSession(session, follow_redirects)
            return

        # httpcore closes a connection beyond those to be kept while another thread has just been given it.
        limits = self.library.Limits(max_connections=100, max_keepalive_connections=100)
        options = {
            "auth": auth,
            "follow_redirects": follow_redirects,
            "timeout": REQUEST_LIMIT,
            "limits": limits,
            **options,
        }
        if self.backend is None:
            with self.library.Client(**options) as client:
                yield HttpxSession(client, auth)
        else:
            with (
                anyio.from_thread.start_blocking_portal(backend=self.backend) as portal,
                portal.wrap_async_context_manager(self.library.AsyncClient(**options)) as client,
            ):
                yield AsyncHttpxSession(client, auth, portal)


REQUESTS = ClientKind(requests, oauth_cc_auth.requests.ClientCredentialsAuth)
HTTPX = ClientKind(httpx, oauth_cc_auth.httpx.ClientCredentialsAuth)
HTTPX2 = ClientKind(httpx2, oauth_cc_auth.httpx2.ClientCredentialsAuth)
HTTPX_ASYNCIO = replace(HTTPX, backend="asyncio")
HTTPX_TRIO = replace(HTTPX, backend="trio")
HTTPX2_ASYNCIO = replace(HTTPX2, backend="asyncio")
HTTPX2_TRIO = replace(HTTPX2, backend="trio")

SYNC_CLIENTS = (REQUESTS, HTTPX, HTTPX2)
ASYNC_CLIENTS = (HTTPX_ASYNCIO, HTTPX_TRIO, HTTPX2_ASYNCIO, HTTPX2_TRIO)
ALL_CLIENTS = SYNC_CLIENTS + ASYNC_CLIENTS


def for_clients(*kinds: ClientKind) -> pytest.MarkDecorator:
    """Run a test once for each of these kinds, as its argument `client`."""
    return pytest.mark.parametrize("client", kinds, ids=[kind.id for kind in kinds])


each_client = for_clients(*ALL_CLIENTS)


@pytest.fixture(params=ALL_CLIENTS, ids=[kind.id for kind in ALL_CLIENTS])
def client(request: pytest.FixtureRequest) -> ClientKind:
    """`each_client` for a conftest.py to import: every test with an argument `client` runs for all."""
    kind: ClientKind = request.param
    return kind
