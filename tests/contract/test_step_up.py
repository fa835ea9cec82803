"""Promise 25: an API may ask for more scope, if the person permits that, once for each scope."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Scene, scene, statuses_of, tokens_at_once

ENOUGH = "a write"


class Api:
    """An API that wants a scope of each token; it knows which one the server granted.

    Attributes:
        challenge: What follows the realm in its refusals.
        status: Of its refusals.
        wanted: The scopes that it wants.
        accepted: Its answer to a token that has them; None: that of the server.
    """

    def __init__(self, server: LoopbackServer, challenge: str, status: int = 403) -> None:
        self.challenge = challenge
        self.status = status
        self.wanted = {"write"}
        self.accepted: Answer | None = None
        self._server = server
        server.api.always(self._answer)

    def _answer(self, request: RecordedRequest) -> Answer | None:
        scopes = dict(zip(self._server.issued, scopes_asked_for(self._server), strict=False))
        if request.token not in scopes or self.wanted <= set((scopes[request.token] or "").split()):
            return self.accepted
        return Answer(self.status, headers={"WWW-Authenticate": f'Bearer realm="a b", {self.challenge}'})


def scopes_asked_for(server: LoopbackServer) -> list[str | None]:
    return [dict(request.form).get("scope") for request in server.token_requests]


INSUFFICIENT = 'error="insufficient_scope", scope="write"'


def statuses(s: Scene, n: int = 1) -> list[int]:
    return [s.get().status for _ in range(n)]


@each_client
def test_more_scope(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request is sent again with a token that has what was set and what is wanted; later tokens have it too."""
    Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, life=100, scope="a", step_up=True) as s:
        s.go_on(3)
        s.clock.advance(101)
        s.go_on()
    assert scopes_asked_for(oauth_server) == ["a", ENOUGH, ENOUGH]
    assert s.api_statuses == [403, 200, 200, 200, 200]


@each_client
def test_not_unless_it_is_permitted(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """By default, the answer is yours."""
    Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, scope="a") as s:
        assert statuses(s, 3) == [403] * 3
    assert scopes_asked_for(oauth_server) == ["a"]


@each_client
def test_once(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An API that is never content with a scope that it has asked for costs one token request."""
    api = Api(oauth_server, INSUFFICIENT)
    api.wanted = {"never"}
    with scene(client, oauth_server, scope="a", step_up=True) as s:
        assert statuses(s, 5) == [403] * 5
    assert scopes_asked_for(oauth_server) == ["a", ENOUGH]


@each_client
def test_a_scope_that_the_server_does_not_grant(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """What an API says cannot end the supply of tokens: the scope before is asked for again, in the same flight."""
    Api(oauth_server, INSUFFICIENT).wanted = {"never"}
    with scene(client, oauth_server, life=100, scope="a", step_up=True) as s:
        assert tokens_at_once(s.session, 1)
        oauth_server.token_endpoint.next(Answer(400, {"error": "invalid_scope"}))
        assert statuses(s, 2) == [403] * 2
        s.clock.advance(101)
        assert statuses(s, 2) == [403] * 2
    assert scopes_asked_for(oauth_server) == ["a", ENOUGH, "a", "a"]


@each_client
def test_a_scope_that_was_granted_once_stays(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If the server grants it no more, that is an error as any other: someone has taken it away."""
    Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, life=100, scope="a", step_up=True) as s:
        assert statuses(s) == [200]
        s.clock.advance(101)
        oauth_server.token_endpoint.next(Answer(400, {"error": "invalid_scope"}))
        with pytest.raises(TokenEndpointError):
            s.get()
    assert scopes_asked_for(oauth_server) == ["a", ENOUGH, ENOUGH]


