"""Sends requests at a fixed rate, no matter what happens to earlier ones, and prints how long each took."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from .contestants import Contestant, Place, contestants
from .cores import take_precedence
from .kinds import NO_OP_HOOK, OURS, SESSION_HEADERS
from .loopback import Loopback, loopback
from .renewal import (
    HANG,
    HANG_AFTER,
    HANG_LIFE,
    HANG_SECONDS,
    LEEWAY,
    LIFE,
    RATE,
    TOKEN_DELAY,
    WAITED,
    WARM_UP,
    Outcome,
)
from .stalls import Stall, disturbed, watched

THREADS = 64  # enough for other requests to start while some wait for a token
LEFT_OUT = (NO_OP_HOOK, SESSION_HEADERS)  # as the floor, which never renews: it shows what else delays a request


class Schedule:
    """When each request is due, and how long it took from then."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.errors = 0
        self._ends = [0.0] * count
        gc.collect()
        gc.freeze()  # else each full collection looks at all modules again, which takes longer than most requests
        self._start = time.perf_counter() + 0.1

    def _due(self, number: int) -> float:
        return self._start + number / RATE

    def wait(self, number: int) -> float:
        """Seconds until the request is due."""
        return self._due(number) - time.perf_counter()

    def ended(self, number: int) -> None:
        """Record when the request ended."""
        self._ends[number] = time.perf_counter()

    @property
    def milliseconds(self) -> list[float]:
        """How long each request took."""
        return [(end - self._due(number)) * 1000 for number, end in enumerate(self._ends)]

    def disturbed(self, stalls: Sequence[Stall]) -> list[bool]:
        """For each request, whether it took longer because the machine stood still. No stall makes a request wait."""
        return disturbed(stalls, ((self._due(number), end) for number, end in enumerate(self._ends)), WAITED)


def _send_from_threads(session: Any, url: str, count: int) -> Schedule:
    schedule, numbers = Schedule(count), itertools.count()

    def send() -> None:
        while (number := next(numbers)) < count:
            time.sleep(max(0.0, schedule.wait(number)))
            try:
                session.get(url)
            except Exception:  # noqa: BLE001  # of whatever library; it is counted
                schedule.errors += 1
            schedule.ended(number)

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return schedule


async def _send_from_tasks(client: Any, url: str, count: int) -> Schedule:
    schedule = Schedule(count)

    async def send(number: int) -> None:
        try:
            await client.get(url)
        except Exception:  # noqa: BLE001  # of whatever library; it is counted
            schedule.errors += 1
        schedule.ended(number)

    tasks: set[asyncio.Task[None]] = set()  # only those that run: a full garbage collection looks at each
    for number in range(count):
        await asyncio.sleep(max(0.0, schedule.wait(number)))
        task = asyncio.create_task(send(number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return schedule


def _run(contestant: Contestant, place: Place, server: Loopback, seconds: int, *, is_async: bool) -> Outcome:
    has_precedence = take_precedence()
    session: Any = contestant.open(place)
    count = (WARM_UP + seconds) * RATE

    async def in_loop() -> Schedule:
        if contestant.start is not None:
            await contestant.start(session)
        await session.get(server.api_url)
        server.report()
        return await _send_from_tasks(session, server.api_url, count)

    with watched() if has_precedence else nullcontext(list[Stall]) as stalls:
        if is_async:
            schedule = asyncio.run(in_loop())
        else:
            if contestant.start is not None:
                contestant.start(session)
            session.get(server.api_url)
            server.report()
            schedule = _send_from_threads(session, server.api_url, count)
        were_disturbed = schedule.disturbed(stalls())
    report = server.report()
    return Outcome(
        schedule.milliseconds[WARM_UP * RATE :],
        were_disturbed[WARM_UP * RATE :],
        tokens=report.get("tokens", 0),
        refused=report.get("refused", 0),
        errors=schedule.errors,
        has_precedence=has_precedence,
    )


def main(what: str, kind: str, name: str = "", lifetimes: str = "0") -> None:
    """Print the names of the contestants, or the results: of a run, or of ours while the endpoint hangs."""
    everyone = {each.name: each for each in contestants(kind) if each.name not in LEFT_OUT}
    if what == "names":
        print(json.dumps(list(everyone)))
        return
    is_async = kind.endswith("async")
    if what == "hang":
        with loopback(TOKEN_DELAY, HANG_LIFE, hang=HANG) as server:
            place = Place(server.token_url, server.api_url, leeway=LEEWAY, renew_after=HANG_AFTER)
            print(json.dumps(_run(everyone[OURS], place, server, HANG_SECONDS, is_async=is_async)))
        return
    with loopback(TOKEN_DELAY, LIFE) as server:
        place = Place(server.token_url, server.api_url, leeway=LEEWAY)
        print(json.dumps(_run(everyone[name], place, server, int(lifetimes) * LIFE, is_async=is_async)))


if __name__ == "__main__":
    main(*sys.argv[1:])
