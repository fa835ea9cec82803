"""`_core.drive`: running what a flow asks for, in a thread and in an event loop."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from contextvars import copy_context
from typing import Any

import anyio
import pytest

from oauth_cc_auth import ConfigurationError, Token, TokenError
from oauth_cc_auth._core import drive as drive_module
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.drive import adrive, drive
from oauth_cc_auth._core.effects import AskStore, CallFunction, Detach, Effect, Raised, Send, Sleep, Wait
from oauth_cc_auth._core.flight import GONE, Flight
from oauth_cc_auth._core.flow import Flow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure
from tests.fake_clock import FakeClock

LIMIT = 30.0  # seconds: long enough for anything that does not hang
LEASE = Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
REQUEST = TokenRequest(
    url="https://login.example.com/token", headers=(), body=b"", method="test", scope=None, secrets=()
)
ANSWER = TokenResponse(200, {}, b"")

in_each_loop = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class SlowStore(FakeClock):
    """A store that answers when the clock, which is this object too, is read; until the next reading `seconds` pass."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.read = threading.Event()

    def __call__(self) -> str:
        assert self.read.wait(LIMIT)
        return "answer"

    def monotonic(self) -> float:
        self.advance(self.seconds if self.read.is_set() else 0.0)
        self.read.set()
        return self.now_monotonic


# Seconds that a store took by the clock, and those of its budget that it used up: no more than the step that it was
# waited for.
SLOW = pytest.mark.parametrize(("seconds", "spent"), [(0.25, 0.25), (1000.0, LIMIT)])


class Script:
    """A flow that asks for the given effects and keeps what it is sent."""

    def __init__(self, *effects: Effect) -> None:
        self.effects = effects
        self.outcomes: list[Any] = []
        self.closed = False

    def flow(self) -> Flow:
        return self._run()

    def _run(self) -> Generator[Effect, Any, Lease]:
        try:
            for effect in self.effects:
                self.outcomes.append((yield effect))
            return LEASE
        finally:
            self.closed = True


def a_flight() -> Flight:
    return Flight(Caller(-1, loop=None), limit=0)


class WatchedFlight(Flight):
    """Shows when someone waits for it."""

    def __init__(self) -> None:
        super().__init__(Caller(-1, loop=None), limit=0)
        self.awaited = threading.Event()

    def subscribe(self, wake: Callable[[], object]) -> None:
        super().subscribe(wake)
        self.awaited.set()

    def settle(self) -> None:
        assert self.awaited.wait(LIMIT)
        self.outcome = GONE
        self.wake_all()


def nothing_sent(request: TokenRequest, budget: float) -> TokenResponse:
    raise AssertionError("nothing was to be sent")


async def nothing_sent_async(request: TokenRequest, budget: float) -> TokenResponse:
    raise AssertionError("nothing was to be sent")


def run_async(
    backend: str,
    script: Script,
    send: Callable[[TokenRequest, float], Awaitable[Any]] = nothing_sent_async,
    clock: FakeClock | None = None,
) -> Any:
    async def main() -> Any:
        with anyio.fail_after(LIMIT):
            return await adrive(script.flow(), send, clock or FakeClock())

    return anyio.run(main, backend=backend)


