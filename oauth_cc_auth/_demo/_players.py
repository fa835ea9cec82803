"""Performs a script: sends the requests that it asks for, in threads or in tasks of an event loop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ._checks import failed, got
from ._libraries import Library

TIMEOUT = 10.0  # s for each step of an API request; on loopback, only a hang takes this long


class Ask(NamedTuple):
    """A wish of the script: every caller sends a GET to `url` with `auth`, all at the same time."""

    url: str
    auth: Any
    callers: int = 1


Script = Generator[Ask, list[str], None]
"""Yields what it asks for and receives what each caller got, in words."""

MOST_CALLERS = 20

_LOOPBACK = "127.0.0.1"


def perform(script: Script, library: Library) -> None:
    """Perform the script with the library's blocking client."""
    with library.open_client(MOST_CALLERS) as client:

        def get(ask: Ask) -> str:
            try:
                return got(client.get(ask.url, auth=ask.auth, timeout=TIMEOUT))
            except Exception as error:  # noqa: BLE001  # any error makes the check fail
                return failed(error)

        ask = next(script, None)
        while ask is not None:
            ask = _next_ask(script, [get(ask)] if ask.callers == 1 else _in_threads(get, ask))


def perform_async(script: Script, library: Library) -> None:
    """Perform the script with the library's async client, in asyncio."""
    import asyncio

    async def performance() -> None:
        async with library.open_async_client() as client:

            async def get(ask: Ask) -> str:
                try:
                    return got(await client.get(ask.url, auth=ask.auth, timeout=TIMEOUT))
                except Exception as error:  # noqa: BLE001  # as above
                    return failed(error)

            ask = next(script, None)
            while ask is not None:
                ask = _next_ask(script, await asyncio.gather(*(get(ask) for _ in range(ask.callers))))

    async def interruptible() -> None:
        # Ctrl-C cancels the task, as Python 3.11 does by itself. In 3.10 the exception interrupts any code, and httpx
        # then leaves coroutines unawaited.
        task, loop = asyncio.create_task(performance()), asyncio.get_running_loop()
        before = signal.signal(signal.SIGINT, lambda number, frame: loop.call_soon_threadsafe(task.cancel))
        try:
            await task
        finally:
            signal.signal(signal.SIGINT, before)

    try:
        asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _next_ask(script: Script, outcomes: list[str]) -> Ask | None:
    """What the script asks for next, or None at its end."""
    try:
        return script.send(outcomes)
    except StopIteration:
        return None


def _in_threads(get: Callable[[Ask], str], ask: Ask) -> list[str]:
    outcomes: list[str] = []
    together = threading.Barrier(ask.callers)

    def call() -> None:
        with suppress(threading.BrokenBarrierError):  # a thread did not start; the check will show it
            together.wait(TIMEOUT)
        outcomes.append(get(ask))

    # Daemon threads, because Ctrl-C must not wait for them.
    threads = [threading.Thread(target=call, daemon=True) for _ in range(ask.callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@contextmanager
def without_proxy() -> Generator[None, None, None]:
    """Exempt loopback from the proxy in the environment: a proxy cannot reach it.

    All three libraries read the environment for each request or client, and prefer the lower-case name.
    """
    before = os.environ.get("no_proxy")
    exceptions = before or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = f"{exceptions},{_LOOPBACK}" if exceptions else _LOOPBACK
    try:
        yield
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before
