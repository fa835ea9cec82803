"""How a script is performed: in threads, or as tasks of an event loop. Each sends what the script asks for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ._checks import failed, got
from ._libraries import Library

TIMEOUT = 10.0  # s for each step of an API request; on loopback it only tells a hang from an answer


class Ask(NamedTuple):
    """What a script asks for: one GET of `url` with `auth` by each of the callers, all at once."""

    url: str
    auth: Any
    callers: int = 1


Script = Generator[Ask, list[str], None]
"""Asks, and is sent what each caller got, in words."""

MOST_CALLERS = 20

_LOOPBACK = "127.0.0.1"


def perform(script: Script, library: Library) -> None:
    """Perform with the library's blocking client."""
    with library.open_client(MOST_CALLERS) as client:

        def get(ask: Ask) -> str:
            try:
                return got(client.get(ask.url, auth=ask.auth, timeout=TIMEOUT))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is not what was promised
                return failed(error)

        ask = next(script, None)
        while ask is not None:
            ask = _following(script, [get(ask)] if ask.callers == 1 else _in_threads(get, ask))


def perform_async(script: Script, library: Library) -> None:
    """Perform with the library's client for event loops, in asyncio's."""
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
                ask = _following(script, await asyncio.gather(*(get(ask) for _ in range(ask.callers))))

    async def interruptible() -> None:
        # Ctrl-C cancels, as from Python 3.11 on by itself. In 3.10 it would be raised in whatever code runs, and
        # httpx leaves coroutines unawaited then.
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


def _following(script: Script, outcomes: list[str]) -> Ask | None:
    """What the script asks for next; None at its end."""
    try:
        return script.send(outcomes)
    except StopIteration:
        return None


def _in_threads(get: Callable[[Ask], str], ask: Ask) -> list[str]:
    outcomes: list[str] = []
    together = threading.Barrier(ask.callers)

    def call() -> None:
        together.wait()
        outcomes.append(get(ask))

    # Daemons: Ctrl-C must not wait for them.
    threads = [threading.Thread(target=call, daemon=True) for _ in range(ask.callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@contextmanager
def without_proxy() -> Generator[None, None, None]:
    """Have no client use the proxy of the environment for loopback, which a proxy cannot reach.

    All three libraries read the environment at each request or client, and prefer the name in lower case.
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
