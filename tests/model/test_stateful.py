"""The cache and the flow, told by chance: callers, cancellations, lost leaders, expiries, refusals, failures, forks.

Every step is judged by `promises`. The examples are the same in every run; `OAUTH_CC_AUTH_MODEL_EXAMPLES` asks for more
of them, and for others each time.
"""

from __future__ import annotations

import os
from contextvars import Context

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth import _cache as cache_module
from oauth_cc_auth._cache import TokenCache
from oauth_cc_auth._flight import GRACE
from oauth_cc_auth._flow import TokenFlow
from oauth_cc_auth._lease import Lease, RenewalRules
from oauth_cc_auth._observer import Observer
from oauth_cc_auth._origin import origin_of
from tests.fake_clock import FakeClock
from tests.model.answers import DROPPED, FAILURES, LIVES, Answer, token
from tests.model.asking import Asking
from tests.model.promises import DEADLINE, Promises
from tests.model.refusing import RefusingOrigin

MORE = int(os.environ.get("OAUTH_CC_AUTH_MODEL_EXAMPLES", "0"))

which = st.integers(0, 11)  # one of those that there are, counted round


class TokenMachine(RuleBasedStateMachine):
    """One auth object's core, many callers, and a test that is network, clock and scheduler."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.cache = TokenCache(self.clock)
        config = ClientCredentialsConfig(
            "https://login.example.com/token", "id", "secret", client_authentication="client_secret_post"
        )
        self.flow = TokenFlow(
            config, self.cache, Observer(config, None), timeout=10, deadline=DEADLINE, rules=RenewalRules()
        )
        self.promises = Promises(self.clock, self.cache)
        self.ghosts: list[Asking] = []  # they run no more, and may be collected as garbage at any time
        self.origin = RefusingOrigin(origin_of("https://api.example.com"), self.clock, self.cache.refusals)

    def _ask(self, refused: Lease | None = None, thread: object = None, context: Context | None = None) -> Asking:
        asking = Asking(self.flow, self.clock, refused=refused, thread=thread, context=context)
        self.promises.join(asking)
        return asking

    # --- callers ----------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def ask(self, count: int) -> None:
        for _ in range(count):
            self._ask()

    @rule(answers=st.lists(st.sampled_from([*FAILURES, token(2), token(100)]), min_size=1, max_size=4))
    def ask_and_answer(self, answers: list[Answer]) -> None:
        """One after the other, and each is answered at once."""
        for answer in answers:
            asking = self._ask()
            if asking.is_sending:
                self.promises.move(asking, answer)

    @precondition(lambda self: self.promises.tokens)
    @rule(which=which)
    def ask_after_a_refusal(self, which: int) -> None:
        """By an API that takes the next token; a late refusal of an old one as well."""
        tokens = self.promises.tokens[-4:]
        self._ask(refused=tokens[-1 - which % len(tokens)])

    @precondition(lambda self: self.promises.wanted is not None)
    @rule(
        mark=st.sampled_from(["fresh_until", "fresh_until", "waiting_from"]),
        refused=st.sampled_from(["nothing", "an older one", "this one"]),
    )
    def ask_when_it_is_to_be_renewed(self, mark: str, refused: str) -> None:
        """One renews; whether the next waits depends on how old the token is, and on what was refused to it."""
        self._pass_time_to_a_mark(mark)
        self._ask()
        older = [lease for lease in self.promises.tokens if lease is not self.promises.wanted]
        if refused == "an older one" and older:
            self._ask(refused=older[-1])
        elif refused == "this one":
            self._ask(refused=self.promises.wanted)
        self._ask()

    @precondition(lambda self: self.promises.tokens)
    @rule(issued=st.integers(0, 4))
    def ask_after_a_refusal_of_every_token(self, issued: int) -> None:
        """By an API that takes none, again and again; the endpoint issues as many tokens at once."""
        for number in range(issued + 1):
            lease = self.promises.tokens[-1]
            if not self.origin.may_be_renewed(lease):
                break
            asking = self._ask(refused=lease)
            self.origin.driven(asking, lease)
            if number < issued and asking.is_sending:
                self.promises.move(asking, token(life=100))
            self.origin.check()

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def ask_on_behalf_of_the_leader(self) -> None:
        """A secret callable or a log handler that uses the same auth: it must not wait for itself."""
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
        """It takes too long; should it come back one day, it is an orphan."""
        assert self.promises.leader is not None
        self._advance_to(self.promises.leader.due + GRACE)
        self._ask()

    @precondition(lambda self: self.promises.leader is not None)
    @rule()
    def ask_in_the_thread_of_a_leader_that_was_interrupted(self) -> None:
        """Before it could settle its flight: what runs in its thread now shows that it runs no more."""
        leader = self.promises.leader
        assert leader is not None
        if leader in self.promises.callers:
            self.promises.interrupted(leader)
            self.ghosts.append(leader)
        self._ask(thread=leader.thread)

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

    # --- time -------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 400.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([1.0, 20.0, 3600.0]))
    def suspend(self, seconds: float) -> None:
        """The machine sleeps: only the wall clock goes on."""
        self.clock.now_wall += seconds

    @precondition(lambda self: self.promises.wanted is not None)
    @rule(mark=st.sampled_from(["fresh_until", "waiting_from", "ends_at"]))
    def pass_time_to_a_mark_of_the_token(self, mark: str) -> None:
        self._pass_time_to_a_mark(mark)

    def _pass_time_to_a_mark(self, mark: str) -> None:
        at = getattr(self.promises.wanted, mark)
        if self.clock.wall() < at < self.clock.wall() + 10**6:
            self.clock.advance(at - self.clock.wall())

    @precondition(lambda self: self.promises.callers)
    @rule(grace=st.sampled_from([0.0, 0.0, GRACE]))
    def pass_time_to_the_next_step(self, grace: float) -> None:
        """Or until its leader counts as lost."""
        self._advance_to(min(asking.due for asking in self.promises.callers) + grace)

    def _advance_to(self, monotonic: float) -> None:
        if monotonic > self.clock.monotonic():
            self.clock.advance(monotonic - self.clock.monotonic())

    @rule(chance=st.sampled_from([0.0, 0.5, 0.999]))
    def draw(self, chance: float) -> None:
        self.clock.chance_value = chance

    # --- the person, and the system ---------------------------------------------------------------------------------

    @rule()
    def invalidate(self) -> None:
        self.cache.invalidate()
        self.promises.invalidated()
        self.origin.forgotten()

    @rule(which=st.none() | which)
    def fork(self, which: int | None) -> None:
        """We go on as the child; at most one caller comes along: the one whose thread called fork."""
        callers = list(self.promises.callers)
        child = callers[which % len(callers)] if callers and which is not None else None
        for asking in callers:
            self.promises.orphan(asking)
            if asking is not child:
                self.promises.interrupted(asking)
                self.ghosts.append(asking)
        self.promises.leader = None  # one that was interrupted earlier is no caller
        cache_module._after_fork_in_child()

    # --- promises ---------------------------------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        self.promises.check()
        self.origin.check()

    def teardown(self) -> None:
        """Every caller ends, each by its deadline, whatever the endpoint does."""
        steps = 0
        while self.promises.callers:
            steps += 1
            assert steps < 1000, "somebody never ends"
            self._move_all()
            self.promises_are_kept()
            callers = self.promises.callers
            if callers:
                self._advance_to(min(asking.due for asking in callers))
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
