"""Promise 15 for a redirect together with a renewal: the new token stays with the origin too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, Session, each_client
from tests.contract.token_side import auth_for

CUSTOM: dict[str, Any] = {"header_name": "X-Access-Token", "header_value_pattern": "token %s"}
each_header = pytest.mark.parametrize("settings", [{}, CUSTOM], ids=["Authorization", "custom"])


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """The target of redirects. It refuses everything."""
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def open_session(client: ClientKind, settings: dict[str, Any], oauth_server: LoopbackServer) -> Iterator[Session]:
    """A session that follows redirects, with the documented guard. Its token has just been revoked."""
    if settings:
        oauth_server.header_name, oauth_server.header_value_pattern = settings.values()
    auth = auth_for(client, oauth_server, **settings)
    options: dict[str, Any] = {}
    if client is not REQUESTS:
        options["event_hooks"] = {"request": [auth.redirect_guard]}
    with client.session(auth, follow_redirects=True, **options) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        oauth_server.clear_log()
        yield session


def tokens_seen(server: LoopbackServer, issuer: LoopbackServer) -> list[bool]:
    """For each request to `server`: whether it carried any token of `issuer`."""
    return [
        any(token in value for token in issuer.issued for _, value in request.headers.pairs)
        for request in server.requests
        if request.kind != "token"
    ]


@each_client
@each_header
def test_a_request_sent_again_may_be_redirected_away(
    open_session: Session, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """401, new token, 307 to another host: neither the old nor the new token goes there."""
    oauth_server.api.next(None, Answer.redirect(other.api_url, 307))
    result = open_session.request("POST", oauth_server.api_url, content=b"body")
    assert result.status == 401
    assert tokens_seen(oauth_server, oauth_server) == [True, True]
    assert tokens_seen(other, oauth_server) == [False]
    assert len(oauth_server.token_requests) == 1


@each_client
@each_header
def test_a_redirect_that_stays_may_be_refused(open_session: Session, oauth_server: LoopbackServer) -> None:
    """307, 401, new token: the second request is sent again, not the first."""
    oauth_server.api.next(Answer.redirect("/api/elsewhere", 307))
    result = open_session.request("POST", oauth_server.api_url, content=b"body")
    assert result.status == 200
    seen = [(request.path, request.body) for request in oauth_server.api_requests]
    assert seen == [("/api", b"body"), ("/api/elsewhere", b"body"), ("/api/elsewhere", b"body")]
    assert len(oauth_server.token_requests) == 1


@each_client
@each_header
def test_a_refused_redirect_may_be_redirected_away_when_sent_again(
    open_session: Session, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """303, 401, new token, 302 to another host, 401 there: the caller gets that 401."""
    oauth_server.api.next(Answer.redirect("/api/b", 303), None, Answer.redirect(f"{other.origin}/api/c"))
    result = open_session.request("POST", oauth_server.api_url, content=b"body")
    assert result.status == 401
    assert tokens_seen(other, oauth_server) == [False]
    assert len(oauth_server.token_requests) == 1
    assert [request.method for request in oauth_server.api_requests] == ["POST", "GET", "GET"]
