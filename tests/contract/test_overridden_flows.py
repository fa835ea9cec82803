"""Promise 14: what a subclass overrides of the client library's interface is what clients run, or it is refused.

That is `__call__` in requests and the two flows in httpx. httpx describes `auth_flow`, but calls the two, which ours
define: an `auth_flow` of a subclass would be ignored.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, for_clients

each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))
Flow = Generator[Any, Any, None]


def auth_with(client: ClientKind, server: LoopbackServer, methods: dict[str, Any]) -> Any:
    """An auth object of a subclass with these methods."""
    base: Any = client.auth_class
    return type("Signed", (base,), methods)(server.token_url, server.client_id, server.client_secret)


def auth_flow(self: Any, request: Any) -> Flow:
    """What httpx describes for an auth class of one's own."""
    request.headers["X-Signature"] = "abc"
    yield request


@each_httpx
def test_auth_flow_is_refused_when_the_class_is_made(client: ClientKind) -> None:
    """The error says what to override."""
    base: Any = client.auth_class
    library: Any = client.library
    mixin = type("Mixin", (library.Auth,), {"auth_flow": auth_flow})
    for bases, methods in (((base,), {"auth_flow": auth_flow}), ((mixin, base), {})):
        with pytest.raises(TypeError, match=r"^Signed overrides auth_flow, .* sync_auth_flow and async_auth_flow"):
            type("Signed", bases, methods)
    with pytest.raises(TypeError):
        type("Signed", (base,), {"auth_flow": auth_flow, "sync_auth_flow": auth_flow})


@each_httpx
def test_the_two_flows(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They run for each request. A class that defines both may define `auth_flow` as well."""
    ours: Any = client.auth_class

    def sync_auth_flow(self: Any, request: Any) -> Flow:
        request.headers["X-Signature"] = "abc"
        yield from ours.sync_auth_flow(self, request)

    async def async_auth_flow(self: Any, request: Any) -> AsyncGenerator[Any, Any]:
        request.headers["X-Signature"] = "abc"
        flow = ours.async_auth_flow(self, request)
        response = None
        try:
            while True:
                response = yield (await flow.asend(response))
        except StopAsyncIteration:
            return

    methods = {"auth_flow": auth_flow, "sync_auth_flow": sync_auth_flow, "async_auth_flow": async_auth_flow}
    with client.session(auth_with(client, oauth_server, methods)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert [request.headers.get("X-Signature") for request in oauth_server.api_requests] == ["abc"] * 3


def test_call_in_requests(oauth_server: LoopbackServer) -> None:
    """It is called for each request, and what it does is there when the request is sent again."""
    ours: Any = REQUESTS.auth_class

    def call(self: Any, request: Any) -> Any:
        request.headers["X-Signature"] = "abc"
        return ours.__call__(self, request)

    auth = auth_with(REQUESTS, oauth_server, {"__call__": call})
    with REQUESTS.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).history_statuses == (401,)
    assert [request.headers.get("X-Signature") for request in oauth_server.api_requests] == ["abc"] * 3


def test_an_async_call_is_refused_when_the_class_is_made() -> None:
    """requests would take the coroutine for the request."""

    async def override(self: Any, request: Any) -> Any:
        return request

    base: Any = REQUESTS.auth_class
    with pytest.raises(TypeError, match=r"^Signed\.__call__ must be a plain"):
        type("Signed", (base,), {"__call__": override})
