"""`_core.cache`: which token to use now, and who fetches."""

from __future__ import annotations

import copy
import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

import pytest

from oauth_cc_auth import Attempt, Token, TokenEndpointError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._core.cache import Follow, Lead, TokenCache, _after_fork_in_child, _all_caches
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.failures import Failures, Pause
from oauth_cc_auth._core.flight import GONE, GRACE, Flight, leading
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._protocol.failure import Failure
from tests.fake_clock import FakeClock

ME, YOU = Caller(1, loop=None), Caller(2, loop=None)
API = Origin("https", "api.example.com", 443)
OTHER = Origin("https", "other.example.com", 443)


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="cache")
def _cache(clock: FakeClock) -> TokenCache:
    return TokenCache(clock)


def a_lease(clock: FakeClock, life: float | None = 100, text: str = "abc") -> Lease:
    """Fresh for 80 % of its life, due from 90 % on."""
    ends = None if life is None else clock.wall() + life
    token = Token(text, expires_at=ends)
    return Lease(token, f"Bearer {text}", asked=clock.moment(), rules=RenewalRules(), chance=0)


def a_failure(*, transient: bool = False, retry_after: float | None = None, hold: float | None = None) -> Failure:
    error = TokenEndpointError("no", attempts=(Attempt("client_secret_basic", 400),))
    error.status_code = 400
    return Failure(error, transient=transient, retry_after=retry_after, hold=hold)


def lead(cache: TokenCache, caller: Caller = ME, refused: Lease | None = None) -> Lead:
    claim = cache.claim(caller, refused)
    assert isinstance(claim, Lead)
    return claim


def stored(cache: TokenCache, clock: FakeClock, life: float | None = 100) -> Lease:
    lease = a_lease(clock, life)
    cache.settle(lead(cache).flight, lease)
    assert cache.current is lease
    return lease


def fail(cache: TokenCache, failure: Failure) -> None:
    cache.settle(lead(cache).flight, failure)


def held(cache: TokenCache, refused: Lease | None = None) -> Failure:
    claim = cache.claim(ME, refused)
    assert isinstance(claim, Failure)
    return claim


@contextmanager
def leading_for(flight: Flight) -> Iterator[None]:
    """Run on behalf of a flight, as its leader does."""
    token = leading.set((flight,))
    yield
    leading.reset(token)


