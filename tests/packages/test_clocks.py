"""Packages that stop or move the clock in tests: freezegun and time-machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.packages.support import RENEWED, package, talk

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


def frozen(moment: datetime) -> Any:
    return package("freezegun").freeze_time(moment)


def travelled(moment: datetime) -> Any:
    return package("time_machine").travel(moment, tick=False)


def travelling(moment: datetime) -> Any:
    return package("time_machine").travel(moment)


each_way = pytest.mark.parametrize("at", [frozen, travelled, travelling], ids=["freezegun", "time-machine", "ticking"])
three_clients = for_clients(REQUESTS, HTTPX, HTTPX2)


@pytest.fixture(autouse=True)
def _server_without_clock(oauth_server: LoopbackServer) -> None:
    """Tokens end when the client says so: the server's clock would be moved as well."""
    oauth_server.clock = lambda: 0.0


@each_way
@three_clients
def test_a_token_ends_when_time_is_moved(
    client: ClientKind, oauth_server: LoopbackServer, at: Callable[[datetime], Any]
) -> None:
    auth = client.auth_class(oauth_server.token_url, "client", "secret")
    with client.session(auth=auth) as session:
        for seconds in (0, 10, 4000):
            with at(NOW + timedelta(seconds=seconds)):
                assert session.request("GET", oauth_server.api_url).status == 200
    assert talk(oauth_server) == ["token 200", "api 200", "api 200", "token 200", "api 200"]


@each_way
@three_clients
def test_a_token_of_a_stopped_clock_is_renewed_after_a_refusal(
    client: ClientKind, oauth_server: LoopbackServer, at: Callable[[datetime], Any]
) -> None:
    """While the clock stands still, and when it goes again."""
    auth = client.auth_class(oauth_server.token_url, "client", "secret")
    with client.session(auth=auth) as session:
        with at(NOW):
            assert session.request("GET", oauth_server.api_url).status == 200
            oauth_server.revoke_all()
            assert session.request("GET", oauth_server.api_url).status == 200
        assert talk(oauth_server) == RENEWED
        with at(NOW + timedelta(seconds=60)):
            oauth_server.revoke_all()
            assert session.request("GET", oauth_server.api_url).status == 200
    assert talk(oauth_server)[len(RENEWED) :] == ["api 401", "token 200", "api 200"]


@pytest.mark.parametrize("at", [frozen, travelled], ids=["freezegun", "time-machine"])
@three_clients
def test_a_token_of_a_stopped_clock_is_renewed_by_a_real_one(
    client: ClientKind, oauth_server: LoopbackServer, at: Callable[[datetime], Any]
) -> None:
    """Of a clock that stood in the past the token has ended; of one that stood in the future it is still good."""
    with client.session(auth=client.auth_class(oauth_server.token_url, "client", "secret")) as session:
        with at(NOW):
            assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
        assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 2
