"""Promise 14: what a subclass overrides of the client library's interface is what clients run.

That is `__call__` in requests and `auth_flow` in httpx, in blocking clients and in event loops.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import anyio
import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ALL_CLIENTS, ASYNC_CLIENTS, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import auth_of

HTTPX_KINDS = tuple(kind for kind in ALL_CLIENTS if kind is not REQUESTS)
each_httpx = for_clients(*HTTPX_KINDS)
each_blocking_httpx = for_clients(*(kind for kind in HTTPX_KINDS if not kind.is_async))
Flow = Generator[Any, Any, None]


def auth_with(client: ClientKind, server: LoopbackServer, methods: dict[str, Any], **settings: Any) -> Any:
    """An auth object of a subclass with these methods."""
    base: Any = client.auth_class
    cls = type("Signed", (base,), methods)
    return cls(server.token_url, server.client_id, server.client_secret, **settings)


def flows(client: ClientKind) -> list[Callable[[Any, Any], Flow]]:
    """The ways in which people write an `auth_flow` that signs the request, and then lets ours do its work."""
    ours: Any = client.auth_class

    def delegating(self: Any, request: Any) -> Flow:
        request.headers["X-Signature"] = "abc"
        yield from ours.auth_flow(self, request)

    def returning(self: Any, request: Any) -> Flow:
        request.headers["X-Signature"] = "abc"
        flow: Flow = ours.auth_flow(self, request)
        return flow

    def by_hand(self: Any, request: Any) -> Flow:
        flow = ours.auth_flow(self, request)
        message = next(flow)
        while True:
            message.headers["X-Signature"] = "abc"
            response = yield message
            assert response.status_code in (200, 401)  # there is one each time
            try:
                message = flow.send(response)
            except StopIteration:
                return

    return [delegating, returning, by_hand]


@each_httpx
@pytest.mark.parametrize("way", [0, 1, 2], ids=["yield from", "return", "by hand"])
def test_auth_flow(client: ClientKind, oauth_server: LoopbackServer, way: int) -> None:
    """It runs for each request, also for one that is sent again with a new token."""
    auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[way]})
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        result = session.request("POST", oauth_server.api_url, b"an order")
        assert (result.status, result.history_statuses) == (200, (401,))
    assert [request.headers.get("X-Signature") for request in oauth_server.api_requests] == ["abc"] * 3
    assert [request.body for request in oauth_server.api_requests] == [b"", b"an order", b"an order"]
    assert len(oauth_server.token_requests) == 2


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


@each_client
def test_an_async_override_is_refused_when_the_class_is_made(client: ClientKind) -> None:
    """It would not run, or break every request."""

    async def override(self: Any, request: Any) -> Any:
        return request

    base: Any = client.auth_class
    name = "__call__" if client is REQUESTS else "auth_flow"
    with pytest.raises(TypeError, match=rf"^Signed\.{name} must be a plain"):
        type("Signed", (base,), {name: override})


@each_httpx
def test_a_mixin_counts_if_it_comes_first(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """As Python looks methods up; behind our class it changes nothing."""
    base: Any = client.auth_class
    library: Any = client.library

    class Signature(library.Auth):  # type: ignore[misc]  # a library known when it runs
        def auth_flow(self, request: Any) -> Flow:
            request.headers["X-Signature"] = "abc"
            yield from super().auth_flow(request)

    first, last = type("First", (Signature, base), {}), type("Last", (base, Signature), {})
    for cls in (first, type("Derived", (first,), {}), last):
        auth = cls(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret)
        with client.session(auth) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
    assert [request.headers.get("X-Signature") for request in oauth_server.api_requests] == ["abc", "abc", None]


@each_httpx
def test_flows_that_are_overridden_closer_count_for_more(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Who overrides what the clients call means just that."""
    base: Any = client.auth_class

    class Both(base):  # type: ignore[misc]  # a class known when it runs
        def auth_flow(self, request: Any) -> Flow:
            request.headers["X-Signature"] = "flow"
            yield from super().auth_flow(request)

        def sync_auth_flow(self, request: Any) -> Flow:
            request.headers["X-Signature"] = "sync"
            yield request

        async def async_auth_flow(self, request: Any) -> Any:
            request.headers["X-Signature"] = "async"
            yield request

    class Closer(Both):
        def auth_flow(self, request: Any) -> Flow:
            request.headers["X-Signature"] = "closer"
            yield from base.auth_flow(self, request)

    for cls in (Both, Closer):
        auth = cls(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret)
        with client.session(auth) as session:
            session.request("GET", oauth_server.api_url)
    expected = ["async" if client.is_async else "sync", "closer"]
    assert [request.headers.get("X-Signature") for request in oauth_server.api_requests] == expected


