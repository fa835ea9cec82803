"""Promise 13: an interpreter that shuts down during a fetch ends at once and without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import oauth_cc_auth
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients

LIMIT = 60  # s

# The main thread ends when the test says so, which is when all other threads are where they belong.
PRELUDE = """
import anyio, asyncio, faulthandler, importlib, sys, threading
faulthandler.dump_traceback_later(40, exit=True)
module, token_url = sys.argv[1:]
settings = {"timeout": 600, "deadline": 600}
auth = importlib.import_module(module).ClientCredentialsAuth(token_url, "client", "secret", **settings)
claims = threading.Semaphore(0)

class CountedCache(type(auth._source.cache)):
    __slots__ = ()

    def claim(self, *args):
        answer = super().claim(*args)
        claims.release()
        return answer

auth._source.cache.__class__ = CountedCache

def start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()
    assert claims.acquire(timeout=30)

def in_a_loop():
    asyncio.run(auth.aget_token())

async def warm_up():
    with anyio.move_on_after(0):
        await anyio.Event().wait()

asyncio.run(warm_up())  # imports everything: an import that is cut short would complain
"""

# One leads, and the others wait for it.
CALLERS = {
    "threads": "for _ in range(4): start(auth.get_token)",
    "a loop leads": "start(in_a_loop); start(auth.get_token)",
    "a thread leads": "start(auth.get_token); start(in_a_loop)",
}
END = """
sys.stdin.readline()
"""
LAST_REQUEST = """
import atexit
atexit.register(lambda: print(auth.get_token().access_token))
"""


def start(client: ClientKind, server: LoopbackServer, script: str, *, background: str = "0") -> subprocess.Popen[str]:
    path = str(Path(oauth_cc_auth.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, client.auth_class.__module__, server.token_url],
        env={**os.environ, "PYTHONPATH": path, "OAUTH_CC_RENEW_IN_BACKGROUND": background},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, output and errors of the process, after it was asked to end."""
    with process:
        try:
            output, errors = process.communicate("end\n", LIMIT)
        finally:
            process.kill()
    return process.returncode, output, errors


@pytest.mark.parametrize(
    ("client", "callers"),
    [
        pytest.param(client, callers, id=f"{client.id}-{callers}")
        for client in (REQUESTS, HTTPX, HTTPX2)
        for callers in CALLERS
        if client is not REQUESTS or callers == "threads"
    ],
)
def test_daemon_threads_that_fetch_hold_nothing_up(
    client: ClientKind, oauth_server: LoopbackServer, callers: str
) -> None:
    """The fetch and those who wait for it have ten minutes, and the endpoint never answers."""
    with oauth_server.token_endpoint.hold() as gate:
        process = start(client, oauth_server, CALLERS[callers] + END)
        gate.wait_for(1, LIMIT)
        status, output, errors = end_of(process)
        assert (status, output) == (0, ""), errors
        assert errors == ""
    assert len(oauth_server.token_requests) == 1


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_the_last_request_of_a_program_gets_a_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An exit handler makes it, when no new thread can start."""
    status, output, errors = end_of(start(client, oauth_server, LAST_REQUEST + END))
    assert (status, errors) == (0, "")
    assert output.split() == list(oauth_server.issued)


RENEWING = """
auth.get_token()
lease = auth._source.cache.current
lease._earliest_aging = auth._source.cache.clock.moment()
lease.jitter(0)
print("ready", flush=True)
sys.stdin.readline()
auth.get_token()
print("renewing", flush=True)
sys.stdin.readline()
"""


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_renewal_in_the_background_keeps_no_program_alive(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The interpreter ends while the endpoint hangs, without a word."""
    with start(client, oauth_server, RENEWING, background="1") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        with oauth_server.token_endpoint.hold() as gate:
            print(file=process.stdin, flush=True)
            assert process.stdout.readline() == "renewing\n"
            gate.wait_for(1)
            out, err = process.communicate("\n", timeout=LIMIT)
    assert (process.returncode, out, err) == (0, "", "")
