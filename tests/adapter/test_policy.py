"""`_adapter.policy`: what the contract tests cannot bring about, because it takes two threads or an odd body."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import Token
from oauth_cc_auth._adapter.drivers import renew
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.introduction import Introduction
from oauth_cc_auth._core.lease import Lease, RenewalRules
from oauth_cc_auth._http.origin import Origin
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind

API = Origin("https", "api.example.com", 443)


class OneSending:
    """A refused request whose body can be sent once only."""

    origin, path, method, status = API, "POST /orders", "POST", 401

    def obstacle(self) -> str:
        return "its body can be read only once"

    def rewind(self) -> bool:
        raise AssertionError("it cannot be sent again")


def a_lease() -> Lease:
    return Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)


@pytest.fixture(name="policy", params=[REQUESTS, HTTPX, HTTPX2], ids=["requests", "httpx", "httpx2"])
def _policy(request: pytest.FixtureRequest) -> Any:
    client: ClientKind = request.param
    auth: Any = client.auth_class("https://login.example.com/token", "client", "secret")
    return auth._policy


def test_a_late_refusal_of_a_body_for_one_sending(policy: Any) -> None:
    """Another request has renewed the token meanwhile, so no renewal is to be judged by what comes next."""
    refused, current = a_lease(), a_lease()
    policy.cache.current = current
    assert renew(policy.renewal(refused, OneSending()), lambda lease: current, lambda: None) is None
    assert policy.cache.refusals.origins() == set()


def test_a_body_for_one_sending_with_a_token_that_is_not_known_yet(policy: Any) -> None:
    """Nothing is fetched and nothing sent again; the next request carries the token that stands in."""
    older, newer = a_lease(), a_lease()
    newer.introduce(Introduction(older))
    policy.cache.current = newer
    assert renew(policy.renewal(newer, OneSending()), lambda lease: newer, lambda: None) is None
    assert policy.chosen(newer, "https://api.example.com/orders", can_be_sent_again=True) is older