@each_httpx
def test_requests_of_its_own_are_sent_too(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A flow may ask for something before or after ours; and its request's body is read if it says so."""
    base: Any = client.auth_class
    library: Any = client.library
    seen: list[Any] = []

    class Nonce(base):  # type: ignore[misc]  # a class known when it runs
        requires_request_body = True
        requires_response_body = True

        def auth_flow(self, request: Any) -> Flow:
            seen.append(request.content)
            answer = yield library.Request("GET", oauth_server.origin + "/nonce")
            seen.append(answer.content)
            yield from super().auth_flow(request)

    auth = Nonce(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret)
    with client.session(auth) as session:
        assert session.request("POST", oauth_server.api_url, b"an order").status == 200
    assert seen[0] == b"an order"
    assert isinstance(seen[1], bytes)


@each_httpx
def test_an_error_passes_through_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It may be caught on the way, and the flow is closed whatever happens."""
    base: Any = client.auth_class
    seen: list[Any] = []

    class Careful(base):  # type: ignore[misc]  # a class known when it runs
        def auth_flow(self, request: Any) -> Flow:
            try:
                yield from super().auth_flow(request)
            except TokenError as error:
                seen.append(error.reason)
                raise
            finally:
                seen.append("closed")

    auth = Careful(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret)
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
        with pytest.raises(TokenError, match=r"^invalid_scope"):
            session.request("GET", oauth_server.api_url)
    assert seen == ["closed", "invalid_scope", "closed"]


@each_httpx
def test_a_renewal_that_fails_for_now(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refusal is returned through it."""
    auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[0]})
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer(503, headers={"Retry-After": "600"}))
        assert session.request("GET", oauth_server.api_url).status == 401
    assert len(oauth_server.api_requests) == 2


@each_httpx
def test_what_gets_no_token_gets_none(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The override runs all the same."""
    settings = {"api_origins": ["https://api.example.com"]}
    auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[0]}, **settings)
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 401
    (request,) = oauth_server.requests
    assert (request.headers.get("X-Signature"), request.headers.get("Authorization")) == ("abc", None)


@each_httpx
def test_a_request_that_the_override_sends_elsewhere(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is where the request goes in the end that decides whether it gets a token."""
    base: Any = client.auth_class

    class Rewriting(base):  # type: ignore[misc]  # a class known when it runs
        def auth_flow(self, request: Any) -> Flow:
            request.url = self._library.URL(oauth_server.api_url)
            yield from super().auth_flow(request)

    settings: dict[str, Any] = {"api_origins": [oauth_server.origin], "allow_insecure_http": True}
    auth = Rewriting(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, **settings)
    with client.session(auth) as session:
        assert session.request("GET", "http://api.example.com/orders").status == 200


@each_httpx
def test_tokens_for_one_use(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """One that has ended when it comes is used all the same, once."""
    oauth_server.expires_in = 0
    auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[2]})
    with client.session(auth) as session:
        assert [session.request("GET", oauth_server.api_url).status for _ in range(2)] == [200, 200]
    assert len(oauth_server.token_requests) == 2


@each_httpx
def test_a_redirect_to_another_origin_of_ours(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A 401 there is answered with the token."""
    with LoopbackServer() as other:
        other.api.next(Answer(401))
        origins = [oauth_server.origin, other.origin]
        oauth_server.api.next(Answer(307, headers={"Location": other.api_url}))
        other.api.always(Answer(200))
        auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[0]}, api_origins=origins)
        with client.session(auth, follow_redirects=True) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
        assert [request.token for request in other.api_requests] == [None, oauth_server.issued[0]]


@each_blocking_httpx
def test_the_override_may_be_called_by_other_code(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """By an auth class that combines several, for one; also where a loop runs that the client blocks."""
    auth = auth_with(client, oauth_server, {"auth_flow": flows(client)[0]})
    request = client.library.Request("GET", oauth_server.api_url)
    assert next(auth.auth_flow(request)) is request
    assert request.headers["Authorization"] == f"Bearer {oauth_server.issued[0]}"

    async def block() -> int:
        with client.library.Client(auth=auth) as blocking:
            return int(blocking.get(oauth_server.api_url).status_code)

    assert anyio.run(block) == 200


@for_clients(*ASYNC_CLIENTS)
def test_another_auth_object_in_the_override_is_none_of_its_business(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """In an event loop that one has nobody to await for it, and says so."""
    other = auth_of(client, oauth_server)

    def auth_flow(self: Any, request: Any) -> Flow:
        yield from other.auth_flow(request)

    with (
        client.session(auth_with(client, oauth_server, {"auth_flow": auth_flow})) as session,
        pytest.raises(TypeError, match=r"async_auth_flow\(\)"),
    ):
        session.request("GET", oauth_server.api_url)
