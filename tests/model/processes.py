"""Several processes that share a store, in one world: its time passes for all, and their clocks differ.

A process is the core of one auth object, with callers and a background. It sees the store through a `View`, which may
be cut off, hang or answer late for this process or for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import Context, copy_context
from math import inf
from typing import Any

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import AskStore, CallFunction, Detach, Effect, Raised, Send, Wait
from oauth_cc_auth._core.flow import TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._stores.sharing import Sharing, sharing_of
from tests.fake_clock import FakeClock
from tests.model.answers import DEADLINE

CONFIG = ClientCredentialsConfig(
    "https://login.example.com/token", "id", "secret", client_authentication="client_secret_post"
)
TIMEOUT = 10.0  # seconds, of each token request


class World:
    """What all processes have in common: time, and the store, which goes by a clock of its own.

    Attributes:
        now: Seconds since the beginning.
        key: Of the entry that all processes share; None until one has looked there. Others are beside it.
        values: What the store keeps and until when, by key.
        leases: Owner and end, by key.
        fault: What the store does instead of answering: "down", "hangs", "late", "lies"; None if it works.
        late: Operations that no one waits for any more, and that the store may carry out yet.
        processes: Those that live.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.key: str | None = None
        self.values: dict[str, tuple[bytes, float]] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.fault: str | None = None
        self.late: list[Callable[[], object]] = []
        self.processes: list[Process] = []

    def pass_time(self, seconds: float) -> None:
        """Let `seconds` pass for everyone."""
        self.now += seconds
        for process in self.processes:
            process.clock.advance(seconds)

    def contents(self) -> list[dict[str, Any]]:
        """What the store has, the entry first. It is JSON after a signature."""
        keys = sorted(self.values, key=lambda key: key != self.key)
        values = [value for value, end in map(self.values.__getitem__, keys) if self.now < end]
        return [json.loads(value[value.index(b'{"alone_until"') :]) for value in values]

    def has_in_entry(self, text: str) -> bool:
        """True if the token in the entry is `text`."""
        value, end = self.values.get(self.key or "", (b"", 0.0))
        return self.now < end and f'"access_token": "{text}"'.encode() in value

    def owner(self, key: str | None = None) -> str | None:
        """Who has the lease of `key`; None for that of the entry."""
        owner, end = self.leases.get(key or self.key or "", (None, 0.0))
        return owner if self.now < end else None

    def is_busy_beside(self) -> bool:
        """True while someone has another lease than that of the entry: a late owner leaves its token there."""
        return any(self.owner(key) is not None for key in self.leases if key != self.key)


class View:
    """The store as one process sees it.

    Attributes:
        encrypt: There is no one to hide anything from.
        is_cut_off: The network between the two is down.
        is_dead: The process was killed, and what is left of it reaches nothing.
        owners: The owners of leases that the process has asked for.
        unreleased: Those that it could not let go of, since it did not reach the store: their leases end by themselves.
    """

    encrypt = False

    def __init__(self, world: World) -> None:
        self.is_cut_off = self.is_dead = False
        self.owners: set[str] = set()
        self.unreleased: set[str] = set()
        self._world = world

    def read(self, key: str) -> tuple[bytes | None, float]:
        self._check()
        self._world.key = self._world.key or key
        value, end = self._world.values.get(key, (None, 0.0))
        if self._world.fault == "lies":
            return b"what no one wrote", self._clock()
        return value if self._world.now < end else None, self._clock()

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        self._check()
        if self._world.owner(key) != owner:
            return False
        self._world.values[key] = value, self._world.now + seconds
        return True

    def delete(self, key: str) -> None:
        self._check()
        self._world.values.pop(key, None)

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        self._check()
        self.owners.add(owner)
        if self._world.owner(key) not in (None, owner):
            return False
        self._world.leases[key] = owner, self._world.now + seconds
        return True

    def release(self, key: str, owner: str) -> None:
        self.unreleased.add(owner)
        self._check()
        self.unreleased.discard(owner)
        if self._world.owner(key) == owner:
            del self._world.leases[key]

    def _clock(self) -> float:
        return 1_600_000_000.0 + self._world.now

    def _check(self) -> None:
        if self.is_cut_off or self.is_dead or self._world.fault == "down":
            raise OSError("the store is down")


