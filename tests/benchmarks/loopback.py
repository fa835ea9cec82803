"""Starts the loopback server from the process that measures."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Loopback(NamedTuple):
    """A running server."""

    origin: str
    pid: int

    @property
    def token_url(self) -> str:
        """The URL of the token endpoint."""
        return f"{self.origin}/token"

    @property
    def api_url(self) -> str:
        """The URL of the API."""
        return f"{self.origin}/orders"

    def report(self) -> dict[str, int]:
        """Counts since the last report: tokens, accepted requests, refused requests."""
        with urllib.request.urlopen(f"{self.origin}/report", timeout=30) as answer:  # noqa: S310  # our own server
            counts: dict[str, int] = json.load(answer)
        return counts


@contextmanager
def loopback(token_delay: float, token_life: float, certificate: str = "", *, hang: float = 0.0) -> Iterator[Loopback]:
    """A server that takes `token_delay` seconds to issue a token. A token lives `token_life` seconds.

    With a `certificate`, the path of a file that holds it and its key, the server speaks TLS. For `hang` seconds from
    the second token request on, it issues none.
    """
    arguments = [str(token_delay), str(token_life), certificate, str(hang)]
    command = [sys.executable, "-m", "tests.benchmarks.server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            scheme = "https" if certificate else "http"
            yield Loopback(f"{scheme}://127.0.0.1:{process.stdout.readline().strip()}", process.pid)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)
