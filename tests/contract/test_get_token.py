"""The token itself: get_token, aget_token and invalidate (section 3 of the design)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from oauth_cc_auth import Token, TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, Result, each_client
from tests.contract.token_side import auth_for, methods_tried
from tests.fake_clock import FakeClock

LIMIT = 30.0  # s; whatever takes longer counts as a hang


@each_client
def test_token_says_all_that_the_server_said(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Value, type, end in Unix time, scope, and everything else."""
    oauth_server.token_endpoint.next(
        Answer.token("abc", 60, token_type="bearer", scope="a b", instance_url="https://x.example")
    )
    clock = FakeClock()
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        token = session.get_token()

    assert isinstance(token, Token)
    assert (token.access_token, token.token_type, token.expires_at) == ("abc", "bearer", clock.now_wall + 60)
    assert (token.scope, token.extra) == ("a b", {"instance_url": "https://x.example"})


@each_client
def test_token_that_was_got_is_the_one_that_requests_carry(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """get_token and requests share one cache, whichever comes first."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        first = session.get_token()
        session.request("GET", oauth_server.api_url)
        assert session.get_token() is first

    assert [request.token for request in oauth_server.api_requests] == [first.access_token]
    assert len(oauth_server.token_requests) == 1


@each_client
def test_blocking_get_token_serves_every_kind(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Auth objects for async clients have the blocking method too, and it shares their token."""
    auth = auth_for(client, oauth_server)
    token = auth.get_token()
    with client.session(auth=auth) as session:
        assert session.get_token() is token
        assert session.request("GET", oauth_server.api_url).status == 200

    assert len(oauth_server.token_requests) == 1


@each_client
def test_got_token_is_renewed_when_it_is_due(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """get_token never returns an expired token."""
    clock = FakeClock()
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        first = session.get_token()
        clock.advance(3600)
        second = session.get_token()

    assert (first.access_token, second.access_token) == oauth_server.issued
    assert second.expires_at == clock.now_wall + 3600


@each_client
def test_token_that_cannot_be_had_is_an_error(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is the error that a request gets, including the library's class."""
    with client.session(auth=auth_for(client, oauth_server, client_secret="wrong")) as session:
        with pytest.raises(TokenEndpointError) as caught:
            session.get_token()
        library: Any = client.library
        with pytest.raises(getattr(library, "RequestException", None) or library.RequestError):
            session.get_token()

    assert (caught.value.error, caught.value.status_code) == ("invalid_client", 401)


@each_client
def test_invalidate_makes_the_next_request_fetch(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """This works with or without a token. The call itself sends nothing."""
    auth = auth_for(client, oauth_server)
    auth.invalidate()
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        auth.invalidate()
        auth.invalidate()
        assert len(oauth_server.token_requests) == 1
        session.request("GET", oauth_server.api_url)
        session.request("GET", oauth_server.api_url)

    assert [request.token for request in oauth_server.api_requests] == [
        oauth_server.issued[number] for number in (0, 1, 1)
    ]
    assert len(oauth_server.token_requests) == 2


@each_client
def test_invalidate_keeps_the_method_that_worked(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The call is about the token, not about the authentication method."""
    oauth_server.accepts = ("client_secret_post",)
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.get_token()
        auth.invalidate()
        session.get_token()

    assert methods_tried(oauth_server) == ["client_secret_basic", "client_secret_post", "client_secret_post"]


@each_client
def test_invalidate_lifts_the_hold_after_failures(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """After two permanent failures the endpoint gets no more requests, until a person says that things have changed."""
    auth = auth_for(client, oauth_server, FakeClock(), client_secret="wrong")
    with client.session(auth=auth) as session:
        for _ in range(4):
            with pytest.raises(TokenEndpointError):
                session.get_token()
        assert len(oauth_server.token_requests) == 4  # two methods, twice

        oauth_server.rotate_secret("wrong")
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_invalidate_counts_for_a_fetch_under_way(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token that was requested earlier serves its callers, but is not kept for the next request."""
    auth = auth_for(client, oauth_server)
    results: list[Any] = []
    with client.session(auth=auth) as session:

        def call() -> None:
            results.extend(session.concurrently(1, oauth_server.api_url))

        with oauth_server.token_endpoint.hold() as gate:
            thread = threading.Thread(target=call)
            thread.start()
            gate.wait_for(1)
            auth.invalidate()
        thread.join(LIMIT)
        session.request("GET", oauth_server.api_url)

    assert [isinstance(result, Result) and result.status for result in results] == [200]
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued)
    assert len(oauth_server.issued) == 2
