"""Promise 23: an endpoint with several URLs is asked in another place if one fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oauth_cc_auth import Event, TokenEndpoint, TokenEndpointError, TokenEndpointUnreachable, TokenObtained
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.raw_endpoint import RawEndpoint
from tests.contract.token_side import auth_for
from tests.fake_clock import FakeClock


@pytest.fixture(name="second")
def _second(oauth_server: LoopbackServer) -> Iterator[LoopbackServer]:
    """The endpoint in another place; its tokens are good for itself only."""
    with LoopbackServer(client_id=oauth_server.client_id, client_secret=oauth_server.client_secret) as server:
        yield server


@contextmanager
def session_with(
    client: ClientKind, first: LoopbackServer, *urls: str, clock: FakeClock | None = None, **settings: Any
) -> Iterator[Any]:
    endpoint = TokenEndpoint(urls[0], alternatives=urls[1:])
    auth = auth_for(client, first, clock or FakeClock(), **{"token_url": endpoint, **settings})
    with client.session(auth) as session:
        yield session


@each_client
def test_first_is_asked_as_long_as_it_works(
    client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer
) -> None:
    """The other place is for emergencies."""
    with session_with(client, oauth_server, oauth_server.token_url, second.token_url) as session:
        for _ in range(2):
            session.get_token()
            session.auth.invalidate()
    assert (len(oauth_server.token_requests), len(second.token_requests)) == (2, 0)


@each_client
@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_that_is_5xx(
    client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer, status: int
) -> None:
    """The next place is asked at once, by the same method, and stays the first to ask from then on."""
    oauth_server.token_endpoint.always(Answer(status, headers={"Retry-After": "60"}))
    clock = FakeClock()
    events: list[Event] = []
    urls = oauth_server.token_url, second.token_url
    with session_with(client, oauth_server, *urls, clock=clock, on_event=events.append) as session:
        assert session.get_token().access_token == second.issued[0]
        session.auth.invalidate()
        assert session.get_token().access_token == second.issued[1]
        assert clock.sleeps == []
    assert (len(oauth_server.token_requests), len(second.token_requests)) == (1, 2)
    obtained = [event for event in events if isinstance(event, TokenObtained)]
    assert [(event.token_url, event.token_requests) for event in obtained] == [(urls[1], 2), (urls[1], 1)]


@each_client
def test_a_connection_that_fails(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Nobody listens at the first two places."""
    with (
        RawEndpoint(lambda wire: None, listens=False) as nobody,
        session_with(client, oauth_server, nobody.url, nobody.url + "2", oauth_server.token_url) as session,
    ):
        assert session.get_token().access_token == oauth_server.issued[0]


@each_client
@pytest.mark.parametrize("status", [400, 401, 403, 429])
def test_no_other_answer_is_a_reason(
    client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer, status: int
) -> None:
    """It is what the endpoint has to say, wherever it is."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope", status=status))
    with (
        session_with(client, oauth_server, oauth_server.token_url, second.token_url) as session,
        pytest.raises(TokenEndpointError),
    ):
        session.get_token()
    assert second.token_requests == ()


@each_client
def test_all_of_them_fail(client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer) -> None:
    """There are three rounds with pauses between them, and the error lists every attempt and names the last place."""
    for server in (oauth_server, second):
        server.token_endpoint.always(Answer(503))
    clock = FakeClock()
    urls = oauth_server.token_url, second.token_url
    with (
        session_with(client, oauth_server, *urls, clock=clock) as session,
        pytest.raises(TokenEndpointError, match=f"^token endpoint {second.token_url} answered 503") as caught,
    ):
        session.get_token()
    assert len(caught.value.attempts) == 6
    assert (len(oauth_server.token_requests), len(second.token_requests), len(clock.sleeps)) == (3, 3, 2)


@each_client
def test_back_to_the_first(client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer) -> None:
    """If the other place fails later on, the first one is asked again."""
    with session_with(client, oauth_server, oauth_server.token_url, second.token_url) as session:
        for failing, issuing in ((oauth_server, second), (second, oauth_server)):
            failing.token_endpoint.always(Answer(502))
            issuing.token_endpoint.clear()
            session.auth.invalidate()
            assert session.get_token().access_token in issuing.issued


@each_client
def test_a_method_is_found_in_the_other_place(
    client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer
) -> None:
    """What follows from an answer there is what follows from any."""
    oauth_server.token_endpoint.always(Answer(503))
    second.accepts = ("client_secret_post",)
    with session_with(client, oauth_server, oauth_server.token_url, second.token_url) as session:
        assert session.get_token().access_token == second.issued[0]
    assert [request.client_authentication for request in second.token_requests] == [
        "client_secret_basic",
        "client_secret_post",
    ]


@each_client
def test_queries_are_secrets(client: ClientKind, oauth_server: LoopbackServer, second: LoopbackServer) -> None:
    """Each URL may have one, and a server may echo it."""
    for server, key in ((oauth_server, "k-1234"), (second, "k-5678")):
        server.token_endpoint.always(Answer.error("server_error", f"key {key} is unknown", status=503))
    urls = f"{oauth_server.token_url}?key=k-1234", f"{second.token_url}?key=k-5678"
    with session_with(client, oauth_server, *urls) as session, pytest.raises(TokenEndpointError) as caught:
        session.get_token()
    text = repr(vars(caught.value))
    assert "is unknown" in text
    assert "k-1234" not in text
    assert "k-5678" not in text


@each_client
def test_placeholders_in_the_path(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They are filled in each of the URLs, and errors show none of them."""
    with RawEndpoint(lambda wire: None, listens=False) as nobody:
        urls = f"{nobody.url}/{{client_secret}}", f"{nobody.url}/2/{{client_secret}}"
        with (
            session_with(client, oauth_server, *urls, client_secret="s3cret-in-path") as session,
            pytest.raises(TokenEndpointUnreachable) as caught,
        ):
            session.get_token()
    assert f"{nobody.url}/2/" in str(caught.value)
    assert "s3cret-in-path" not in str(caught.value)
