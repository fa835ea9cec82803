"""`_core.fetch` with an endpoint that has several URLs, played without any I/O."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenEndpoint, TokenEndpointError
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._protocol.exchange import Reply
from tests.core.played_endpoint import BASIC, DROPPED, POST, TOKEN, Endpoint, refusal

# In no order of their letters: the order of the description counts.
FIRST, SECOND, THIRD = (f"https://{name}.example.com/token" for name in ("north", "east", "west"))
DOWN = refusal(status=500)


def an_endpoint(*alternatives: str, family: Family | None = None, **settings: Any) -> Endpoint:
    token_url = TokenEndpoint(FIRST, alternatives=alternatives or (SECOND, THIRD))
    return Endpoint(token_url=token_url, family=family, **settings)


def test_the_first_one() -> None:
    """The others are not asked as long as it answers."""
    endpoint = an_endpoint()
    for _ in range(2):
        endpoint.token(TOKEN)
        assert endpoint.urls == [FIRST]


@pytest.mark.parametrize("failing", [DROPPED, DOWN, refusal(status=503, retry_after="60")])
def test_in_another_place(failing: Reply, caplog: pytest.LogCaptureFixture) -> None:
    """In their order, at once, and by the same method; it counts as no other try."""
    caplog.set_level("DEBUG", "oauth_cc_auth")
    endpoint = an_endpoint()
    endpoint.token(failing, failing, TOKEN, tries=1)
    assert endpoint.urls == [FIRST, SECOND, THIRD]
    assert endpoint.methods == [BASIC] * 3
    assert endpoint.clock.sleeps == []
    assert [message.rpartition(" by ")[2] for message in caplog.messages if " by " in message] == [
        f"{BASIC}, the first of those to try",
        f"{BASIC}, in another place",
        f"{BASIC}, in another place",
    ]


@pytest.mark.parametrize("answer", [refusal("invalid_scope"), refusal(status=404), refusal(status=499)])
def test_an_answer_about_the_request(answer: Reply) -> None:
    """Another place would say the same."""
    endpoint = an_endpoint()
    endpoint.failure(answer)
    assert endpoint.urls == [FIRST]


def test_a_busy_one_is_asked_again() -> None:
    """429 is about this client, and not about the place."""
    endpoint = an_endpoint()
    endpoint.token(refusal(status=429, retry_after="1"), TOKEN)
    assert endpoint.urls == [FIRST, FIRST]
    assert endpoint.clock.sleeps == [1.0]


def test_what_answered_is_the_first_from_then_on() -> None:
    """The others follow in their order, and siblings know it, too."""
    family = Family()
    endpoint = an_endpoint(family=family)
    endpoint.token(DROPPED, TOKEN)
    sibling = an_endpoint(family=family)
    sibling.token(DROPPED, DROPPED, TOKEN)
    assert sibling.urls == [SECOND, FIRST, THIRD]
    endpoint.token(TOKEN)
    assert endpoint.urls == [THIRD]


def test_it_is_the_one_that_events_speak_of() -> None:
    """Without what may be secret in it."""
    endpoint = an_endpoint(f"{SECOND}?code=abc")
    assert endpoint.observer.token_url == FIRST
    endpoint.token(DROPPED, TOKEN)
    assert endpoint.observer.token_url == f"{SECOND}?***"
    endpoint.token(DROPPED, TOKEN)
    assert endpoint.observer.token_url == FIRST


def test_an_outage_in_all_places() -> None:
    """After a pause, the first one is asked again, and all others after it."""
    endpoint = an_endpoint()
    failure = endpoint.failure(*[DOWN] * 6, tries=2)
    assert endpoint.urls == [FIRST, SECOND, THIRD] * 2
    assert endpoint.clock.sleeps == [0.5]
    assert len(failure.error.attempts) == 6


def test_another_method_in_the_same_place() -> None:
    """A rejection comes from a place that works."""
    endpoint = an_endpoint()
    endpoint.token(DROPPED, refusal("invalid_client", 401), TOKEN)
    assert endpoint.urls == [FIRST, SECOND, SECOND]
    assert endpoint.methods == [BASIC, BASIC, POST]


def test_a_failed_fetch_changes_no_order() -> None:
    """Only a token proves a place."""
    endpoint = an_endpoint()
    error = endpoint.failure(DROPPED, refusal("invalid_scope")).error
    assert isinstance(error, TokenEndpointError)
    endpoint.token(TOKEN)
    assert endpoint.urls == [FIRST]
