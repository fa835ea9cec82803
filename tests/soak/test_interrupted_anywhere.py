"""Promise 13: a `KeyboardInterrupt` may strike between any two instructions, even in a `finally`.

Real signals hit the same spot once in a million tries. So a trace function raises the interrupt at each instruction of
the core in turn, until a run gets through without one. That depends on the Python version and on garbage collection, so
this runs only by its name: `pytest tests/soak/test_interrupted_anywhere.py`.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import oauth_cc_auth
from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.drive import drive
from oauth_cc_auth._core.flight import GRACE
from oauth_cc_auth._core.flow import TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse
from tests.fake_clock import FakeClock

LIMIT = 60.0  # s
MODULES = ("cache", "drive", "failures", "fetch", "flight", "flow")
CORE = tuple(str(Path(oauth_cc_auth.__file__).parent / "_core" / f"{name}.py") for name in MODULES)
# In all Python versions. PRECALL of 3.11 is none, because it comes before the call.
CALLS = {"CALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_METHOD"}
BACKWARD_JUMPS = {"JUMP_BACKWARD", "JUMP_ABSOLUTE"}
UNINTERRUPTED = {"SETUP_FINALLY", "SETUP_WITH", "YIELD_FROM"}  # Python 3.10 does not look for signals before these
TIMEOUT = 10.0  # s of the fake clock


class Interrupt:
    """Raises a KeyboardInterrupt at the n-th point of the core at which CPython looks for signals.

    These are the entry of a function, the return of a call, and the end of a round of a loop. None is between the last
    call in the body of a `with` and the call of its `__exit__`, which makes `with lock` safe.

    Attributes:
        place: Where it struck; None if the run ended before.
    """

    def __init__(self, number: int) -> None:
        self.place: str | None = None
        self._left = number
        self._last: dict[FrameType, str] = {}

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename not in CORE or self.place is not None:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            last = self._last.get(frame, "")
            self._last[frame] = current = name_of_instruction(frame.f_code, frame.f_lasti)
            if (last in CALLS or current in BACKWARD_JUMPS) and current not in UNINTERRUPTED:
                self._strike(frame)
        elif event == "call":
            self._last.pop(frame, None)  # a yield left it
            if frame.f_lasti < 0 or name_of_instruction(frame.f_code, frame.f_lasti + 2) not in UNINTERRUPTED:
                self._strike(frame)
        return self

    def _strike(self, frame: FrameType) -> None:
        self._left -= 1
        if self._left < 0:
            self.place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            raise KeyboardInterrupt


@lru_cache
def _instructions(code: CodeType) -> bytes:
    return code.co_code


def name_of_instruction(code: CodeType, offset: int) -> str:
    return dis.opname[_instructions(code)[offset]]


class Fleet:
    """One auth object's core with an endpoint that answers at once, by a clock that only the test moves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        config = ClientCredentialsConfig("https://login.example.com/token", "client", "secret")
        self.cache = TokenCache(self.clock)
        self._flow = TokenFlow(
            config, self.cache, Observer(config, None), timeout=TIMEOUT, deadline=600.0, rules=RenewalRules()
        )
        self.token_requests = 0
        self.is_down = False

    def send(self, request: TokenRequest, budget: float) -> TokenResponse:
        self.token_requests += 1
        if self.is_down:
            return TokenResponse(503, {}, b"")
        return TokenResponse(200, {}, f'{{"access_token": "t{self.token_requests}", "expires_in": 100}}'.encode())

    def ask(self, refused: Lease | None = None) -> Lease:
        lease = drive(self._flow.obtain(Caller.current(blocking=True), refused), self.send, self.clock)
        assert isinstance(lease, Lease)
        return lease

    def holds_a_lock(self) -> bool:
        """True if this thread has left the lock locked."""
        lock: Any = self.cache._lock.here()
        owned: bool = lock._is_owned()
        return owned


@contextmanager
def traced(interrupt: Interrupt) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        yield
    finally:
        sys.settrace(before)


def cold(fleet: Fleet) -> Lease | None:
    return None


def aging(fleet: Fleet) -> Lease | None:
    fleet.ask()
    fleet.clock.advance(85)
    return None


def refused(fleet: Fleet) -> Lease | None:
    return fleet.ask()


def places_of(interrupted: Callable[[Interrupt], None]) -> list[str]:
    """The places where it struck. It calls `interrupted` for one place after the other, until a run gets through."""
    places: list[str] = []
    for number in count():
        interrupt = Interrupt(number)
        interrupted(interrupt)
        if interrupt.place is None:
            return places
        places.append(interrupt.place)
    raise AssertionError


def check_everywhere(interrupted: Callable[[Interrupt], None]) -> None:
    """Run it in a thread of its own, because coverage may be tracing this one."""
    with ThreadPoolExecutor(1) as pool:
        places = pool.submit(places_of, interrupted).result(LIMIT)
    assert {place.partition(":")[0] for place in places} == {Path(name).name for name in CORE}


@pytest.mark.parametrize("situation", [cold, aging, refused])
def test_the_interrupted_thread_asks_again_and_gets_a_token(situation: Callable[[Fleet], Lease | None]) -> None:
    """At once, and for one token request at most. It never gets the failure that it waits for itself."""

    def interrupted(interrupt: Interrupt) -> None:
        fleet = Fleet()
        lease = situation(fleet)
        try:
            with traced(interrupt):
                fleet.ask(lease)
        except KeyboardInterrupt:
            assert not fleet.holds_a_lock()
            before = fleet.token_requests
            newest = fleet.ask(lease)
            assert newest is fleet.cache.current
            assert newest is not lease
            assert fleet.token_requests - before <= 1
            assert fleet.cache._flight is None

    check_everywhere(interrupted)


@pytest.mark.parametrize("situation", [cold, refused])
def test_other_threads_go_on_once_the_time_of_a_lost_leader_is_over(
    situation: Callable[[Fleet], Lease | None],
) -> None:
    """In nearly all places the flight is settled, so they go on at once; else they need no more than that time."""

    def interrupted(interrupt: Interrupt) -> None:
        fleet = Fleet()
        lease = situation(fleet)
        with ThreadPoolExecutor(1) as pool:
            try:
                with traced(interrupt):
                    fleet.ask(lease)
            except KeyboardInterrupt:
                assert not fleet.holds_a_lock()
                flight = fleet.cache._flight
                if flight is not None:
                    left = flight.limit - fleet.clock.monotonic()
                    assert left <= TIMEOUT + GRACE
                    fleet.clock.advance(left)
                assert pool.submit(fleet.ask, lease).result(LIMIT) is fleet.cache.current

    check_everywhere(interrupted)


def test_a_renewal_that_fails_and_is_interrupted_does_no_harm() -> None:
    """The old token is used to its end, and a new one is fetched then."""

    def interrupted(interrupt: Interrupt) -> None:
        fleet = Fleet()
        lease = fleet.ask()
        fleet.clock.advance(85)
        fleet.is_down = True
        with suppress(KeyboardInterrupt), traced(interrupt):
            fleet.ask()
        assert not fleet.holds_a_lock()
        assert fleet.ask() is lease
        fleet.is_down = False
        fleet.clock.advance(60)
        assert fleet.ask() is not lease

    check_everywhere(interrupted)
