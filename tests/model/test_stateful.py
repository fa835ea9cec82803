"""The cache and the flow, driven by chance: callers, cancellations, lost leaders, expiries, refusals, failures, forks.

`promises` judges every step. The examples are the same in every run; `OAUTH_CC_AUTH_MODEL_EXAMPLES` asks for more,
and for others each time.
"""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from oauth_cc_auth._core import cache as cache_module
from oauth_cc_auth._core.flight import GRACE
from tests.model.answers import DROPPED, FAILURES, LIVES, Answer, token
from tests.model.asking import Asking
from tests.model.passing_time import pauses, which
from tests.model.refused_again import RefusedAgain

MORE = int(os.environ.get("OAUTH_CC_AUTH_MODEL_EXAMPLES", "0"))


class TokenMachine(RefusedAgain):
    """The rules of callers, of the endpoint, of a person and of the system."""

    # --- callers ----------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def ask(self, count: int) -> None:
        for _ in range(count):
            self.begin()

    @rule(
        answers=st.lists(st.tuples(st.sampled_from([*FAILURES, token(2), token(100)]), pauses), min_size=1, max_size=4),
        is_refused=st.booleans(),
    )
    def ask_and_answer(self, answers: list[tuple[Answer, float]], is_refused: bool) -> None:
        """Callers one after the other, each answered at once; in between, some of the hold passes."""
        for answer, pause in answers:
            asking = self.begin(refused=self.promises.wanted if is_refused else None)
            if asking.is_sending:
                self.promises.move(asking, answer)
            self.pass_some_of_the_hold(pause)

    @precondition(lambda self: self.promises.tokens)
    @rule(which=which)
    def ask_after_a_refusal(self, which: int) -> None:
        """By an API that accepts the next token; also a late refusal of an old one."""
        tokens = self.promises.tokens[-4:]
        self.begin(refused=tokens[-1 - which % len(tokens)])

    @precondition(lambda self: self.promises.wanted is not None)
    @rule(
        mark=st.sampled_from(["aging_from", "aging_from", "waiting_from"]),
        refused=st.sampled_from(["nothing", "an older one", "this one"]),
        answer=st.none() | st.sampled_from([*FAILURES, token(100)]),
    )
    def ask_when_it_is_to_be_renewed(self, mark: str, refused: str, answer: Answer | None) -> None:
        """One renews. Whether the next one waits depends on how old the token is, and on what it was refused."""
        self.advance_to_a_mark(mark)
        renewing = self.begin()
        older = [lease for lease in self.promises.tokens if lease is not self.promises.wanted]
        if refused == "an older one" and older:
            self.begin(refused=older[-1])
        elif refused == "this one":
            self.begin(refused=self.promises.wanted)
        self.begin()
        if answer is not None and renewing.is_sending:
            self.promises.move(renewing, answer)
            self._move_all()

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def ask_on_behalf_of_the_leader(self) -> None:
        """A secret callable or a log handler uses the same auth object: it must not wait for itself."""
        leader = self.promises.leader
        assert leader is not None
        if not self.promises.is_overdue(leader):
            asking = Asking(self.flow, self.clock, context=leader.context.copy())
            asking.step()
            assert asking.effect is None

    @precondition(lambda self: self.promises.callers)
    @rule(which=which, killed=st.booleans())
    def cancel(self, which: int, killed: bool) -> None:
        callers = self.promises.callers
        self.promises.leave(callers[which % len(callers)], killed=killed)

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def cancel_the_leader(self) -> None:
        leader = self.promises.leader
        assert leader is not None
        if leader in self.promises.callers:
            self.promises.leave(leader, killed=False)

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def ask_when_the_leader_is_lost(self) -> None:
        """It takes too long; if it comes back, it is an orphan."""
        assert self.promises.leader is not None
        self.pass_time_to(self.promises.leader.due + GRACE)
        self.begin()

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def ask_in_the_thread_of_a_leader_that_was_interrupted(self) -> None:
        """It could not settle its flight. What runs in its thread now shows that it was stopped."""
        leader = self.promises.leader
        assert leader is not None
        if leader in self.promises.callers:
            self.promises.interrupted(leader)
            self.ghosts.append(leader)
        self.begin(thread=leader.thread)

    @rule(which=which)
    def move(self, which: int) -> None:
        movable = [asking for asking in self.promises.callers if asking.can_move]
        if movable:
            self.promises.move(movable[which % len(movable)])

    @rule()
    def move_all(self) -> None:
        self._move_all()

    def _move_all(self) -> None:
        for asking in list(self.promises.callers):
            if asking.can_move:
                self.promises.move(asking)

    @precondition(lambda self: self.ghosts)
    @rule(which=which)
    def collect_garbage(self, which: int) -> None:
        self.promises.collected(self.ghosts.pop(which % len(self.ghosts)))

    # --- the endpoint -----------------------------------------------------------------------------------------------

    @precondition(lambda self: any(asking.is_sending for asking in self.promises.callers))
    @rule(which=which, life=st.sampled_from(LIVES))
    def issue(self, which: int, life: float | None) -> None:
        self.promises.move(self._sending(which), token(life))

    @precondition(lambda self: any(asking.is_sending for asking in self.promises.callers))
    @rule(which=which, answer=st.sampled_from(FAILURES))
    def fail(self, which: int, answer: Answer) -> None:
        self.promises.move(self._sending(which), answer)

    def _sending(self, which: int) -> Asking:
        sending = [asking for asking in self.promises.callers if asking.is_sending]
        return sending[which % len(sending)]

    # --- the person, and the system ---------------------------------------------------------------------------------

    @rule()
    def invalidate(self) -> None:
        self.cache.invalidate()
        self.promises.invalidated()
        self.origin.forgotten()

    @rule(which=st.none() | which)
    def fork(self, which: int | None) -> None:
        """We go on as the child. At most one caller comes along: the one whose thread called fork."""
        callers = list(self.promises.callers)
        child = callers[which % len(callers)] if callers and which is not None else None
        for asking in callers:
            self.promises.orphan(asking)
            if asking is not child:
                self.promises.interrupted(asking)
                self.ghosts.append(asking)
        self.promises.leader = None  # an interrupted one is no caller
        cache_module._after_fork_in_child()

    # --- promises ---------------------------------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        self.promises.check()
        self.origin.check()

    def teardown(self) -> None:
        """Every caller ends by its deadline, no matter what the endpoint does."""
        if sys.exc_info()[0] is not None:
            return  # a promise is broken already; a later breach would hide it
        steps = 0
        while self.promises.callers:
            steps += 1
            assert steps < 1000, "a caller never ends"
            self._move_all()
            self.promises_are_kept()
            callers = self.promises.callers
            if callers:
                self.pass_time_to(min(asking.due for asking in callers))
            for asking in list(callers):
                if asking.is_sending and self.clock.monotonic() >= asking.due:
                    self.promises.move(asking, DROPPED if steps % 2 else token(life=100))


TestModel = TokenMachine.TestCase
TestModel.settings = settings(
    max_examples=MORE or 300,
    stateful_step_count=50,
    derandomize=not MORE,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
