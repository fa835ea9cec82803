"""Promise 8: a failed renewal does no harm while the token lives."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, background, scene

AGING = 0.81  # of the life
DUE = 0.995

FAILURES = pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Answer(500), id="500"),
        pytest.param(Answer(503, headers={"Retry-After": "5"}), id="503 with Retry-After"),
        pytest.param(Answer(429), id="429"),
        pytest.param(Answer.dropped(), id="dropped"),
        pytest.param(Answer(200, "{not JSON", content_type="application/json"), id="invalid JSON"),
        pytest.param(Answer(200, {"token_type": "Bearer"}), id="no token"),
        pytest.param(Answer.error("invalid_scope"), id="invalid_scope"),
        pytest.param(Answer(200, {"access_token": "x"}, content_length=9999), id="cut off"),
        pytest.param(Answer.raw(b"SSH-2.0-OpenSSH_9.7\r\n"), id="no HTTP"),
    ],
)


@FAILURES
@each_client
def test_a_failed_renewal_leaves_the_token_in_use(
    client: ClientKind, oauth_server: LoopbackServer, failure: Answer
) -> None:
    """There is one attempt without a pause, for an aging or a due token. Then the request uses the old token."""
    with scene(client, oauth_server, timeout=5) as s:
        (old,) = s.go_on()
        oauth_server.token_endpoint.always(failure)
        s.clock.advance(AGING * 3600)
        assert s.go_on() == [old]
        assert s.token_requests == 2
        s.clock.advance((DUE - AGING) * 3600)
        assert s.go_on() == [old]
        assert s.token_requests == 3
        assert s.clock.sleeps == []


@each_client
def test_an_endpoint_that_refuses_connections_does_no_harm(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """If the authorization server is down, no request fails while the token lives, and there is a WARNING."""
    caplog.set_level(logging.WARNING, logger="oauth_cc_auth")
    with LoopbackServer() as api, scene(client, oauth_server) as s:
        api.api.always(Answer(200), unprotected=True)
        assert s.session.request("GET", api.api_url).status == 200
        oauth_server.stop()
        for age in (AGING, DUE - AGING):
            s.clock.advance(age * 3600)
            assert s.session.request("GET", api.api_url).status == 200
        assert {request.token for request in api.api_requests} == set(oauth_server.issued)
        assert "the old one stays in use" in caplog.text
        s.clock.advance(3600)
        with pytest.raises(TokenEndpointUnreachable):
            s.session.request("GET", api.api_url)
        oauth_server.start()
        assert s.session.request("GET", api.api_url).status == 200
        assert len(oauth_server.issued) == 2


@each_client
def test_a_secret_that_is_refused_does_no_harm_while_the_token_lives(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Even a permanent failure does not concern a request that has a valid token."""
    with scene(client, oauth_server) as s:
        (old,) = s.go_on()
        oauth_server.rotate_secret("another")
        s.clock.advance(AGING * 3600)
        assert s.go_on(3) == [old] * 3
        s.clock.advance(0.2 * 3600)
        with pytest.raises(TokenEndpointError):
            s.get()


@pytest.mark.parametrize(
    ("settings", "age", "life"),
    [
        ({"timeout": 0.3, "deadline": 60}, AGING, 3),
        ({"timeout": 60, "deadline": 60}, 0.899, 3),
        ({"timeout": 60, "deadline": 60}, 0.91, 3),
        ({"timeout": 60, "deadline": 0.3}, 0.91, 300),
    ],
    ids=["by the timeout", "by the real end", "by half of the rest", "by the deadline"],
)
@each_client
def test_an_endpoint_that_hangs_holds_a_request_with_a_good_token_up_for_a_bounded_time(
    client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any], age: float, life: float
) -> None:
    """The renewal takes at most the timeout, the rest of the life of an aging token, and half of that of a due one.

    Then the request uses the old token.
    """
    with background() as threads, scene(client, oauth_server, life=life, **settings) as s:
        (old,) = s.go_on()
        before = s.token_requests  # one; on a busy machine, maybe one more that took longer than 0.3 s
        s.clock.advance(age * life)
        with oauth_server.token_endpoint.hold() as gate:
            call = threads.start(s.go_on)
            gate.wait_for(1)
            assert call.result(20) == [old]  # takes 0.3 s; without the limit, 60 s
        assert s.token_requests == before + 1


