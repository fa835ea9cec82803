"""Sends many requests at once with each contestant in turn, and prints the throughput relative to the floor.

It prints a ratio for each round, by name. Client and server each have their own core if the system can pin processes:
otherwise the scheduling of client threads that wait for the server changes the result by more than a tenth.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import truediv
from typing import Any

from .contestants import Contestant, Place, contestants
from .cores import own_cores, pin
from .kinds import FLOOR, NO_OP_HOOK, SESSION_HEADERS
from .loopback import loopback

# Requests per round. Few, so that the floor's turn is never long ago.
REQUESTS = 200
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
    """Print the ratios."""
    prepare = _in_tasks if kind.endswith("async") else _in_threads
    with loopback(0.0, HOUR) as server:
        client_core, server_core = own_cores()
        pin(0, client_core)
        pin(server.pid, server_core)
        place = Place(server.token_url, server.api_url, leeway=60)
        work = {each.name: prepare(each, place, callers) for each in contestants(kind) if each.name not in LEFT_OUT}
        seconds: dict[str, list[float]] = {name: [] for name in work}
        order = list(work)
        for number in range(rounds + 1):
            # Alternate the order: if the machine slows down, it affects all contestants alike.
            order = [*order[1:], order[0]] if number % 2 else order[::-1]
            for name in order:
                started = time.perf_counter()
                work[name]()
                if number > 0:  # the first round opens the connections
                    seconds[name].append(time.perf_counter() - started)
        floor = seconds[FLOOR]
        print(json.dumps({name: list(map(truediv, floor, seconds[name])) for name in work}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
