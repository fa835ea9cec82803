"""What requests keeps with a request and its answer when it was sent again: cookies, times and options."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import Answer, LoopbackServer


@pytest.fixture
def loopback_session(oauth_server: LoopbackServer) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.auth = ClientCredentialsAuth(oauth_server.token_url, "client", "secret")
        yield opened


def cookies_received(server: LoopbackServer) -> list[str | None]:
    return [request.headers.get("Cookie") for request in server.api_requests]


def test_cookies_of_the_refusal_go_with_the_request_again(
    oauth_server: LoopbackServer, loopback_session: requests.Session
) -> None:
    """A load balancer sets its cookie on the first answer, which happens to be a 401."""
    loopback_session.cookies.set("mine", "1")
    oauth_server.api.next(Answer(401, headers=[("Set-Cookie", "node=7; Path=/"), ("Set-Cookie", "x=y; Path=/other")]))
    assert loopback_session.get(oauth_server.api_url).status_code == 200

    first, again = cookies_received(oauth_server)
    assert (first, sorted(str(again).split("; "))) == ("mine=1", ["mine=1", "node=7"])
    assert loopback_session.cookies["node"] == "7"
    assert [request.headers.get("Cookie") for request in oauth_server.token_requests] == [None, None]


def test_cookie_header_written_by_hand_is_kept(
    oauth_server: LoopbackServer, loopback_session: requests.Session
) -> None:
    """What the person wrote is sent again as it is; the cookie of the refusal is in the session all the same."""
    oauth_server.api.next(Answer(401, headers={"Set-Cookie": "node=7; Path=/"}))
    response = loopback_session.get(oauth_server.api_url, headers={"Cookie": "by=hand"})

    assert response.status_code == 200
    assert cookies_received(oauth_server) == ["by=hand", "by=hand"]
    assert loopback_session.cookies["node"] == "7"


def test_elapsed_is_that_of_the_request_sent_again(
    oauth_server: LoopbackServer, loopback_session: requests.Session
) -> None:
    """The time of the second sending, without the token request; the refusal keeps its own."""
    oauth_server.api.next(Answer(401, delay=0.2), Answer(200, delay=0.1))
    response = loopback_session.get(oauth_server.api_url)

    assert response.history[0].elapsed >= timedelta(seconds=0.2)
    assert response.elapsed >= timedelta(seconds=0.1)


class Recording(HTTPAdapter):
    """Keeps what it is told beside each request."""

    def __init__(self) -> None:
        super().__init__()
        self.options: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """With an option of its own, which a session that knows this adapter may pass."""
        self.options.append(options)
        return super().send(request, *args, **{name: options[name] for name in options if name != "priority"})


@pytest.mark.parametrize(
    "options",
    [{}, {"stream": True, "timeout": (3, 30), "verify": False, "proxies": {"https": "http://127.0.0.1:1"}}],
    ids=["defaults", "given"],
)
def test_the_same_options_go_with_the_request_again(
    oauth_server: LoopbackServer, loopback_session: requests.Session, options: dict[str, Any]
) -> None:
    """Each that was given, also one that only this adapter knows, and none that was not: it may have a default."""
    adapter = Recording()
    loopback_session.mount("http://", adapter)
    oauth_server.api.next(Answer(401))
    prepared = loopback_session.prepare_request(requests.Request("GET", oauth_server.api_url))
    response = loopback_session.send(prepared, priority=3, **options)
    response.close()

    first, again = adapter.options
    assert (response.status_code, first["priority"]) == (200, 3)
    assert first.items() >= options.items()
    assert again == first


def test_a_default_timeout_of_the_program_does_not_cut_the_refusal_off(
    oauth_server: LoopbackServer, loopback_session: requests.Session
) -> None:
    """A request without a time-out has a blocking socket, and it stays one while the refusal is read."""
    loopback_session.get(oauth_server.api_url)
    oauth_server.api.next(Answer(401, b"refused", byte_delay=0.01))
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30.0)
    try:
        response = loopback_session.get(oauth_server.api_url, timeout=None)
    finally:
        socket.setdefaulttimeout(before)
    assert [earlier.content for earlier in response.history] == [b"refused"]
