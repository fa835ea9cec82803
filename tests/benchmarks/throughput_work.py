"""Sends many requests at once, everybody in turn, and prints throughput relative to the floor.

By name, quartiles of requests a second, and the median of requests a second of this process's own CPU time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any

from .contestants import Contestant, Place, contestants
from .kinds import FLOOR, NO_OP_HOOK, SESSION_HEADERS
from .loopback import loopback

REQUESTS = 1000  # in a round
HOUR = 3600
LEFT_OUT = (NO_OP_HOOK, SESSION_HEADERS)

Round = Callable[[], object]


def _in_threads(contestant: Contestant, place: Place, callers: int) -> Round:
    session = contestant.open(place)
    if contestant.start is not None:
        contestant.start(session)
    pool = ThreadPoolExecutor(callers)

    def send(_: int) -> None:
        for _ in range(REQUESTS // callers):
            if session.get(place.api_url).status_code != 200:
                raise RuntimeError(f"{contestant.name}: a request was refused")

    return lambda: list(pool.map(send, range(callers)))


def _in_tasks(contestant: Contestant, place: Place, callers: int) -> Round:
    loop = asyncio.new_event_loop()
    client: Any = contestant.open(place)
    if contestant.start is not None:
        loop.run_until_complete(contestant.start(client))

    async def send() -> None:
        if (await client.get(place.api_url)).status_code != 200:
            raise RuntimeError(f"{contestant.name}: a request was refused")

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(callers)))

    return lambda: loop.run_until_complete(send_all())


def main(kind: str, rounds: int, callers: int) -> None:
    """Print it."""
    prepare = _in_tasks if kind.endswith("async") else _in_threads
    with loopback(0.0, HOUR) as server:
        place = Place(server.token_url, server.api_url, leeway=60)
        work = {each.name: prepare(each, place, callers) for each in contestants(kind) if each.name not in LEFT_OUT}
        seconds: dict[str, list[float]] = {name: [] for name in work}
        cpu_seconds: dict[str, list[float]] = {name: [] for name in work}
        order = list(work)
        for number in range(rounds + 1):
            order = order[1:] + order[:1]
            for name in order:
                started, cpu_started = time.perf_counter(), time.process_time()
                work[name]()
                if number > 0:  # the first opens the connections
                    seconds[name].append(time.perf_counter() - started)
                    cpu_seconds[name].append(time.process_time() - cpu_started)
        print(
            json.dumps(
                {
                    name: {
                        "by_time": quantiles(_ratios(seconds[FLOOR], seconds[name])),
                        "by_cpu_time": median(_ratios(cpu_seconds[FLOOR], cpu_seconds[name])),
                    }
                    for name in work
                }
            )
        )


def _ratios(floor: list[float], other: list[float]) -> list[float]:
    """Round by round."""
    return [of_floor / of_other for of_floor, of_other in zip(floor, other, strict=True)]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
