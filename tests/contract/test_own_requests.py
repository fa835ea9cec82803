"""The calls for code that sends its requests by itself (section 3 of the design); promise 10: reports are no load."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import anyio
import anyio.from_thread
import pytest

from oauth_cc_auth import Token, TokenEndpointError, TokenError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX_ASYNCIO, REQUESTS, ClientKind, each_client
from tests.contract.scenes import Claims, auth_of, background, scene, tokens_at_once
from tests.contract.token_side import auth_for


@each_client
def test_refused_token_is_replaced(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """By a newer one, which every later call and request gets."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        first = session.get_token()
        second = session.get_token(refused=first)
        assert second is session.get_token(refused=first) is session.get_token()
        session.request("GET", oauth_server.api_url)

    assert (first.access_token, second.access_token) == oauth_server.issued
    assert [request.token for request in oauth_server.api_requests] == [second.access_token]


@each_client
@pytest.mark.parametrize("as_it_comes", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token))])  # noqa: S301  # our own
def test_copy_of_a_refused_token(client: ClientKind, oauth_server: LoopbackServer, as_it_comes: Any) -> None:
    """It counts as the token: it may have been to another process and back."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        first = session.get_token()
        assert session.get_token(refused=as_it_comes(first)) is not first


@each_client
def test_equal_text_is_not_the_refused_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token from elsewhere is another one, whatever its text is: what is here is not known to be refused."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        first = session.get_token()
        assert session.get_token(refused=Token(first.access_token)) is first
        assert len(oauth_server.issued) == 1


@each_client
def test_report_without_a_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A process that has none yet fetches one."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        assert session.get_token(refused=Token("from elsewhere")).access_token == oauth_server.issued[0]


@each_client
def test_simultaneous_reports_cost_one_token_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Twenty callers, in threads or in tasks, whose requests were refused at once."""
    with client.session(auth=auth_for(client, oauth_server)) as session, background() as others:
        first = session.get_token()
        claims = Claims(session.auth)
        with oauth_server.token_endpoint.hold() as gate:
            calls = others.start(lambda: tokens_at_once(session, 20, refused=first))
            gate.wait_for(1)
            claims.wait_for(20)
        tokens = calls.result()
        late = session.get_token(refused=first)

    assert len(oauth_server.token_requests) == 2
    assert {id(token) for token in tokens} == {id(late)}
    assert late.access_token == oauth_server.issued[1]


@each_client
@pytest.mark.parametrize("value", ["https://graph.example.com/.default", 1, ["a"]])
def test_something_else_than_a_token(client: ClientKind, oauth_server: LoopbackServer, value: Any) -> None:
    """Azure's credentials take a scope in this place."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        with pytest.raises(TypeError, match=r"^refused must be a Token, as get_token\(\) returns it, not "):
            session.get_token(refused=value)
        with pytest.raises(TypeError, match=r"^token must be a Token"):
            session.auth.invalidate(value)
        with pytest.raises(TypeError, match="positional"):
            session.auth.get_token(value)
    assert oauth_server.token_requests == ()


@each_client
def test_api_that_refuses_every_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Two replacements may earn nothing; then it is one after a second, after two, up to a minute."""
    with scene(client, oauth_server) as s:
        token = s.session.get_token()
        for _ in range(2):
            token = s.session.get_token(refused=token)
        for pause in (1, 2, 4, 8, 16, 32, 60, 60):
            count = s.token_requests
            for _ in range(3):
                with pytest.raises(
                    TokenError, match=r"^the API that your code calls refuses every new token"
                ) as caught:
                    s.session.get_token(refused=token)
                s.clock.advance(pause / 4)
            assert (caught.value.reason, caught.value.held_for) == ("tokens_refused", pause / 2)
            assert s.session.get_token() is token  # it may be good for another API
            assert s.token_requests == count
            s.clock.advance(pause / 4)
            token = s.session.get_token(refused=token)
            assert s.token_requests == count + 1


@each_client
def test_replacement_that_lasts_earned_something(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A gateway that forgets tokens every few minutes gets a new one each time."""
    with scene(client, oauth_server) as s:
        token = s.session.get_token()
        for _ in range(5):
            s.clock.advance(61)
            token = s.session.get_token(refused=token)
        assert s.token_requests == 6


@each_client
def test_invalidate_ends_the_wait(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A person says that things have changed."""
    with scene(client, oauth_server) as s:
        token = s.session.get_token()
        for _ in range(2):
            token = s.session.get_token(refused=token)
        with pytest.raises(TokenError):
            s.session.get_token(refused=token)
        s.auth.invalidate()
        assert s.session.get_token(refused=token) is not token


@each_client
def test_headers_for_another_client(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They are what a request with `auth=` carries."""
    settings: dict[str, Any] = {"header_name": "X-Access-Token", "header_value_pattern": "Token %s"}
    with client.session(auth=auth_for(client, oauth_server, **settings)) as session:
        headers = session.on_auth("get_headers")
        assert headers == {"X-Access-Token": f"Token {oauth_server.issued[0]}"}
        headers.clear()  # the caller's own
        assert session.on_auth("get_headers") != {}
    assert len(oauth_server.token_requests) == 1


@each_client
def test_prefetch(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The first request then waits for nothing; a second call does nothing."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        assert session.on_auth("prefetch") is None
        session.on_auth("prefetch")
        assert len(oauth_server.token_requests) == 1
        assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 1


@each_client
def test_prefetch_with_wrong_settings(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They show at start-up."""
    with (
        client.session(auth=auth_for(client, oauth_server, client_secret="wrong")) as session,
        pytest.raises(TokenEndpointError, match="invalid_client"),
    ):
        session.on_auth("prefetch")


@each_client
def test_current_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is the token at hand, and asking for it sends nothing."""
    with scene(client, oauth_server) as s:
        assert [s.auth.current_token, s.token_requests] == [None, 0]
        token = s.session.get_token()
        assert s.auth.current_token is token
        s.clock.advance(3599)
        assert s.auth.current_token is token
        s.clock.advance(1)
        assert s.auth.current_token is None
        assert s.token_requests == 1


@each_client
def test_invalidate_one_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Only that one is forgotten, so a late call cannot take a newer one away."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        first = session.get_token()
        session.auth.invalidate(copy.copy(first))
        assert session.auth.current_token is None
        second = session.get_token()
        session.auth.invalidate(first)
        session.auth.invalidate(Token("from elsewhere"))
        assert session.get_token() is second
        assert session.get_token(refused=first) is second
    assert len(oauth_server.token_requests) == 2


def test_refused_by_threads_and_by_a_loop(oauth_server: LoopbackServer) -> None:
    """One auth object of httpx serves both at once; it is one token request."""
    auth = auth_of(HTTPX_ASYNCIO, oauth_server)
    first = auth.get_token()
    claims = Claims(auth)
    with anyio.from_thread.start_blocking_portal() as portal, background() as others:

        async def report() -> Token:
            token: Token = await auth.aget_token(refused=first)
            return token

        with oauth_server.token_endpoint.hold() as gate:
            calls = [others.start(lambda: auth.get_token(refused=first)) for _ in range(4)]
            calls += [portal.start_task_soon(report) for _ in range(4)]
            gate.wait_for(1)
            claims.wait_for(8)
        assert len({call.result() for call in calls}) == 1
    assert len(oauth_server.token_requests) == 2


def test_requests_has_no_twins_for_event_loops() -> None:
    """It has no event loop."""
    assert not [name for name in dir(REQUESTS.auth_class) if name.startswith(("aget", "aprefetch"))]
