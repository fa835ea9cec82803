"""Runs under callgrind. Each contestant sends a few requests and then more, each time in its own process.

All processes are forks of one that has imported everything and fetched the tokens. So all start from the same memory,
and the two runs of a contestant differ only in the number of requests. The output lists what each process did:
``[{"pid": ..., "name": ..., "what": ..., "count": ...}, ...]``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from .contestants import Contestant, Place, contestants
from .in_process import API_URL, HOUR, TOKEN_URL
from .lone_auth import lone_auths

PLACE = Place(TOKEN_URL, API_URL, leeway=HOUR // 100, in_process=True)

Work = Callable[[int], None]


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


def _forked(work: Work, count: int) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(count)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError(f"a process that sent {count} requests ended with status {status}")
    return pid


def main(kind: str, fewer: int, more: int) -> None:
    """Do all the work."""
    works = all_work(kind)
    gc.collect()
    gc.freeze()  # the collector skips what was imported
    # No full collections: whether one happens in a hundred requests is chance.
    gc.set_threshold(*gc.get_threshold()[:2], 1_000_000)
    runs = []
    for name, what, work in works:
        for count in (fewer, more):
            runs.append({"pid": _forked(work, count), "name": name, "what": what, "count": count})
    print(json.dumps(runs))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
