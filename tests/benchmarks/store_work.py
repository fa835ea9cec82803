"""Forks workers that get their first token at once. Prints token requests, and the workers' times, for each round."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore, RedisStore

from .loopback import Loopback, loopback
from .store import TOKEN_DELAY, WORKERS

SERVERS = ("redis-server", "valkey-server")
_TIME = struct.Struct("d")  # a monotonic time, which all processes share; nan for a worker that failed


@contextmanager
def _redis() -> Iterator[str | None]:
    """The URL of a Redis of our own; None if no server is installed."""
    command = next(filter(None, map(shutil.which, SERVERS)), None)
    if command is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder, "redis.sock")
        arguments = [command, "--port", "0", "--unixsocket", str(socket), "--save", ""]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=folder) as process:
            assert process.stdout is not None
            try:
                while b"eady to accept connections" not in process.stdout.readline():
                    if process.poll() is not None:
                        raise RuntimeError("the Redis server ended at once")
                yield f"unix://{socket}"
            finally:
                process.kill()


def _work(auth: ClientCredentialsAuth, gate: int, ready: int, done: int) -> None:
    """What a worker does."""
    ended = float("nan")
    try:
        os.write(ready, b".")
        os.read(gate, 1)  # until the parent closes its end: all begin at once
        auth.get_token()
        ended = time.monotonic()
    finally:
        os.write(done, _TIME.pack(ended))
        os._exit(0)


def _read(pipe: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += os.read(pipe, count - len(data))
    return data


def _times(auth: ClientCredentialsAuth) -> list[float]:
    """How long each worker took, in seconds; the shortest first."""
    (gate, opening), (ready, is_ready), (done, is_done) = os.pipe(), os.pipe(), os.pipe()
    children = []
    for _ in range(WORKERS):
        child = os.fork()
        if not child:
            os.close(opening)
            _work(auth, gate, is_ready, is_done)
        children.append(child)
    _read(ready, WORKERS)
    started = time.monotonic()
    os.close(opening)
    ends = [end for (end,) in _TIME.iter_unpack(_read(done, WORKERS * _TIME.size))]
    for child in children:
        os.waitpid(child, 0)
    for pipe in (gate, ready, is_ready, done, is_done):
        os.close(pipe)
    if any(end != end for end in ends):  # noqa: PLR0124  # nan
        raise RuntimeError("a worker has got no token")
    return sorted(end - started for end in ends)


def _measure(kind: str, where: str, server: Loopback, rounds: int) -> dict[str, dict[str, list[Any]]]:
    outcomes: dict[str, dict[str, list[Any]]] = {name: {"tokens": [], "times": []} for name in ("cold", "warm")}
    store = FileStore(where) if kind == "file" else RedisStore(where)
    for number in range(-1, rounds):  # the first loads the modules, and does not count
        server.report()
        for outcome in outcomes.values():
            # Another client each round: for it, the store is cold. An auth object without a token, as of a new worker.
            auth = ClientCredentialsAuth(server.token_url, f"client-{number}", "secret", store=store)
            if number < 0:
                auth.get_token()
                continue
            outcome["times"].append(_times(auth))
            outcome["tokens"].append(server.report().get("tokens", 0))
    return outcomes


def main(kind: str, rounds: int) -> None:
    """Print the figures of one kind of store; null if it is not there."""
    with ExitStack() as stack:
        if kind == "file":
            where: str | None = stack.enter_context(tempfile.TemporaryDirectory())
        else:
            where = stack.enter_context(_redis())
        if where is None:
            print("null")
            return
        server = stack.enter_context(loopback(TOKEN_DELAY, 3600))
        print(json.dumps(_measure(kind, where, server, rounds)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