class Process:
    """One process with an auth object that renews in the background.

    Attributes:
        clock: Its clocks; `ahead` seconds ahead of those of the others.
        callers: Those who ask in it, and its background.
        refused: The tokens that an API has refused to it.
        unwanted: The tokens that it has had or found when `invalidate` was called, and those that it had before.
        doubtful: Tokens that it may have found soon after that, and need not use.
        doubts: `invalidate` was called: what it finds next may be what that was about, and failures do not count.
        last_asked: When its last token was asked for: one that was asked for earlier is of no use to it.
        is_new: No caller of it has got anything yet.
        doubted_until: What began before it got over that may last until then.
        invalidations: How often `invalidate` was called.
    """

    def __init__(self, world: World, ahead: float) -> None:
        self.world = world
        self.clock = FakeClock(now_wall=1_700_000_000.0 + ahead + world.now, now_monotonic=500.0 + world.now)
        self.view = View(world)
        self.cache = TokenCache(self.clock)
        self.cache.renews_in_background = lambda: True
        observer = Observer(CONFIG, None)
        self.sharing: Sharing = sharing_of(self.view, CONFIG, self.clock)(observer)
        self.flow = TokenFlow(
            CONFIG,
            self.cache,
            observer,
            timeout=TIMEOUT,
            deadline=DEADLINE,
            rules=RenewalRules(),
            sharing=self.sharing,
        )
        self.callers: list[Running] = []
        self.refused: set[str] = set()
        self.unwanted: set[str] = set()
        self.doubtful: set[str] = set()
        self.doubts = False
        self.invalidations = 0
        self.doubted_until = self.last_asked = -inf
        self.is_new = True
        world.processes.append(self)

    @property
    def token(self) -> str | None:
        """The text of its token, be it good or not."""
        return None if self.cache.current is None else self.cache.current.token.access_token

    @property
    def useless(self) -> set[str]:
        """The tokens that it need not use."""
        return self.refused | self.unwanted | self.doubtful

    def gets_over_it(self) -> None:
        """It has asked, or got a token."""
        if self.doubts:
            self.doubts, self.doubted_until = False, self.world.now + DEADLINE

    def uses_store(self) -> bool:
        """True if it does not leave the store alone just now."""
        return self.sharing.access.is_open()

    def call(self, effect: CallFunction) -> Any:
        """What a driver makes of `effect`, which takes no time unless the store hangs."""
        if isinstance(effect, AskStore) and self.world.fault in ("hangs", "late"):
            if self.world.fault == "late":
                self.world.late.append(effect.function)
            self.world.pass_time(effect.budget)
            effect.spent = effect.budget
            return Raised("it did not answer")
        try:
            return effect.function()
        except OSError:
            return Raised("it is down")


class Running:
    """A caller or the background of a process, moved as a driver would.

    Attributes:
        refused: The lease that an API has just refused to it, or None.
        invalidations: How often `invalidate` had been called when it began.
        had: The lease that its process had when it began, unless that is `refused`: it renews no other.
        is_background: No one waits for it.
        began: When it began, by the time of the world.
        effect: What its flow wants done: a `Send`, `Sleep` or `Wait`; None once it has ended.
        sent: When it began to send, if it does.
        moved: When its last step was done.
        late: Seconds by which its driver was late to do it.
        due: When a driver has done that, by the time of the world.
        sends: How many token requests it has sent.
        has_followed: Its last effect was a wait for another caller of its process.
        was_deceived: The store lied while it ran, so it may write a failure over a token that it could not read.
        owners: The owners of leases that it has asked for.
        has_lease: It sends under a lease of its own, and its process uses the store.
        had_lease: So it was when it sent before.
        outcome: What it got; None while it asks, and if it was cancelled.
    """

    def __init__(self, process: Process, refused: Lease | None = None, detached: Detach | None = None) -> None:
        self.process = process
        self.refused = refused
        self.had = None if refused is process.cache.current else process.cache.current
        self.invalidations = process.invalidations
        self.is_background = detached is not None
        self.began = self.moved = self.due = self.sent = process.world.now
        self.effect: Effect | None = None
        self.outcome: Lease | Failure | None = None
        self.has_followed = self.has_lease = self.had_lease = self.was_deceived = False
        self.late = 0.0
        self.sends = 0
        self.owners: set[str] = set()
        self._context: Context = copy_context()
        self._woken = False
        if detached is None:
            self._flow: Any = process.flow.obtain(Caller(object(), loop=None), refused)
        else:
            detached.flight.leader = Caller(object(), loop=None)
            self._flow = detached.flow

    def step(self, done: Any = None) -> list[Running]:
        """Send `done`, and run until there is something to wait for; the background that was started meanwhile."""
        started: list[Running] = []
        self.late = self.process.world.now - self.due
        self.close_wait()
        self.was_deceived = self.was_deceived or self.process.world.fault == "lies"
        while True:
            try:
                effect = self._context.run(self._flow.send, done)
            except StopIteration as end:
                self.outcome, self.moved = end.value, self.process.world.now
                return started
            if isinstance(effect, Detach):
                started.append(self._context.copy().run(Running, self.process, None, effect))
                done = True
            elif isinstance(effect, CallFunction):
                before = set(self.process.view.owners)
                done = self.process.call(effect)
                self.owners |= self.process.view.owners - before
            else:
                self._begin(effect)
                return started

    def _begin(self, effect: Any) -> None:
        world = self.process.world
        self.effect, self.moved = effect, world.now
        self.due = world.now + (effect.budget if isinstance(effect, Send) else effect.seconds)
        if isinstance(effect, Send):
            self.sent = world.now
            self.sends += 1
            self.had_lease = self.has_lease
            self.has_lease = self.process.uses_store() and world.owner() in self.owners
        if isinstance(effect, Wait):
            self._woken = False
            effect.flight.subscribe(self._wake)

    def close_wait(self) -> None:
        self.has_followed = isinstance(self.effect, Wait)
        if isinstance(self.effect, Wait):
            self.effect.flight.unsubscribe(self._wake)
        self.effect = None

    def _wake(self) -> None:
        self._woken = True

    def cancel(self) -> None:
        """Close it, as a driver does whose task was cancelled."""
        self.close_wait()
        self._context.run(self._flow.close)

    @property
    def is_sending(self) -> bool:
        return isinstance(self.effect, Send)

    @property
    def can_move(self) -> bool:
        """Its driver would move it now, without any answer of the endpoint."""
        if self.effect is None or self.is_sending:
            return False
        return (isinstance(self.effect, Wait) and self._woken) or self.process.world.now >= self.due
