"""Promise 15 and 23: headers that belong to a token go where the token goes, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth import Token, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import scene
from tests.contract.token_side import auth_for, failure_of


async def a_coroutine() -> str:
    return "x"


TENANT = {"X-Tenant": "t3nant"}


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """The target of redirects."""
    with LoopbackServer() as server:
        yield server


@each_client
def test_they_go_with_the_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Also if the request is sent again, and with the new token's value if a callable gives it."""
    headers = {**TENANT, "X-Start": lambda token: token.access_token[:6]}
    oauth_server.new_token = iter(["first-token", "second-token"]).__next__
    with scene(client, oauth_server, api_headers=headers) as s:
        s.go_on(2)
        oauth_server.revoke_all()
        s.go_on()
    sent = [(each.token, each.headers["X-Tenant"], each.headers["X-Start"]) for each in oauth_server.api_requests]
    assert [token for token, _, _ in sent] == ["first-token", "first-token", "first-token", "second-token"]
    assert [(tenant, start) for _, tenant, start in sent] == [("t3nant", str(token)[:6]) for token, _, _ in sent]
    assert all("X-Tenant" not in each.headers for each in oauth_server.token_requests)


@each_client
def test_they_are_among_the_headers_for_other_clients(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """`get_headers` returns them too."""
    with scene(client, oauth_server, api_headers=TENANT) as s:
        call = getattr(s.session, "call", None)
        found = s.auth.get_headers() if call is None else call(s.auth.aget_headers)
    assert found == {"Authorization": f"Bearer {oauth_server.issued[0]}", **TENANT}


@each_client
def test_another_origin_does_not_get_them(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Neither after a redirect, nor if `api_origins` leaves it out."""
    auth = auth_for(client, oauth_server, api_headers=TENANT, api_origins=[oauth_server.origin])
    options = {} if client is REQUESTS else {"event_hooks": {"request": [auth.redirect_guard]}}
    oauth_server.api.next(Answer.redirect(other.origin + "/open"))
    with client.session(auth, follow_redirects=True, **options) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        assert session.request("GET", other.origin + "/open").status == 200
    assert oauth_server.api_requests[0].headers["X-Tenant"] == "t3nant"
    assert len(other.requests) == 2
    assert all("X-Tenant" not in each.headers for each in other.requests)


@for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))
def test_what_no_guard_prevents_is_logged(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx takes Authorization off, so the token stays a secret and is kept. The others went along: a WARNING."""
    oauth_server.api.next(Answer.redirect(other.origin + "/open"))
    auth = auth_for(client, oauth_server, api_headers=TENANT)
    with (
        caplog.at_level(logging.WARNING, "oauth_cc_auth"),
        client.session(auth, follow_redirects=True) as session,
    ):
        assert session.request("GET", oauth_server.api_url).status == 200
        assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "oauth_cc_auth"]
    assert f"took the headers X-Tenant to {other.origin}" in warning
    assert "redirect_guard" in warning
    assert "t3nant" not in warning


@each_client
def test_an_error_does_not_hold_them(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request that an exception carries is without them."""
    auth = auth_for(client, oauth_server, api_headers=TENANT, raise_if_not_renewed=True)
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer.error("invalid_client", status=401))
        error: Any = failure_of(session, oauth_server.api_url)
    assert {"x-tenant", "authorization"}.isdisjoint(name.lower() for name in error.request.headers)


@each_client
def test_a_header_of_the_whole_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The pattern may be a callable: it sees what else the endpoint answered."""

    def pattern(token: Token) -> str:
        return f"Basic {token.extra['user']}:{token.access_token}"

    oauth_server.header_value_pattern = "Basic me:%s"
    oauth_server.token_endpoint.always(lambda _: Answer.token("abc", user="me"))
    with scene(client, oauth_server, header_value_pattern=pattern) as s:
        s.go_on()
        oauth_server.revoke_all()
        s.go_on()
    assert {each.headers["Authorization"] for each in oauth_server.api_requests} == {"Basic me:abc"}


@each_client
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"header_value_pattern": lambda token: token.extra["user"]},
            "header_value_pattern gave no value: it raised KeyError (<lambda>, test_api_headers.py:",
        ),
        (
            {"header_value_pattern": lambda token: f"{token.access_token}\n"},
            "header_value_pattern gave no value: it returned a text that a header cannot have",
        ),
        (
            {"header_value_pattern": lambda token: a_coroutine()},
            "header_value_pattern gave no value: it returned an object of type coroutine, which no one awaits",
        ),
        (
            {"api_headers": {"X-Tenant": lambda token: None}},
            "api_headers callable for X-Tenant gave no value: it returned NoneType",
        ),
    ],
)
def test_a_callable_that_gives_none(
    client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any], words: str
) -> None:
    """The error names the place and shows no token; none is kept, so the next request asks again."""
    with client.session(auth_for(client, oauth_server, **settings)) as session:
        error = failure_of(session, oauth_server.api_url)
        assert words in str(error)
        assert (error.reason, oauth_server.api_requests) == ("callable_failed", ())
        assert oauth_server.issued[0] not in str(error)
        with pytest.raises(TokenError):
            session.request("GET", oauth_server.api_url)
