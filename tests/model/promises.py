"""The promises about tokens, judged from outside: what each caller wants and gets, and what the endpoint answers.

This is told in the words of the promises and keeps its own books; of the core it reads only which flight a caller leads
or follows, and how that ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oauth_cc_auth._cache import TokenCache
from oauth_cc_auth._effects import Sleep
from oauth_cc_auth._flight import GRACE, Failure, Flight
from oauth_cc_auth._lease import Lease
from tests.fake_clock import FakeClock
from tests.model.answers import DROPPED, Answer
from tests.model.asking import Asking
from tests.model.holds import Holds

DEADLINE = 30.0  # seconds, of each caller
TRIES = 3  # token requests of one flight that nobody can do without


@dataclass(eq=False)
class Fetch:
    """What is known of a flight.

    Attributes:
        leader: Who fetches.
        has_fallback: Its leader has a token that is still good.
        epoch: How often `invalidate` had been called when it began.
        tokens_before: How many tokens had come when it began.
        is_orphan: Somebody took over, or nobody wants its token any more.
        sent: Token requests.
    """

    leader: Asking
    has_fallback: bool
    epoch: int
    tokens_before: int
    is_orphan: bool = False
    sent: int = 1


@dataclass(eq=False)
class Story:
    """What is known of a caller: its token of last resort, what it may get, and since when it asks."""

    epoch: int
    fallback: Lease | None = None
    may_get: list[Lease] = field(default_factory=list)


class Promises:
    """Moves callers and judges what becomes of them.

    Attributes:
        callers: Those who are asking.
        wanted: The token that everybody is to use; None where there is none.
        leader: Who fetches on behalf of all, where somebody does.
    """

    def __init__(self, clock: FakeClock, cache: TokenCache) -> None:
        self.clock = clock
        self.cache = cache
        self.callers: list[Asking] = []
        self.wanted: Lease | None = None
        self.leader: Asking | None = None
        self.holds = Holds()
        self.tokens: list[Lease] = []  # each once, in the order in which they were handed out
        self._epoch = 0
        self._tokens_come = 0
        self._issued: dict[Lease, tuple[float, int]] = {}  # when it was handed out first, and its epoch
        self._fetches: dict[Flight, Fetch] = {}
        self._stories: dict[Asking, Story] = {}

    # --- what happens -----------------------------------------------------------------------------------------------

    def join(self, asking: Asking) -> None:
        """`asking` begins to ask."""
        self.callers.append(asking)
        self._stories[asking] = Story(self._epoch, may_get=[self.wanted] if self.wanted else [])
        self.move(asking)

    def move(self, asking: Asking, answer: Answer | None = None) -> None:
        """`asking` goes on, with `answer` where it had sent a token request."""
        flight, was_fetching, was_waiting = asking.flight, asking.is_fetching, asking.is_waiting
        story = self._stories[asking]
        fallback = story.fallback
        asking.step(None if answer is None else answer.wire)
        if was_fetching and flight is not None:
            if flight.outcome is None:
                self._goes_on(asking, self._fetches[flight], answer)
            else:
                self._landed(asking, flight, DROPPED if answer is None else answer)
        if asking.effect is None:
            self._ended(asking, flight)
        elif asking.flight is not flight:
            story.fallback = self._usable(asking)
            if asking.is_fetching:
                self._leads(asking)
            else:
                self._follows(asking)
        if was_waiting and flight is not None and isinstance(flight.outcome, Failure):
            self._shares(asking, flight, flight.outcome, fallback)

    def leave(self, asking: Asking, *, killed: bool) -> None:
        """`asking` is cancelled or killed."""
        if killed:
            asking.kill()
        else:
            asking.close()
        self.callers.remove(asking)
        if self.leader is asking:
            self.leader = None

    def interrupted(self, asking: Asking) -> None:
        """`asking` runs no more before it could tell anybody; only what runs in its thread can know."""
        self.callers.remove(asking)

    def collected(self, asking: Asking) -> None:
        """What was left of `asking`, which ran no more, is garbage."""
        asking.close()
        if self.leader is asking:
            self.leader = None

    def orphan(self, asking: Asking) -> None:
        """Nobody waits for `asking` any more."""
        if asking.is_fetching and asking.flight is not None:
            self._fetches[asking.flight].is_orphan = True
        if self.leader is asking:
            self.leader = None

    def invalidated(self) -> None:
        """The person has called `invalidate`."""
        self._epoch += 1
        self.wanted = None
        self.holds = Holds()
        if self.leader is not None:
            self.orphan(self.leader)  # it may be one that runs no more, and so is no caller
        for asking in self.callers:
            self.orphan(asking)

    # --- what follows from it ---------------------------------------------------------------------------------------

    def _leads(self, asking: Asking) -> None:
        now, usable = self.clock.monotonic(), self._usable(asking)
        if self.leader is not None:
            is_lost = self.is_overdue(self.leader) or self.leader.thread is asking.thread
            assert is_lost, "two token requests at a time"
            self.orphan(self.leader)
        self.leader = asking
        assert now >= self.holds.everybody, "the endpoint is asked during a hold"
        if usable is not None:
            assert asking.refused is None, "a token that was refused earlier costs a newer one"
            assert self.clock.wall() >= usable.fresh_until, "a fresh token is renewed"
        hopeless = asking.refused is not None and asking.refused is self.wanted and self.holds.in_a_row >= 2
        if usable is not None or hopeless:
            assert now >= self.holds.renewals, "a renewal that can wait does not wait"
        assert asking.is_sending
        assert asking.flight is not None
        self._fetches[asking.flight] = Fetch(asking, usable is not None, self._epoch, self._tokens_come)

    def _follows(self, asking: Asking) -> None:
        usable = self._usable(asking)
        assert self.leader is not None, "somebody waits and nobody fetches"
        assert asking.flight is self.leader.flight
        is_lost = self.is_overdue(self.leader) or self.leader.thread is asking.thread
        assert not is_lost, "somebody waits for a leader that is lost"
        if usable is not None:
            assert asking.refused is None, "somebody waits who was refused an older token"
            assert self.clock.wall() >= usable.waiting_from, "somebody waits while the token is aging"

    def _goes_on(self, asking: Asking, fetch: Fetch, answer: Answer | None) -> None:
        """The flight is still under way."""
        if answer is None:
            fetch.sent += 1
            return
        assert not answer.is_token
        assert not answer.is_final
        assert isinstance(asking.effect, Sleep)
        assert not fetch.has_fallback, "a renewal that can wait takes more than one token request"
        assert fetch.sent < TRIES
        if answer.retry_after is not None:
            assert asking.effect.seconds >= answer.retry_after

    def _landed(self, asking: Asking, flight: Flight, answer: Answer) -> None:
        """The flight has ended, with a token or a failure."""
        fetch = self._fetches[flight]
        lease = flight.outcome
        if self.leader is asking:
            self.leader = None
        if not isinstance(lease, Lease):
            assert not answer.is_token
            if not fetch.is_orphan:
                left = self.wanted.ends_at - self.clock.wall() if self.wanted is not None else 0
                self.holds.note(answer, self.clock.monotonic(), left, was_one_attempt=fetch.has_fallback)
            return
        assert answer.is_token
        self._issued[lease] = (self.clock.monotonic(), fetch.epoch)
        if fetch.is_orphan:
            # Welcome where there is nothing newer; an obligation to nobody.
            is_stale = fetch.epoch != self._epoch or fetch.tokens_before != self._tokens_come
            assert self.cache.current is (self.wanted if is_stale else lease) or (
                not is_stale and self.cache.current is self.wanted
            ), "an orphan overwrites a newer token"
            if self.cache.current is not lease:
                return
        self._tokens_come += 1
        self.wanted = lease
        self.holds = Holds()
        for other in self.callers:
            self._stories[other].may_get.append(lease)

    def _ended(self, asking: Asking, flight: Flight | None) -> None:
        story = self._stories[asking]
        self.callers.remove(asking)
        now, wall = self.clock.monotonic(), self.clock.wall()
        own = None if flight is None else flight.outcome
        outcome = asking.outcome
        if isinstance(outcome, Lease):
            assert outcome is not asking.refused, "a refused token is given back"
            assert outcome is own or outcome in story.may_get, "a token from nowhere"
            issued, epoch = self._issued[outcome]
            assert wall < outcome.ends_at or (outcome is own and issued >= asking.began), "an expired token"
            assert epoch >= story.epoch, "a token that was asked for before invalidate()"
            if outcome not in self.tokens:
                self.tokens.append(outcome)
            return
        assert isinstance(outcome, Failure)
        assert self._usable(asking) is None, "a failure although there is a token"
        if outcome is own or now >= asking.began + DEADLINE:
            return
        was_refused = asking.refused is not None and asking.refused is self.wanted and self.holds.in_a_row >= 2
        until = self.holds.renewals_at_most if was_refused else self.holds.everybody
        assert now < until, "a failure that nobody has met"

    def _shares(self, asking: Asking, flight: Flight, failure: Failure, fallback: Lease | None) -> None:
        """`asking` was waiting for a flight that failed."""
        if fallback is not None:
            if self.clock.wall() < fallback.ends_at:
                assert isinstance(asking.outcome, Lease), "a failed renewal does harm"
            return
        if self._fetches[flight].has_fallback and failure.verdict.transient:
            in_time = self.clock.monotonic() < asking.began + DEADLINE
            assert asking.outcome is not failure or not in_time, "the one try of somebody who could do without counts"
            return
        assert asking.effect is None, "a queue of retries"
        assert asking.outcome is failure or isinstance(asking.outcome, Lease)

    # --- what always holds ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Nobody is left waiting, and the token that everybody is to use is there."""
        assert self.cache.current is self.wanted, "a token is thrown away"
        for asking in self.callers:
            assert asking.effect is not None
            assert asking.due <= asking.began + DEADLINE + 1e-6 or asking.due <= self.clock.monotonic() + 1e-6
            if asking.is_unwoken:
                assert asking.flight is not None
                fetch = self._fetches[asking.flight]
                assert asking.flight.outcome is None, "nobody tells a waiter that its flight has ended"
                assert not fetch.is_orphan or fetch.leader not in self.callers, "nobody tells a waiter of a takeover"

    def is_overdue(self, asking: Asking) -> bool:
        """Its step has taken so long that others need not wait for it."""
        return self.clock.monotonic() >= asking.due + GRACE

    def _usable(self, asking: Asking) -> Lease | None:
        """The token that there is for `asking`."""
        lease = self.wanted
        if lease is None or lease is asking.refused or self.clock.wall() >= lease.ends_at:
            return None
        return lease
