"""Runs under callgrind: requests with a cached token, and calls of the auth objects alone."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from .contestants import Contestant, Place, contestants
from .counted import Work, do_counted
from .in_process import API_URL, HOUR, TOKEN_URL
from .lone_auth import lone_auths

PLACE = Place(TOKEN_URL, API_URL, leeway=HOUR // 100, in_process=True)


def request_work(contestant: Contestant, *, is_async: bool) -> Work:
    """Returns a function that sends a number of requests. The token is cached already."""
    session = contestant.open(PLACE)
    if is_async:
        return _async_work(contestant, session)
    if contestant.start is not None:
        contestant.start(session)
    get = session.get
    get(API_URL)

    def work(count: int) -> None:
        for _ in range(count):
            get(API_URL)

    return work


def _async_work(contestant: Contestant, session: Any) -> Work:
    loop = asyncio.new_event_loop()

    async def run(count: int) -> None:
        get = session.get
        for _ in range(count):
            await get(API_URL)

    async def begin() -> None:
        if contestant.start is not None:
            await contestant.start(session)
        await run(1)

    loop.run_until_complete(begin())
    return lambda count: loop.run_until_complete(run(count))


def all_work(kind: str) -> list[tuple[str, str, Work]]:
    """For each contestant: its name, what is counted, and the work."""
    is_async = kind.endswith("async")
    everyone = contestants(kind)
    works = [(each.name, "request", request_work(each, is_async=is_async)) for each in everyone]
    if not is_async:
        works += [(name, "auth", work) for name, work in lone_auths(kind, everyone, PLACE)]
    return works


def main(kind: str, fewer: int, more: int) -> None:
    """Do all the work."""
    do_counted(all_work(kind), fewer, more)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