class TestBlocking:
    def test_a_flow_that_asks_for_nothing(self) -> None:
        """Its return value is the result."""
        assert drive(Script().flow(), nothing_sent, FakeClock()) is LEASE

    def test_every_effect(self) -> None:
        """Each outcome is sent back; the clock does the sleeping."""
        flight, clock = a_flight(), FakeClock()
        flight.outcome = GONE
        script = Script(Send(REQUEST, 5.0), CallFunction(lambda: "called", 5.0), Wait(flight, LIMIT), Sleep(2.5))
        sent = list[tuple[TokenRequest, float]]()

        def send(request: TokenRequest, budget: float) -> TokenResponse:
            sent.append((request, budget))
            return ANSWER

        assert drive(script.flow(), send, clock) is LEASE
        assert sent == [(REQUEST, 5.0)]
        assert script.outcomes[:2] == [ANSWER, "called"]
        assert clock.sleeps == [2.5]

    @pytest.mark.parametrize("has_begun", [True, False])
    def test_a_flow_that_no_one_waits_for(self, has_begun: bool) -> None:
        """Someone else runs it. Without anyone who does, it does not begin."""
        effect = Detach(a_flight(), Script().flow())
        script, detached = Script(effect), list[Detach]()

        def detach(effect: Detach) -> bool:
            detached.append(effect)
            return has_begun

        assert drive(script.flow(), nothing_sent, FakeClock(), detach) is LEASE
        assert (script.outcomes, detached) == ([has_begun], [effect])
        script = Script(effect)
        assert drive(script.flow(), nothing_sent, FakeClock()) is LEASE
        assert script.outcomes == [False]

    def test_a_callable_that_raises(self) -> None:
        """Its class and place come back; its message may hold a secret."""

        def fail() -> Any:
            raise ValueError("s3cret")

        script = Script(CallFunction(fail, 1), CallFunction(lambda: json.loads("s3cret"), 1))
        drive(script.flow(), nothing_sent, FakeClock())
        mine, theirs = (outcome.text for outcome in script.outcomes)
        place = f"(fail, test_drive.py:{fail.__code__.co_firstlineno + 1})"
        assert mine == f"it raised ValueError {place}, whose message is not repeated here since it may hold secrets"
        assert re.fullmatch(
            r"it raised JSONDecodeError \(<lambda>, test_drive\.py:[0-9]+\), whose message is .*", theirs
        )

    def test_a_callable_that_wants_arguments(self) -> None:
        """Its class comes back alone: the place would be ours, and help no one."""
        script = Script(CallFunction(len, 1))  # type: ignore[arg-type]  # what people do
        drive(script.flow(), nothing_sent, FakeClock())
        (outcome,) = script.outcomes
        assert outcome.text.startswith("it raised TypeError, whose message")

    @pytest.mark.parametrize("error", [ConfigurationError("pass something else"), TokenError("not so")])
    def test_our_own_words(self, error: Exception) -> None:
        """They come back: they hold no secret, and say what to do."""

        def fail() -> Any:
            raise error

        script = Script(CallFunction(fail, 1))
        drive(script.flow(), nothing_sent, FakeClock())
        assert script.outcomes == [Raised(str(error))]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
    def test_whatever_happens_the_flow_is_closed(self, error: type[BaseException]) -> None:
        """So that its flight is settled."""

        def send(request: TokenRequest, budget: float) -> TokenResponse:
            raise error

        script = Script(Send(REQUEST, 5.0))
        with pytest.raises(error):
            drive(script.flow(), send, FakeClock())
        assert script.closed

    def test_waiting_for_a_flight_of_another_thread(self) -> None:
        """It ends when that is settled."""
        flight = WatchedFlight()
        follower = threading.Thread(
            target=drive, args=(Script(Wait(flight, LIMIT)).flow(), nothing_sent, FakeClock()), daemon=True
        )
        follower.start()
        flight.settle()
        follower.join(LIMIT)
        assert not follower.is_alive()

    def test_waiting_ends_by_itself(self) -> None:
        """It leaves nothing behind."""
        flight = a_flight()
        assert drive(Script(Wait(flight, 0.001)).flow(), nothing_sent, FakeClock()) is LEASE
        assert flight._wakers == []


