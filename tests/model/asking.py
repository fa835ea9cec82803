"""One caller: a flow that the test moves, in a context of its own, as every thread and task has one."""

from __future__ import annotations

from contextvars import Context, copy_context
from math import inf
from typing import Any

from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import Detach, Effect, Send, Sleep, Wait
from oauth_cc_auth._core.flight import Flight, leading
from oauth_cc_auth._core.flow import TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._protocol.failure import Failure
from tests.fake_clock import FakeClock


class StepClock(FakeClock):
    """A clock that notices a flow that loops and never wants anything."""

    readings_left = inf  # in this step; what the test itself reads does not count

    def monotonic(self) -> float:
        self.readings_left -= 1
        assert self.readings_left > 0, "a caller goes round and round"
        return super().monotonic()


class Asking:
    """A caller, moved as a driver would: a wait ends when it is woken or its seconds are over.

    Attributes:
        refused: The lease that an API has just refused to this caller, or None.
        thread: Stands for the caller's thread.
        began: Monotonic seconds at which it asked.
        effect: What its flow wants done; None once it has ended.
        due: Monotonic seconds by which a driver has done that.
        outcome: What it got; None while it asks, and if it was cancelled.
        flight: What it leads or follows, or what it led or followed last.
    """

    def __init__(
        self,
        flow: TokenFlow,
        clock: StepClock,
        *,
        refused: Lease | None = None,
        thread: object = None,
        context: Context | None = None,
    ) -> None:
        self.refused = refused
        self.thread = object() if thread is None else thread
        self.began = self.due = clock.monotonic()
        self.effect: Effect | None = None
        self.outcome: Lease | Failure | None = None
        self.flight: Flight | None = None
        self.context = copy_context() if context is None else context
        self._clock = clock
        self._woken = False
        self._flow = flow.obtain(Caller(self.thread, loop=None), refused)

    def step(self, done: Any = None) -> None:
        """Send the outcome of the last effect, and start what the flow wants next."""
        self._end_effect()
        self._clock.readings_left = 1000
        try:
            effect = self.context.run(self._flow.send, done)
        except StopIteration as end:
            self.outcome = end.value
            return
        finally:
            self._clock.readings_left = inf
        self.effect = effect
        now = self._clock.monotonic()
        if isinstance(effect, Wait):
            self.due = now + effect.seconds
            self.flight = effect.flight
            self._woken = False
            effect.flight.subscribe(self._wake)
            return
        assert not isinstance(effect, Detach), "the model's callers renew by themselves"
        self.due = now + (effect.seconds if isinstance(effect, Sleep) else effect.budget)
        self.flight = self.context.run(leading.get)[-1]

    def _end_effect(self) -> None:
        if isinstance(self.effect, Wait):
            self.effect.flight.unsubscribe(self._wake)
        self.effect = None

    def _wake(self) -> None:
        self._woken = True

    def close(self) -> None:
        """It is cancelled, or collected as garbage."""
        self._end_effect()
        self.context.run(self._flow.close)

    def kill(self) -> None:
        """A `KeyboardInterrupt` in whatever it was doing."""
        self._end_effect()
        try:
            self.context.run(self._flow.throw, KeyboardInterrupt())
        except KeyboardInterrupt:
            return
        raise AssertionError("the interrupt was swallowed")

    @property
    def is_sending(self) -> bool:
        """A token request of its own is on the wire."""
        return isinstance(self.effect, Send)

    @property
    def is_fetching(self) -> bool:
        """It leads: it has a token request on the wire, or pauses before the next."""
        return isinstance(self.effect, (Send, Sleep))

    @property
    def is_waiting(self) -> bool:
        """It waits for a token request of another caller."""
        return isinstance(self.effect, Wait)

    @property
    def is_unwoken(self) -> bool:
        """It waits, and no one has woken it."""
        return self.is_waiting and not self._woken

    @property
    def can_move(self) -> bool:
        """Its driver would move it now, without any answer of the endpoint."""
        if self.effect is None or self.is_sending:
            return False
        return (self.is_waiting and self._woken) or self._clock.monotonic() >= self.due