@each_client
def test_another_scope(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each path may want its own; an API that always wants another one is left with what it got after three times."""
    api = Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, scope="a", step_up=True) as s:
        assert statuses(s) == [200]
        for wanted in ("w1", "w2", "w3", "w4"):
            api.wanted, api.challenge = {wanted}, f'error="insufficient_scope", scope="{wanted}"'
            assert statuses(s, 2) == [200 if wanted < "w3" else 403] * 2
        api.wanted = {"w1", "write"}
        assert statuses(s) == [200]
    assert scopes_asked_for(oauth_server) == ["a", "a write", "a write w1", "a write w1 w2"]


@each_client
def test_each_origin_for_itself(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """One that has used up its three times takes nothing from another one; and what was asked for is for both."""
    with LoopbackServer(client_id=oauth_server.client_id) as other, scene(client, oauth_server, step_up=True) as s:
        others, api = Api(oauth_server, INSUFFICIENT), Api(oauth_server, INSUFFICIENT)
        other.api.always(others._answer, unprotected=True)
        for wanted in ("w1", "w2", "w3", "w4"):
            api.wanted, api.challenge = {wanted}, f'error="insufficient_scope", scope="{wanted}"'
            s.get()
        others.wanted, others.challenge = {"w3"}, 'error="insufficient_scope", scope="w3"'
        others.accepted = Answer(200, {})
        assert s.session.request("GET", other.api_url).status == 200
        others.wanted, others.challenge = {"w5"}, 'error="insufficient_scope", scope="w5"'
        assert s.session.request("GET", other.api_url).status == 200
    assert scopes_asked_for(oauth_server)[-1] == "w1 w2 w3 w5"


@each_client
def test_a_scope_with_the_token_in_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Scopes are logged, and told to hooks."""
    api = Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, scope="a", step_up=True) as s:
        assert tokens_at_once(s.session, 1)
        api.challenge = f'error="insufficient_scope", scope="write {oauth_server.issued[0]}"'
        assert statuses(s) == [403]
    assert scopes_asked_for(oauth_server) == ["a"]


@each_client
def test_all_at_once(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Requests that are refused together share the new token."""
    Api(oauth_server, INSUFFICIENT)
    with scene(client, oauth_server, scope="a", step_up=True) as s:
        assert tokens_at_once(s.session, 1)
        assert statuses_of(s.session.concurrently(8, oauth_server.api_url)) == [200] * 8
    assert scopes_asked_for(oauth_server) == ["a", ENOUGH]


@each_client
@pytest.mark.parametrize(
    ("refusal", "settings", "scopes"),
    [
        ((401, 'scope="write"'), {}, [None, "write"]),
        ((401, 'scope="write"'), {"scope": "a"}, ["a", "a"]),  # renewed as ever
        ((403, 'scope="write"'), {"scope": "a"}, ["a"]),
        ((403, 'error="insufficient_scope"'), {"scope": "a"}, ["a"]),
        ((403, 'error="insufficient_scope", scope="a"'), {"scope": "a"}, ["a"]),
        ((403, 'error="insufficient_scope", scope="a\\\\b"'), {"scope": "a"}, ["a"]),
        ((403, f'error="insufficient_scope", scope="{"x" * 1001}"'), {"scope": "a"}, ["a"]),
        ((403, 'error="insufficient_scope", scope=" "'), {"scope": "a"}, ["a"]),
        ((403, INSUFFICIENT), {"scope": "x" * 1000}, ["x" * 1000]),
        ((403, INSUFFICIENT), {"additional_request_data": {"scope": "a"}}, ["a"]),
        ((400, INSUFFICIENT), {"scope": "a"}, ["a"]),
    ],
    ids=[
        "401-unset",
        "401-set",
        "403-plain",
        "no-scope",
        "nothing-new",
        "odd",
        "long",
        "blank",
        "full",
        "in-data",
        "400",
    ],
)
def test_what_counts(
    client: ClientKind,
    oauth_server: LoopbackServer,
    refusal: tuple[int, str],
    settings: dict[str, Any],
    scopes: list[str | None],
) -> None:
    """A 403 that says so, or a 401 if no scope is set; and only scopes that there can be (RFC 6749 §3.3)."""
    status, challenge = refusal
    Api(oauth_server, challenge, status)
    with scene(client, oauth_server, step_up=True, **settings) as s:
        assert statuses(s) == [200 if scopes[-1] == "write" else status]
    assert scopes_asked_for(oauth_server) == scopes
