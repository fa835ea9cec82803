"""A process with an auth object and a clock of its own that does what a test tells it.

`Told` is the test's side. The other is this file run as a program, which reads a command a line and answers each with
a line of JSON.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from math import inf
from types import TracebackType
from typing import Any

import requests

from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._stores import redis, sharing, visit
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore, RedisStore
from oauth_cc_auth.testing import LoopbackServer

LIMIT = 100.0  # seconds; whatever takes longer counts as a hang


class Told:
    """A process that does what a test tells it.

    Args:
        where: A folder, or the URL of a Redis.
        server: Where it sends its requests.
        ahead: Seconds by which its wall clock is ahead of that of others.
        longest_lease: Seconds that its leases in Redis last at most, whatever it asks for.

    Attributes:
        process: The process itself, for what is done to one from outside.
    """

    def __init__(self, where: str, server: LoopbackServer, *, ahead: float = 0.0, longest_lease: float = LIMIT) -> None:
        settings = str(ahead), str(longest_lease)
        command = [sys.executable, __file__, where, server.token_url, server.api_url, *settings]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._end = threading.Timer(LIMIT, self.process.kill)
        self._end.start()

    def __enter__(self) -> Told:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end.cancel()
        with self.process:  # closes its pipes, and so ends it
            pass

    def begin(self, command: str, value: float) -> None:
        """Have it do something, and do not wait for that."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command} {value}\n")
        self.process.stdin.flush()

    def outcome(self) -> Any:
        """What came of it."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def send(self, times: int) -> tuple[list[int], list[str]]:
        """Have it send API requests: their statuses, and the warnings meanwhile."""
        self.begin("send", times)
        statuses, warnings = self.outcome()
        return statuses, warnings

    def let_pass(self, seconds: float) -> None:
        """Let `seconds` pass by its clocks."""
        self.begin("let_pass", seconds)
        self.outcome()

    def give_store(self, seconds: float) -> None:
        """Have it give its store so long for what it does for one request; as long as it likes, to begin with."""
        self.begin("give_store", seconds)
        self.outcome()

    def end_rest(self) -> None:
        """Have it ask its store again, which it leaves alone."""
        self.begin("end_rest", 0)
        self.outcome()

    def limit_files(self, size: int) -> None:
        """Have the operating system let it write no file of more than `size` bytes; -1 for no limit."""
        self.begin("limit_files", size)
        self.outcome()


class _MovedClock(Clock):
    """The real clock, some seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead
        self._passed = 0.0

    @property
    def readings(self) -> _MovedClock:  # type: ignore[override]  # the real clock's are those of a module
        return self

    def wall(self) -> float:
        return time.time() + self._ahead + self._passed

    time = wall

    def monotonic(self) -> float:
        return time.monotonic() + self._passed

    def let_pass(self, seconds: float) -> None:
        self._passed += seconds


class _ShortLeases(RedisStore):
    """A store whose leases no test has to wait for."""

    def __init__(self, url: str, longest: float) -> None:
        super().__init__(url)
        self._longest = longest

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        return super().acquire(key, owner, min(seconds, self._longest))


class _Worker:
    """What this process can be told to do."""

    def __init__(self, where: str, token_url: str, api_url: str, ahead: float, longest_lease: float) -> None:
        store = _ShortLeases(where, longest_lease) if "://" in where else FileStore(where)
        self._auth = ClientCredentialsAuth(token_url, "abcd-1234", "secret123456", store=store)
        self._clock = _MovedClock(ahead)
        self._auth._start(self._clock)
        self._api_url = api_url
        self._session = requests.Session()
        self._warnings: list[str] = []
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self._warnings.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("oauth_cc_auth").addHandler(handler)

    def send(self, times: float) -> Any:
        try:
            statuses = [self._session.get(self._api_url, auth=self._auth).status_code for _ in range(int(times))]
        except requests.RequestException as error:
            return [0], [str(error)]
        warnings, self._warnings[:] = self._warnings[:], []
        return statuses, warnings

    def let_pass(self, seconds: float) -> None:
        self._clock.let_pass(seconds)

    def give_store(self, seconds: float) -> None:
        visit.BUDGET = seconds

    def end_rest(self, _: float) -> None:
        for each in sharing._all:  # the clock of the store cannot be moved as that of this process is
            each.access.health.failed_at = -inf

    def limit_files(self, size: float) -> None:
        import resource  # not on Windows

        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), most))


def main(where: str, token_url: str, api_url: str, ahead: str, longest_lease: str) -> None:
    visit.BUDGET = redis.TIMEOUT = LIMIT
    worker = _Worker(where, token_url, api_url, float(ahead), float(longest_lease))
    for line in sys.stdin:
        name, value = line.split()
        sys.stdout.write(json.dumps(getattr(worker, name)(float(value))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
