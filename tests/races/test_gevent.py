"""Promises 12, 13 and 26 in a process that gevent has patched, where a greenlet is a thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import oauth_cc_auth
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients

pytest.importorskip("gevent", reason="gevent has no wheel for this Python", exc_type=ImportError)

LIMIT = 60  # s

# In a process of its own, since patches cannot be taken back; the server is in it, so that all switching is gevent's.
# Every wait is bounded, and a hang is reported with its stack.
PRELUDE = """
import faulthandler, importlib, json, sys
faulthandler.dump_traceback_later(40, exit=True)
from gevent import monkey
module, order = sys.argv[1:]
if order == "patched first":
    monkey.patch_all()
importlib.import_module(module)
if order == "patched later":
    monkey.patch_all()
import gevent
from oauth_cc_auth.testing import LoopbackServer

def ask():
    return auth.get_token().access_token

def tokens_of(greenlets):
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    return [greenlet.value for greenlet in greenlets]

def tell(**what):
    print(json.dumps({**what, "issued": server.issued, "requests": len(server.token_requests)}))

with LoopbackServer() as server:
    new = sys.modules[module].ClientCredentialsAuth
    auth = new(server.token_url, server.client_id, server.client_secret, timeout=20, deadline=30)
"""

COLD = """
    tell(tokens=tokens_of([gevent.spawn(ask) for _ in range(50)]))
"""

KILLED = """
    with server.token_endpoint.hold() as gate:
        leader = gevent.spawn(ask)
        gate.wait_for(1)
        followers = [gevent.spawn(ask) for _ in range(8)]
        gevent.idle()  # until all of them wait
        leader.kill(timeout=30)
        gate.wait_for(2)
        gate.release()
        tell(tokens=tokens_of(followers), killed=type(leader.value).__name__)
"""

AGING = """
    auth.get_token()
    lease = auth._source.cache.current
    lease._earliest_aging = auth._source.cache.clock.moment()
    lease.jitter(0)
    with server.token_endpoint.hold() as gate:
        tokens = tokens_of([gevent.spawn(ask) for _ in range(8)])
        gate.wait_for(1)
    auth.close(30)
    tell(tokens=tokens, after=ask())
"""

SHARED = """
    import tempfile
    from oauth_cc_auth.stores import FileStore
    with tempfile.TemporaryDirectory() as folder:
        def beside():
            return new(server.token_url, server.client_id, server.client_secret, store=FileStore(folder + "/tokens"))
        with server.token_endpoint.hold() as gate:
            auth = beside()
            leader = gevent.spawn(ask)
            gate.wait_for(1)
            auths = [beside() for _ in range(3)]
            waiters = [gevent.spawn(auth.get_token) for auth in auths for _ in range(10)]
            gevent.sleep(0.1)  # some of them look at the store now
            leader.kill(timeout=30)
            gate.wait_for(2)
            gate.release()
            tell(tokens=[token.access_token for token in tokens_of(waiters)])
"""


def run(client: ClientKind, order: str, script: str) -> dict[str, Any]:
    """What `script` prints about its tokens."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + script, client.auth_class.__module__, order],
        env={**os.environ, "PYTHONPATH": str(Path(oauth_cc_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.mark.parametrize("order", ["patched first", "patched later"])
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_fifty_greenlets_on_a_cold_cache_cost_one_token_request(client: ClientKind, order: str) -> None:
    """Even if the plugin was imported before gevent patched, which many programs get wrong."""
    told = run(client, order, COLD)
    assert told["requests"] == 1
    assert told["tokens"] == told["issued"] * 50


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_when_the_leading_greenlet_is_killed_a_waiter_takes_over(client: ClientKind) -> None:
    """At once, and only one of them: the others go on waiting."""
    told = run(client, "patched first", KILLED)
    assert told["killed"] == "GreenletExit"
    assert told["requests"] == 2
    assert told["tokens"] == told["issued"][-1:] * 8


@pytest.mark.parametrize("order", ["patched first", "patched later"])
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_greenlets_with_a_store(client: ClientKind, order: str) -> None:
    """As if auth objects were processes: one fetches for all; if its greenlet is killed, another one goes on."""
    told = run(client, order, SHARED)
    assert told["requests"] == 2
    assert told["tokens"] == told["issued"][-1:] * 30


@pytest.mark.parametrize("order", ["patched first", "patched later"])
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_no_greenlet_waits_while_the_token_is_good(client: ClientKind, order: str) -> None:
    """An aging token is renewed by a greenlet of its own."""
    told = run(client, order, AGING)
    assert told["requests"] == 2
    assert told["tokens"] == told["issued"][:1] * 8
    assert told["after"] == told["issued"][1]
