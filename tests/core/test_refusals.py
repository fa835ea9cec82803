"""`_core.refusals`: origins that refuse every token."""

from __future__ import annotations

import pytest

from oauth_cc_auth import Token
from oauth_cc_auth._core.back_off import FIRST
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.refusals import MOST_ORIGINS, MOST_PATHS, Hold, Refusals
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import Origin
from tests.fake_clock import FakeClock

API = Origin("https", "api.example.com", 443)
OTHER = Origin("https", "other.example.com", 443)
PATH = "GET /orders"


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="refusals")
def _refusals(clock: FakeClock) -> Refusals:
    return Refusals(clock)


def a_lease(*probation: Origin) -> Lease:
    lease = Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
    lease.probation.update(probation)
    return lease


def refuse(refusals: Refusals, times: int, origin: Origin = API) -> list[bool]:
    """Have that many fresh tokens refused; for each, whether the answer was to be left as it is."""
    return [refusals.note(origin, a_lease(origin), PATH) is not None for _ in range(times)]


def is_held(refusals: Refusals) -> bool:
    """Whether the answer to a token that does not count is left as it is."""
    return refusals.note(API, a_lease(), PATH) is not None


def test_a_token_that_is_not_on_probation_does_not_count(refusals: Refusals) -> None:
    """Its refusal is the usual case: the token was accepted before, and has ended."""
    assert [refusals.note(API, a_lease(), PATH) for _ in range(5)] == [None] * 5
    assert refusals.origins() == set()


def test_the_second_fresh_token_refused_in_a_row_holds(refusals: Refusals) -> None:
    """The first is a chance, the second a pattern."""
    assert refuse(refusals, 2) == [False, True]
    assert refusals.origins() == {API}


def test_a_hold_is_for_every_token(refusals: Refusals) -> None:
    """Even for one that is not on probation."""
    refuse(refusals, 2)
    assert is_held(refusals)


def test_a_hold_ends_after_a_second(refusals: Refusals, clock: FakeClock) -> None:
    """Exactly then."""
    refuse(refusals, 2)
    clock.now_monotonic += 0.999
    assert is_held(refusals)
    clock.now_monotonic += 0.001
    assert not is_held(refusals)


def test_a_stopped_clock_that_goes_again(refusals: Refusals, clock: FakeClock) -> None:
    """It reads earlier than before, so the hold is not one of years."""
    refuse(refusals, 2)
    clock.now_monotonic -= 1000
    assert not is_held(refusals)


def test_what_a_hold_says(refusals: Refusals, clock: FakeClock) -> None:
    """The refusal that begins it, and the rest of it. The same token refused again begins no other."""
    refuse(refusals, 1)
    lease = a_lease(API)
    assert refusals.note(API, lease, PATH) == Hold(1.0, begins=True)
    clock.now_monotonic += 0.25
    assert refusals.note(API, lease, PATH) == Hold(0.75, begins=False)
    assert refusals.note(API, a_lease(), PATH) == Hold(0.75, begins=False)
    assert refusals.note(API, a_lease(API), PATH) == Hold(2.0, begins=True)


def test_holds_double_up_to_a_minute(refusals: Refusals, clock: FakeClock) -> None:
    """1, 2, 4 ... 32, 60, 60 seconds; the wall clock does not matter."""
    refuse(refusals, 1)
    for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        clock.now_wall += 1e6
        assert refuse(refusals, 1) == [True]
        clock.now_monotonic += seconds - 0.5
        assert is_held(refusals)
        clock.now_monotonic += 0.5
        assert not is_held(refusals)


def test_many_refusals_of_one_token_are_one(refusals: Refusals) -> None:
    """Fifty requests refused at once."""
    lease = a_lease(API)
    assert [refusals.note(API, lease, PATH) for _ in range(50)] == [None] * 50
    assert refuse(refusals, 1) == [True]


def test_other_origins_are_not_affected(refusals: Refusals) -> None:
    """Each has its own tally."""
    refuse(refusals, 2)
    assert refuse(refusals, 2, OTHER) == [False, True]
    assert refusals.origins() == {API, OTHER}


def test_a_renewal_that_earned_something_ends_it(refusals: Refusals) -> None:
    """The token is off probation there, and counting starts anew."""
    refuse(refusals, 2)
    lease = a_lease(API, OTHER)
    refusals.earned(API, lease)
    assert lease.probation == {OTHER}
    assert refusals.origins() == set()
    assert refuse(refusals, 2) == [False, True]


def test_acceptance_after_no_refusal(refusals: Refusals) -> None:
    """Nothing changes."""
    refuse(refusals, 1, OTHER)
    refusals.earned(API, a_lease())
    assert refusals.origins() == {OTHER}


def test_clear(refusals: Refusals) -> None:
    """Everything is forgotten."""
    refuse(refusals, 2)
    refusals.clear()
    assert refusals.origins() == set()
    assert refuse(refusals, 1) == [False]


def test_the_oldest_origins_are_forgotten(refusals: Refusals) -> None:
    """64 are remembered; one that refuses again counts as the youngest."""
    origins = [Origin("https", f"{number}.example.com", 443) for number in range(MOST_ORIGINS + 1)]
    for origin in origins[:MOST_ORIGINS]:
        refuse(refusals, 1, origin)
    assert refusals.origins() == set(origins[:MOST_ORIGINS])
    refuse(refusals, 1, origins[0])
    refuse(refusals, 1, origins[-1])
    assert refusals.origins() == set(origins) - {origins[1]}


