"""`_core.introduction`: a new token that an API may not know yet."""

from __future__ import annotations

from math import inf

import pytest

from oauth_cc_auth import Token
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.introduction import Introduction
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import Origin
from tests.fake_clock import FakeClock

API, OTHER = Origin("https", "api.example.com", 443), Origin("https", "other.example.com", 443)


def a_lease(life: float | None = None) -> Lease:
    token = Token("abc", expires_at=life)
    return Lease(token, "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)


def test_the_older_token_stands_in_while_it_lives() -> None:
    """Unless the origin has refused it, or accepted the new one."""
    older = a_lease(100)
    introduction = Introduction(older)
    assert introduction.stands_in(API, Moment(99.9, 0))
    assert not introduction.stands_in(API, Moment(100, 0))
    older.refused_by |= {OTHER}
    start = Moment(0, 0)
    assert introduction.stands_in(API, start)
    assert not introduction.stands_in(OTHER, start)
    introduction.accepted(API)
    assert not introduction.stands_in(API, start)


def test_one_request_a_second_tries_the_new_token() -> None:
    """From the first refusal on; before it, every request that can be sent again does."""
    introduction = Introduction(a_lease())
    assert not introduction.carries_older(API, 10, can_be_sent_again=True)
    assert introduction.carries_older(API, 10, can_be_sent_again=False)
    introduction.refused(API, 10)
    introduction.refused(API, 10.5)  # a request that was under way at the same time
    tries = [not introduction.carries_older(API, now, can_be_sent_again=True) for now in (10, 10.9, 11, 11.5, 12)]
    assert tries == [False, False, True, False, True]
    assert introduction.carries_older(API, 20, can_be_sent_again=False)
    assert not introduction.carries_older(OTHER, 10, can_be_sent_again=True)


def test_a_stopped_clock_that_goes_again() -> None:
    """It reads earlier than before, so the next try is not far in the future."""
    introduction = Introduction(a_lease())
    introduction.refused(API, 1e9)
    assert not introduction.carries_older(API, 10, can_be_sent_again=True)
    assert introduction.carries_older(API, 10.5, can_be_sent_again=True)


def test_a_detour_ends() -> None:
    """With acceptance, or when the older token does not do any longer."""
    introduction = Introduction(a_lease())
    for end in (introduction.accepted, introduction.end_detour):
        introduction.refused(API, 0)
        assert (introduction.is_on_detour(API), introduction.has_detours) == (True, True)
        end(API)
        end(API)
        assert (introduction.is_on_detour(API), introduction.has_detours) == (False, False)


@pytest.fixture(name="cache")
def _cache() -> TokenCache:
    return TokenCache(FakeClock(now_wall=0, now_monotonic=0))


def introduced(cache: TokenCache) -> tuple[Lease, Lease]:
    older, newer = a_lease(100), a_lease(200)
    newer.introduce(Introduction(older))
    cache.current = newer
    return older, newer


def test_a_new_token_is_off_the_hot_path_until_it_is_accepted(cache: TokenCache) -> None:
    """And again while an origin does not know it."""
    older, newer = introduced(cache)
    assert newer.fresh_until == -inf
    cache.refusals.accepted(OTHER, newer, "GET /")
    assert newer.fresh_until == newer.aging_from.wall
    assert cache.stand_in(newer, API) is older
    assert newer.fresh_until == -inf
    cache.refusals.accepted(API, newer, "GET /")
    assert newer.fresh_until == newer.aging_from.wall
    assert cache.stand_in(newer, API) is None
    assert cache.chosen(newer, API, can_be_sent_again=False) is newer
    assert cache.chosen(newer, Origin("https", "a.example", 443), can_be_sent_again=False) is older


def test_all_origins_that_refused_the_new_token_are_known(cache: TokenCache) -> None:
    """It will not stand in there for the next one."""
    _, newer = introduced(cache)
    for origin in (API, OTHER):
        cache.stand_in(newer, origin)
    assert newer.refused_by == {API, OTHER}


def test_what_a_request_carries(cache: TokenCache) -> None:
    """The new token if it may be tried, else the older one, as long as that lives."""
    older, newer = introduced(cache)
    assert cache.chosen(newer, API, can_be_sent_again=True) is newer
    assert cache.chosen(newer, API, can_be_sent_again=False) is older
    assert cache.chosen(older, API, can_be_sent_again=False) is older
    cache.stand_in(newer, API)
    assert cache.chosen(newer, API, can_be_sent_again=True) is older
    cache.clock.now_wall = 100  # type: ignore[attr-defined]  # of the fake clock
    assert cache.chosen(newer, API, can_be_sent_again=True) is newer
    assert cache.is_stand_in(older, API) is False


def test_the_one_that_stands_in_is_refused(cache: TokenCache) -> None:
    """The current token is to be replaced, since the origin has refused it before."""
    older, newer = introduced(cache)
    assert cache.stand_in(older, API) is None  # only for the current token
    assert not cache.is_stand_in(older, API)
    cache.stand_in(newer, API)
    assert cache.is_stand_in(older, API)
    assert not cache.is_stand_in(newer, API)
    assert cache.end_stand_in(API) is newer
    assert not cache.is_stand_in(older, API)


def test_nothing_stands_in_without_a_token(cache: TokenCache) -> None:
    """Another thread may have called `invalidate`."""
    assert cache.end_stand_in(API) is None
    assert not cache.is_stand_in(a_lease(), API)
    cache.current = a_lease()
    assert cache.end_stand_in(API) is cache.current
    assert cache.stand_in(cache.current, API) is None
