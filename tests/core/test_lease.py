"""`_core.lease`: when a token is renewed."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_cc_auth import Token
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import MEMORY, Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import NOWHERE

START = Moment(0.0, 0.0)
ASKED = 1_700_000_000.0


def a_lease(
    life: float | None,
    *,
    early_expiry: float | None = None,
    renew_after: float = 0.8,
    chance: float = 0.0,
    asked: Moment = START,
    proofs: Any = None,
    refresh_in: float | None = None,
) -> Lease:
    token = Token("abc", expires_at=None if life is None else asked.wall + life)
    return Lease(
        token,
        "Bearer abc",
        asked=asked,
        rules=RenewalRules(early_expiry, renew_after),
        chance=chance,
        proofs=proofs,
        refresh_in=refresh_in,
    )


def margins(lease: Lease) -> tuple[float, float, float]:
    """When aging begins, when waiting begins, and the end, by the wall clock."""
    return lease.fresh_until, lease.waiting_from.wall, lease.ends_at.wall


def test_keeps_what_it_is_made_of() -> None:
    """Token, header and the moment are there, probation and hook are empty."""
    token = Token("abc")
    lease = Lease(token, "Bearer abc", asked=START, rules=RenewalRules(), chance=0.5)
    assert lease.token is token
    assert lease.header_value == "Bearer abc"
    assert lease.probation == set()
    assert (lease.incidents, lease.refused_by) == (frozenset(), frozenset())
    assert (lease.hook, lease.introduction, lease.previous) == (None, None, None)


def test_an_introduction() -> None:
    """Until it is over, and wherever it takes a detour, the hot path does not use the token."""
    introduction = SimpleNamespace(has_detours=True)
    lease = a_lease(100)
    lease.introduce(introduction)
    assert lease.introduction is introduction
    assert lease.probation == {NOWHERE}
    assert (lease.fresh_until, lease.fresh_until_monotonic) == (-inf, -inf)
    lease.probation.clear()
    lease.settle_in()
    assert (lease.fresh_until, lease.fresh_until_monotonic) == (-inf, -inf)
    introduction.has_detours = False
    lease.settle_in()
    assert (lease.fresh_until, lease.fresh_until_monotonic) == (80, 80)


def test_is_in_what_others_wrote() -> None:
    """As it is, or encoded."""
    lease = Lease(Token("a/b c"), "Bearer a/b c", asked=START, rules=RenewalRules(), chance=0.5)
    assert lease.is_in("before a/b c after")
    assert lease.is_in("before a%2Fb%20c after")
    assert not lease.is_in("a/b")


class TestProofs:
    """A token that is bound to a key needs a proof in each request."""

    def test_a_bearer_token_needs_none(self) -> None:
        """Its one header is all, so the hot path may use it until aging begins."""
        lease = a_lease(100)
        assert lease.is_bearer
        assert (lease.fresh_until, lease.fresh_until_monotonic) == (80, 80)

    @pytest.mark.parametrize("life", [100, None])
    def test_the_hot_path_does_not_know_of_them(self, life: float | None) -> None:
        """To it the lease is never fresh. The time of its renewal is that of any lease."""
        lease, bearer = a_lease(life, proofs=object()), a_lease(life)
        for chance in (0.0, 0.5):
            lease.jitter(chance)
            bearer.jitter(chance)
            assert lease.fresh_until == -inf
            assert (lease.aging_from, *margins(lease)[1:]) == (bearer.aging_from, *margins(bearer)[1:])


def test_is_compared_by_identity() -> None:
    """A renewed token may equal the old one, and still is another one."""
    first, second = a_lease(60), a_lease(60)
    assert first != second
    assert first == first  # noqa: PLR0124  # that is the point


def test_a_token_without_an_end() -> None:
    """It is fresh for ever."""
    assert margins(a_lease(None)) == (inf, inf, inf)


@pytest.mark.parametrize("life", [0, -5])
def test_a_token_that_has_ended_already(life: float) -> None:
    """It is never fresh, and serves only the caller that fetched it."""
    assert margins(a_lease(life, asked=Moment(ASKED, 500.0))) == (ASKED, ASKED, ASKED)


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (2, (1.6, 1.8, 2)),  # short lives have short margins
        (100, (80, 90, 100)),
        (300, (240, 270, 300)),
        (301, (240.8, 271, 301)),  # waiting is 30 s at most
        (3600, (2880, 3570, 3600)),
    ],
)
def test_default_margins(life: float, expected: tuple[float, float, float]) -> None:
    """Aging from 80 % of the life, waiting in the last 10 % and 30 s at most."""
    assert margins(a_lease(life)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("early_expiry", "expected"),
    [
        (0, (80, 100, 100)),
        (5, (80, 95, 100)),
        (10, (80, 90, 100)),
        (20, (70, 80, 100)),  # aging starts a tenth of the life before waiting does
        (50, (40, 50, 100)),
        (51, (40, 50, 100)),  # never more than half of the life
        (1e9, (40, 50, 100)),
    ],
)
def test_early_expiry(early_expiry: float, expected: tuple[float, float, float]) -> None:
    """It moves the waiting and, if necessary, the aging."""
    assert margins(a_lease(100, early_expiry=early_expiry)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("renew_after", "fresh_until"), [(0.01, 1), (0.5, 50), (0.8, 80), (0.80001, 80), (0.9, 80), (1.0, 80)]
)
def test_renew_after(renew_after: float, fresh_until: float) -> None:
    """It moves the aging, but not into the waiting."""
    assert a_lease(100, renew_after=renew_after).fresh_until == pytest.approx(fresh_until)


def test_the_server_says_when_to_renew() -> None:
    """In seconds; chance puts it a little later, unless no end is known to spread it to."""
    made = [a_lease(life, chance=0.5, refresh_in=50) for life in (100.0, None)]
    assert [lease.aging_from for lease in made] == [START.after(55), START.after(50)]
    assert [lease.waiting_from for lease in made] == [START.after(90), START.after(inf)]


@pytest.mark.parametrize(("chance", "fresh_until"), [(0.0, 80), (0.5, 81.25), (1.0, 82.5)])
def test_chance_spreads_the_aging(chance: float, fresh_until: float) -> None:
    """It moves the start by a quarter of the aging time at most, and nothing else."""
    assert margins(a_lease(100, chance=chance)) == pytest.approx((fresh_until, 90, 100))


def test_jitter_starts_anew() -> None:
    """Always from the same start: earlier draws do not add up."""
    lease = a_lease(100, chance=1.0)
    for chance, fresh_until in ((0.5, 81.25), (0.5, 81.25), (0.0, 80), (1.0, 82.5)):
        lease.jitter(chance)
        assert margins(lease) == pytest.approx((fresh_until, 90, 100))


def test_there_is_nothing_to_draw() -> None:
    """A token without a known end stays fresh for ever."""
    lease = a_lease(None)
    lease.jitter(0.5)
    assert margins(lease) == (inf, inf, inf)


def test_remembers_its_predecessors() -> None:
    """A few of them, because a prepared request may be sent again after some renewals."""
    leases = [a_lease(None) for _ in range(MEMORY + 3)]
    for previous, lease in pairwise(leases):
        lease.follow(previous)
    chain = [leases[-1]]
    while chain[-1].previous is not None:
        chain.append(chain[-1].previous)
    assert chain == list(reversed(leases[-MEMORY - 1 :]))


def test_has_no_predecessor() -> None:
    """It is the first of all."""
    lease = a_lease(None)
    lease.follow(None)
    assert lease.previous is None


LIVES = st.floats(0.01, 366 * 24 * 3600.0)
EARLY_EXPIRIES = st.none() | st.floats(0, 1e9)
RENEW_AFTERS = st.floats(0, 1, exclude_min=True)
CHANCES = st.floats(0, 1, exclude_max=True)


@settings(deadline=None)
@given(LIVES, EARLY_EXPIRIES, RENEW_AFTERS, CHANCES)
def test_aging_comes_before_waiting_before_the_end(
    life: float, early_expiry: float | None, renew_after: float, chance: float
) -> None:
    """For every token that lives, and all settings."""
    lease = a_lease(life, early_expiry=early_expiry, renew_after=renew_after, chance=chance, asked=Moment(ASKED, 500.0))
    assert ASKED <= lease.fresh_until < lease.waiting_from.wall <= lease.ends_at.wall
    assert lease.ends_at.wall == pytest.approx(ASKED + life)
    assert lease.ends_at.monotonic == pytest.approx(500 + life)


@settings(deadline=None)
@given(LIVES, EARLY_EXPIRIES, RENEW_AFTERS, CHANCES)
def test_aging_lasts(life: float, early_expiry: float | None, renew_after: float, chance: float) -> None:
    """At least a tenth of the life, less a quarter of that for the spread. Waiting takes half of the life at most."""
    lease = a_lease(life, early_expiry=early_expiry, renew_after=renew_after, chance=chance)
    assert lease.waiting_from.wall - lease.fresh_until >= life * 0.075 * (1 - 1e-9)
    assert lease.ends_at.wall - lease.waiting_from.wall <= life * 0.5 * (1 + 1e-9)


@settings(deadline=None)
@given(LIVES, RENEW_AFTERS, CHANCES)
def test_default_waiting_is_short(life: float, renew_after: float, chance: float) -> None:
    """A tenth of the life, and 30 s at most."""
    lease = a_lease(life, renew_after=renew_after, chance=chance)
    assert lease.ends_at.wall - lease.waiting_from.wall == pytest.approx(min(life / 10, 30))


class TestATokenThatTheEndpointKeeps:
    """It is handed out until its end, with the rest of its life in whole seconds."""

    @staticmethod
    def renewed(older: Lease, *, after: float, life: float | None, chance: float = 0.0, text: str = "abc") -> Lease:
        asked = START.after(after)
        token = Token(text, expires_at=None if life is None else asked.wall + life)
        lease = Lease(token, f"Bearer {text}", asked=asked, rules=RenewalRules(), chance=chance)
        lease.go_on_from(older)
        return lease

    def test_nothing_before_it(self) -> None:
        """Nothing is learnt."""
        lease = a_lease(100)
        lease.go_on_from(None)
        assert (lease.is_kept, lease.life, *margins(lease)) == (False, 100, 80, 90, 100)

    @pytest.mark.parametrize(
        ("first", "after", "rest", "end"),
        [
            (10, 8.5, 1, 10),  # the end is known already
            (10, 8.5, 2, 10.5),  # it was known too early
            (10, 8.5, 0, 9.5),  # a rest of 0 is a second at most
            (10, 10.2, 0, 11.2),  # the known end is over, and still it is handed out
            (100, 50, 2, 53),  # what the endpoint says counts, but for its fraction of a second
        ],
    )
    def test_it_is_used_to_its_end(self, first: float, after: float, rest: float, end: float) -> None:
        """And is not renewed early, if its rest is short."""
        lease = self.renewed(a_lease(first), after=after, life=rest, chance=0.5)
        assert lease.is_kept
        assert margins(lease) == pytest.approx((end, end, end))
        assert lease.life == pytest.approx(end - after)

    @pytest.mark.parametrize(("chance", "aging"), [(0.0, 3570), (0.5, 3573.75)])
    def test_a_long_rest(self, chance: float, aging: float) -> None:
        """Shortly before its end it is asked for once more: what sits in between may have a new one. No one waits."""
        lease = self.renewed(a_lease(3600), after=2900, life=700, chance=chance)
        assert margins(lease) == (aging, 3600, 3600)
        last = self.renewed(lease, after=3571, life=29)
        assert margins(last) == (3600, 3600, 3600)

    @pytest.mark.parametrize(("life", "aging"), [(50, 95), (49, 99.9)])
    def test_a_rest_with_time_to_ask(self, life: float, aging: float) -> None:
        """Five seconds is what it takes: a tenth of the rest, from which callers would wait otherwise."""
        lease = self.renewed(a_lease(99.9), after=50, life=life)
        assert margins(lease)[0] == pytest.approx(min(aging, margins(lease)[2]))
        assert lease.is_kept

    @pytest.mark.parametrize("life", [3, 4, 100, None])
    def test_a_life_that_begins_anew(self, life: float | None) -> None:
        """The same text with a life of its own is a token like any other."""
        lease = self.renewed(a_lease(10), after=8, life=life)
        assert not lease.is_kept
        assert lease.life == (inf if life is None else life)

    def test_an_end_that_was_not_known(self) -> None:
        """What the endpoint says now counts."""
        lease = self.renewed(a_lease(None), after=50, life=10)
        assert (lease.is_kept, *margins(lease)) == (False, 58, 59, 60)

    def test_a_token_to_be_used_once(self) -> None:
        """It stays one."""
        lease = self.renewed(a_lease(0), after=0, life=0)
        assert (lease.is_kept, lease.life) == (False, 0)

    @pytest.mark.parametrize(
        ("after", "life", "is_kept", "aging"),
        [
            (8.9, 10, False, 16.9),  # it was not kept to its end
            (9.1, 10, True, 19.1),  # a refusal in its last second
            (10, 10, True, 20),
            (20, 3600, True, 3590),
            (20, None, True, inf),
        ],
    )
    def test_the_token_after_it(self, after: float, life: float | None, is_kept: bool, aging: float) -> None:
        """If the one before was kept to its end, this one will be too, so it is not asked for at 80 % of its life."""
        kept = self.renewed(a_lease(10), after=8, life=2)
        lease = self.renewed(kept, after=after, life=life, text="def")
        assert lease.is_kept is is_kept
        assert lease.fresh_until == pytest.approx(aging)