class TestColdCache:
    def test_the_first_leads_and_the_others_follow(self, cache: TokenCache, clock: FakeClock) -> None:
        """One flight serves all callers."""
        first = lead(cache)
        assert (first.fallback, first.time_limit, first.flight.leader) == (None, None, ME)
        assert first.flight.limit == clock.monotonic() + GRACE
        assert cache.claim(YOU) == Follow(first.flight)

    def test_the_result_is_for_everyone(self, cache: TokenCache, clock: FakeClock) -> None:
        """From then on every caller uses it."""
        first = lead(cache)
        woken = list[bool]()
        first.flight.subscribe(lambda: woken.append(True))
        lease = a_lease(clock)
        cache.settle(first.flight, lease)
        assert first.flight.outcome is lease
        assert woken == [True]
        assert cache.claim(YOU) is lease

    def test_a_leader_that_is_gone(self, cache: TokenCache) -> None:
        """The next caller leads, at once."""
        first = lead(cache)
        cache.settle(first.flight, GONE)
        assert first.flight.outcome is GONE
        again = lead(cache, YOU)
        assert again.flight is not first.flight
        assert not again.takes_over  # the first one has said so

    def test_a_leader_past_its_limit(self, cache: TokenCache, clock: FakeClock) -> None:
        """Up to the limit others follow it; from then on one takes over."""
        first = lead(cache)
        clock.now_monotonic = first.flight.limit - 0.001
        assert isinstance(cache.claim(YOU), Follow)
        clock.now_monotonic = first.flight.limit
        taken_over = lead(cache, YOU)
        assert taken_over.flight is not first.flight
        assert (first.takes_over, taken_over.takes_over) == (False, True)

    def test_a_leader_that_asks_itself(self, cache: TokenCache) -> None:
        """It gets a failure that says so, and does not wait for itself."""
        with leading_for(lead(cache).flight):
            failure = held(cache)
        assert type(failure.error) is TokenError
        assert failure.error.message == (
            "this token is being fetched by the very thread or task that asks for it; a client_secret callable, a log "
            "handler or a token_client must not use the auth object that they serve"
        )
        assert (failure.error.reason, failure.transient) == ("asked_itself", False)

    def test_who_blocks_the_loop_of_the_leader(
        self, cache: TokenCache, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It fetches for itself, and takes over from no one; all others wait for it. The later token stays."""
        loop = object()
        monkeypatch.setattr("oauth_cc_auth._core.flight.running_loop", lambda: loop)
        task, blocking = Caller(1, loop), Caller(1, None)
        first = lead(cache, task).flight
        second = lead(cache, blocking)
        assert not second.takes_over
        assert first.is_superseded
        assert cache.claim(YOU) == Follow(second.flight)
        lease = a_lease(clock)
        cache.settle(second.flight, lease)
        cache.settle(first, a_lease(clock))
        assert cache.current is lease

    def test_who_blocks_the_loop_that_renews(
        self, cache: TokenCache, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It uses the token that is there, even if that is due."""
        loop = object()
        monkeypatch.setattr("oauth_cc_auth._core.flight.running_loop", lambda: loop)
        lease = stored(cache, clock)
        clock.advance(95)
        flight = lead(cache, Caller(1, loop)).flight
        assert cache.claim(Caller(1, None)) is lease
        assert not flight.is_superseded

    def test_what_a_leader_started_asks(self, cache: TokenCache) -> None:
        """A worker thread that runs a secret callable is part of the flight."""
        with leading_for(lead(cache).flight):
            assert isinstance(cache.claim(YOU), Failure)

    def test_a_leader_that_was_interrupted(self, cache: TokenCache) -> None:
        """Its thread asks again, so it is lost. Those who waited for it wake up, and wait for the new one."""
        flight, woken = lead(cache).flight, list[str]()
        flight.subscribe(lambda: woken.append("follower"))
        again = lead(cache)
        assert again.takes_over
        assert woken == ["follower"]
        assert not flight.is_under_way
        assert cache.claim(YOU) == Follow(again.flight)

    def test_who_subscribes_to_a_flight_that_was_superseded(self, cache: TokenCache) -> None:
        """It is woken at once, since no one else would wake it."""
        flight, woken = lead(cache).flight, list[str]()
        cache.invalidate()
        flight.subscribe(lambda: woken.append("follower"))
        assert woken == ["follower"]


class TestAge:
    def test_fresh(self, cache: TokenCache, clock: FakeClock) -> None:
        """Every caller uses it."""
        lease = stored(cache, clock)
        clock.advance(79.999)
        assert cache.claim(ME) is lease

    def test_aging(self, cache: TokenCache, clock: FakeClock) -> None:
        """From the very second on, one caller renews it and the others go on."""
        lease = stored(cache, clock)
        clock.advance(80)
        claim = lead(cache)
        assert claim.fallback is lease
        assert claim.time_limit == pytest.approx(20)
        assert cache.claim(YOU) is lease
        with leading_for(claim.flight):
            assert cache.claim(ME) is lease

    def test_due(self, cache: TokenCache, clock: FakeClock) -> None:
        """From then on the others wait for the new one, and can fall back on the old one."""
        lease = stored(cache, clock)
        clock.advance(89.999)
        first = lead(cache)
        clock.advance(0.001)
        assert cache.claim(YOU) == Follow(first.flight, lease, 5.0)
        with leading_for(first.flight):
            assert cache.claim(ME) is lease  # its own leader does not wait for itself
        clock.advance(GRACE)
        taken_over = lead(cache, YOU)
        assert (taken_over.fallback, taken_over.time_limit, taken_over.takes_over) == (lease, 2.5, True)

    def test_due_from_the_very_second_on(self, cache: TokenCache, clock: FakeClock) -> None:
        """Then no one waits for longer than half of what is left, so that the old token still arrives in time."""
        lease = stored(cache, clock)
        clock.now_wall = lease.waiting_from.wall
        claim = lead(cache)
        assert (claim.fallback, claim.time_limit) == (lease, 5)
        clock.now_wall += 9
        assert cache.claim(YOU) == Follow(claim.flight, lease, 0.5)

    def test_ended(self, cache: TokenCache, clock: FakeClock) -> None:
        """It is not used any longer, even if there is no other."""
        stored(cache, clock)
        clock.advance(100)
        claim = lead(cache)
        assert (claim.fallback, claim.time_limit) == (None, None)
        assert cache.claim(YOU) == Follow(claim.flight)
        with leading_for(claim.flight):
            assert isinstance(cache.claim(ME), Failure)

    def test_without_an_end(self, cache: TokenCache, clock: FakeClock) -> None:
        """It is used until the API refuses it."""
        lease = stored(cache, clock, life=None)
        clock.advance(1e9)
        assert cache.claim(ME) is lease

    @pytest.mark.parametrize(("mark", "fallback"), [(80, True), (100, False)])
    def test_the_clock_that_says_more_counts(
        self, cache: TokenCache, clock: FakeClock, mark: float, fallback: bool
    ) -> None:
        """The monotonic clock stands still in suspend, and the wall clock can be set back."""
        for advanced, set_back in (("now_wall", "now_monotonic"), ("now_monotonic", "now_wall")):
            cache.invalidate()
            lease = stored(cache, clock)
            setattr(clock, advanced, getattr(clock, advanced) + mark - 0.001)
            setattr(clock, set_back, getattr(clock, set_back) - 3600)
            assert cache.usable(None) is lease
            setattr(clock, advanced, getattr(clock, advanced) + 0.002)
            assert (lead(cache).fallback is lease) == fallback


class TestRefused:
    def test_the_current_token(self, cache: TokenCache, clock: FakeClock) -> None:
        """It is renewed; callers that saw no refusal go on with it."""
        lease = stored(cache, clock)
        claim = lead(cache, refused=lease)
        assert claim.fallback is None
        assert cache.claim(YOU) is lease
        assert cache.claim(YOU, lease) == Follow(claim.flight)

    def test_a_token_that_was_replaced(self, cache: TokenCache, clock: FakeClock) -> None:
        """The newer one is used, aging or not; an equal string is another token."""
        old = stored(cache, clock)
        new = a_lease(clock)
        cache.settle(lead(cache, refused=old).flight, new)
        assert cache.claim(ME, old) is new
        clock.advance(95)
        assert cache.claim(ME, old) is new

    def test_a_token_that_was_replaced_by_one_that_has_ended(self, cache: TokenCache, clock: FakeClock) -> None:
        """Then there is nothing to go back to."""
        old = stored(cache, clock)
        cache.settle(lead(cache, refused=old).flight, a_lease(clock))
        clock.advance(100)
        assert lead(cache, refused=old).fallback is None

    def test_back_off_after_a_failed_renewal(self, cache: TokenCache, clock: FakeClock) -> None:
        """From the second failure on, refusals do not turn into load, and callers without any token wait as well."""
        lease = stored(cache, clock)
        for _ in range(2):
            cache.settle(lead(cache, refused=lease).flight, a_failure(transient=True))
        assert isinstance(cache.claim(ME, lease), Failure)
        cache.discard(lease)
        assert isinstance(cache.claim(ME, lease), Failure)


class TestSettling:
    def test_twice(self, cache: TokenCache, clock: FakeClock) -> None:
        """The second time changes nothing."""
        flight = lead(cache).flight
        lease = a_lease(clock)
        cache.settle(flight, lease)
        cache.settle(flight, a_failure())
        cache.settle(flight, GONE)
        assert flight.outcome is lease
        assert cache.claim(ME) is lease

    def test_an_orphan_before_its_successor(self, cache: TokenCache, clock: FakeClock) -> None:
        """Its token is as good as any; the successor's replaces it."""
        orphan = lead(cache).flight
        clock.advance(GRACE)
        successor = lead(cache, YOU).flight
        early, late = a_lease(clock), a_lease(clock)
        cache.settle(orphan, early)
        assert cache.claim(ME) is early
        cache.settle(successor, late)
        assert cache.claim(ME) is late

    def test_an_orphan_after_its_successor(self, cache: TokenCache, clock: FakeClock) -> None:
        """Its token never overwrites a newer one, but those who wait for it get it."""
        orphan = lead(cache).flight
        clock.advance(GRACE)
        newer, older = a_lease(clock), a_lease(clock)
        cache.settle(lead(cache, YOU).flight, newer)
        cache.settle(orphan, older)
        assert orphan.outcome is older
        assert cache.claim(ME) is newer

    def test_an_orphan_that_failed(self, cache: TokenCache, clock: FakeClock) -> None:
        """Its failure says nothing about its successor, and ends no flight but its own."""
        orphan = lead(cache).flight
        clock.advance(GRACE)
        successor = lead(cache, YOU).flight
        for _ in range(3):
            cache.settle(orphan, a_failure())
        assert cache.claim(ME) == Follow(successor)
        cache.settle(successor, GONE)
        lead(cache)

    def test_a_new_token_is_on_probation(self, cache: TokenCache, clock: FakeClock) -> None:
        """With every origin that refused lately, and with those that a quick follower has added."""
        lease = stored(cache, clock)
        lease.probation.add(API)
        cache.refusals.note(API, lease, "GET /")
        renewed = a_lease(clock)
        renewed.probation.add(OTHER)
        cache.settle(lead(cache, refused=lease).flight, renewed)
        assert renewed.probation == {API, OTHER}

    def test_wakes_outside_the_lock(self, cache: TokenCache) -> None:
        """A waker may ask the cache, even from another thread."""
        flight = lead(cache).flight
        claims = list[object]()

        def ask_elsewhere() -> None:
            thread = threading.Thread(target=lambda: claims.append(cache.claim(YOU)), daemon=True)
            thread.start()
            thread.join(30)

        flight.subscribe(ask_elsewhere)
        cache.settle(flight, GONE)
        assert len(claims) == 1

    def test_within_another_section(self, cache: TokenCache) -> None:
        """The garbage collector may close an abandoned flow while its thread holds the lock."""
        flight = lead(cache).flight
        with cache._lock.here():
            cache.settle(flight, GONE)
        lead(cache)


class TestStrandedLeaders:
    def test_the_next_loop_of_the_thread_takes_over(self, cache: TokenCache) -> None:
        """A leader whose loop has stopped never settles, and no one waits until its limit."""
        stranded = lead(cache, Caller(1, loop=object())).flight
        taken_over = lead(cache, Caller(1, loop=object())).flight
        assert taken_over is not stranded

    def test_a_blocking_call_takes_over(self, cache: TokenCache) -> None:
        """It does not count as one that waits for itself."""
        lead(cache, Caller(1, loop=object()))
        lead(cache, Caller(1, loop=None))

    def test_another_thread_cannot_know(self, cache: TokenCache) -> None:
        """The leader's loop may well be running, so others follow it until its limit."""
        flight = lead(cache, Caller(1, loop=object())).flight
        assert cache.claim(Caller(2, loop=object())) == Follow(flight)
        assert cache.claim(Caller(2, loop=None)) == Follow(flight)

    def test_what_it_brings_after_all(self, cache: TokenCache, clock: FakeClock) -> None:
        """If its loop runs again, its token does not overwrite the newer one."""
        stranded = lead(cache, Caller(1, loop=object())).flight
        newer, older = a_lease(clock), a_lease(clock)
        cache.settle(lead(cache, Caller(1, loop=None)).flight, newer)
        cache.settle(stranded, older)
        assert cache.current is newer


class TestFailures:
    def test_one_final_failure_holds_no_one(self, cache: TokenCache) -> None:
        """The cause may be mended by now."""
        fail(cache, a_failure())
        lead(cache)

    def test_the_second_final_failure_holds(self, cache: TokenCache, clock: FakeClock) -> None:
        """Every caller gets the failure, as an instance of its own that says for how long."""
        failure = a_failure()
        fail(cache, failure)
        fail(cache, failure)
        clock.now_monotonic += 0.25
        again = held(cache)
        error = again.error
        assert isinstance(error, TokenEndpointError)
        assert error is not failure.error
        assert (error.status_code, error.attempts) == (400, failure.error.attempts)
        assert error.message == str(error) == "no. Not asked again for 0.8 s (auth.invalidate() ends that)"
        assert held(cache).error.message == error.message  # it does not grow

    def test_the_last_moment_of_a_hold(self, cache: TokenCache, clock: FakeClock) -> None:
        """The message never says 0.0 s; at the end the next caller asks."""
        fail(cache, a_failure())
        fail(cache, a_failure())
        clock.now_monotonic += 0.999
        assert held(cache).error.message == "no. Not asked again for 0.1 s (auth.invalidate() ends that)"
        clock.now_monotonic += 0.001
        lead(cache)

    def test_holds_double_up_to_a_minute(self, cache: TokenCache, clock: FakeClock) -> None:
        """1, 2, 4 ... 32, 60, 60 seconds."""
        fail(cache, a_failure())
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
            fail(cache, a_failure())
            clock.now_monotonic += seconds - 0.5
            held(cache)
            clock.now_monotonic += 0.5

    def test_a_success_ends_the_row(self, cache: TokenCache, clock: FakeClock) -> None:
        """Counting starts anew."""
        fail(cache, a_failure())
        stored(cache, clock, life=1)
        clock.advance(1)
        fail(cache, a_failure())
        lead(cache)

    def test_how_long_a_pause_is(self, cache: TokenCache, clock: FakeClock) -> None:
        """One time for everyone, and one for a renewal that can wait."""
        clock.chance_value = 1.0
        assert cache.settle(lead(cache).flight, GONE) is None
        assert cache.settle(lead(cache).flight, a_failure()) == Pause(0.0, 1.0)
        assert cache.settle(lead(cache).flight, a_failure()) == Pause(1.0, 2.0)
        clock.now_monotonic += 1
        flight = lead(cache).flight
        assert cache.settle(flight, a_failure(transient=True, retry_after=9, hold=7)) == Pause(7, 18)
        assert cache.settle(flight, a_failure()) is None  # settled already
        clock.now_monotonic += 7
        assert cache.settle(lead(cache).flight, a_lease(clock)) is None

    def test_failures_that_may_pass_back_off_across_callers(self, cache: TokenCache, clock: FakeClock) -> None:
        """One holds no one. From the second on the pauses double up to a minute, and whoever ends one tries once."""
        clock.chance_value = 1.0
        tries_once = [lead(cache).tries_once]
        fail(cache, a_failure(transient=True))
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
            tries_once.append(lead(cache).tries_once)
            fail(cache, a_failure(transient=True))
            clock.advance(seconds - 0.01)
            held(cache)
            clock.advance(0.01)
        assert tries_once == [False, False] + 7 * [True]

    @pytest.mark.parametrize(("chance", "seconds"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
    def test_a_fleet_does_not_come_back_in_step(
        self, cache: TokenCache, clock: FakeClock, chance: float, seconds: float
    ) -> None:
        """Chance takes off up to half of a pause."""
        clock.chance_value = chance
        fail(cache, a_failure(transient=True))
        pause = cache.settle(lead(cache).flight, a_failure(transient=True))
        assert pause is not None
        assert pause.everybody == seconds

    def test_a_caller_that_comes_long_after_a_pause(self, cache: TokenCache, clock: FakeClock) -> None:
        """It has three tries again: what failed a minute ago says little."""
        clock.chance_value = 1.0
        for _ in range(2):
            fail(cache, a_failure(transient=True))
        clock.advance(60.99)
        assert lead(cache).tries_once
        cache.settle(lead(cache).flight, GONE)
        clock.advance(0.02)
        assert not lead(cache).tries_once

    def test_what_does_not_count_across_callers(self, cache: TokenCache, clock: FakeClock) -> None:
        """A renewal that could wait, and what failed before a request was sent, such as a secret callable."""
        nothing_sent = Failure(TokenError("no"), transient=True)
        for _ in range(3):
            fail(cache, nothing_sent)
        stored(cache, clock)
        clock.advance(80)
        for _ in range(5):
            fail(cache, a_failure(transient=True))
            clock.advance(3)
        clock.advance(10)
        assert not lead(cache).tries_once

    def test_a_deadline_that_ended_before_the_endpoint_was_asked(self, cache: TokenCache, clock: FakeClock) -> None:
        """Another process may have had the lease in a store, so no one knows more about the endpoint than before."""
        lease = stored(cache, clock)
        nothing_asked = Failure(TokenEndpointUnreachable("no time left", reason="deadline"), transient=True)
        for _ in range(3):
            assert cache.settle(lead(cache, refused=lease).flight, nothing_asked) is None
        assert lead(cache, refused=lease).pause == 0

    def test_what_this_process_has_found_out_holds_refused_callers_off(
        self, cache: TokenCache, clock: FakeClock
    ) -> None:
        """Even if no token request was sent: a callable that fails takes time, and they have a refusal to return.

        Not what another process has told: that one may have a token by now, and it costs nothing to look.
        """
        lease = stored(cache, clock)
        for is_heard_of in (True, True, True, False):
            failure = Failure(TokenError("no secret"), transient=True, is_heard_of=is_heard_of)
            cache.settle(lead(cache, refused=lease).flight, failure)
        assert held(cache, lease).error.held_for

    def test_it_keeps_the_pause_that_there_is(self, cache: TokenCache, clock: FakeClock) -> None:
        """The next caller, which has more time, waits for as long as the endpoint wants."""
        fail(cache, a_failure(transient=True, retry_after=20))
        fail(cache, Failure(TokenEndpointUnreachable("no time left", reason="deadline"), transient=True))
        clock.advance(5)
        assert lead(cache).pause == 15

    def test_one_that_ended_while_the_endpoint_was_asked(self, cache: TokenCache, clock: FakeClock) -> None:
        lease = stored(cache, clock)
        attempts = (Attempt("client_secret_basic", None),)
        asked = Failure(TokenEndpointUnreachable("slow", reason="deadline", attempts=attempts), transient=True)
        for _ in range(2):
            cache.settle(lead(cache, refused=lease).flight, asked)
        assert held(cache, lease).error.reason == "deadline"

    @pytest.mark.parametrize(("asked", "seconds"), [(1, 1), (45, 45), (90, 90), (300, 300), (301, 300), (1e9, 300)])
    def test_what_the_endpoint_asks_for(
        self, cache: TokenCache, clock: FakeClock, asked: float, seconds: float
    ) -> None:
        """No caller asks it for that long, and five minutes at most."""
        fail(cache, a_failure(transient=True, retry_after=asked, hold=asked))
        clock.now_monotonic += seconds - 0.25
        assert held(cache).hold == asked
        clock.now_monotonic += 0.25
        assert lead(cache).pause == 0

    def test_it_asks_for_an_hour(self, cache: TokenCache, clock: FakeClock) -> None:
        """After five minutes, one request a minute finds out whether it meant that; after the hour, all is new."""
        left = 3600.0
        for seconds in (300, *[60] * 55):
            fail(cache, a_failure(transient=True, retry_after=left, hold=left))
            clock.advance(seconds - 0.25)
            held(cache)
            clock.advance(0.25)
            left -= seconds
        assert left == 0
        fail(cache, a_failure(transient=True, retry_after=90, hold=90))
        clock.advance(89)
        held(cache)

    def test_it_asks_for_next_to_nothing(self, cache: TokenCache, clock: FakeClock) -> None:
        """Again and again; our own pauses count for more."""
        clock.chance_value = 1.0
        for _ in range(2):
            pause = cache.settle(lead(cache).flight, a_failure(transient=True, retry_after=0.5, hold=0.5))
            clock.advance(0.5)
        assert pause is not None
        assert pause.everybody == 1.0

    def test_what_it_asks_of_a_renewal(self, cache: TokenCache, clock: FakeClock) -> None:
        """If the token ends meanwhile, a caller waits for the rest and then asks."""
        stored(cache, clock)
        clock.advance(98)
        fail(cache, a_failure(transient=True, retry_after=7))
        clock.advance(3)
        claim = lead(cache)
        assert claim.pause == pytest.approx(4)
        assert not claim.tries_once
        cache.settle(claim.flight, GONE)
        clock.advance(4.5)
        assert lead(cache).pause == 0

    def test_it_asks_for_more_than_a_renewal_waits(self, cache: TokenCache, clock: FakeClock) -> None:
        """An hour at most, and the fleet comes back within five minutes of that."""
        clock.chance_value = 1.0
        stored(cache, clock, life=100_000)
        clock.advance(85_000)
        for asked, seconds in ((3599, 3599), (3601, 3600)):
            pause = cache.settle(lead(cache).flight, a_failure(transient=True, retry_after=asked, hold=asked))
            assert pause is not None
            assert (pause.everybody, pause.renewals) == (300, seconds + 300)
            clock.now_monotonic += pause.renewals

    def test_no_hold_takes_a_good_token_away(self, cache: TokenCache, clock: FakeClock) -> None:
        """It is used to its end, aging or due."""
        lease = stored(cache, clock)
        clock.advance(80)
        fail(cache, a_failure())
        clock.advance(15)
        fail(cache, a_failure())
        clock.advance(0.5)
        assert cache.claim(ME) is lease
        assert cache.claim(ME) is lease

    @pytest.mark.parametrize(("chance", "seconds"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
    def test_back_off_of_an_aging_token(
        self, cache: TokenCache, clock: FakeClock, chance: float, seconds: float
    ) -> None:
        """After a failed renewal the next one is tried a little later, jittered."""
        clock.chance_value = chance
        lease = stored(cache, clock, life=1000)
        clock.advance(800)
        fail(cache, a_failure(transient=True))
        clock.now_monotonic += seconds - 0.01
        assert cache.claim(ME) is lease
        clock.now_monotonic += 0.01
        assert lead(cache).fallback is lease

    def test_back_off_doubles_up_to_a_minute(self, cache: TokenCache, clock: FakeClock) -> None:
        """The longer an outage, the less load."""
        clock.chance_value = 1.0
        lease = stored(cache, clock, life=100_000)
        clock.advance(80_000)
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
            fail(cache, a_failure(transient=True))
            clock.now_monotonic += seconds - 0.01
            assert cache.claim(ME) is lease
            clock.now_monotonic += 0.01

    def test_back_off_of_a_short_life(self, cache: TokenCache, clock: FakeClock) -> None:
        """A quarter of what is left at most, so that there is more than one try."""
        clock.chance_value = 1.0
        lease = stored(cache, clock, life=10)
        clock.advance(8)
        fail(cache, a_failure(transient=True))
        clock.advance(0.49)
        assert cache.claim(ME) is lease
        clock.advance(0.02)
        lead(cache)

    @pytest.mark.parametrize(
        ("left", "everybody", "renewals"), [(8.0, 1.0, 2.0), (1.0, 0.25, 0.25), (0.0, 1.0, 2.0), (-100.0, 1.0, 2.0)]
    )
    def test_pauses_near_the_end(
        self, cache: TokenCache, clock: FakeClock, left: float, everybody: float, renewals: float
    ) -> None:
        """There is time for another try before the end; after it, there is nothing to save."""
        clock.chance_value = 1.0
        lease = stored(cache, clock)
        clock.advance(clock.moment().seconds_to(lease.ends_at) - left - 1)
        fail(cache, a_failure())
        clock.advance(1)
        pause = cache.settle(lead(cache).flight, a_failure())
        assert pause is not None
        assert (pause.everybody, pause.renewals) == pytest.approx((everybody, renewals))

    @pytest.mark.parametrize(
        ("asked", "left", "seconds"),
        [(30, 150, 45), (0.5, 150, 1), (30, 8, 31)],
    )
    def test_a_fleet_that_is_asked_back_at_the_same_second(
        self, cache: TokenCache, clock: FakeClock, asked: float, left: float, seconds: float
    ) -> None:
        """No one comes early. All spread over as long again or our back-off, in a quarter of what is left."""
        clock.chance_value = 0.5
        lease = stored(cache, clock, life=1000)
        clock.advance(clock.moment().seconds_to(lease.ends_at) - left)
        pause = cache.settle(lead(cache).flight, a_failure(transient=True, retry_after=asked))
        assert pause is not None
        assert pause.renewals == pytest.approx(seconds)

    def test_retry_after_of_an_aging_token(self, cache: TokenCache, clock: FakeClock) -> None:
        """What the endpoint asks for replaces our own back-off."""
        lease = stored(cache, clock, life=1000)
        clock.advance(800)
        fail(cache, a_failure(transient=True, retry_after=7))
        clock.now_monotonic += 6.9
        assert cache.claim(ME) is lease
        clock.now_monotonic += 0.2
        lead(cache)

    @pytest.mark.parametrize("with_a_token", [True, False])
    def test_a_stopped_clock_that_goes_again(self, cache: TokenCache, clock: FakeClock, with_a_token: bool) -> None:
        """It reads earlier than before, so the hold is not one of years."""
        if with_a_token:
            stored(cache, clock, life=10_000)
        clock.advance(8500)
        for _ in range(2):
            fail(cache, a_failure())
            clock.advance(1)
        clock.now_monotonic -= 1000
        lead(cache)

    def test_an_interrupt_while_one_is_noted(self) -> None:
        """The failure is as if it had not happened: no one reads what is half noted."""

        class InterruptedFailure(Failure):
            @property
            def retry_after(self) -> float | None:
                raise KeyboardInterrupt

            @retry_after.setter
            def retry_after(self, seconds: float | None) -> None:
                pass

        failures = Failures()
        with pytest.raises(KeyboardInterrupt):
            failures.note(
                InterruptedFailure(TokenError("no")), now=0.0, left=100.0, chance=0.0, was_needed=True, others=0
            )
        assert failures.held(0.0, can_wait=True, was_refused=True, others=0) is None

    def test_retry_after_without_a_token(self, cache: TokenCache, clock: FakeClock) -> None:
        """The next caller waits for as long as the endpoint asks, from the very moment on, and then asks."""
        fail(cache, a_failure(transient=True, retry_after=7))
        assert lead(cache).pause == 7
        clock.now_monotonic += 2
        assert lead(cache).pause == 5

    def test_a_wait_that_the_endpoint_names(self, cache: TokenCache, clock: FakeClock) -> None:
        """From a second on it is obeyed as it is; our own back-off is for endpoints that ask for less."""
        clock.chance_value = 0.5
        pauses = []
        for _ in range(4):
            pause = cache.settle(lead(cache).flight, a_failure(transient=True, retry_after=1, hold=1))
            assert pause is not None
            pauses.append(pause.everybody)
            clock.advance(1)
        assert pauses == [1, 1, 1, 1]


class TestInvalidation:
    def test_the_token_is_forgotten(self, cache: TokenCache, clock: FakeClock) -> None:
        """The next request fetches."""
        stored(cache, clock)
        cache.invalidate()
        assert cache.current is None
        assert lead(cache).fallback is None

    def test_a_flight_under_way(self, cache: TokenCache, clock: FakeClock) -> None:
        """No one joins it, and only those who wait already get its token."""
        flight = lead(cache).flight
        cache.invalidate()
        newer = lead(cache, YOU).flight
        lease = a_lease(clock)
        cache.settle(flight, lease)
        assert flight.outcome is lease
        assert cache.current is None
        assert cache.claim(ME) == Follow(newer)

    def test_a_flight_that_is_outdated(self, cache: TokenCache, clock: FakeClock) -> None:
        """The current token stays, and the one under way does not count: something else is asked for now."""
        cache.outdate()
        lease = stored(cache, clock)
        flight = lead(cache, refused=lease).flight
        cache.outdate()
        assert cache.current is lease
        newer = lead(cache, YOU, lease).flight
        cache.settle(flight, a_lease(clock))
        assert cache.current is lease
        assert cache.claim(ME, lease) == Follow(newer)

    def test_an_orphan(self, cache: TokenCache, clock: FakeClock) -> None:
        """A token that was asked for before is stale, even if its leader was given up."""
        orphan = lead(cache).flight
        clock.advance(GRACE)
        lead(cache, YOU)
        cache.invalidate()
        cache.settle(orphan, a_lease(clock))
        assert cache.current is None

    def test_holds_and_refusals_are_lifted(self, cache: TokenCache, clock: FakeClock) -> None:
        """A person asks for a new start."""
        lease = a_lease(clock)
        lease.probation.add(API)
        cache.refusals.note(API, lease, "GET /")
        fail(cache, a_failure())
        fail(cache, a_failure())
        cache.invalidate()
        assert cache.refusals.origins() == set()
        fail(cache, a_failure())
        lead(cache)

    def test_discarding(self, cache: TokenCache, clock: FakeClock) -> None:
        """Only the very lease."""
        lease = stored(cache, clock)
        cache.discard(a_lease(clock))
        assert cache.current is lease
        cache.discard(lease)
        assert cache.current is None


class TestFailuresOfBothKinds:
    """Some are about the target, and the others about the endpoint or the client. They count together."""

    @staticmethod
    def about_target() -> Failure:
        error = TokenEndpointError("no", attempts=(Attempt("client_secret_basic", 400),), reason="invalid_scope")
        return Failure(error, transient=False)

    def test_a_refused_request(self, cache: TokenCache, clock: FakeClock) -> None:
        """From the second failure on, it returns the refusal: one failure might have been over already."""
        lease = stored(cache, clock)
        cache.settle(lead(cache, refused=lease).flight, a_failure(transient=True))
        cache.settle(lead(cache, refused=lease).flight, self.about_target())
        held(cache, refused=lease)

    def test_renewals(self, cache: TokenCache, clock: FakeClock) -> None:
        """They pause for longer each time, whatever they fail of."""
        lease = stored(cache, clock, 1000)
        clock.advance(850)
        pauses = []
        for failure in (a_failure(transient=True), self.about_target(), a_failure(transient=True)):
            pause = cache.settle(lead(cache).flight, failure)
            assert pause is not None
            pauses.append(pause.renewals)
            assert cache.claim(ME) is lease
            clock.advance(pause.renewals)
        assert pauses == [0.5, 1.0, 2.0]

    @pytest.mark.parametrize("is_first_about_target", [True, False])
    def test_the_second_counts_the_first(
        self, cache: TokenCache, clock: FakeClock, is_first_about_target: bool
    ) -> None:
        """Whichever kind it is: once the pause after the first is over, that after the second holds."""
        failures = [self.about_target(), a_failure(transient=True)]
        lease = stored(cache, clock)
        for failure in failures if is_first_about_target else reversed(failures):
            cache.settle(lead(cache, refused=lease).flight, failure)
            clock.now_monotonic += 0.6
        held(cache, refused=lease)
        clock.now_monotonic += 0.4
        lead(cache, refused=lease)

    def test_an_endpoint_that_kept_failing(self, cache: TokenCache, clock: FakeClock) -> None:
        """It is tried once, until a minute after the later of both holds."""
        for failure in (*[a_failure(transient=True)] * 2, *[self.about_target()] * 2):
            fail(cache, failure)
            clock.now_monotonic += 0.5
        clock.now_monotonic += 60
        assert lead(cache).tries_once
        clock.now_monotonic += 0.5
        assert not lead(cache).tries_once


class TestProbe:
    """Who asks an endpoint that has kept failing only finds out whether it works again."""

    @staticmethod
    def failed(now: float, *, transient: bool) -> Failures:
        """Twice, so that it is held for half a second, or for a second if no retry mends it."""
        failures = Failures()
        for _ in range(2):
            failures.note(a_failure(transient=transient), now, inf, 0.0, was_needed=True, others=0)
        return failures

    @pytest.mark.parametrize(("now", "expected"), [(99.9, False), (100, True), (160.4, True), (160.5, False)])
    def test_until_a_minute_after_the_hold(self, now: float, expected: bool) -> None:
        """From the failure itself on. If the clock goes back behind it, a test had stopped it."""
        failures = self.failed(100, transient=True)
        assert failures.is_probe(now) is expected
        assert failures.is_probe(now, Failures()) is expected

    @pytest.mark.parametrize(("now", "expected"), [(170.9, True), (171, False)])
    def test_a_hold_of_failures_that_are_counted_elsewhere(self, now: float, expected: bool) -> None:
        assert self.failed(100, transient=True).is_probe(now, self.failed(110, transient=False)) is expected

    def test_the_later_of_two_holds_counts(self) -> None:
        assert self.failed(110, transient=True).is_probe(170, self.failed(100, transient=False))


class TestReports:
    """Refusals that the person's own code tells of."""

    def test_the_budget_is_full_at_first_and_again_after_invalidation(
        self, cache: TokenCache, clock: FakeClock
    ) -> None:
        """Tokens that are reported as soon as they came are replaced twice."""

        def reports() -> list[float]:
            return [cache.note_report(a_lease(clock)) for _ in range(3)]

        assert reports() == [0, 0, 1]
        cache.invalidate()
        assert reports() == [0, 0, 1]


class TestAtHand:
    def test_what_a_hook_gets(self, cache: TokenCache, clock: FakeClock) -> None:
        """The current token until its end, unless it was refused; else a failure that says so. No flight begins."""
        assert isinstance(cache.at_hand(None), Failure)
        lease = stored(cache, clock)
        clock.advance(99.9)
        assert cache.at_hand(None) is lease
        assert isinstance(cache.at_hand(lease), Failure)
        clock.advance(0.1)
        failure = cache.at_hand(None)
        assert isinstance(failure, Failure)
        assert failure.error.message == (
            "an on_event hook needs a token that would have to be fetched; it must not use the auth object that it "
            "serves, or do so in a task or thread that it does not wait for"
        )
        assert (failure.error.reason, failure.transient) == ("asked_itself", False)
        assert cache._flight is None


class TestForking:
    def test_the_child_keeps_the_token_and_no_flight(self, cache: TokenCache, clock: FakeClock) -> None:
        """The thread of the flight's leader does not exist there; nor do those who wait, so no one is woken."""
        lease = stored(cache, clock)
        flight = lead(cache, refused=lease).flight
        woken: list[bool] = []
        flight.subscribe(lambda: woken.append(True))
        _after_fork_in_child()
        assert cache.current is lease
        assert lead(cache, refused=lease).flight is not flight
        assert woken == []

    @pytest.mark.parametrize("ask", [TokenCache.claim, TokenCache.invalidate], ids=["claim", "invalidate"])
    def test_a_changed_process_is_noticed(
        self, cache: TokenCache, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., object]
    ) -> None:
        """Without any fork hook: under another number there is no flight, and the lock is another one."""
        flight, parent = lead(cache).flight, os.getpid()
        woken: list[bool] = []
        flight.subscribe(lambda: woken.append(True))
        with cache._lock.here():
            monkeypatch.setattr(os, "getpid", lambda: parent + 1)
            in_child = threading.Thread(target=ask, args=(cache, YOU) if ask is TokenCache.claim else (cache,))
            in_child.start()
            in_child.join(30)
            assert not in_child.is_alive()
        assert cache._flight is not flight
        assert woken == []

    def test_a_process_that_was_noticed_is_not_noticed_again(
        self, cache: TokenCache, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or each caller of the child would lead, and draw a jitter."""
        stored(cache, clock)
        parent = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: parent + 1)
        flight = lead(cache, refused=cache.current).flight
        follow = cache.claim(YOU, cache.current)
        assert isinstance(follow, Follow)
        assert follow.flight is flight

    def test_the_child_draws_its_own_time_to_renew(self, cache: TokenCache, clock: FakeClock) -> None:
        """Or all workers of a server would renew in step. Without a token there is nothing to draw."""
        lease, empty = stored(cache, clock), TokenCache(clock)
        fresh_until = lease.fresh_until
        clock.chance_value = 0.5
        _after_fork_in_child()
        assert lease.fresh_until == pytest.approx(fresh_until + 1.25)
        assert (lease.waiting_from, lease.ends_at) == (clock.moment().after(90), clock.moment().after(100))
        assert empty.current is None

    def test_caches_are_not_kept_alive(self, clock: FakeClock) -> None:
        """The list of all caches knows them only while they live, and from their first flight on."""
        cache = TokenCache(clock)
        assert cache not in _all_caches
        stored(cache, clock)
        assert cache in _all_caches
        known = weakref.ref(cache)
        del cache
        gc.collect()
        assert known() is None


def test_refusals_have_no_lock_of_their_own(cache: TokenCache) -> None:
    """Garbage that is collected under it may close a flow, which settles. With two locks that could dead-lock."""
    assert cache.refusals.lock is cache._lock


def test_claims_hold_what_they_are_made_with(cache: TokenCache, clock: FakeClock) -> None:
    """A follower can fall back on the old token; a leader takes no one's place by default."""
    flight, lease = lead(cache).flight, a_lease(clock)
    follow = Follow(flight, lease, 2.5)
    assert (follow.flight, follow.fallback, follow.time_limit) == (flight, lease, 2.5)
    leader = Lead(flight)
    assert (leader.takes_over, leader.tries_once, leader.in_background, leader.pause) == (False, False, False, 0)


@pytest.mark.parametrize(
    ("text", "seconds", "may_be_unknown"),
    [
        ("xyz", 85, True),
        ("abc", 85, False),  # the very text: an API that knows it knows it
        ("xyz", 100, False),  # nothing is left that could stand in
    ],
)
def test_a_token_that_came_early(
    cache: TokenCache, clock: FakeClock, text: str, seconds: float, may_be_unknown: bool
) -> None:
    """While the one before it lives, that one can stand in: an API may not know the new one yet."""
    older = stored(cache, clock)
    clock.advance(80)
    flight = lead(cache).flight
    clock.advance(seconds - 80)
    newer = a_lease(clock, text=text)
    cache.settle(flight, newer)
    assert (None if newer.introduction is None else newer.introduction.older) == (older if may_be_unknown else None)


def test_a_token_after_a_refusal(cache: TokenCache, clock: FakeClock) -> None:
    """Nothing stands in for it, and nothing for the first of all."""
    older = stored(cache, clock)
    newer = a_lease(clock, text="xyz")
    cache.settle(lead(cache, refused=older).flight, newer)
    assert (older.introduction, newer.introduction) == (None, None)


def test_a_token_that_an_orphan_brings(cache: TokenCache, clock: FakeClock) -> None:
    """It replaces the one that was there when the orphan set out, and no other."""
    lease = stored(cache, clock, life=1000)
    clock.advance(850)
    orphan = lead(cache).flight
    clock.advance(GRACE)
    successor, brought = lead(cache, YOU), a_lease(clock)
    assert successor.fallback is lease
    cache.settle(orphan, brought)
    assert cache.current is brought


@pytest.mark.parametrize("of_the_clock", ["now_wall", "now_monotonic"])
def test_the_token_of_the_hot_path(cache: TokenCache, clock: FakeClock, of_the_clock: str) -> None:
    """The current one while no one would think of renewing it, by either clock."""
    assert cache.fresh() is None
    lease = stored(cache, clock)
    since = getattr(clock, of_the_clock)
    setattr(clock, of_the_clock, since + 79.9)
    assert cache.fresh() is lease
    setattr(clock, of_the_clock, since + 80)
    assert cache.fresh() is None


class TestGlance:
    """What a request is told that has no time for a closer look."""

    @pytest.fixture(autouse=True)
    def _in_background(self, cache: TokenCache) -> None:
        cache.renews_in_background = lambda: True

    @pytest.mark.parametrize("of_the_clock", ["now_wall", "now_monotonic"])
    def test_a_token_that_is_not_due_yet(self, cache: TokenCache, clock: FakeClock, of_the_clock: str) -> None:
        """By either clock."""
        assert cache.aging() is None
        lease = stored(cache, clock)
        since = getattr(clock, of_the_clock)
        setattr(clock, of_the_clock, since + 89.9)
        assert cache.aging() is lease
        setattr(clock, of_the_clock, since + 90)
        assert cache.aging() is None

    def test_someone_is_to_wait(self, cache: TokenCache, clock: FakeClock) -> None:
        """Nothing runs in the background."""
        stored(cache, clock)
        cache.renews_in_background = bool
        assert cache.aging() is None

    @pytest.mark.parametrize("is_about_target", [False, True])
    def test_a_failure_wants_a_closer_look(self, cache: TokenCache, clock: FakeClock, is_about_target: bool) -> None:
        """There may be a pause, be it for all siblings or for this target."""
        lease = stored(cache, clock)
        clock.advance(81)
        error = TokenEndpointError("no", reason="invalid_scope" if is_about_target else "invalid_client")
        fail(cache, Failure(error))
        assert cache.aging() is None
        cache.end_hold()
        assert cache.aging() is lease

    def test_it_is_being_renewed(self, cache: TokenCache, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """As long as the leader is alive, and in this process."""
        stored(cache, clock)
        clock.advance(81)
        assert not cache.is_being_renewed()
        flight = lead(cache).flight
        assert cache.is_being_renewed()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            assert not cache.is_being_renewed()
        clock.advance(GRACE)
        assert not cache.is_being_renewed()
        flight.extend(clock.monotonic())
        assert cache.is_being_renewed()
        cache.settle(flight, GONE)
        assert not cache.is_being_renewed()

    def test_a_flight_that_is_over_is_none(self, cache: TokenCache, clock: FakeClock) -> None:
        """Another thread may look between its end and its being forgotten."""
        stored(cache, clock)
        clock.advance(81)
        flight = lead(cache).flight
        flight.outcome = GONE
        assert not cache.is_being_renewed()


def test_whose_lease_a_token_is(cache: TokenCache, clock: FakeClock) -> None:
    """That of the newest or of one before it; a copy is as good. It need not be current any longer."""
    assert cache.lease_of(Token("abc")) is None
    first = stored(cache, clock)
    cache.discard(first)
    second = stored(cache, clock)
    for lease in (first, second):
        assert cache.lease_of(lease.token) is lease
        assert cache.lease_of(copy.copy(lease.token)) is lease
    assert cache.lease_of(Token("abc")) is None


def test_a_flight_knows_the_newest_token(cache: TokenCache, clock: FakeClock) -> None:
    """Callables are given it, even if it was discarded, and also one that an orphan brings meanwhile."""
    first = lead(cache).flight
    assert first.newest is None
    clock.advance(GRACE)
    second = lead(cache, YOU).flight
    lease = a_lease(clock)
    cache.settle(first, lease)
    assert second.newest is lease
    cache.settle(second, GONE)
    cache.discard(lease)
    assert lead(cache).flight.newest is lease


def test_following_starts_no_flight(cache: TokenCache, clock: FakeClock) -> None:
    """A caller that does not lead leaves no trace."""
    first = lead(cache)
    cache.claim(YOU)
    assert cache._flight is first.flight
    assert isinstance(first.flight, Flight)
    cache.settle(first.flight, a_lease(clock))
    assert cache._flight is None


def test_only_a_renewal_with_a_token_to_fall_back_on_is_optional(cache: TokenCache, clock: FakeClock) -> None:
    assert not lead(cache).flight.is_optional
    cache.invalidate()
    stored(cache, clock)
    clock.advance(85)
    assert lead(cache).flight.is_optional


def test_a_token_remembers_the_one_before_it(cache: TokenCache, clock: FakeClock) -> None:
    """Even if that one was discarded: a prepared request may still carry it."""
    first = stored(cache, clock)
    cache.discard(first)
    assert list(stored(cache, clock).chain())[1:] == [first]


def test_invalidating_twice_makes_two_epochs(cache: TokenCache, clock: FakeClock) -> None:
    """A flight that began between the two is as stale as an earlier one."""
    cache.invalidate()
    between = lead(cache).flight
    cache.invalidate()
    cache.settle(between, a_lease(clock))
    assert cache.current is None


def test_invalidating_wakes_those_who_wait(cache: TokenCache) -> None:
    """They ask again, and do not wait for a token that no one wants."""
    woken: list[bool] = []
    lead(cache).flight.subscribe(lambda: woken.append(True))
    cache.invalidate()
    assert woken == [True]
