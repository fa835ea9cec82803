"""Promises 8, 9 and 22: a renewal is cut short for a caller that can do without it, but not for one without a token."""

from __future__ import annotations

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, background, scene

BUSY = Answer.error("temporarily_unavailable", status=503)


@each_client
def test_a_token_that_ends_while_it_is_being_renewed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The renewal had one try for leader and follower. Without a token, both take part in a fetch with all tries."""
    with background() as threads, scene(client, oauth_server, life=100) as s:
        s.go_on()
        s.clock.advance(95)  # from here on callers wait for the new token
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            leading = threads.start(s.get)
            claims.wait_for(1)
            s.clock.advance(5)  # the old one has ended
            following = threads.start(s.get)
            claims.wait_for(2)
            oauth_server.token_endpoint.next(BUSY, BUSY)
        assert (leading.result().status, following.result().status) == (200, 200)
        assert s.token_requests == 4  # the first; one that was cut short; two for both callers, the second a success


@each_client
def test_a_refusal_that_joins_a_renewal_by_age(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refused request has no usable token, so one failed try of a renewal by age is not the end for it."""
    with background() as threads, scene(client, oauth_server, life=100) as s:
        s.go_on()
        s.clock.advance(85)  # one caller renews the token, the others use the old one
        claims = Claims(s.auth)
        oauth_server.revoke_all()
        with oauth_server.token_endpoint.hold():
            leading = threads.start(s.get)
            claims.wait_for(1)
            refused = threads.start(s.get)
            claims.wait_for(3)  # it used the old token, was refused, and joined
            oauth_server.token_endpoint.next(BUSY)
        assert (leading.result().status, refused.result().status) == (200, 200)
        assert s.token_requests == 3


@each_client
def test_a_failure_for_good_is_everybodys(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Another try would not help, so all callers get the failure."""
    with background() as threads, scene(client, oauth_server, life=100) as s:
        s.go_on()
        s.clock.advance(85)
        claims = Claims(s.auth)
        oauth_server.revoke_all()
        with oauth_server.token_endpoint.hold():
            leading = threads.start(s.get)
            claims.wait_for(1)
            refused = threads.start(s.get)
            claims.wait_for(3)
            oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
        for asking in (leading, refused):
            error = asking.exception()
            assert error is not None
            assert "invalid_scope" in str(error)
        assert s.token_requests <= 3
