"""Promise 10: a token that came by an early renewal may not be known to the API yet, so the one before it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Scene, scene

LIFE, AGING = 1000.0, 850.0  # seconds


class Api:
    """An API that knows some of the tokens only, by their order."""

    def __init__(self, server: LoopbackServer) -> None:
        self.known = {0}
        self._server = server
        self.seen: list[int] = []
        server.api.always(self._answer)

    def _answer(self, request: Any) -> Answer:
        number = self._server.issued.index(request.token)
        self.seen.append(number)
        return Answer(200 if number in self.known else 401)

    def take_seen(self) -> list[int]:
        """The tokens of the requests since the last call."""
        seen, self.seen = self.seen, []
        return seen


@contextmanager
def renewed_early(client: ClientKind, server: LoopbackServer) -> Iterator[tuple[Scene, Api]]:
    """A scene with an aging token, whose next request renews it; the API knows only the old one."""
    with scene(client, server, life=LIFE) as s:
        api = Api(server)
        s.get()
        s.clock.advance(AGING)
        api.take_seen()
        yield s, api


def one_time(client: ClientKind) -> Any:
    """A body that can be sent once only."""
    if not client.is_async:
        return iter([b"body"])

    async def chunks() -> Any:
        yield b"body"

    return chunks()


@each_client
def test_the_old_token_is_used_until_the_new_one_is_known(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """No request fails, one request a second tries the new token, and nothing is fetched."""
    with renewed_early(client, oauth_server) as (s, api):
        assert [s.get().status for _ in range(3)] == [200] * 3
        assert api.take_seen() == [1, 0, 0, 0]
        s.clock.advance(1)
        assert [s.get().status for _ in range(3)] == [200] * 3
        assert api.take_seen() == [1, 0, 0, 0]
        api.known = {0, 1}
        s.get()
        assert api.take_seen() == [0]  # it was tried in this second
        s.clock.advance(1)
        assert [s.get().status for _ in range(2)] == [200] * 2
        assert api.take_seen() == [1, 1]
        assert s.token_requests == 2


@each_client
def test_the_old_token_ends(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Then the new one is all there is, and its refusal is a refusal."""
    with renewed_early(client, oauth_server) as (s, api):
        assert s.get().status == 200
        s.clock.advance(LIFE - AGING)
        api.known = {2}
        api.take_seen()
        assert s.get().status == 200
        assert api.take_seen() == [1, 2]
        assert s.token_requests == 3


@each_client
def test_both_are_refused(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token is fetched, and the request sent once more: the one case of two more sendings."""
    with renewed_early(client, oauth_server) as (s, api):
        api.known = {2}
        assert s.get().status == 200
        assert api.take_seen() == [1, 0, 2]
        assert s.get().status == 200
        assert api.take_seen() == [2]
        assert s.token_requests == 3


@each_client
def test_everything_is_refused(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It ends after two more sendings."""
    with renewed_early(client, oauth_server) as (s, api):
        api.known = set()
        assert s.get().status == 401
        assert api.take_seen() == [1, 0, 2]


@each_client
def test_the_one_that_stood_in_is_revoked(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Requests carry it; its refusal fetches a token, since the newer one was refused before."""
    with renewed_early(client, oauth_server) as (s, api):
        assert s.get().status == 200
        api.take_seen()
        api.known = {2}
        assert s.get().status == 200
        assert api.take_seen() == [0, 2]


@each_client
def test_a_body_for_one_sending_carries_what_the_api_knows(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It could not be sent again, so it tries nothing, until the new token was accepted."""
    with renewed_early(client, oauth_server) as (s, api):
        for _ in range(2):
            assert s.session.request("POST", s.server.api_url, content=one_time(client)).status == 200
        assert api.take_seen() == [0, 0]
        api.known = {0, 1}
        assert s.get().status == 200
        assert s.session.request("POST", s.server.api_url, content=one_time(client)).status == 200
        assert api.take_seen() == [1, 1]


@each_client
def test_another_origin_that_knows_the_new_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each origin is introduced by itself."""
    with LoopbackServer() as other, renewed_early(client, oauth_server) as (s, api):
        other.api.always(Answer(200), unprotected=True)
        assert s.get().status == 200
        assert api.take_seen() == [1, 0]
        for _ in range(2):
            assert s.session.request("GET", other.api_url).status == 200
        assert [request.token for request in other.api_requests] == [oauth_server.issued[1]] * 2
        assert s.get().status == 200
        assert api.take_seen() == [0]
