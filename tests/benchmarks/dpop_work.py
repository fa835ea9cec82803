"""CPU times of requests with and without a DPoP proof. Prints, in units of one signature, what each adds.

Each contestant sends its requests in a process of its own, a fork of one that has opened everything: so none runs
through code that the interpreter has adapted to another one. The processes take turns, a few requests each, so what
else the machine does meets all of them alike. A figure is the median of many differences between neighbours.

The unit is one signature of the same message with the same key. It is measured after each request without a
proof: a signature in a loop that does nothing else would find all that it needs in the caches of the processor, and the
request after it too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median

from .dpop_contestants import contestants
from .in_process import API_URL
from .kinds import BEARER, BY_HAND, HEADER, HEADERS, ONE_MORE_HEADER, OURS, PYJWT

WARM_UP, REQUESTS = 200, 25  # of a process before its first turn, and in each

Times = tuple[float, float]  # seconds of a request, and of what is done after it: a signature, or a proof by PyJWT
Turn = Callable[[], Times]


def _turns(kind: str) -> dict[str, Turn]:
    """What each contestant does when it is its turn."""
    everyone = contestants(kind)
    after_each = {
        BEARER: everyone.signing,
        HEADER: everyone.signing,
        HEADERS: everyone.signing,
        # A process of its own, whose requests have no proof.
        PYJWT: everyone.proving,
    }
    gets = {**everyone.gets, PYJWT: everyone.gets[HEADER]}
    make = _async_turn if kind.endswith("async") else _turn
    return {name: make(get, after_each.get(name, _nothing)) for name, get in gets.items()}


def _nothing() -> None:
    pass


def _turn(get: Callable[[str], object], after_each: Callable[[], None]) -> Turn:
    """Sends the requests of a turn, and calls `after_each`."""

    def turn() -> Times:
        requests, others = [], []
        for _ in range(REQUESTS):
            started = time.thread_time()
            get(API_URL)
            sent = time.thread_time()
            after_each()
            requests.append(sent - started)
            others.append(time.thread_time() - sent)
        return median(requests), median(others)

    return turn


def _async_turn(get: Callable[[str], Awaitable[object]], after_each: Callable[[], None]) -> Turn:
    loop = asyncio.new_event_loop()

    async def turn() -> Times:
        requests, others = [], []
        for _ in range(REQUESTS):
            started = time.thread_time()
            await get(API_URL)
            sent = time.thread_time()
            after_each()
            requests.append(sent - started)
            others.append(time.thread_time() - sent)
        return median(requests), median(others)

    return lambda: loop.run_until_complete(turn())


class Player:
    """A process that takes a turn whenever it is asked to."""

    def __init__(self, turn: Turn) -> None:
        asked, self._asking = os.pipe()
        self._answers, answering = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._asking)  # or this process would never see the end
            status = 1
            try:
                for _ in range(WARM_UP // REQUESTS):
                    turn()
                while os.read(asked, 1):
                    os.write(answering, struct.pack("dd", *turn()))
                status = 0
            finally:
                os._exit(status)
        os.close(asked)
        os.close(answering)

    def play(self) -> Times:
        """The times of a turn."""
        os.write(self._asking, b"x")
        request, other = struct.unpack("dd", os.read(self._answers, 16))
        return request, other

    def end(self) -> None:
        """Let the process end."""
        os.close(self._asking)
        os.close(self._answers)
        _, status = os.waitpid(self._pid, 0)
        if status != 0:
            raise RuntimeError(f"a process that sent requests ended with status {status}")


def main(kind: str, rounds: int) -> None:
    """Print what a proof adds, in signatures, and the seconds of a signature."""
    turns = _turns(kind)
    gc.collect()
    gc.freeze()
    players: dict[str, Player] = {}
    for name, turn in turns.items():
        players[name] = Player(turn)
    played = [{name: player.play() for name, player in players.items()} for _ in range(rounds)]
    for name in reversed(players):  # the later ones have the pipes of the earlier ones
        players[name].end()
    signature = median(times[BEARER][1] for times in played)

    def added(name: str, base: str) -> float:
        return median(times[name][0] - times[base][0] for times in played) / signature

    figures = {ONE_MORE_HEADER: added(HEADERS, HEADER), BY_HAND: added(BY_HAND, HEADER), OURS: added(OURS, BEARER)}
    figures[PYJWT] = median(times[PYJWT][1] for times in played) / signature
    print(json.dumps({"added": figures, "signature": signature}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
