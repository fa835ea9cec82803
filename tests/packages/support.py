"""What the tests of other people's packages share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth.testing import LoopbackServer

LIMIT = 60.0  # s, for whatever another process does

# What a server sees of two requests if all tokens are revoked between them.
RENEWED = ["token 200", "api 200", "api 401", "token 200", "api 200"]


def package(name: str) -> Any:
    """The package, or the reason why the tests that need it are skipped."""
    return pytest.importorskip(name, reason=f"{name} is not installed; `nox -s packages` installs it")


def auth_for(server: LoopbackServer, family: Any = oauth_cc_auth.requests, **options: Any) -> Any:
    """An auth object of `family` (one of our modules) for the server's client."""
    return family.ClientCredentialsAuth(server.token_url, server.client_id, server.client_secret, **options)


def talk(server: LoopbackServer) -> list[str]:
    """What the server was asked and how it answered, in order, such as "token 200"."""
    return [f"{request.kind} {request.status}" for request in server.requests]


@contextmanager
def child(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, *inherited: int
) -> Iterator[None]:
    """Python with `arguments` in `folder`, its home; in the end it is asked to leave, then made to with its children.

    Args:
        environment: Variables besides those of this process.
        inherited: File descriptors that it gets.
    """
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), **(environment or {})},
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            print("it did not leave when it was asked to")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(log.read_text(errors="replace"))  # pytest shows it if the test fails


def fetch(port: int, path: str = "/") -> tuple[int, str]:
    """Status and text of what a server of a test says on `port` of loopback."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