@each_client
def test_who_waits_for_another_caller_goes_on_in_time(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """With a due token, after half of what it has left; the other caller's token was refused, and it waits on."""
    with background() as threads, scene(client, oauth_server, life=60, timeout=60, deadline=60) as s:
        (old,) = s.go_on()

        def refuse_at_the_end(_: object) -> Answer:
            oauth_server.api.clear()
            s.clock.advance(60 - 0.2)
            return Answer.error("invalid_token", status=401)

        oauth_server.api.always(refuse_at_the_end)
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            refused = threads.start(s.get)
            gate.wait_for(1)
            waiting = threads.start(s.get)
            claims.wait_for(2)  # of the refused request, and of this one
            s.clock.advance(0.11)
            assert waiting.result(20).status == 200
            assert oauth_server.api_requests[-1].token == old
            assert not refused.done()
        assert refused.result().status == 200
        assert s.token_requests == 2


@each_client
def test_renewals_that_fail_are_tried_again_with_back_off(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Requests at the same moment share one failure. The pauses between tries double up to a minute."""
    with scene(client, oauth_server) as s:
        (old,) = s.go_on()
        oauth_server.token_endpoint.always(Answer(503))
        s.clock.advance(AGING * 3600)
        s.go_on(10)
        assert s.token_requests == 2
        tried_at = [0.0]
        for second in range(1, 300):
            s.clock.advance(1)
            before = s.token_requests
            assert s.session.get_token().access_token == old
            assert s.token_requests - before <= 1
            tried_at += [float(second)] * (s.token_requests - before)
        pauses = [later - earlier for earlier, later in pairwise(tried_at)]
        assert pauses == sorted(pauses)
        assert 1 <= pauses[0] <= 2
        assert 15 <= pauses[-1] <= 60
        assert s.clock.sleeps == []


@each_client
def test_an_outage_shorter_than_the_aging_window_fails_no_request(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The token endpoint is down for a tenth of the token's life, and no caller of the API notices."""
    with scene(client, oauth_server, life=600) as s:
        s.clock.chance_value = 0.5
        s.go_on()
        s.clock.advance(0.8 * 600)
        oauth_server.token_endpoint.always(Answer(503))
        for _ in range(30):
            s.go_on()
            s.clock.advance(2)
        oauth_server.token_endpoint.clear()
        for _ in range(59):
            s.go_on()
            s.clock.advance(1)
        assert len(oauth_server.issued) == 2
        assert set(s.api_statuses) == {200}


@pytest.mark.parametrize("life", [2, 10, 60, 3600])
@each_client
def test_a_renewal_is_tried_more_than_once_before_the_token_ends(
    client: ClientKind, oauth_server: LoopbackServer, life: float
) -> None:
    """Back-off leaves room for another try even for a short-lived token, so one bad answer has no effect."""
    with scene(client, oauth_server, life=life) as s:
        (old,) = s.go_on()
        s.clock.advance(AGING * life)
        oauth_server.token_endpoint.next(Answer(503), Answer(503))
        for _ in range(18):
            s.go_on()
            s.clock.advance(0.01 * life)
        assert len(oauth_server.issued) == 2
        assert s.go_on() == [oauth_server.issued[1]]
        assert old != oauth_server.issued[1]


@each_client
def test_the_token_is_used_to_its_real_end_and_not_beyond(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """While the endpoint is down, the token is used to its last moment. After it, requests get the error."""
    with scene(client, oauth_server, deadline=20) as s:
        (old,) = s.go_on()
        oauth_server.token_endpoint.always(Answer(503))
        s.clock.advance(3599.9)
        assert s.go_on() == [old]
        s.clock.advance(0.2)
        with pytest.raises(TokenEndpointError) as caught:
            s.get()
        assert caught.value.status_code == 503
        assert len(oauth_server.api_requests) == 2


@each_client
def test_back_off_does_not_follow_a_wall_clock_that_steps(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Pauses between tries are monotonic: if the clock is set back by an hour, renewals do not stop for an hour."""
    with scene(client, oauth_server, life=36000) as s:
        s.go_on()
        oauth_server.token_endpoint.next(Answer(503))
        s.clock.advance(0.85 * 36000)
        s.go_on()
        s.clock.now_wall -= 1000
        s.go_on(2)
        assert s.token_requests == 2
        s.clock.now_monotonic += 2
        s.go_on()
        assert s.token_requests == 3
        assert len(oauth_server.issued) == 2


@each_client
@pytest.mark.parametrize(
    ("failure", "error"),
    [(Answer(503), TokenEndpointError), (Answer.dropped(), TokenEndpointUnreachable)],
    ids=["overloaded", "unreachable"],
)
def test_a_refusal_during_an_outage_is_the_outage_if_one_asks_for_that(
    client: ClientKind, oauth_server: LoopbackServer, failure: Answer, error: type[TokenError]
) -> None:
    """All tokens are lost and the endpoint is down: the error can be retried, as the API's 401 cannot."""
    with scene(client, oauth_server, raise_if_not_renewed=True) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(failure)
        for _ in range(2):  # the second finds the endpoint held off
            with pytest.raises(error):
                s.get()
        assert s.api_statuses == [200, 401, 401]
        oauth_server.token_endpoint.clear()
        s.clock.advance(120)
        s.go_on()
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(failure)
        assert s.get().status == 401


@each_client
def test_a_refusal_that_no_token_mends_is_no_outage(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Then the API's answer is what there is to say, whatever one asks for; also while renewals are held off."""
    with scene(client, oauth_server, raise_if_not_renewed=True) as s:
        s.refuse_everything()
        assert [s.get().status for _ in range(5)] == [401] * 5
