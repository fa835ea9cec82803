"""Promises 11 and 13 with one client that has one connection for the API and for token requests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import Scene, scene
from tests.internals import use_token_client


@contextmanager
def one_connection(client: ClientKind, server: LoopbackServer) -> Iterator[Scene]:
    """A scene in which a request that waits for a second connection waits for ever."""
    if client is REQUESTS:
        adapter = client.library.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True)
        options: dict[str, Any] = {"adapters": {"http://": adapter}}
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