@in_each_loop
class TestInAnEventLoop:
    def test_a_flow_that_asks_for_nothing(self, backend: str) -> None:
        """Its return value is the result."""
        assert run_async(backend, Script()) is LEASE

    def test_every_effect(self, backend: str) -> None:
        """Each outcome is sent back, also None and falsy results of a callable."""
        flight, clock = a_flight(), FakeClock()
        flight.outcome = GONE
        script = Script(
            Send(REQUEST, 5.0),
            CallFunction(lambda: "called", 5.0),
            CallFunction(lambda: None, 5.0),
            Wait(flight, LIMIT),
            Sleep(2.5),
        )

        async def send(request: TokenRequest, budget: float) -> TokenResponse:
            assert (request, budget) == (REQUEST, 5.0)
            return ANSWER

        assert run_async(backend, script, send, clock) is LEASE
        assert script.outcomes[:3] == [ANSWER, "called", None]
        assert clock.sleeps == [2.5]

    def test_a_flow_that_no_one_waits_for(self, backend: str) -> None:
        """Someone else runs it. By default it does not begin."""
        effect = Detach(a_flight(), Script().flow())
        script, detached = Script(effect), list[Detach]()

        def detach(effect: Detach) -> bool:
            detached.append(effect)
            return True

        assert anyio.run(adrive, script.flow(), nothing_sent_async, FakeClock(), detach, backend=backend) is LEASE
        assert (script.outcomes, detached) == ([True], [effect])
        script = Script(effect)
        assert run_async(backend, script) is LEASE
        assert script.outcomes == [False]

    def test_an_answer_that_does_not_come(self, backend: str) -> None:
        """Its budget ends it."""

        async def send(request: TokenRequest, budget: float) -> TokenResponse:
            await anyio.sleep_forever()
            raise AssertionError

        script = Script(Send(REQUEST, 0.01))
        run_async(backend, script, send)
        assert script.outcomes == [TransportFailure("it took longer than 0.01 s", "timed_out")]

    def test_a_callable_that_blocks(self, backend: str) -> None:
        """It runs in another thread, and no one waits for it once its budget is spent."""
        release = threading.Event()
        threads = list[threading.Thread]()

        def block() -> None:
            threads.append(threading.current_thread())
            release.wait(LIMIT)

        script = Script(CallFunction(block, 0.05))
        run_async(backend, script)
        release.set()
        assert script.outcomes == [Raised("it did not return within 0.1 s")]
        assert threads != [threading.current_thread()]

    def test_a_callable_that_raises(self, backend: str) -> None:
        """Its class and place come back."""

        def fail() -> None:
            raise ValueError("no")

        script = Script(CallFunction(fail, LIMIT))
        run_async(backend, script)
        (outcome,) = script.outcomes
        assert outcome.text.startswith(
            f"it raised ValueError (fail, test_drive.py:{fail.__code__.co_firstlineno + 1}), whose"
        )

    def test_worker_threads_that_are_used_up(self, backend: str) -> None:
        """The limit of the loop does not count: all its worker threads may be waiting for this very token."""

        async def main() -> Any:
            limiter = anyio.to_thread.current_default_thread_limiter()
            limiter.total_tokens = 1
            async with limiter:
                with anyio.fail_after(LIMIT):
                    return await adrive(script.flow(), nothing_sent_async, FakeClock())

        script = Script(CallFunction(lambda: "called", LIMIT))
        assert anyio.run(main, backend=backend) is LEASE
        assert script.outcomes == ["called"]

    def test_waiting_for_a_flight_of_another_thread(self, backend: str) -> None:
        """It ends when that is settled, in any thread."""
        flight = WatchedFlight()
        leader = threading.Thread(target=flight.settle, daemon=True)
        leader.start()
        assert run_async(backend, Script(Wait(flight, LIMIT))) is LEASE
        leader.join(LIMIT)

    def test_waiting_ends_by_itself(self, backend: str) -> None:
        """It leaves nothing behind."""
        flight = a_flight()
        assert run_async(backend, Script(Wait(flight, 0.001))) is LEASE
        assert flight._wakers == []

    def test_a_cancelled_caller(self, backend: str) -> None:
        """Its flow is closed, and its waker is gone."""
        flight = a_flight()
        script = Script(Wait(flight, LIMIT))

        async def main() -> None:
            with anyio.move_on_after(0.01):
                await adrive(script.flow(), nothing_sent_async, FakeClock())

        anyio.run(main, backend=backend)
        assert script.closed
        assert flight._wakers == []

    def test_a_sender_that_raises(self, backend: str) -> None:
        """The flow is closed, and the error passes through."""
        script = Script(Send(REQUEST, LIMIT))

        async def send(request: TokenRequest, budget: float) -> TokenResponse:
            raise ZeroDivisionError

        async def main() -> None:
            with pytest.raises(ZeroDivisionError):
                await adrive(script.flow(), send, FakeClock())

        anyio.run(main, backend=backend)
        assert script.closed


