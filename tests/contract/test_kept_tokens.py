"""Promise 7: an endpoint that hands out one token until its last second is not asked for it again and again."""

from __future__ import annotations

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Scene, scene

LIFE = 10.0  # s


def keep_tokens(s: Scene) -> None:
    """Have the endpoint hand out each token until its end, and tell the rest of its life in whole seconds."""
    ends: dict[str, float] = {}

    def issue(_: RecordedRequest) -> Answer:
        now = s.clock.wall()
        token = next((token for token, end in ends.items() if now < end), f"token-{len(ends) + 1}")
        return Answer.token(token, int(ends.setdefault(token, now + LIFE) - now))

    def answer(request: RecordedRequest) -> Answer:
        is_good = s.clock.wall() < ends.get(request.token or "", 0)
        return Answer(200) if is_good else Answer.error("invalid_token", status=401)

    s.server.token_endpoint.always(issue)
    s.server.api.always(answer, unprotected=True)


@each_client
def test_a_token_is_asked_for_once_before_its_end(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Ten requests a second for five lives of a token: from the second life on, it is asked for at its end only.

    Then twice, since the rest is told in whole seconds: it has ended up to a second later than was known.
    """
    with scene(client, oauth_server) as s:
        keep_tokens(s)
        s.clock.advance(0.25)
        counts = []
        for _ in range(5):
            before = s.token_requests
            for _ in range(100):
                assert s.get().status == 200
                s.clock.advance(0.1)
            counts.append(s.token_requests - before)
        assert counts[0] <= 3
        assert max(counts[1:]) <= 2


@each_client
def test_who_comes_late_uses_what_is_left(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In the last second of a token, the endpoint says that it lives for 0 seconds. A refusal ends it."""
    with scene(client, oauth_server) as s:
        keep_tokens(s)
        s.go_on()
        s.clock.advance(8.5)
        s.go_on()
        assert s.token_requests == 2  # it is aging; its known end is the better one
        for _ in range(14):
            s.clock.advance(0.1)
            s.go_on()
        assert s.token_requests == 2
        s.clock.advance(0.2)
        s.go_on()
        assert s.token_requests == 3
        assert s.api_statuses == [200] * 17


@each_client
def test_the_same_token_needs_no_introduction(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If the API refuses it, there is no token before it to fall back on: another one is fetched at once."""
    with scene(client, oauth_server) as s:
        keep_tokens(s)
        s.go_on()
        s.clock.advance(8.5)
        s.go_on()
        s.server.token_endpoint.clear()
        s.server.api.clear()
        s.server.revoke_all()
        assert s.get().status == 200
        assert [request.kind for request in s.server.requests][-3:] == ["api", "token", "api"]
