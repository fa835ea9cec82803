"""Promise 15: a token goes to the origin that the request named, not to the target of a redirect."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from oauth_cc_auth import Event, TokenLeaked
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, Session, each_client, for_clients
from tests.contract.token_side import auth_for

CODES = (301, 302, 303, 307, 308)
CUSTOM_HEADER: dict[str, Any] = {"header_name": "X-Access-Token", "header_value_pattern": "token %s"}
each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """The target of redirects. It refuses everything, because it never issued a token."""
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name has an address, and no resolver is called: some odd locations look like names."""
    look_up = socket.getaddrinfo

    def numbers_only(host: Any, *args: Any, **options: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if not re.fullmatch(r"[0-9.]+|[0-9a-f:]+", text):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)


def expect_header(server: LoopbackServer) -> None:
    server.header_name, server.header_value_pattern = CUSTOM_HEADER.values()


def everything_sent(server: LoopbackServer) -> str:
    return "\n".join(f"{name}: {value}" for request in server.requests for name, value in request.headers.pairs)


def assert_saw_no_token(other: LoopbackServer, server: LoopbackServer, requests_expected: int) -> None:
    assert len(other.requests) == requests_expected
    assert server.issued
    for token in server.issued:
        assert token not in everything_sent(other)


def guarded(client: ClientKind, auth: Any) -> dict[str, Any]:
    """The guard that the documentation recommends for a client with a custom header, sync or async."""
    return {} if client is REQUESTS else {"event_hooks": {"request": [auth.redirect_guard]}}


