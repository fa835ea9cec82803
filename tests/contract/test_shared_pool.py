"""Promises 11 and 13 with one client that has one connection for the API and for token requests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from oauth_cc_auth import TokenError
from oauth_cc_auth._http.limited_body import LIMIT
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import Scene, scene
from tests.internals import use_token_client


class OneConnection(HTTPAdapter):
    """requests itself knows no limit for the wait for a connection."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=True)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.urlopen = partial(type(pool).urlopen, pool, pool_timeout=5)  # type: ignore[method-assign]  # on purpose
        return pool


@contextmanager
def one_connection(client: ClientKind, server: LoopbackServer) -> Iterator[Scene]:
    """A scene in which a request that waits for a second connection waits in vain."""
    if client is REQUESTS:
        options: dict[str, Any] = {"adapters": {"http://": OneConnection()}}
    else:
        options = {"limits": client.library.Limits(max_connections=1), "timeout": 10}
    with scene(client, server, session=options, timeout=5, deadline=5) as s:
        own: Any = s.session
        use_token_client(s.auth, own._session if client is REQUESTS else own._client)
        yield s


def used_up(client: ClientKind) -> Any:
    """A body that can be sent only once."""

    async def chunks() -> Any:
        yield b"once"

    return chunks() if client.is_async else iter([b"once"])


@each_client
def test_a_refused_request_that_can_be_sent_again(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its answer is read first, so that a connection is free for the token request."""
    with one_connection(client, oauth_server) as s:
        for _ in range(3):
            oauth_server.revoke_all()
            assert s.session.request("POST", oauth_server.api_url, b"body").status == 200
        assert s.token_requests == 3


@each_client
def test_a_refused_request_that_cannot_be_sent_again(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its unread answer belongs to the person and holds the connection. The next request fetches the token."""
    with one_connection(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        assert s.session.request("POST", oauth_server.api_url, used_up(client)).status == 401
        assert s.token_requests == 1
        s.go_on(2)
        assert s.token_requests == 2


@each_client
def test_an_api_that_refuses_everything_is_held_all_the_same(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The next request renews the token, but not every request does."""
    with one_connection(client, oauth_server) as s:
        s.go_on()
        s.refuse_everything()
        for _ in range(20):
            assert s.session.request("POST", oauth_server.api_url, used_up(client)).status == 401
        assert s.token_requests <= 4


@each_client
def test_a_late_refusal_gives_up_no_newer_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refusal is about the old token. The new one, which came while the answer was on its way, stays in use."""
    with one_connection(client, oauth_server) as s:
        s.go_on()
        newer = copy.copy(s.auth._source.cache.current)

        def refuse(_: object) -> Answer:
            s.auth._source.cache.current = newer
            return Answer(401)

        oauth_server.api.next(refuse)
        assert s.session.request("POST", oauth_server.api_url, used_up(client)).status == 401
        assert s.auth._source.cache.current is newer
        assert s.token_requests == 1


@each_client
@pytest.mark.parametrize(
    "odd",
    [
        Answer(307, b"x" * 200_000, {"Location": "https://login.example.com/elsewhere"}),
        Answer(200, b" " * (LIMIT + 200_000)),
        Answer(200, b"not gzip", {"Content-Encoding": "gzip"}),
        Answer.error("invalid_scope"),
    ],
    ids=["redirect", "too large", "unreadable", "error"],
)
def test_a_token_answer_gives_its_connection_back(
    client: ClientKind, oauth_server: LoopbackServer, odd: Answer
) -> None:
    """Also if it is not read to its end; or the only connection of the client would be gone for good."""
    with one_connection(client, oauth_server) as s:
        oauth_server.token_endpoint.next(odd)
        with pytest.raises(TokenError):
            s.session.get_token()
        assert s.go_on() == [oauth_server.issued[-1]]
