"""Promise 15: with `api_origins`, requests to any other origin carry no token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """A host that is not in the list, such as that of presigned links."""
    with LoopbackServer() as server:
        yield server


@each_client
def test_other_origins_get_no_token_and_none_is_fetched_for_them(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """A 401 from there fetches, renews and repeats nothing. Listed origins work as always."""
    with client.session(auth_for(client, oauth_server, api_origins=[oauth_server.origin])) as session:
        refused = session.request("GET", other.api_url, headers={"X-Own": "kept"})
        assert (refused.status, refused.history_statuses) == (401, ())
        assert session.request("GET", f"{other.origin}/open").status == 200
        assert oauth_server.token_requests == ()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert len(other.requests) == 2
    assert all(request.headers.get("Authorization") is None for request in other.requests)
    assert other.requests[0].headers["X-Own"] == "kept"


@each_client
def test_a_listed_origin_gets_no_token_from_a_redirect(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """A listed origin is not the origin that the request named."""
    origins = [oauth_server.origin, other.origin]
    oauth_server.api.next(Answer.redirect(other.api_url))
    with client.session(auth_for(client, oauth_server, api_origins=origins), follow_redirects=True) as session:
        assert session.request("GET", oauth_server.api_url).status == 401
    assert [request.headers.get("Authorization") for request in other.requests] == [None]


@each_client
def test_the_way_back_from_a_redirect_is_without_a_token(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """A request to an unlisted origin carries no token, wherever it is redirected."""
    other.api.next(Answer.redirect(oauth_server.api_url))
    with client.session(
        auth_for(client, oauth_server, api_origins=[oauth_server.origin]), follow_redirects=True
    ) as session:
        result = session.request("GET", other.api_url)
    assert (result.status, result.history_statuses) == (401, (302,))
    assert oauth_server.token_requests == ()


@each_client
def test_an_origin_is_compared_as_browsers_do(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Case and a trailing slash do not matter, but the port does."""
    written = oauth_server.origin.replace("http", "HTTP") + "/"
    with client.session(auth_for(client, oauth_server, api_origins=written)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    without_port = oauth_server.origin.rpartition(":")[0]
    with client.session(auth_for(client, oauth_server, api_origins=[without_port])) as session:
        assert session.request("GET", oauth_server.api_url).status == 401


@each_client
def test_plain_http_is_no_matter_where_no_token_goes(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unlisted plain-http host is not refused: the request contains nothing secret."""
    monkeypatch.setenv("HTTP_PROXY", oauth_server.origin)
    monkeypatch.setenv("http_proxy", oauth_server.origin)
    with client.session(auth_for(client, oauth_server, api_origins=["https://api.example.com"])) as session:
        assert session.request("GET", "http://files.example.com/open").status == 200
    assert [request.token for request in oauth_server.requests] == [None]
