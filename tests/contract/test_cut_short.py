"""Promises 8, 9, 22: a renewal that some can do without is cut short; for those who cannot, that is no answer."""

from __future__ import annotations

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, background, scene

BUSY = Answer.error("temporarily_unavailable", status=503)


@each_client
def test_a_token_that_ends_while_it_is_being_renewed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Leader and follower had a try to spare; without a token both take part in a fetch with all its tries."""
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
        assert s.token_requests == 4  # the first; one that was cut short; two for everybody, the last of them good


@each_client
def test_a_refusal_that_joins_a_renewal_by_age(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refused request has no token to go on with, so one failed try of a renewal by age does not settle it."""
    with background() as threads, scene(client, oauth_server, life=100) as s:
        s.go_on()
        s.clock.advance(85)  # one caller renews the token, the others go on with it
        claims = Claims(s.auth)
        oauth_server.revoke_all()
        with oauth_server.token_endpoint.hold():
            leading = threads.start(s.get)
            claims.wait_for(1)
            refused = threads.start(s.get)
            claims.wait_for(3)  # it went on with the old token, was refused, and joined
            oauth_server.token_endpoint.next(BUSY)
        assert (leading.result().status, refused.result().status) == (200, 200)
        assert s.token_requests == 3


@each_client
def test_a_failure_for_good_is_everybodys(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Another try would not mend it."""
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
