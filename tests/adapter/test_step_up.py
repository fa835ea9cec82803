"""`_adapter.step_up`: when more scope is asked for, and for which tokens that counts. No network."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Token
from oauth_cc_auth._adapter.step_up import MOST, StepUp
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules

URL, OTHER = "https://api.example.com/orders", "https://other.example.com/"


def a_lease() -> Lease:
    return Lease(Token("the-token"), "the-token", asked=Moment(0, 0), rules=RenewalRules(), chance=0)


def first_lease() -> Lease:
    """That of a process."""
    lease = a_lease()
    lease.number = 0
    return lease


class Desk:
    """A token source that notes what it is told to ask for; it asks for `scope` so far, perhaps not as configured."""

    def __init__(self, scope: str | None = "a", *, asks_for: str | None = None, **settings: Any) -> None:
        config = ClientCredentialsConfig("https://login.example.com", "client", "secret", scope=scope, **settings)
        self.config = config if asks_for is None else config.with_target(asks_for, ())
        self.asked_for: list[str] = []
        source: Any = self
        self.step_up = StepUp(config, source)

    def ask_for_scope(self, scope: str) -> None:
        self.asked_for.append(scope)
        self.config = self.config.with_target(scope, ())

    def wants_more(
        self, scope: str | None, lease: Lease, *, status: int = 403, error: str = "insufficient_scope", url: str = URL
    ) -> bool:
        named = "" if scope is None else f', scope="{scope}"'
        return self.step_up.wants_more(lease, url, status, {"www-authenticate": f'Bearer error="{error}"{named}'})


def test_more_scope(caplog: pytest.LogCaptureFixture) -> None:
    """It is asked for once, besides what is asked for already. Tokens from before it are not enough, later ones are."""
    caplog.set_level(logging.INFO, "oauth_cc_auth")
    desk, before = Desk(), a_lease()
    assert desk.wants_more("write a write", before)
    later = a_lease()
    assert desk.asked_for == ["a write"]
    assert desk.wants_more("write", before)
    assert desk.wants_more("a write", before)
    assert not desk.wants_more("write", later)
    assert desk.asked_for == ["a write"]
    assert [record.getMessage() for record in caplog.records] == [
        "https://api.example.com wants more scope; from now on, tokens are asked for with scope a write"
    ]


def test_two_scopes_at_two_times() -> None:
    """A token that has one of them is not enough for both."""
    desk, before = Desk(), a_lease()
    assert desk.wants_more("b", before)
    between = a_lease()
    assert desk.wants_more("c b", between)
    assert desk.asked_for == ["a b", "a b c"]
    assert not desk.wants_more("b", between)
    assert desk.wants_more("b c", between)
    assert desk.wants_more("b", before)


def test_scope_that_is_asked_for_already() -> None:
    """More of it brings nothing."""
    desk = Desk()
    assert not desk.wants_more("a", first_lease())
    assert desk.asked_for == []


def test_three_times_for_each_origin() -> None:
    """Each scope may be one that the API makes up."""
    desk = Desk()
    wants = [desk.wants_more(f"s{number}", a_lease()) for number in range(5)]
    assert wants == [True, True, True, False, False]
    assert len(desk.asked_for) == MOST
    assert desk.wants_more("s0", a_lease()) is False
    assert desk.wants_more("other", a_lease(), url=OTHER)
    assert desk.asked_for[-1] == "a s0 s1 s2 other"


@pytest.mark.parametrize(
    ("status", "error", "scope", "wants"),
    [
        (403, "insufficient_scope", "a", True),
        (403, "insufficient_scope", None, True),
        (403, "invalid_token", "a", False),
        (401, "invalid_token", "a", False),
        (401, "invalid_token", None, True),
        (401, "insufficient_scope", None, True),
        (400, "insufficient_scope", None, False),
    ],
)
def test_which_answers_count(status: int, error: str, scope: str | None, wants: bool) -> None:
    """A 403 that says so; a 401 if no scope is set."""
    desk = Desk(scope)
    assert desk.wants_more("write", a_lease(), status=status, error=error) is wants
    assert desk.asked_for == (["a write" if scope else "write"] if wants else [])


@pytest.mark.parametrize("scope", [None, "", "ü", "b" * 1001, " ", "b the-token"])
def test_odd_scopes(scope: str | None) -> None:
    """They are not asked for: what is no scope, and what has the token in it, which would be logged and sent."""
    desk = Desk()
    assert not desk.wants_more(scope, first_lease())
    assert desk.asked_for == []


def test_answer_without_a_challenge() -> None:
    desk = Desk(None)
    for status in (401, 403):
        assert not desk.step_up.wants_more(a_lease(), URL, status, {})


@pytest.mark.parametrize(
    ("settings", "scope"),
    [
        ({"additional_request_data": {"audience": "c"}}, "write"),
        ({"scope": None, "additional_request_data": {"scope": "a"}}, None),
        ({"asks_for": "ä"}, None),
        ({"asks_for": "a" * 1000}, None),
    ],
    ids=["other data", "scope in the data", "odd scope", "long scope"],
)
def test_scope_that_cannot_be_more(settings: dict[str, Any], scope: str | None) -> None:
    """The person's request data have the last word, and all together must be a scope of some length."""
    desk = Desk(**settings)
    assert desk.wants_more("write", a_lease()) is bool(scope)
    assert desk.asked_for == (["a write"] if scope else [])
    assert desk.wants_more("write", a_lease()) is False


def test_what_was_not_asked_for_counts_neither_against_the_origin_nor_for_tokens() -> None:
    """It may be asked for later."""
    desk = Desk(asks_for="a" * 1000)
    for _ in range(MOST):
        assert not desk.wants_more("write", a_lease())
    desk.config = desk.config.with_target("a", ())
    assert desk.wants_more("write", a_lease())