def test_late_refusals_of_older_tokens_do_not_count(refusals: Refusals) -> None:
    """Twelve requests under way with either of two tokens, refused in turns, are two refusals."""
    older, newer = a_lease(API), a_lease(API)
    for _ in range(6):
        for lease in (older, newer):
            refusals.note(API, lease, PATH)
    hold = refusals.note(API, newer, PATH)
    assert hold is not None
    assert hold.seconds == FIRST


def test_the_first_tokens_of_a_process(refusals: Refusals) -> None:
    """They count like any other, although their numbers begin with 0."""
    first, second = a_lease(API), a_lease(API)
    first.number, second.number = 0, 1
    assert refusals.note(API, first, PATH) is None
    hold = refusals.note(API, second, PATH)
    assert hold is not None
    assert hold.begins


def test_right_after_the_machine_has_started() -> None:
    """The monotonic clock begins there, and no hold does."""
    refusals = Refusals(FakeClock(now_monotonic=0.0))
    assert refuse(refusals, 2) == [False, True]


def test_a_suspect(refusals: Refusals) -> None:
    """The next token is on probation with it, and its refusal is the first."""
    refusals.suspect(API, PATH)
    assert refusals.origins() == {API}
    assert refuse(refusals, 2) == [False, True]


def test_a_suspect_accepts(refusals: Refusals) -> None:
    """The path that the token was renewed for shows that the renewal earned something; another path does not."""
    refusals.suspect(API, PATH)
    lease = a_lease(API)
    refusals.accepted(API, lease, "GET /other")
    assert (refusals.origins(), lease.probation) == ({API}, {API})
    refusals.accepted(API, lease, PATH)
    assert (refusals.origins(), lease.probation) == (set(), set())


def test_late_refusals_of_a_suspect(refusals: Refusals) -> None:
    """They are of the token that is being renewed already."""
    first, second = a_lease(), a_lease()
    refusals.suspect(API, PATH)
    assert [refusals.note(API, lease, PATH) for lease in (first, second, first)] == [None] * 3
    assert refuse(refusals, 2) == [False, True]


def test_a_suspect_path_refuses_each_token(refusals: Refusals) -> None:
    """Even if another path has accepted it, so that it is not on probation."""
    refusals.suspect(API, PATH)
    assert refusals.note(API, a_lease(), "GET /other") is None
    assert refusals.note(API, a_lease(), PATH) is None
    assert refusals.note(API, a_lease(), PATH) is not None


def test_acceptance_of_another_path_without_a_hold(refusals: Refusals) -> None:
    """It ends the probation of this token, and not the count."""
    assert refuse(refusals, 1) == [False]
    lease = a_lease(API)
    refusals.accepted(API, lease, PATH)
    assert lease.probation == set()
    assert refuse(refusals, 1) == [True]


def test_acceptance_of_a_path_during_a_hold(refusals: Refusals) -> None:
    """That path is believed when it refuses this very token later; other paths and other tokens are not."""
    refuse(refusals, 2)
    lease = a_lease(API)
    refusals.accepted(API, lease, PATH)
    assert refusals.note(API, lease, "GET /other") is not None
    assert refusals.note(API, a_lease(), PATH) is not None
    assert refusals.note(API, lease, PATH) is None


def test_an_origin_without_refusals_accepts(refusals: Refusals) -> None:
    """The token is off probation there."""
    lease = a_lease(API, OTHER)
    refusals.accepted(API, lease, PATH)
    assert lease.probation == {OTHER}


def test_all_origins_that_refused_a_token_are_known(refusals: Refusals) -> None:
    lease = a_lease()
    for origin in (API, OTHER):
        refusals.note(origin, lease, PATH)
    assert lease.refused_by == {API, OTHER}


def test_an_incident_is_met_once_with_a_token(refusals: Refusals) -> None:
    """Fifty requests that meet it are one; another incident is another, and so is another token."""
    lease = a_lease()
    met = [refusals.is_first(lease, incident) for incident in ("hold", "hold", "no body", "hold", "no body")]
    assert met == [True, False, True, False, False]
    assert refusals.is_first(a_lease(), "hold")


def test_a_path_that_accepts_again_is_the_youngest(refusals: Refusals) -> None:
    """So it is not forgotten when another one comes."""
    refuse(refusals, 2)
    lease = a_lease(API)
    for number in (*range(MOST_PATHS), 0, MOST_PATHS):
        refusals.accepted(API, lease, f"GET /{number}")
    assert refusals.note(API, lease, "GET /0") is None
    assert refusals.note(API, lease, "GET /1") is not None


def test_the_oldest_paths_are_forgotten(refusals: Refusals) -> None:
    """A crawler meets many."""
    refuse(refusals, 2)
    lease = a_lease(API)
    for number in range(MOST_PATHS + 1):
        refusals.accepted(API, lease, f"GET /{number}")
    assert refusals.note(API, lease, "GET /1") is None
    assert refusals.note(API, lease, "GET /0") is not None
