"""What requests keeps with a request and its answer when it was sent again: cookies and times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

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
