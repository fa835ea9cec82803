"""`auth_flow` of the httpx adapters, for auth classes of other people's that delegate to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
import trio

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ALL_CLIENTS, HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.contract.scenes import auth_of

each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))


def wrapper(client: ClientKind, inner: Any, *, twins: bool) -> Any:
    """An auth object that adds a header of its own, by `auth_flow` or by its two twins."""

    class Wrapped(client.library.Auth):  # type: ignore[misc, name-defined]  # a library known when it runs
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            request.headers["X-Trace"] = "1"
            yield from inner.auth_flow(request)

    class Twins(Wrapped):
        async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
            request.headers["X-Trace"] = "1"
            flow = inner.async_auth_flow(request)
            response = None
            while True:
                try:
                    response = yield await flow.asend(response)
                except StopAsyncIteration:
                    return

    return Twins() if twins else Wrapped()


@for_clients(HTTPX, HTTPX2)
def test_delegating_to_auth_flow_works_in_a_blocking_client(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The token is attached, and renewed after a refusal."""
    auth = wrapper(client, auth_of(client, oauth_server), twins=False)
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert {request.headers["X-Trace"] for request in oauth_server.api_requests} == {"1"}
    assert len(oauth_server.token_requests) == 2


@for_clients(*(kind for kind in ALL_CLIENTS if kind.is_async))
def test_delegating_to_auth_flow_in_an_async_client_says_what_to_do(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Instead of blocking the loop for the whole of a token request, and tripping over the first refusal."""
    with (
        client.session(wrapper(client, auth_of(client, oauth_server), twins=False)) as session,
        pytest.raises(TypeError, match=r"async_auth_flow\(\)"),
    ):
        session.request("GET", oauth_server.api_url)
    assert oauth_server.requests == ()


@each_httpx
def test_what_the_error_advises_works(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Delegating to `async_auth_flow` in an async twin, and to `auth_flow` elsewhere."""
    with client.session(wrapper(client, auth_of(client, oauth_server), twins=True)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        result = session.request("GET", oauth_server.api_url)
        assert (result.status, result.request_headers["x-trace"]) == (200, "1")


@for_clients(HTTPX, HTTPX2)
def test_auth_flow_looks_for_a_running_loop_when_it_is_called(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """asyncio's and trio's; a loop that ended does not count."""
    auth, request = auth_of(client, oauth_server), client.library.Request("GET", oauth_server.api_url)

    async def call() -> None:
        with pytest.raises(TypeError, match="would block the event loop"):
            auth.auth_flow(request)

    asyncio.run(call())
    trio.run(call)
    assert next(auth.auth_flow(request)) is request
    assert "Authorization" in request.headers
