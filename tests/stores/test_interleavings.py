"""Promise 26 in whatever order the operations of several processes reach the store.

Time stands still, so no lease ends: there is one owner at a time, and no token request too many. What time does is in
`tests/model`. A seed decides the order, and is the same everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from contextvars import Context, copy_context
from typing import Any

import pytest

from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import CallFunction, Send
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.leftovers import do_leftovers
from tests.stores.hosts import Host, MemoryStore, issued

SEEDS = 300


class Endpoint:
    """Issues tokens, and ends each by issuing the next one.

    Attributes:
        tokens: All of them, in order.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []

    def answer(self) -> Any:
        self.tokens.append(f"t{len(self.tokens)}")
        return issued(self.tokens[-1])


class Walk:
    """A flow of a host, which goes one step at a time."""

    def __init__(self, host: Host, endpoint: Endpoint, flow: Generator[Any, Any, Any]) -> None:
        self.outcome: Any = None
        self.is_over = False
        self._host = host
        self._endpoint = endpoint
        self._flow = flow
        self._context: Context = copy_context()
        self._effect: Any = None
        self._go_on(None)

    @property
    def is_sending(self) -> bool:
        return isinstance(self._effect, Send)

    def step(self) -> None:
        """Do what the flow wants done, and let it say what comes next."""
        if isinstance(self._effect, CallFunction):
            self._go_on(self._host.call(self._effect))
        else:
            self._go_on(self._endpoint.answer() if self.is_sending else None)  # or it sleeps, which takes no time here

    def cancel(self, *, is_late: bool) -> None:
        """Close it, as a driver does whose task was cancelled. A thread may go on with what was asked of the store."""
        self._context.run(self._flow.close)
        if is_late and isinstance(self._effect, CallFunction):
            self._host.call(self._effect)
        self._effect, self.is_over = None, True
        do_leftovers()

    def _go_on(self, done: Any) -> None:
        try:
            self._effect = self._context.run(self._flow.send, done)
        except StopIteration as end:
            self._effect, self.outcome, self.is_over = None, end.value, True


class Scene:
    """Hosts with one store, and what they do at the same time."""

    def __init__(self, seed: int, hosts: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311  # chance, and no secret
        self.store, self.endpoint = MemoryStore(), Endpoint()
        self.hosts = [Host(self.store) for _ in range(hosts)]
        self.walks: list[Walk] = []

    def asks(self, host: Host, refused: Lease | None = None) -> None:
        self.walks.append(Walk(host, self.endpoint, host.flow.obtain(Caller(host.number, loop=None), refused)))

    def removes(self, host: Host, lease: Lease) -> None:
        flight = Flight(Caller(-1, loop=None), limit=0)
        removal = host.sharing.remove(lease.token, flight, host.clock.monotonic() + 30)
        self.walks.append(Walk(host, self.endpoint, removal))

    def play(self, cancel_at: int = -1) -> list[Any]:
        """Go on in any order until all is done; what came of it. The first one is cancelled at the step `cancel_at`."""
        steps = 0
        while going := [walk for walk in self.walks if not walk.is_over]:
            assert steps < 5000, f"seed {self.seed}: it never ends"
            assert sum(walk.is_sending for walk in going) <= 1, f"seed {self.seed}: two processes ask at a time"
            walk = going[int(self.chance.random() * len(going))]
            if steps == cancel_at:
                self.walks[0].cancel(is_late=self.chance.random() < 0.5)
            if not walk.is_over:
                walk.step()
            steps += 1
        outcomes, self.walks = [walk.outcome for walk in self.walks], []
        assert all(host.store_failures == [] for host in self.hosts)
        assert not self.store.is_leased
        return outcomes

    def all_have_a_token(self) -> list[Lease]:
        for host in self.hosts:
            self.asks(host)
        leases: list[Lease] = self.play()
        assert {lease.token.access_token for lease in leases} == {"t0"}
        return leases


@pytest.fixture(name="scenes", params=[2, 3])
def _scenes(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """One after another; pytest shows the seed of the one that fails."""
    return (Scene(seed, request.param) for seed in range(SEEDS))


def test_a_cold_store(scenes: Iterator[Scene]) -> None:
    """One token request for all."""
    for scene in scenes:
        scene.all_have_a_token()
        assert scene.endpoint.tokens == ["t0"]


def test_a_refused_token(scenes: Iterator[Scene]) -> None:
    """It is replaced once, and comes back to no one."""
    for scene in scenes:
        for host, lease in zip(scene.hosts, scene.all_have_a_token(), strict=True):
            scene.asks(host, lease)
        assert {lease.token.access_token for lease in scene.play()} == {"t1"}
        assert scene.endpoint.tokens == ["t0", "t1"]


def test_a_token_that_is_revoked_while_it_is_replaced(scenes: Iterator[Scene]) -> None:
    """The new one stays."""
    for scene in scenes:
        first, second, *_ = scene.all_have_a_token()
        scene.removes(scene.hosts[0], first)
        scene.asks(scene.hosts[1], second)
        assert scene.play()[1].token.access_token == "t1"
        scene.asks(Host(scene.store))
        assert scene.play()[0].token.access_token == "t1"
        assert scene.endpoint.tokens == ["t0", "t1"]


def test_one_that_is_cancelled(scenes: Iterator[Scene]) -> None:
    """Another one goes on, and all the others get one token."""
    for scene in scenes:
        for host in scene.hosts:
            scene.asks(host)
        outcomes = scene.play(cancel_at=int(scene.chance.random() * 12))
        assert len({lease.token.access_token for lease in outcomes[1:]}) == 1
        assert len(scene.endpoint.tokens) <= 2