def test_without_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio is found although trio was never imported."""
    monkeypatch.delitem(sys.modules, "trio")
    flight = a_flight()
    flight.outcome = GONE
    assert run_async("asyncio", Script(Wait(flight, LIMIT))) is LEASE


def test_a_coroutine_that_is_closed_elsewhere() -> None:
    """The garbage collector closes an abandoned one in another context: no error, and its flow is closed."""
    script = Script(Send(REQUEST, LIMIT))

    async def send(request: TokenRequest, budget: float) -> TokenResponse:
        await asyncio.sleep(LIMIT)
        raise AssertionError

    async def main() -> None:
        coroutine = adrive(script.flow(), send, FakeClock())
        copy_context().run(coroutine.send, None)
        coroutine.close()

    asyncio.run(main())
    assert script.closed


class TestStores:
    """No one waits for a store for any longer than its budget."""

    def test_its_answer_comes_back(self) -> None:
        """It is asked in a thread, so it may block; whoever lists the threads sees whose it is."""
        script = Script(AskStore(threading.current_thread, LIMIT), AskStore(lambda: 1 / 0, LIMIT))
        assert drive(script.flow(), nothing_sent, FakeClock()) is LEASE
        thread, raised = script.outcomes
        assert thread is not threading.current_thread()
        assert thread.daemon
        assert thread.name == "oauth_cc_auth store"
        assert isinstance(raised, Raised)
        assert "ZeroDivisionError" in raised.text

    @in_each_loop
    def test_its_answer_comes_back_in_a_loop(self, backend: str) -> None:
        script = Script(AskStore(threading.current_thread, LIMIT))
        assert run_async(backend, script) is LEASE
        (thread,) = script.outcomes
        assert thread is not threading.current_thread()

    def test_one_that_hangs(self) -> None:
        """The budget is used up, and its thread is left behind."""
        hangs = threading.Event()
        effect = AskStore(hangs.wait, 0.11)
        script = Script(effect)
        assert drive(script.flow(), nothing_sent, FakeClock()) is LEASE
        hangs.set()
        assert script.outcomes == [Raised("it did not answer within 0.11 s")]
        assert effect.spent == pytest.approx(0.11)

    @in_each_loop
    def test_one_that_hangs_in_a_loop(self, backend: str) -> None:
        """What it answers when the loop has ended is heard by no one."""
        hangs = threading.Event()

        def ask() -> None:
            hangs.wait(LIMIT)

        effect = AskStore(ask, 0.11)
        script = Script(effect)
        assert run_async(backend, script) is LEASE
        hangs.set()
        for thread in threading.enumerate():
            if thread.name == "oauth_cc_auth store":
                thread.join(LIMIT)
        assert script.outcomes == [Raised("it did not answer within 0.11 s")]
        assert effect.spent == pytest.approx(0.11)

    @SLOW
    def test_what_a_slow_one_costs(self, monkeypatch: pytest.MonkeyPatch, seconds: float, spent: float) -> None:
        """The time by the clock. If this process did not run for long, that is not the store's fault."""
        monkeypatch.setattr(drive_module, "_STEP", LIMIT)
        store = SlowStore(seconds)
        effect = AskStore(store, 2 * LIMIT)
        script = Script(effect)
        assert drive(script.flow(), nothing_sent, store) is LEASE
        assert (script.outcomes, effect.spent) == (["answer"], spent)

    @SLOW
    @in_each_loop
    def test_what_a_slow_one_costs_in_a_loop(
        self, monkeypatch: pytest.MonkeyPatch, backend: str, seconds: float, spent: float
    ) -> None:
        """The same."""
        monkeypatch.setattr(drive_module, "_STEP", LIMIT)
        store = SlowStore(seconds)
        effect = AskStore(store, 2 * LIMIT)
        script = Script(effect)
        assert run_async(backend, script, clock=store) is LEASE
        assert (script.outcomes, effect.spent) == (["answer"], spent)

    def test_without_time_it_is_not_waited_for(self) -> None:
        hangs = threading.Event()
        script = Script(AskStore(hangs.wait, 0.0))
        drive(script.flow(), nothing_sent, FakeClock())
        hangs.set()
        assert script.outcomes == [Raised("it did not answer within 0.00 s")]

    def test_no_thread_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At shutdown."""

        def start(self: threading.Thread) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

        monkeypatch.setattr(threading.Thread, "start", start)
        script = Script(AskStore(lambda: None, LIMIT))
        drive(script.flow(), nothing_sent, FakeClock())
        assert script.outcomes == [Raised("no thread could be started")]
