"""Promise 7: one caller renews a token before it expires, while the others use the old one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, Settled, auth_of, background, scene, statuses_of

CALLERS = 20

MARGINS = pytest.mark.parametrize(
    ("life", "aging", "due"),
    [
        pytest.param(100, 80, 90, id="a tenth of a short life"),
        pytest.param(36000, 28800, 35970, id="30 s of a long one"),
    ],
)


@each_client
def test_one_token_serves_every_request_until_80_percent_of_its_life(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """No one renews a token before it is aging."""
    with scene(client, oauth_server, life=1000) as s:
        for _ in range(8):
            s.go_on()
            s.clock.advance(99.9)
        assert s.token_requests == 1
        s.clock.advance(1)
        s.go_on(3)
        assert s.token_requests == 2


@pytest.mark.parametrize(
    ("refresh_in", "life", "aging"),
    [
        pytest.param(300, 1000, 300, id="earlier"),
        pytest.param("300", 1000, 300, id="a string"),
        pytest.param(850, 1000, 850, id="later"),
        pytest.param(5000, 1000, 870, id="after the end"),
        pytest.param(300, None, 300, id="without a life"),
        pytest.param(0, 1000, 800, id="zero"),
        pytest.param(-1, 1000, 800, id="negative"),
        pytest.param(None, 1000, 800, id="null"),
        pytest.param("soon", 1000, 800, id="a word"),
    ],
)
@each_client
def test_server_says_when_to_renew(
    client: ClientKind, oauth_server: LoopbackServer, refresh_in: object, life: float | None, aging: float
) -> None:
    """`refresh_in` in the answer moves the start of aging, but the aging still lasts a tenth of the life."""
    with scene(client, oauth_server) as s:
        oauth_server.token_endpoint.next(Answer.token("abc", life, refresh_in=refresh_in))
        s.session.get_token()
        s.clock.advance(aging - 0.1)
        s.session.get_token()
        assert s.token_requests == 1
        s.clock.advance(0.2)
        s.session.get_token()
        assert s.token_requests == 2


@each_client
def test_while_one_caller_renews_an_aging_token_the_others_go_on_with_it(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Of twenty requests with an aging token, nineteen are answered while one waits for the token endpoint."""
    with scene(client, oauth_server) as s, background() as threads:
        (old,) = s.go_on()
        s.clock.advance(0.81 * 3600)
        answered = Settled(oauth_server)
        with oauth_server.token_endpoint.hold() as gate:
            calls = threads.start(s.session.concurrently, CALLERS, oauth_server.api_url)
            gate.wait_for(1)
            answered.wait_for(CALLERS - 1)
            assert [request.token for request in oauth_server.api_requests] == [old] * CALLERS  # the first one's
            assert gate.arrived == 1
            assert not calls.done()
        assert statuses_of(calls.result()) == [200] * CALLERS
        assert oauth_server.api_requests[-1].token == oauth_server.issued[1]
        assert s.token_requests == 2


@MARGINS
@each_client
def test_when_the_token_is_due_callers_wait_for_the_new_one(
    client: ClientKind, oauth_server: LoopbackServer, life: float, aging: float, due: float
) -> None:
    """In the last tenth of the life, 30 s at most, no request carries the old token."""
    with scene(client, oauth_server, life=life) as s, background() as threads:
        (old,) = s.go_on()
        s.clock.advance(due + 0.001)
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            calls = threads.start(s.session.concurrently, CALLERS, oauth_server.api_url)
            claims.wait_for(CALLERS)
            gate.wait_for(1)
        assert statuses_of(calls.result()) == [200] * CALLERS
        assert [request.token for request in oauth_server.api_requests[1:]] == [oauth_server.issued[1]] * CALLERS
        assert old != oauth_server.issued[1]
        assert s.token_requests == 2


@MARGINS
@each_client
def test_until_the_token_is_due_nobody_but_the_renewing_caller_waits(
    client: ClientKind, oauth_server: LoopbackServer, life: float, aging: float, due: float
) -> None:
    """Both ends of the aging window are where the documentation says."""
    with scene(client, oauth_server, life=life) as s, background() as threads:
        s.go_on()
        s.clock.advance(aging - 0.001)
        s.go_on()
        assert s.token_requests == 1
        s.clock.advance(0.002)
        with oauth_server.token_endpoint.hold() as gate:
            renewing = threads.start(s.get)
            gate.wait_for(1)
            s.go_on()
            s.clock.now_wall += due - aging - 0.002  # only the age: the renewal has not been given up
            s.go_on()
        assert renewing.result().status == 200
        assert s.token_requests == 2


