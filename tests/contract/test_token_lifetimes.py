"""Promise 6: how long a token is used, for every form of `expires_in` that a server may send."""

from __future__ import annotations

import json
from typing import Any

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for
from tests.fake_clock import FakeClock

YEAR = 365 * 24 * 3600.0  # s, the longest life that we believe

# The text in the JSON, and the life of the token in seconds. None: unknown.
LIFETIMES: dict[str, float | None] = {
    "3600": 3600.0,
    "1": 1.0,
    "1.5": 1.5,
    "3.6e3": 3600.0,
    '"3600"': 3600.0,
    '"3600.5"': 3600.5,
    '" 3600 "': 3600.0,
    "null": None,
    '""': None,
    '"soon"': None,
    '"3600 s"': None,
    "true": None,
    "false": None,
    "[3600]": None,
    '{"seconds": 3600}': None,
    "NaN": None,
    '"NaN"': None,
    "3600000": 3600000.0,
    "86399000000": YEAR,  # more than a day in milliseconds
    "1" + 30 * "0": YEAR,
    "1" + 400 * "0": YEAR,  # too large for a float
    '"1' + 5000 * "0" + '"': YEAR,
    "1e400": YEAR,
    "Infinity": YEAR,
    "0": 0.0,
    "0.0": 0.0,
    "-0": 0.0,
    '"0"': 0.0,
    "-1": 0.0,
    '"-3600"': 0.0,
    "-1e400": 0.0,
    "-1" + 400 * "0": 0.0,
}
USED_ONCE = [written for written, seconds in LIFETIMES.items() if seconds == 0]
OF_UNKNOWN_LIFE = [written for written, seconds in LIFETIMES.items() if seconds is None]


def token_answer(expires_in: str, value: str = "abc") -> Answer:
    """A token with this exact text as its `expires_in`. Empty for none."""
    members = f'"access_token": {json.dumps(value)}' + (f', "expires_in": {expires_in}' if expires_in else "")
    return Answer(200, f"{{{members}}}", content_type="application/json")


@each_client
def test_every_form_of_expires_in_is_understood(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Ints, floats, numeric strings and nonsense, from 0 to a year."""
    clock = FakeClock()
    auth = auth_for(client, oauth_server, clock)
    ends: dict[str, Any] = {}
    with client.session(auth=auth) as session:
        for written in ("", *LIFETIMES):
            oauth_server.token_endpoint.next(token_answer(written))
            auth.invalidate()
            ends[written] = session.get_token().expires_at

    expected = {"": None, **LIFETIMES}
    assert ends == {
        written: None if seconds is None else clock.now_wall + seconds for written, seconds in expected.items()
    }


@each_client
def test_form_encoded_expires_in_is_a_number_like_any_other(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In a form, every value is a string."""
    oauth_server.token_endpoint.next(Answer(200, "access_token=abc&expires_in=3600"))
    clock = FakeClock()
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        assert session.get_token().expires_at == clock.now_wall + 3600


@each_client
def test_token_without_any_life_is_used_once(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """0 or less: each request has its own token and is answered."""
    auth = auth_for(client, oauth_server, FakeClock())
    for number, written in enumerate(USED_ONCE):
        oauth_server.token_endpoint.next(token_answer(written, f"t{number}"))
    with client.session(auth=auth) as session:
        statuses = [session.request("GET", oauth_server.api_url).status for _ in USED_ONCE]

    assert statuses == [200] * len(USED_ONCE)
    assert [request.token for request in oauth_server.api_requests] == [f"t{n}" for n in range(len(USED_ONCE))]
    assert [request.kind for request in oauth_server.requests] == ["token", "api"] * len(USED_ONCE)


@each_client
def test_token_without_any_life_is_renewed_once_after_a_refusal(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """It is used once even if that use was refused: the request is sent again with the next token."""
    oauth_server.expires_in = 0
    oauth_server.api.next(Answer.error("invalid_token", status=401))
    with client.session(auth=auth_for(client, oauth_server, FakeClock())) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [request.kind for request in oauth_server.requests] == ["token", "api", "token", "api"]
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued)


@each_client
def test_token_of_unknown_life_is_used_until_it_is_refused(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It still works ten years later. Then the API refuses it, and it is renewed."""
    clock = FakeClock()
    auth = auth_for(client, oauth_server, clock)
    numbers = []
    with client.session(auth=auth) as session:
        for written in OF_UNKNOWN_LIFE:
            oauth_server.token_endpoint.next(token_answer(written, f"of {written}"))
            oauth_server.revoke_all()
            for _ in range(2):
                numbers.append(session.request("GET", oauth_server.api_url).json()["token_number"])
                clock.advance(10 * YEAR)

    assert numbers == [number for n in range(len(OF_UNKNOWN_LIFE)) for number in (n + 1, n + 1)]


@each_client
def test_life_is_counted_from_the_arrival_of_the_answer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The time of failed earlier attempts does not shorten the token's life."""
    oauth_server.token_endpoint.next(Answer(503, headers={"Retry-After": "7"}))
    clock = FakeClock()
    started = clock.now_wall
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        assert session.get_token().expires_at == started + 7 + 3600
    assert clock.sleeps == [7]
