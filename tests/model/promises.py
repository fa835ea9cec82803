"""The promises about tokens, judged from outside: what each caller wants and gets, and what the endpoint answers."""

from __future__ import annotations

from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.effects import Sleep
from oauth_cc_auth._core.flight import GRACE, Flight
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._protocol.failure import Failure
from tests.model.answers import DEADLINE, DROPPED, Answer
from tests.model.asking import Asking, StepClock
from tests.model.books import TRIES, Books, Fetch, Story
from tests.model.holds import Holds


class Promises(Books):
    """Moves callers, and judges what they get."""

    def __init__(self, clock: StepClock, cache: TokenCache) -> None:
        super().__init__(clock)
        self.cache = cache

    # --- what happens -----------------------------------------------------------------------------------------------

    def join(self, asking: Asking) -> None:
        """`asking` begins to ask."""
        self.callers.append(asking)
        self.stories[asking] = Story(self.epoch, may_get=[self.wanted] if self.wanted else [])
        self.move(asking)

    def move(self, asking: Asking, answer: Answer | None = None) -> None:
        """`asking` goes on, with `answer` if it had sent a token request."""
        flight, was_fetching, was_waiting = asking.flight, asking.is_fetching, asking.is_waiting
        story = self.stories[asking]
        fallback = story.fallback
        asking.step(None if answer is None else answer.wire)
        if was_fetching and flight is not None:
            if flight.outcome is None:
                self._goes_on(asking, self.fetches[flight], answer)
            else:
                self._landed(asking, flight, DROPPED if answer is None else answer)
        if asking.effect is None:
            self._ended(asking, flight)
        elif asking.flight is not flight:
            story.fallback = self.usable(asking)
            if asking.is_fetching:
                self._leads(asking)
            else:
                self._follows(asking)
        if flight is not None and isinstance(flight.outcome, Failure):
            self._failed(asking, flight, flight.outcome, fallback, was_waiting=was_waiting)

    # --- what follows from it ---------------------------------------------------------------------------------------

    def _leads(self, asking: Asking) -> None:
        now, usable = self.clock.monotonic(), self.usable(asking)
        if self.leader is not None:
            is_lost = self.is_lost(self.leader, asking)
            assert is_lost, "two token requests at a time"
            self.orphan(self.leader)
        self.leader = asking
        assert now >= self.holds.everybody, "the endpoint is asked during a hold"
        if usable is not None:
            assert asking.refused is None, "a token that was refused earlier costs a newer one"
            moment = self.clock.moment()
            assert moment.has_reached(usable.aging_from), "a fresh token is renewed"
            is_due = moment.has_reached(usable.waiting_from)
            left = moment.seconds_to(usable.ends_at) / (2 if is_due else 1)
            assert asking.due <= now + left + 1e-6, "the renewal of a token takes its last moments"
        hopeless = asking.refused is not None and asking.refused is self.wanted and self.holds.in_a_row >= 2
        if usable is not None or hopeless:
            assert now >= self.holds.renewals, "a renewal that can wait does not wait"
        assert asking.flight is not None
        self.fetches[asking.flight] = Fetch(asking, usable is not None, self.epoch, self.wanted)
        self.fetches[asking.flight].is_probe = usable is None and self.holds.is_probe(now)
        if isinstance(asking.effect, Sleep):
            assert usable is None, "a renewal sleeps"
            assert asking.due == self.holds.pause_until, "a caller sleeps for no reason"
            self.fetches[asking.flight].sent = 0
        else:
            assert usable is not None or now >= self.holds.pause_until, "a caller does not wait as the endpoint asked"
            assert asking.is_sending

    def _follows(self, asking: Asking) -> None:
        usable = self.usable(asking)
        assert self.leader is not None, "a caller waits and no one fetches"
        assert asking.flight is self.leader.flight
        is_lost = self.is_lost(self.leader, asking)
        assert not is_lost, "a caller waits for a leader that is lost"
        assert asking.due <= self.leader.due + GRACE + 1e-6, "a caller does not see in time that the leader is lost"
        if usable is not None:
            assert asking.refused is None, "a caller waits that was refused an older token"
            moment = self.clock.moment()
            assert moment.has_reached(usable.waiting_from), "a caller waits while the token is aging"
            half = moment.seconds_to(usable.ends_at) / 2
            assert asking.due <= moment.monotonic + half + 1e-6, "a caller waits until its token ends"

    def _goes_on_at_once(self, asking: Asking, lease: Lease) -> None:
        """`asking` uses the token at hand."""
        now = self.clock.moment()
        if (
            asking.refused is None
            and now.has_reached(lease.aging_from)
            and self.clock.monotonic() >= self.holds.renewals_at_most
        ):
            assert self.leader is not None, "no one renews an aging token"
            assert not self.is_lost(self.leader, asking), "an aging token waits for a leader that is lost"
            assert not now.has_reached(lease.waiting_from), "no one waits although the token is due"

    def _goes_on(self, asking: Asking, fetch: Fetch, answer: Answer | None) -> None:
        """The flight is still under way."""
        if answer is None:
            fetch.sent += 1
            return
        assert not answer.is_token
        assert not answer.is_final
        assert isinstance(asking.effect, Sleep)
        assert not fetch.is_probe, "who finds out whether the endpoint still fails asks more than once"
        assert not fetch.has_fallback, "a renewal that can wait takes more than one token request"
        assert fetch.sent < TRIES
        if answer.retry_after is not None:
            assert asking.effect.seconds >= answer.retry_after

    def _landed(self, asking: Asking, flight: Flight, answer: Answer) -> None:
        """The flight has ended, with a token or a failure."""
        fetch = self.fetches[flight]
        lease = flight.outcome
        if self.leader is asking:
            self.leader = None
        if not isinstance(lease, Lease):
            assert not answer.is_token
            if not fetch.is_orphan:
                left = self.clock.moment().seconds_to(self.wanted.ends_at) if self.wanted is not None else 0
                self.holds.note(answer, self.clock.monotonic(), left, was_one_attempt=fetch.has_fallback)
            return
        assert answer.is_token
        self.issued[lease] = (self.clock.monotonic(), fetch.epoch)
        if fetch.is_orphan:
            is_stale = fetch.epoch != self.epoch or fetch.replaces is not self.wanted
            if is_stale:
                assert self.cache.current is self.wanted, "an orphan overwrites a newer token"
                return
        self.arrived.append(lease)
        self.wanted = lease
        self.holds = Holds()
        for other in self.callers:
            self.stories[other].may_get.append(lease)

    def _ended(self, asking: Asking, flight: Flight | None) -> None:
        story = self.stories[asking]
        self.callers.remove(asking)
        now = self.clock.monotonic()
        own = None if flight is None else flight.outcome
        outcome = asking.outcome
        if isinstance(outcome, Lease):
            assert outcome is not asking.refused, "a refused token is given back"
            assert outcome is own or outcome in story.may_get, "a token from nowhere"
            issued, epoch = self.issued[outcome]
            is_new = outcome is own and issued >= asking.began
            assert is_new or not outcome.has_ended(self.clock.moment()), "an expired token"
            assert epoch >= story.epoch, "a token that was asked for before invalidate()"
            if flight is None:
                self._goes_on_at_once(asking, outcome)
            if outcome not in self.tokens:
                self.tokens.append(outcome)
            return
        assert isinstance(outcome, Failure)
        assert self.usable(asking) is None, "a failure although there is a token"
        if outcome is own or now >= asking.began + DEADLINE or self.holds.pause_until >= asking.began + DEADLINE:
            return
        was_refused = asking.refused is not None and asking.refused is self.wanted and self.holds.in_a_row >= 2
        until = self.holds.renewals_at_most if was_refused else self.holds.everybody_at_most
        assert now < until, "a failure that no one has met"

    def _failed(
        self, asking: Asking, flight: Flight, failure: Failure, fallback: Lease | None, *, was_waiting: bool
    ) -> None:
        """The flight that `asking` led or waited for has failed."""
        if fallback is not None and not fallback.has_ended(self.clock.moment()):
            assert isinstance(asking.outcome, Lease), "a failed renewal does harm"
        elif self.fetches[flight].has_fallback and failure.transient:
            in_time = self.clock.monotonic() < asking.began + DEADLINE
            assert asking.outcome is not failure or not in_time, "the one try of a renewal that can wait counts"
        elif fallback is None and was_waiting:
            assert asking.effect is None, "a queue of retries"
            assert asking.outcome is failure or isinstance(asking.outcome, Lease)

    # --- what always holds ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """No one is left waiting, and the token that everyone is to use is there."""
        assert self.cache.current is self.wanted, "a token is thrown away"
        for asking in self.callers:
            assert asking.effect is not None
            assert asking.due <= asking.began + DEADLINE + 1e-6 or asking.due <= self.clock.monotonic() + 1e-6
            if asking.is_unwoken:
                assert asking.flight is not None
                fetch = self.fetches[asking.flight]
                assert asking.flight.outcome is None, "no one wakes a waiter whose flight has ended"
                assert not fetch.is_orphan or fetch.leader not in self.callers, "no one wakes a waiter after a takeover"
