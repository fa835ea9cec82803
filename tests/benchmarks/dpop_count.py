"""Runs under callgrind: requests with and without a DPoP proof, bare signatures, and proofs that PyJWT makes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from .counted import Work, do_counted
from .dpop_contestants import contestants
from .in_process import API_URL
from .kinds import PYJWT, SIGNATURE


def _work(get: Callable[[str], object]) -> Work:
    def work(count: int) -> None:
        for _ in range(count):
            get(API_URL)

    return work


def _async_work(get: Callable[[str], Any]) -> Work:
    loop = asyncio.new_event_loop()

    async def run(count: int) -> None:
        for _ in range(count):
            await get(API_URL)

    return lambda count: loop.run_until_complete(run(count))


def _repeated(function: Callable[[], None]) -> Work:
    def work(count: int) -> None:
        for _ in range(count):
            function()

    return work


def main(kind: str, fewer: int, more: int) -> None:
    """Do all the work."""
    everyone = contestants(kind)
    make = _async_work if kind.endswith("async") else _work
    works = [(name, "request", make(get)) for name, get in everyone.gets.items()]
    works += [(SIGNATURE, "call", _repeated(everyone.signing)), (PYJWT, "call", _repeated(everyone.proving))]
    for _, _, work in works:
        work(1)  # fetches the token
    do_counted(works, fewer, more)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
