"""Promise 15: with `api_origins`, requests to any other origin carry no token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.token_side import auth_for


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """A host that is not in the list, such as that of presigned links."""
    with LoopbackServer() as server:
        yield server


CUSTOM_HEADER: dict[str, Any] = {"header_name": "X-Access-Token", "header_value_pattern": "token %s"}


def guarded(client: ClientKind, auth: Any) -> dict[str, Any]:
    return {} if client is REQUESTS else {"event_hooks": {"request": [auth.redirect_guard]}}


def adding(client: ClientKind, put: Callable[[Any], None]) -> dict[str, Any]:
    """What has a client call `put` for every request on its way, also a redirected one."""
    if client is REQUESTS:

        class Adding(HTTPAdapter):
            def send(self, request: Any, *args: Any, **options: Any) -> Any:
                put(request)
                return super().send(request, *args, **options)

        return {"adapters": {"http://": Adding()}}

    async def aput(request: Any) -> None:
        put(request)

    return {"event_hooks": {"request": [aput if client.is_async else put]}}


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
@pytest.mark.parametrize("settings", [{}, CUSTOM_HEADER], ids=["Authorization", "custom"])
@pytest.mark.parametrize("content", [None, b"body"])
def test_a_listed_origin_that_asks_after_a_redirect_gets_the_token(
    client: ClientKind,
    oauth_server: LoopbackServer,
    other: LoopbackServer,
    settings: dict[str, Any],
    content: bytes | None,
) -> None:
    """Promise 15: the redirect itself takes no token along. Its 401 is answered with the current one, once."""
    if settings:
        oauth_server.header_name, oauth_server.header_value_pattern = CUSTOM_HEADER.values()
    auth = auth_for(client, oauth_server, api_origins=[oauth_server.origin, other.origin], **settings)
    seen: list[bool] = []

    def answer(request: Any) -> Answer:
        seen.append(request.headers.get(oauth_server.header_name) is not None)
        return Answer(200 if seen[-1] else 401)

    other.api.always(answer, unprotected=True)
    oauth_server.api.always(Answer.redirect(other.api_url, 307))
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        for _ in range(2):
            assert session.request("POST", oauth_server.api_url, content=content).status == 200
    assert seen == [False, True] * 2
    assert [request.body for request in other.requests] == [content or b""] * 4
    assert len(oauth_server.token_requests) == 1


@each_client
def test_a_listed_origin_that_refuses_the_token_after_a_redirect(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """A second 401 is a refusal like any other: the token is renewed, and the request is sent once more."""
    seen: list[str | None] = []

    def answer(request: Any) -> Answer:
        seen.append(request.headers.get("Authorization"))
        return Answer(401 if len(seen) < 3 else 200)

    other.api.always(answer, unprotected=True)
    oauth_server.api.next(Answer.redirect(other.api_url))
    auth = auth_for(client, oauth_server, api_origins=[oauth_server.origin, other.origin])
    with client.session(auth, follow_redirects=True) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    assert seen == [None, *(f"Bearer {token}" for token in oauth_server.issued)]
    assert len(oauth_server.issued) == 2


@each_client
def test_another_credential_after_a_redirect_is_left_alone(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """If the refused request has a header of that name which is not ours, its 401 is returned as it is."""
    auth = auth_for(client, oauth_server, api_origins=[oauth_server.origin, other.origin])
    oauth_server.api.always(Answer.redirect(other.api_url))

    def put(request: Any) -> None:
        if str(request.url).startswith(other.origin):
            request.headers["Authorization"] = "Basic abc"

    with client.session(auth, follow_redirects=True, **adding(client, put)) as session:
        assert session.request("GET", oauth_server.api_url).status == 401
    assert [request.headers.get("Authorization") for request in other.requests] == ["Basic abc"]


@each_client
def test_renew_on_that_raises_after_a_redirect(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """It is asked about this answer too, and the error says so."""

    def raising(status: int, headers: Any) -> bool:
        if status == 401:
            raise ZeroDivisionError
        return False

    origins = [oauth_server.origin, other.origin]
    auth = auth_for(client, oauth_server, api_origins=origins, renew_on=raising)
    oauth_server.api.always(Answer.redirect(other.api_url))
    with client.session(auth, follow_redirects=True) as session, pytest.raises(TokenError, match="ZeroDivisionError"):
        session.request("GET", oauth_server.api_url)


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


@each_client
def test_a_listed_origin_that_does_not_ask_after_a_redirect(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Any other answer is the answer."""
    other.api.always(Answer(404))
    oauth_server.api.always(Answer.redirect(other.api_url))
    auth = auth_for(client, oauth_server, api_origins=[oauth_server.origin, other.origin])
    with client.session(auth, follow_redirects=True) as session:
        assert session.request("GET", oauth_server.api_url).status == 404
    assert len(other.requests) == 1


@each_client
def test_renew_on_that_raises_for_the_second_answer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request had been sent again; the error says what was asked about."""
    calls: list[int] = []

    def raising_later(status: int, headers: Any) -> bool:
        calls.append(status)
        if len(calls) == 2:
            raise ZeroDivisionError
        return status == 401

    oauth_server.api.always(Answer(401))
    auth = auth_for(client, oauth_server, renew_on=raising_later)
    with client.session(auth) as session, pytest.raises(TokenError, match="ZeroDivisionError"):
        session.request("GET", oauth_server.api_url)
    assert calls == [401, 401]
