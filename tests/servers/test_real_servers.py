"""The plugin against authorization servers that others wrote, Authlib and django-oauth-toolkit."""

from __future__ import annotations

import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError
from tests.clients import HTTPX_ASYNCIO, REQUESTS, ClientKind, Result, Session, each_client
from tests.servers import (
    BASIC,
    BASIC_METHOD,
    BODY,
    BODY_METHOD,
    PLAIN,
    SHORT,
    SPECIAL_BASIC,
    SPECIAL_BODY,
    Client,
    RealServer,
    running,
)


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[str], RealServer]]:
    """Start a server by its name, once. No parametrised fixture: of those pytest keeps one at a time."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(running(name)))


@pytest.fixture(params=["authlib", "django"])
def server(request: pytest.FixtureRequest, start: Callable[[str], RealServer]) -> RealServer:
    """A server with an empty log."""
    server = start(request.param)
    server.forget()
    return server


def on(*cases: tuple[str, Client, list[str]]) -> pytest.MarkDecorator:
    """Cases for one server each: its name, a client that it knows, the methods to be seen in its log."""
    return pytest.mark.parametrize(
        ("server", "registered", "expected"),
        cases,
        ids=[f"{name}-{registered.client_id.split(' ')[0]}" for name, registered, _ in cases],
        indirect=["server"],
    )


def auth_for(client: ClientKind, server: RealServer, registered: Client, **options: Any) -> Any:
    return client.auth_class(server.token_url, registered.client_id, registered.client_secret, **options)


def methods_seen(server: RealServer) -> list[str]:
    """How each token request authenticated. One that did in two ways at once shows as "both ways"."""
    return [" and ".join(exchange.credentials) for exchange in server.token_requests()]


def answer_for(registered: Client, body: str = "") -> dict[str, str]:
    return {"client": registered.client_id, "received": body}


# Authlib refuses the method that a client is not registered for. django-oauth-toolkit has nothing to register
# and takes both from everyone, so what varies there is how it keeps the secret.
@each_client
@on(
    ("authlib", BASIC, [BASIC_METHOD]),
    ("authlib", BODY, [BASIC_METHOD, BODY_METHOD]),
    ("django", BASIC, [BASIC_METHOD]),
    ("django", PLAIN, [BASIC_METHOD]),
)
def test_the_right_method_is_found_and_remembered(
    client: ClientKind, server: RealServer, registered: Client, expected: list[str]
) -> None:
    auth = auth_for(client, server, registered)
    with client.session(auth=auth) as session:
        assert session.request("GET", server.api_url).json() == answer_for(registered)
        assert session.request("GET", server.api_url).status == 200
        assert methods_seen(server) == expected

        auth.invalidate()
        assert session.request("GET", server.api_url).status == 200
        assert methods_seen(server) == [*expected, expected[-1]]


@each_client
@on(
    ("authlib", BODY, [BODY_METHOD]),
    ("django", BODY, [BODY_METHOD]),
)
def test_a_method_that_was_named_is_the_only_one_tried(
    client: ClientKind, server: RealServer, registered: Client, expected: list[str]
) -> None:
    auth = auth_for(client, server, registered, client_authentication=expected[0])
    with client.session(auth=auth) as session:
        assert session.request("GET", server.api_url).status == 200
    assert methods_seen(server) == expected


@each_client
@on(
    ("authlib", SPECIAL_BASIC, [BASIC_METHOD]),
    ("authlib", SPECIAL_BODY, [BASIC_METHOD, BODY_METHOD]),
    ("django", SPECIAL_BASIC, [BASIC_METHOD]),
)
def test_special_characters_in_the_credentials(
    client: ClientKind, server: RealServer, registered: Client, expected: list[str]
) -> None:
    with client.session(auth=auth_for(client, server, registered)) as session:
        assert session.request("GET", server.api_url).json() == answer_for(registered)
    assert methods_seen(server) == expected


@each_client
def test_a_wrong_secret_is_refused_by_each_method(client: ClientKind, server: RealServer) -> None:
    wrong = Client(BASIC.client_id, "not-the-secret-Hb5")
    auth = auth_for(client, server, wrong)
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError) as caught:
        session.request("GET", server.api_url)

    error = caught.value
    refused = [(attempt.method, attempt.status_code, attempt.error) for attempt in error.attempts]
    assert refused == [(BASIC_METHOD, 401, "invalid_client"), (BODY_METHOD, 401, "invalid_client")]
    assert error.error == "invalid_client"
    assert server.exchanges() == server.token_requests()  # the API was never asked
    blob = b64encode(f"{wrong.client_id}:{wrong.client_secret}".encode()).decode()
    for text in (str(error), repr(error), repr(error.attempts), "".join(traceback.format_exception(error))):
        assert wrong.client_secret not in text
        assert blob not in text
    for method, status, code in refused:
        assert method in str(error)
        assert str(status) in str(error)
        assert code is not None
        assert code in str(error)


@each_client
def test_an_unknown_scope_is_no_reason_to_try_another_method(client: ClientKind, server: RealServer) -> None:
    auth = auth_for(client, server, BASIC, scope="orders:delete")
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError) as caught:
        session.request("GET", server.api_url)
    assert caught.value.error == "invalid_scope"
    assert methods_seen(server) == [BASIC_METHOD]


@each_client
def test_the_scopes_are_granted(client: ClientKind, server: RealServer) -> None:
    auth = auth_for(client, server, BASIC, scope=["orders:read", "orders:write"])
    with client.session(auth=auth) as session:
        assert session.get_token().scope == "orders:read orders:write"


@each_client
def test_a_revoked_token_is_renewed_and_the_request_resent(client: ClientKind, server: RealServer) -> None:
    with client.session(auth=auth_for(client, server, BASIC)) as session:
        assert session.request("GET", server.api_url).history_statuses == ()
        server.revoke(BASIC, session.get_token().access_token)
        server.forget()

        result = session.request("POST", server.api_url, content=b"two lamps")

        assert result.status == 200
        assert result.history_statuses == (401,)
        assert result.json() == answer_for(BASIC, "two lamps")
        paths = [exchange.path for exchange in server.exchanges()]
        assert paths == ["/api", "/oauth/token/", "/api"]


@each_client
def test_twenty_at_once_cost_one_token_request(client: ClientKind, server: RealServer) -> None:
    with client.session(auth=auth_for(client, server, BASIC)) as session:
        assert statuses(session.concurrently(20, server.api_url)) == [200] * 20
        assert len(server.token_requests()) == 1

        server.revoke(BASIC, session.get_token().access_token)
        assert statuses(session.concurrently(20, server.api_url)) == [200] * 20
        assert len(server.token_requests()) == 2


def statuses(results: list[Result | Exception]) -> list[int]:
    for result in results:
        if isinstance(result, Exception):
            raise result
    return [result.status for result in results if isinstance(result, Result)]


def test_a_token_of_two_seconds_is_used_often_and_renewed_in_time(server: RealServer) -> None:
    # Real time, as the server's clock is the subject; both kinds of driver share it to keep it short.
    with (
        REQUESTS.session(auth=auth_for(REQUESTS, server, SHORT)) as sync_session,
        HTTPX_ASYNCIO.session(auth=auth_for(HTTPX_ASYNCIO, server, SHORT)) as async_session,
    ):
        sessions: list[Session] = [sync_session, async_session]
        first = [session.get_token() for session in sessions]
        requests_made = 0
        while any(token is session.get_token() for token, session in zip(first, sessions, strict=True)):
            for session in sessions:
                assert session.request("GET", server.api_url).history_statuses == ()
            requests_made += 1
            assert requests_made < 500, "the tokens outlived their 2 s by far"
            time.sleep(0.02)
        assert requests_made > 10
        assert len(server.token_requests()) == 2 * len(sessions)
