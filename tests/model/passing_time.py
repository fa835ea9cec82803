"""How time passes: in steps of any size, and to the moments at which something changes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from oauth_cc_auth._core.flight import GRACE
from tests.model.machine import Machine

pauses = st.sampled_from([0.0, 0.4, 0.6, 1.0, 1.0])  # fractions of the hold
which = st.integers(0, 11)  # an index, modulo how many there are


class PassingTime(Machine):
    """The rules of time."""

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 400.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([1.0, 20.0, 3600.0]))
    def suspend(self, seconds: float) -> None:
        """The computer sleeps: only the wall clock goes on."""
        self.clock.now_wall += seconds

    @rule(seconds=st.sampled_from([1.0, 3600.0]))
    def set_back(self, seconds: float) -> None:
        """Someone sets the wall clock back."""
        self.clock.now_wall -= seconds

    @precondition(lambda self: self.promises.wanted is not None)
    @rule(mark=st.sampled_from(["aging_from", "waiting_from", "ends_at"]))
    def pass_time_to_a_mark_of_the_token(self, mark: str) -> None:
        self.advance_to_a_mark(mark)

    def pass_time_to(self, monotonic: float) -> None:
        if monotonic > self.clock.monotonic():
            self.clock.advance(monotonic - self.clock.monotonic())

    def advance_to_a_mark(self, mark: str) -> None:
        seconds = self.clock.moment().seconds_to(getattr(self.promises.wanted, mark))
        if 0 < seconds < 10**6:
            self.clock.advance(seconds)

    @precondition(lambda self: self.promises.callers)
    @rule(grace=st.sampled_from([0.0, 0.0, GRACE]))
    def pass_time_to_the_next_step(self, grace: float) -> None:
        """To the next step of a caller, or until its leader counts as lost."""
        self.pass_time_to(min(asking.due for asking in self.promises.callers) + grace)

    def pass_some_of_the_hold(self, fraction: float) -> None:
        """Some of the time for which no one may ask the token endpoint or renew for the origin."""
        holds, now = self.promises.holds, self.clock.monotonic()
        until = holds.everybody_at_most if self.promises.wanted is None else holds.renewals_at_most
        self.pass_time_to(now + (max(until, self.origin.held_until, now) - now) * fraction)

    @rule(chance=st.sampled_from([0.0, 0.5, 0.999]))
    def draw(self, chance: float) -> None:
        self.clock.chance_value = chance
