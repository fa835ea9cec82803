"""Token requests through a client of the person's own, for httpx and httpx2."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable, TokenError
from tests.clients import ClientKind
from tests.fake_clock import FakeClock
from tests.httpx_network import API_URL, TOKEN_URL, Network, auth_over, each_httpx, hook, library_client
from tests.internals import use_token_client


@each_httpx
def test_token_client_adds_nothing_of_its_own(client: ClientKind) -> None:
    """Its transport, TLS and proxies count; its headers, parameters, cookies, auth and base URL are for others."""
    network = Network(client.library)
    auth = auth_over(
        client,
        network,
        headers={"X-Client": "1"},
        params={"page": "1"},
        cookies={"session": "1"},
        auth=("of the", "client"),
        base_url="https://other.example.com",
        timeout=None,
        follow_redirects=True,
    )
    with client.session(auth) as session:
        assert session.get_token().access_token == "one"

    (request,) = network.token_requests
    assert {"x-client", "cookie"} & set(request.headers) == set()
    assert request.headers.get_list("Authorization") == ["Basic Y2xpZW50OnNlY3JldA=="]
    assert request.content == b"grant_type=client_credentials"
    assert all(0 < seconds <= 10 for seconds in request.extensions["timeout"].values())
    assert set(request.extensions["timeout"]) == {"connect", "read", "write", "pool"}


@each_httpx
def test_token_client_stays_open_and_as_it_was(client: ClientKind) -> None:
    """It is used, never changed and never closed."""
    network = Network(client.library)
    token_client = library_client(client, transport=network.transport(network.login), follow_redirects=True)
    before = {name: repr(value) for name, value in vars(token_client).items() if name != "_state"}
    auth = client.auth_class(TOKEN_URL, "client", "secret", token_client=token_client)
    with client.session(auth) as session:
        session.get_token()
        auth.invalidate()
        assert session.get_token().access_token == "two"

    assert not token_client.is_closed
    assert {name: repr(value) for name, value in vars(token_client).items() if name != "_state"} == before


@each_httpx
def test_token_client_that_follows_redirects_does_not_follow_this_one(client: ClientKind) -> None:
    """A 307 would hand the secret over; odd targets are no other kind of error."""
    network = Network(client.library)
    auth = auth_over(client, network, follow_redirects=True)
    with client.session(auth) as session:
        for location in ("https://evil.example.com/token", "/", "", "//", "https://[", "http://a:b:c/", "\x80"):
            network.answers = [client.library.Response(307, headers=[(b"Location", location.encode())])]
            auth.invalidate()
            with pytest.raises(TokenError) as caught:
                session.get_token()
            assert (location, len(caught.value.attempts)) == (location, 1)

    assert set(network.sent) == {"token request"}


@each_httpx
@pytest.mark.parametrize("as_stream", [False, True])
def test_answers_of_a_mock_are_read_however_they_were_made(client: ClientKind, as_stream: bool) -> None:
    """With a body that was read long ago, or with a stream; and a token client's hook may have read it too."""
    network = Network(client.library)
    body = b'{"access_token": "abc"}'

    async def chunks() -> Any:
        yield body

    content: Any = (chunks() if client.is_async else iter([body])) if as_stream else body
    network.answers = [client.library.Response(200, content=content), client.library.Response(200, text="no token")]
    auth = auth_over(client, network)
    with client.session(auth) as session:
        assert session.get_token().access_token == "abc"
        auth.invalidate()
        with pytest.raises(InvalidTokenResponse):
            session.get_token()


@each_httpx
def test_token_client_whose_hooks_raise_for_status_still_falls_back(client: ClientKind) -> None:
    """The status is known all the same, so that the other method is tried and the error names it."""
    network = Network(client.library)
    network.answers = [client.library.Response(401, json={"error": "invalid_client"})]
    raising = hook(client, lambda response: response.raise_for_status())
    auth = auth_over(client, network, event_hooks={"response": [raising]})
    with client.session(auth) as session:
        assert session.get_token().access_token == "two"
        network.answers = [client.library.Response(404)]
        auth.invalidate()
        with pytest.raises(TokenEndpointError) as caught:
            session.get_token()

    assert caught.value.status_code == 404
    assert [b"client_secret" in request.content for request in network.token_requests] == [False, True, True]


def other_flow(client: ClientKind) -> Any:
    """A client of the right library, but for the other flow."""
    return (client.library.Client if client.is_async else client.library.AsyncClient)()


@each_httpx
def test_token_client_for_the_other_flow_is_a_clear_error(client: ClientKind) -> None:
    """An async flow cannot use a sync client, nor the other way round; said so, before anything is sent."""
    network = Network(client.library)
    auth = client.auth_class(TOKEN_URL, "client", "secret", token_client=other_flow(client))
    given, wanted = ("Client", "AsyncClient") if client.is_async else ("AsyncClient", "Client")
    message = (
        f"token_client is of type {given}, and this request needs one of type {wanted}; "
        "make an auth object each for sync and for async requests"
    )
    with client.session(auth, transport=network.transport(network.api)) as session:
        for call in (lambda: session.request("GET", API_URL), session.get_token):
            with pytest.raises(TokenError) as caught:
                call()
            assert str(caught.value) == message
            assert isinstance(caught.value, client.library.RequestError)

    assert network.sent == []


@each_httpx
def test_token_client_for_the_other_flow_does_no_harm_to_a_token_that_is_there(client: ClientKind) -> None:
    """It is used to its end: to renew it is for requests of the other kind, and those may well come."""
    network = Network(client.library)
    auth = auth_over(client, network)
    clock = FakeClock()
    auth._start(clock)
    with client.session(auth, transport=network.transport(network.api)) as session:
        assert session.request("GET", API_URL).status == 200
        use_token_client(auth, other_flow(client))
        for seconds in (3500, 99):
            clock.advance(seconds)
            assert session.request("GET", API_URL).status == 200
        clock.advance(1)
        with pytest.raises(TokenError, match="make an auth object each"):
            session.request("GET", API_URL)

    assert network.sent == ["token request", *["GET Bearer one"] * 3]


@each_httpx
def test_token_client_that_is_closed(client: ClientKind) -> None:
    """The endpoint is not to blame, and asking it again would not help."""
    network = Network(client.library)
    auth = auth_over(client, network)
    with client.session(auth) as session:
        if client.is_async:
            session.call(auth._behaviour.token_client.aclose)  # type: ignore[attr-defined]  # a session of an async kind has it
        else:
            auth._behaviour.token_client.close()
        with pytest.raises(TokenEndpointUnreachable) as caught:
            session.get_token()

    assert str(caught.value).endswith("token_client is closed; keep it open for as long as the auth object is used")
    assert len(caught.value.attempts) == 1
    assert network.sent == []
