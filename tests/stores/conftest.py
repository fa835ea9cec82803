"""A real Redis for the tests that need one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stores.programs import SERVERS, program


class RedisServer:
    """A server of our own, on a socket in a folder of our own, with nothing in it.

    It is the first of `programs` that is installed. If none is, the test is skipped.
    """

    def __init__(self, folder: Path, programs: tuple[str, ...] = SERVERS) -> None:
        self._command = program(*programs)
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self, *options: str) -> None:
        """Start it, and wait until it accepts connections."""
        self.process = subprocess.Popen(
            [self._command, "--port", "0", "--unixsocket", self._socket, "--save", "", *options],
            stdout=subprocess.PIPE,
            cwd=self._socket.parent,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"eady to accept connections" in line:
                return
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._socket.unlink(missing_ok=True)


@contextmanager
def running(*programs: str) -> Iterator[RedisServer]:
    """A server while the context lasts; by which of `programs`, see `RedisServer`."""
    # The path of a socket has 107 characters at most, and pytest's folders have long names.
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), programs)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with running(*SERVERS) as server:
        yield server