@each_client
def test_the_other_host_never_gets_the_token(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Not directly, not after a hop within the origin, and not a new one after a 401 from the other host."""
    with client.session(auth_for(client, oauth_server), follow_redirects=True) as session:
        for code in CODES:
            oauth_server.api.next(Answer.redirect("/api/hop", code), Answer.redirect(other.api_url, code))
            result = session.request("POST", oauth_server.api_url, content=b"body")
            assert (result.status, result.history_statuses) == (401, (code, code))
    assert_saw_no_token(other, oauth_server, len(CODES))
    assert len(oauth_server.token_requests) == 1
    assert "authorization" not in everything_sent(other).lower()


@each_client
def test_a_custom_header_does_not_go_along_either(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Both libraries remove only Authorization. Our hook in requests and the guard in httpx remove the other header."""
    expect_header(oauth_server)
    expect_header(other)
    auth = auth_for(client, oauth_server, **CUSTOM_HEADER)
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        for code in CODES:
            oauth_server.api.next(Answer.redirect("/api/hop", code), Answer.redirect(other.api_url, code))
            result = session.request("POST", oauth_server.api_url, content=b"body")
            assert (result.status, result.history_statuses) == (401, (code, code))
    assert_saw_no_token(other, oauth_server, len(CODES))
    assert len(oauth_server.token_requests) == 1
    assert all(request.token is not None for request in oauth_server.api_requests)


@each_httpx
def test_the_guard_has_two_names(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Both names work with both kinds of client: with a wrong one, the token would leak."""
    auth = auth_for(client, oauth_server, **CUSTOM_HEADER)
    assert auth.aredirect_guard == auth.redirect_guard


@each_httpx
def test_a_leak_that_no_guard_prevents_is_logged_and_the_token_renewed(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the guard, httpx keeps a custom header: a WARNING names the remedy, and the next request is safe."""
    events: list[Event] = []
    expect_header(oauth_server)
    oauth_server.api.next(Answer.redirect(f"{other.origin}/open"))
    with (
        caplog.at_level(logging.WARNING, "oauth_cc_auth"),
        client.session(
            auth_for(client, oauth_server, on_event=events.append, **CUSTOM_HEADER), follow_redirects=True
        ) as session,
    ):
        assert session.request("GET", oauth_server.api_url).status == 200
        leaked = other.requests[0].headers["X-Access-Token"]
        assert session.request("GET", oauth_server.api_url).json()["token_number"] == 2
    assert leaked == f"token {oauth_server.issued[0]}"
    (event,) = [event for event in events if isinstance(event, TokenLeaked)]
    assert (event.origin, event.target, event.header_name) == (oauth_server.origin, other.origin, "X-Access-Token")
    assert oauth_server.issued[0] not in repr(event)
    warnings = [record for record in caplog.records if record.name == "oauth_cc_auth"]
    assert [record.levelname for record in warnings] == ["WARNING"]
    assert "redirect_guard" in warnings[0].getMessage()
    assert oauth_server.issued[0] not in warnings[0].getMessage()


@each_httpx
def test_a_host_that_got_a_token_by_a_leak_gets_no_other(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """Its 401 is none of ours: the request is not sent there again with a new token."""
    expect_header(oauth_server)
    expect_header(other)
    oauth_server.api.next(Answer.redirect(other.api_url))
    with client.session(auth_for(client, oauth_server, **CUSTOM_HEADER), follow_redirects=True) as session:
        assert session.request("GET", oauth_server.api_url).status == 401
        assert len(oauth_server.token_requests) == 1
        assert session.request("GET", oauth_server.api_url).status == 200
    (request,) = other.requests
    assert request.token == oauth_server.issued[0]
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued)


@each_httpx
def test_a_leak_on_the_way_is_seen(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The other host redirects back, so that the last request is where it should be."""
    expect_header(oauth_server)
    oauth_server.api.next(Answer.redirect(other.api_url))
    other.api.next(Answer.redirect(oauth_server.api_url))
    with client.session(auth_for(client, oauth_server, **CUSTOM_HEADER), follow_redirects=True) as session:
        result = session.request("GET", oauth_server.api_url)
        assert (result.status, result.history_statuses) == (200, (302, 302))
        assert "redirect_guard" in caplog.text
        assert session.request("GET", oauth_server.api_url).json()["token_number"] == 2


@each_client
@pytest.mark.parametrize("settings", [{}, CUSTOM_HEADER], ids=["Authorization", "custom"])
def test_a_redirect_that_stays_keeps_the_token(
    client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any]
) -> None:
    """Relative or absolute, with an @ in path or query: it is still the same origin."""
    if settings:
        expect_header(oauth_server)
    locations = (
        "/users/@me",
        "/redirect/../api/users/@me?mail=a@example.com",
        "api/users",
        "?page=2",
        "#part",
        oauth_server.api_url,
        oauth_server.api_url.replace("http:", "HTTP:"),
        oauth_server.api_url.replace("http:", ""),
    )
    auth = auth_for(client, oauth_server, **settings)
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        for location in locations:
            oauth_server.clear_log()
            for code in CODES:
                oauth_server.api.next(Answer.redirect(location, code))
                assert session.request("GET", oauth_server.api_url).status in (200, 404)
            seen = [request for request in oauth_server.requests if request.kind != "token"]
            carried = [request.token for request in seen]
            assert carried == [oauth_server.issued[0]] * 2 * len(CODES), location
    assert len(oauth_server.issued) == 1


ODD_LOCATIONS = (
    "//{other}/x",
    "///{other}/x",
    "////{other}/x",
    "/\\{other}/x",
    "\\\\{other}/x",
    "http:\\\\{other}\\x",
    "http:/{other}/x",
    "http:{other}/x",
    "http:///{other}/x",
    "http:/x",
    "https:/x",
    "https:x",
    "http://",
    "http:///x",
    "http://@{other}/x",
    "http://{own}@{other}/x",
    "http://{own}\\@{other}/x",
    "http://{own}#@{other}/x",
    "http://{own}%23@{other}/x",
    "http://user:password@{other}/x",
    "\thttp://{other}/x",
    "http://\t{other}/x",
    "http:\t//{other}/x",
    "/\t/{other}/x",
    "http://{other}.\u00fc/x",
    "http://\u00e9@{other}/x",
    "http://%31%32%37.0.0.1:{other_port}/x",
    "http://127.1:{other_port}/x",
    "http://[::1/x",
    "http://{other}:99999/x",
    "http://127.0.0.1:-1/x",
    "http://127.0.0.1:0{other_port}/x",
    "javascript:alert(1)",
    "",
    " ",
)


@each_client
@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize("settings", [{}, CUSTOM_HEADER], ids=["Authorization", "custom"])
def test_odd_locations_leak_nothing(
    client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer, settings: dict[str, Any]
) -> None:
    """If parsers of URLs disagree, the request carries no token. The library decides what to do with the URL."""
    if settings:
        expect_header(oauth_server)
    auth = auth_for(client, oauth_server, **settings)
    hosts = [server.origin.removeprefix("http://") for server in (oauth_server, other)]
    with (
        client.session(auth, follow_redirects=True, **guarded(client, auth)) as session,
        client.session(follow_redirects=True) as plain,
    ):
        oauth_server.api.always(Answer(200), unprotected=True)
        for location in ODD_LOCATIONS:
            filled = location.format(own=hosts[0], other=hosts[1], other_port=hosts[1].rpartition(":")[2])
            oauth_server.api.next(Answer.redirect(filled))
            expected = outcome(plain, oauth_server)
            oauth_server.api.next(Answer.redirect(filled))
            assert outcome(session, oauth_server) == expected, location
            assert oauth_server.issued[0] not in everything_sent(other), location
    assert len(oauth_server.issued) == 1


def outcome(session: Session, server: LoopbackServer) -> object:
    """The status or exception of a redirect. A request that failed on its way to another host carried no token."""
    try:
        return session.request("GET", server.api_url).status
    except Exception as error:  # noqa: BLE001  # the libraries raise all kinds
        failed = getattr(error, "request", None)
        if failed is not None and not str(failed.url).startswith(server.origin):
            assert not any(token in str(dict(failed.headers)) for token in server.issued)
        return type(error)


def test_a_prepared_request_keeps_its_renewal_after_a_redirect(
    oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """In requests, hooks survive a redirect. Ours does nothing at the other host, and works at the next sending."""
    auth = auth_for(REQUESTS, oauth_server)
    other.api.always(Answer(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}))
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", oauth_server.api_url, auth=auth))
        for expected in (1, 2):
            oauth_server.api.next(Answer.redirect(other.api_url))
            response = session.send(prepared)
            assert (response.status_code, len(other.requests)) == (401, expected)
    assert_saw_no_token(other, oauth_server, 2)
    assert len(oauth_server.token_requests) == 1