@each_client
def test_a_token_that_lives_two_seconds_is_used_more_than_once(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Margins are fractions of the life, so a short-lived token does not cost a token request for each API request."""
    with scene(client, oauth_server, life=2) as s:
        for _ in range(8):
            s.go_on()
            s.clock.advance(0.5)
        assert s.token_requests == 2  # each serves the requests at 0, 0.5, 1 and 1.5 s of its life
        assert s.api_statuses == [200] * 8


@pytest.mark.parametrize(
    ("settings", "aging"),
    [
        ({"early_expiry": 0}, 0.99),
        ({"early_expiry": 1e9}, 0.45),
        ({"early_expiry": 1e9, "renew_after": 1}, 0.45),
        ({"renew_after": 1.0}, 0.9),
        ({"early_expiry": 700, "renew_after": 0.99}, 0.45),
        ({"renew_after": 0.5}, 0.51),
    ],
    ids=str,
)
@each_client
def test_whatever_the_settings_a_token_ages_before_callers_wait(
    client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any], aging: float
) -> None:
    """There is always a time in which one caller renews and the others do not wait."""
    with scene(client, oauth_server, life=1000, **settings) as s, background() as threads:
        s.go_on()
        s.clock.advance(aging * 1000)
        with oauth_server.token_endpoint.hold() as gate:
            renewing = threads.start(s.get)
            gate.wait_for(1)
            s.go_on(2)
        assert renewing.result().status == 200
        assert s.token_requests == 2


@each_client
def test_the_start_of_aging_is_spread_within_the_window(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Jitter delays a renewal, so that a fleet does not renew in step, but not into the time in which callers wait."""
    with scene(client, oauth_server, life=1000) as s, background() as threads:
        s.clock.chance_value = 0.999
        s.go_on()
        s.clock.advance(801)
        s.go_on()
        assert s.token_requests == 1
        s.clock.advance(98)
        with oauth_server.token_endpoint.hold() as gate:
            renewing = threads.start(s.get)
            gate.wait_for(1)
            s.go_on()
        assert renewing.result().status == 200
        assert s.token_requests == 2


@each_client
def test_a_token_without_a_known_end_is_used_until_it_is_refused(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Without `expires_in`, no token is renewed by age."""
    with scene(client, oauth_server, life=None) as s:
        s.go_on()
        s.clock.advance(10 * 365 * 24 * 3600)
        s.go_on()
        assert s.token_requests == 1
        oauth_server.revoke_all()
        assert s.get().status == 200
        assert s.token_requests == 2


@each_client
def test_a_wall_clock_that_is_set_back_keeps_no_ended_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The monotonic clock knows how old the token is; it is renewed in time."""
    with scene(client, oauth_server, life=100) as s:
        right = s.clock.now_wall - s.clock.now_monotonic
        oauth_server.clock = lambda: right + s.clock.now_monotonic
        s.go_on()
        s.clock.now_wall -= 7200
        s.clock.advance(79)
        s.go_on(2)
        assert s.token_requests == 1
        s.clock.advance(2)
        s.go_on(2)
        assert s.token_requests == 2
        s.clock.advance(101)
        s.go_on(2)
        assert s.token_requests == 3
        assert s.api_statuses == [200] * 7


@each_client
def test_a_monotonic_clock_that_stands_still_keeps_no_ended_token(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """As Linux's does while the computer sleeps."""
    with scene(client, oauth_server, life=100) as s:
        s.go_on()
        s.clock.now_wall += 100
        s.go_on(2)
        assert s.token_requests == 2


@pytest.mark.parametrize("seconds", [-86400, 86400], ids=["back", "ahead"])
@each_client
def test_the_wall_clock_is_set_while_a_token_is_fetched(
    client: ClientKind, oauth_server: LoopbackServer, seconds: float
) -> None:
    """Set back, it makes the token live no longer. Set ahead, it costs one more token request."""
    with scene(client, oauth_server, life=100) as s:
        right = s.clock.now_wall - s.clock.now_monotonic
        oauth_server.clock = lambda: right + s.clock.now_monotonic

        def set_the_clock(_: object) -> None:
            s.clock.now_wall += seconds
            oauth_server.token_endpoint.clear()

        oauth_server.token_endpoint.always(set_the_clock)
        s.go_on(2)
        s.clock.advance(79)
        s.go_on(2)
        assert s.token_requests == (1 if seconds < 0 else 2)
        s.clock.advance(2)
        s.go_on(2)
        assert s.token_requests == (2 if seconds < 0 else 3)
        assert s.session.get_token().expires_at == s.clock.now_wall + 100
        assert s.api_statuses == [200] * 6


@each_client
def test_who_replaces_the_functions_of_time_moves_our_clock(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of an auth object that was there before; and its clock goes on when they are put back."""
    oauth_server.clock = lambda: 0.0  # the server's clock would be moved as well
    with client.session(auth=auth_of(client, oauth_server)) as session:
        for number, seconds in enumerate((0, 4000, 8000), 1):
            with monkeypatch.context() as patch:
                now = time.time() + seconds
                patch.setattr(time, "time", lambda now=now: now)
                for _ in range(2):
                    assert session.request("GET", oauth_server.api_url).status == 200
            assert len(oauth_server.token_requests) == number
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).history_statuses == (401,)


@each_client
def test_a_wall_clock_that_is_set_forward_costs_one_renewal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token that seems expired is replaced once. When the clock goes back, the new one is used."""
    with scene(client, oauth_server) as s:
        s.go_on()
        s.clock.now_wall += 24 * 3600
        s.go_on(2)
        assert s.token_requests == 2
        s.clock.now_wall -= 24 * 3600
        s.go_on(2)
        assert s.token_requests == 2
