"""Promise 16: token requests are never redirected, and the body of a redirect is not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, Session, each_client
from tests.contract.raw_endpoint import STOPPED_READING, RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

REDIRECTS = (301, 302, 303, 307, 308)
OTHER_3XX = (300, 304, 305, 306)


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """The target of the redirects. It knows the client and would issue tokens."""
    with LoopbackServer() as server:
        yield server


@each_client
@pytest.mark.parametrize("code", REDIRECTS)
def test_no_redirect_is_followed(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer, code: int
) -> None:
    """A 307 would send the secret there. There is one request, no fallback, and a message that says what to do."""
    oauth_server.token_endpoint.always(Answer.redirect(f"{other.token_url}?code=hidden", code))
    with client.session(auth_for(client, oauth_server), follow_redirects=True) as session:
        error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointError)
    assert error.status_code == code
    assert f"a redirect to {other.token_url}?***;" in str(error)
    assert "set token_url to the final URL" in str(error)
    assert "hidden" not in str(error)
    assert len(error.attempts) == len(oauth_server.token_requests) == 1
    assert (other.requests, oauth_server.api_requests) == ((), ())


@each_client
def test_every_other_3xx_is_an_error_too(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """With or without a Location: 300 and 304 bring no token either."""
    with client.session(auth_for(client, oauth_server)) as session:
        for code in OTHER_3XX:
            for answer in (Answer(code), Answer.redirect("/elsewhere", code)):
                oauth_server.clear_log()
                oauth_server.token_endpoint.next(answer)
                error = failure_of(session, oauth_server.api_url)
                session.auth.invalidate()
                assert isinstance(error, TokenEndpointError)
                assert error.status_code == code
                assert len(oauth_server.token_requests) == 1


@each_client
def test_a_relative_target_is_told_as_it_is(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A person must be able to find the place. A missing target is not shown as an empty one."""
    with client.session(auth_for(client, oauth_server)) as session:
        for location, told in (
            ("/login", "a redirect to /login;"),
            ("login?next=x", "a redirect to login?***;"),
        ):
            session.auth.invalidate()
            oauth_server.token_endpoint.next(Answer.redirect(location))
            assert told in str(failure_of(session, oauth_server.api_url))
        session.auth.invalidate()
        oauth_server.token_endpoint.next(Answer(302))
        error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointError)
    assert "://;" not in str(error)
    assert "set token_url to the final URL" in str(error)


ODD_LOCATIONS = (
    "",
    " ",
    "//",
    "///x",
    "http://",
    "https:/x",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://\u00e9:\u00e9@\u00fc/",
    "http://user:password@host/",
    "\\\\host\\x",
    "javascript:alert(1)",
    "http://" + "a" * 70 + ".example.com/",
    "http://xn--a.example.com/",
    "http://x/" + "y" * 20000,
    "http://a..b/",
    "?#?",
    "%",
)


@contextmanager
def token_clients(client: ClientKind, session_of: Callable[..., Any]) -> Iterator[tuple[Any, Session]]:
    """A person's own token client, open as long as the session that uses it."""
    if client is REQUESTS or not client.is_async:
        own = client.library.Session() if client is REQUESTS else client.library.Client(follow_redirects=True)
        with own, session_of(own) as session:
            yield own, session
        return
    own = client.library.AsyncClient(follow_redirects=True)
    with session_of(own) as session:
        yield own, session
        session.call(own.aclose)


@each_client
def test_odd_locations_are_told_apart_from_an_endpoint_that_is_down(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """For some of these, libraries raise InvalidURL, AttributeError or ValueError. The caller gets our error."""
    with client.session(auth_for(client, oauth_server)) as session:
        for location in ODD_LOCATIONS:
            oauth_server.clear_log()
            oauth_server.token_endpoint.next(Answer.redirect(location))
            error = failure_of(session, oauth_server.api_url)
            session.auth.invalidate()
            assert isinstance(error, TokenEndpointError), location
            assert "set token_url to the final URL" in str(error)
            assert "password" not in str(error)
            assert len(str(error)) < 1000
            assert len(oauth_server.token_requests) == 1


@each_client
def test_a_token_client_that_follows_redirects_does_not_either(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Its setting applies to its own requests. Every Location ends in one request and our error."""

    def open_session(own: Any) -> Any:
        return client.session(auth_for(client, oauth_server, FakeClock(), token_client=own))

    with token_clients(client, open_session) as (_, session):
        for location in (other.token_url, *ODD_LOCATIONS):
            oauth_server.clear_log()
            oauth_server.token_endpoint.always(Answer.redirect(location, 307))
            error = failure_of(session, oauth_server.api_url)
            session.auth.invalidate()
            assert isinstance(error, TokenError)
            assert isinstance(error, TokenEndpointError), location
            assert len(oauth_server.token_requests) == 1
    assert other.requests == ()


def endless_redirect(code: int, *headers: str) -> Callable[[Wire], object]:
    def talk(wire: Wire) -> None:
        wire.send(head(f"{code} Redirect", *headers))
        wire.send_for_ever()

    return talk


@each_client
@pytest.mark.parametrize("headers", [("Location: /elsewhere",), ()], ids=["with a target", "without"])
@pytest.mark.parametrize("code", [*REDIRECTS, 300])
def test_the_body_of_a_redirect_is_not_read(
    client: ClientKind, oauth_server: LoopbackServer, code: int, headers: tuple[str, ...]
) -> None:
    """An endless body costs nothing. requests would read all of it to prepare the next request."""
    with RawEndpoint(endless_redirect(code, *headers)) as endpoint:
        with client.session(auth_for(client, oauth_server, token_url=endpoint.url)) as session:
            error = failure_of(session, oauth_server.api_url)
        assert isinstance(error, TokenEndpointError)
        assert error.status_code == code
        assert endpoint.connections == 1
        assert endpoint.sent < STOPPED_READING
