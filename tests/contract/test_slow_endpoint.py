"""Promise 16: things that are slow besides the endpoint itself hold no caller beyond the deadline: handshakes, proxies,
a person's own token client, all attempts together. For the endpoint, see tests/faults.
"""

from __future__ import annotations

import gc
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, SYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock
from tests.faults.talks import TICK, drips, stalls_after

# One attempt and no time for a second one.
SHORT: dict[str, Any] = {"timeout": 0.1, "deadline": 0.1, "client_authentication": "client_secret_basic"}
HANGS = 10.0  # seconds; a hundred times the expected time


@contextmanager
def does_not_hang() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < HANGS


silence = stalls_after(b"")
# As documented, a connection of a blocking token client may still drip headers.
SLOW_BODIES = {
    "silence": silence,
    "body": drips(b" ", head("200 OK", "Content-Length: 100000")),
    "chunks": drips(b"1\r\n \r\n", head("200 OK", "Transfer-Encoding: chunked"), TICK / 5),
    "form without a length": drips(b"a", head() + b"token_type=Bearer&access_token=half"),
}


def timeout_of(client: ClientKind) -> Any:
    return client.library.Timeout if client is REQUESTS else client.library.TimeoutException


def dripping_handshake(wire: Wire) -> None:
    # The head of a TLS record that announces 16 KiB of handshake.
    wire.send(b"\x16\x03\x03\x40\x00")
    wire.drip(b"\x02", TICK)


# http.client does not close an unreadable answer of a proxy (Python 3.10). A socket that is shut down just before it is
# wrapped gets no handshake, and nothing closes it.
sockets_may_be_left = pytest.mark.filterwarnings("ignore::ResourceWarning")


# Not async clients, which cancel anything: in httpcore, a cancelled handshake leaves its socket to the garbage
# collector, which warns.
@sockets_may_be_left
@for_clients(*SYNC_CLIENTS)
def test_a_slow_tls_handshake_is_a_timeout(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It comes before any HTTP, and may drip too."""
    with RawEndpoint(dripping_handshake, reads_first=False) as endpoint, does_not_hang():
        url = endpoint.url.replace("http:", "https:")
        with client.session(auth_for(client, oauth_server, token_url=url, **SHORT)) as session:
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    assert isinstance(error, timeout_of(client))
    gc.collect()  # here, and not in the middle of another test


def dripping_tunnel(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\n")
    wire.drip(b"X-Name: value\r\n", TICK)


@sockets_may_be_left
@each_client
@pytest.mark.parametrize("talk", [silence, dripping_tunnel], ids=["silence", "headers"])
def test_a_slow_proxy_is_a_timeout(
    client: ClientKind,
    oauth_server: LoopbackServer,
    talk: Callable[[Wire], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its answer to CONNECT counts like anything else before the token."""
    with RawEndpoint(talk) as proxy, does_not_hang():
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        auth = auth_for(client, oauth_server, token_url="https://login.example.com/token", **SHORT)
        with client.session(auth) as session:
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    assert isinstance(error, timeout_of(client))
    gc.collect()


@each_client
@pytest.mark.parametrize("talk", SLOW_BODIES.values(), ids=SLOW_BODIES)
def test_a_token_client_of_the_persons_own_is_bounded_too(
    client: ClientKind, oauth_server: LoopbackServer, talk: Callable[[Wire], object]
) -> None:
    """The client itself may have no time-outs. Token requests have ours."""
    with RawEndpoint(talk) as endpoint, does_not_hang(), ExitStack() as stack:
        if client is REQUESTS:
            own = stack.enter_context(client.library.Session())
        elif client.is_async:
            own = client.library.AsyncClient(timeout=None)
        else:
            own = stack.enter_context(client.library.Client(timeout=None))
        auth = auth_for(client, oauth_server, token_url=endpoint.url, token_client=own, **SHORT)
        session = stack.enter_context(client.session(auth))
        error = failure_of(session, oauth_server.api_url)
        if client.is_async:
            session.call(own.aclose)  # type: ignore[attr-defined]  # a session of an async kind has it
    assert isinstance(error, timeout_of(client))


@each_client
def test_an_endpoint_that_never_completes_a_connection_is_a_timeout(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """A full backlog, like a host behind a firewall that drops packets."""
    if sys.platform != "linux":
        pytest.skip("elsewhere a full backlog refuses connections")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack, does_not_hang():
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/token"
        with client.session(auth_for(client, oauth_server, token_url=url, **SHORT)) as session:
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, timeout_of(client))
    assert isinstance(error, TokenEndpointUnreachable)


@each_client
def test_the_deadline_holds_for_all_attempts_together(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Calls for the secret count too: after 8.5 of 8.6 s, there is no third attempt."""
    clock = FakeClock()

    def slow_vault() -> str:
        clock.advance(4.0)
        return "secret"

    with RawEndpoint(silence) as endpoint, does_not_hang():
        auth = auth_for(
            client, oauth_server, clock, token_url=endpoint.url, client_secret=slow_vault, timeout=0.1, deadline=8.6
        )
        with client.session(auth) as session:
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, timeout_of(client))
    assert (len(error.attempts), clock.sleeps) == (2, [0.5])


@each_client
def test_a_slow_answer_within_the_timeout_is_an_answer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A slow answer alone is not an error: head and body may arrive in pieces."""
    slow = Answer.token("slow-token").slowed(delay=0.01, header_delay=0.0002, byte_delay=0.0002)
    oauth_server.token_endpoint.next(slow)
    with client.session(auth_for(client, oauth_server)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    assert oauth_server.issued == ("slow-token",)
