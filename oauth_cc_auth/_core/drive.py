"""Running a flow: `drive` blocks, `adrive` awaits. The one law: both close the flow in any case, so it settles.

What an effect came to may be a secret. Reports of crashes show the locals of frames, so it is in none of them while
code of others runs, a log handler for example: `results` is empty then.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from oauth_cc_auth._errors import ConfigurationError, TokenError
from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._http.interrupts import Ignoring, is_interrupt
from oauth_cc_auth._protocol.exchange import Reply, TokenRequest, too_slow
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._redact.redact import kind_and_place

from .caller import thread_safe
from .clock import Clock
from .effects import AskStore, CallFunction, Detach, Raised, Send, Wait
from .flow import Flow
from .lease import Lease
from .leftovers import do_leftovers, have_leftovers_done

Sender = Callable[[TokenRequest, float], Reply]
AsyncSender = Callable[[TokenRequest, float], Awaitable[Reply]]
Detacher = Callable[[Detach], bool]


def no_background(effect: Detach) -> bool:
    """What cannot run a flow without waiting for it."""
    return False


def drive(flow: Flow, send: Sender, clock: Clock, detach: Detacher = no_background) -> Lease | Failure:
    """Run `flow` in this thread.

    Args:
        flow: What to run; closed at the end.
        send: Sends a token request within a number of seconds. It returns what the network did, and raises nothing.
        clock: What sleeps.
        detach: Runs another flow without waiting for it; True once that has begun.
    """
    results: list[Any] = []
    try:
        while True:
            try:
                effect = flow.send(results.pop() if results else None)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed types every generator's end as Any
            give_way()
            if isinstance(effect, Send):
                results.append(send(effect.request, effect.budget))
            elif isinstance(effect, AskStore):
                results.append(_answer_of(effect, clock))
            elif isinstance(effect, CallFunction):
                results.append(result_of(effect))
            elif isinstance(effect, Wait):
                _wait(effect)
            elif isinstance(effect, Detach):
                results.append(detach(effect))
            else:
                clock.sleep(effect.seconds)
            give_way()
    finally:
        flow.close()
        have_leftovers_done()


def result_of(effect: CallFunction) -> Any:
    """What a person's function returns, or a `Raised`; in this thread."""
    try:
        return effect.function()
    except (ConfigurationError, TokenError) as error:
        if is_interrupt(error):
            raise
        text = str(error)  # our own words
    except Exception as error:  # whatever a person's callable raises becomes a TokenError
        if is_interrupt(error):
            raise
        text = f"it raised {kind_and_place(error)}, whose message is not repeated here since it may hold secrets"
    return Raised(text)


# Seconds. A store is waited for in steps, each of which counts as no more than that: on a busy machine this process may
# not run for a second, which is not the store's fault.
_STEP = 0.05


def _answer_of(effect: AskStore, clock: Clock) -> Any:
    answered = threading.Event()
    answers = _ask(effect, answered.set)
    while not answered.is_set() and effect.spent < effect.budget:
        began = clock.monotonic()
        step = min(_STEP, effect.budget - effect.spent)
        effect.spent += min(step, clock.monotonic() - began) if answered.wait(step) else step
    return answers.pop() if answers else _no_answer(effect)


def _no_answer(effect: AskStore) -> Raised:
    return Raised(f"it did not answer within {effect.budget:.2f} s")


def _ask(effect: AskStore, wake: Callable[[], object]) -> list[Any]:
    """Have a thread of its own ask, and `wake` who waits; the answer will be in the list that this returns.

    A daemon thread: a store that hangs must not keep a program from ending.
    """
    answers: list[Any] = []

    def ask() -> None:
        answers.append(result_of(effect))
        with Ignoring(Exception):  # the loop of who asked has ended, in asyncio a RuntimeError
            wake()
        do_leftovers()

    try:
        threading.Thread(target=ask, name="oauth_cc_auth store", daemon=True).start()
    except RuntimeError:  # the interpreter is shutting down, or there are too many threads
        answers.append(Raised("no thread could be started"))
        wake()
    return answers


def _wait(effect: Wait) -> None:
    settled = threading.Event()
    effect.flight.subscribe(settled.set)
    try:
        settled.wait(effect.seconds)
    finally:
        effect.flight.unsubscribe(settled.set)


async def adrive(flow: Flow, send: AsyncSender, clock: Clock, detach: Detacher = no_background) -> Lease | Failure:
    """Run `flow` in the running event loop, asyncio's or trio's; the arguments are those of `drive`.

    Every step but sleeping has a cancel scope, so that no server and no callable can delay it.
    """
    results: list[Any] = []
    try:
        while True:
            try:
                effect = flow.send(results.pop() if results else None)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed types every generator's end as Any
            if isinstance(effect, Send):
                results.append(await _asend(effect, send))
            elif isinstance(effect, AskStore):
                results.append(await _aanswer_of(effect, clock))
            elif isinstance(effect, CallFunction):
                results.append(await aresult_of(effect))
            elif isinstance(effect, Wait):
                await _await(effect)
            elif isinstance(effect, Detach):
                results.append(detach(effect))
            else:
                await clock.asleep(effect.seconds)
    finally:
        flow.close()
        if not isinstance(sys.exc_info()[1], GeneratorExit):  # or this coroutine is garbage, too
            have_leftovers_done()


async def _asend(effect: Send, send: AsyncSender) -> Reply:
    async def sending() -> Reply:
        return await send(effect.request, effect.budget)

    reply = await _within(effect.budget, sending)
    if reply is None:
        return too_slow(effect.budget)
    return reply  # type: ignore[no-any-return]  # what `sending` returns


async def aresult_of(effect: CallFunction) -> Any:
    """`result_of` in a worker thread, for as long as the effect allows."""
    import anyio

    def in_a_tuple() -> tuple[Any]:
        return (result_of(effect),)  # trio fails if a worker thread returns a bare coroutine

    async def calling() -> tuple[Any]:
        # A limiter of its own: threads that wait for this very token may have used up the default one.
        limiter = anyio.CapacityLimiter(1)
        return await anyio.to_thread.run_sync(in_a_tuple, abandon_on_cancel=True, limiter=limiter)

    result = await _within(effect.budget, calling)
    return Raised(f"it did not return within {effect.budget:.1f} s") if result is None else result[0]


async def _aanswer_of(effect: AskStore, clock: Clock) -> Any:
    import anyio

    answered = anyio.Event()
    answers = _ask(effect, thread_safe(answered.set))
    while not answered.is_set() and effect.spent < effect.budget:
        began = clock.monotonic()
        step = min(_STEP, effect.budget - effect.spent)
        await _within(step, answered.wait)
        effect.spent += min(step, clock.monotonic() - began) if answered.is_set() else step
    return answers.pop() if answers else _no_answer(effect)


async def _within(seconds: float, function: Callable[[], Awaitable[Any]]) -> Any:
    """The result of `function`, or None after `seconds`."""
    import anyio

    with anyio.move_on_after(seconds):
        return await function()
    return None


async def _await(effect: Wait) -> None:
    import anyio

    settled = anyio.Event()
    wake = thread_safe(settled.set)
    effect.flight.subscribe(wake)
    try:
        with anyio.move_on_after(effect.seconds):
            await settled.wait()
    finally:
        effect.flight.unsubscribe(wake)
