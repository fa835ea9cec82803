"""`limited_tls`: all that happens on a TLS socket ends in the time of one watchdog, which watches nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth._http.limited_tls import LimitedSocket, is_limited, limited_by
from oauth_cc_auth._http.watchdog import Watchdog
from tests.cli.check.certificates import issued

LIMIT = 30.0  # seconds after which something that should have ended did not


class Counted(Watchdog):
    """Has the given times left, one after another."""

    def __init__(self, *times: float) -> None:
        super().__init__(LIMIT)
        self._times = list(times)

    @property
    def left(self) -> float:
        return self._times.pop(0)


@pytest.fixture(name="context")
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = LimitedSocket
    return context


@pytest.fixture(name="served")
def _served(tmp_path: Path) -> ssl.SSLContext:
    return issued("127.0.0.1").serving(tmp_path)


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(LIMIT)
        there.settimeout(LIMIT)
        yield here, there


@contextmanager
def conversation(
    context: ssl.SSLContext, served: ssl.SSLContext, watchdog: Watchdog | None
) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """The two ends of a connection whose handshake took place in `limited_by(watchdog)`."""
    with ExitStack() as stack:
        here, there = stack.enter_context(pair())
        pool = stack.enter_context(ThreadPoolExecutor(1))
        other = pool.submit(served.wrap_socket, there, server_side=True)
        with ExitStack() as limit:
            if watchdog is not None:
                limit.enter_context(limited_by(watchdog))
            mine = stack.enter_context(context.wrap_socket(here))
        yield mine, stack.enter_context(other.result(LIMIT))


def read(sock: ssl.SSLSocket) -> bytes:
    return sock.recv(1)


def read_into(sock: ssl.SSLSocket) -> bytes:
    buffer = bytearray(1)
    sock.recv_into(buffer)
    return bytes(buffer)


def test_a_handshake_that_does_not_end(context: ssl.SSLContext) -> None:
    """The other side says nothing."""
    with pair() as (here, _), limited_by(Watchdog(0.01)), pytest.raises(TimeoutError):
        context.wrap_socket(here)


def test_time_that_was_up_before_the_handshake(context: ssl.SSLContext) -> None:
    """Nothing is sent any more."""
    with pair() as (here, there):
        with limited_by(Watchdog(-1.0)), pytest.raises(TimeoutError, match="is over"):
            context.wrap_socket(here)
        assert there.recv(1) == b""


@pytest.mark.parametrize("reading", [read, read_into])
def test_each_call_gets_what_is_left(
    context: ssl.SSLContext, served: ssl.SSLContext, reading: Callable[[ssl.SSLSocket], bytes]
) -> None:
    """It makes no difference what the caller has set; and the socket keeps its limit."""
    with conversation(context, served, Counted(29.0, 28.0, 27.0, 26.0, 0.0, 0.0)) as (here, there):
        assert here.gettimeout() == 29.0
        here.settimeout(LIMIT)
        here.sendall(b"a")
        assert (here.gettimeout(), there.recv(1)) == (28.0, b"a")
        there.sendall(b"bcd")
        for byte, left in ((b"b", 27.0), (b"c", 26.0)):
            here.settimeout(LIMIT)
            assert (reading(here), here.gettimeout()) == (byte, left)
        with pytest.raises(TimeoutError, match="is over"):
            reading(here)
        with pytest.raises(TimeoutError, match="is over"):
            here.send(b"e")


def test_a_reader_of_one_that_is_silent(context: ssl.SSLContext, served: ssl.SSLContext) -> None:
    """It gets a timeout, and no end that looks like the end of an answer."""
    with conversation(context, served, Counted(LIMIT, 0.01)) as (here, _), pytest.raises(TimeoutError):
        here.recv(1)


def test_without_a_limit(context: ssl.SSLContext, served: ssl.SSLContext) -> None:
    """A socket as any other."""
    with conversation(context, served, None) as (here, there):
        here.sendall(b"a")
        there.sendall(there.recv(1))
        assert (here.recv(1), here.gettimeout()) == (b"a", LIMIT)


def test_one_limit_in_another(context: ssl.SSLContext, served: ssl.SSLContext) -> None:
    """What sends a token request may send one of its own; a limit counts for its own thread."""
    with limited_by(Counted(20.0)):
        with conversation(context, served, Counted(10.0)) as (here, _):
            assert here.gettimeout() == 10.0
        with pair() as (here_too, there), ThreadPoolExecutor(1) as pool:
            other = pool.submit(context.wrap_socket, there, do_handshake_on_connect=False)
            with closing(other.result(LIMIT)) as unlimited, closing(here_too):
                assert unlimited.gettimeout() == LIMIT
        with conversation(context, served, None) as (here, _):
            assert here.gettimeout() == 20.0


@pytest.mark.parametrize(("kind", "limited"), [(LimitedSocket, True), (ssl.SSLSocket, False)])
def test_which_contexts_are_limited(context: ssl.SSLContext, kind: type[Any], limited: bool) -> None:
    """Those whose sockets are."""
    context.sslsocket_class = kind
    assert is_limited(context) is limited
    assert not is_limited(threading)
