"""`watchdog`: sockets are shut down when time is up."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from oauth_cc_auth._http.watchdog import Watchdog

LIMIT = 30.0  # seconds after which a socket that should have been shut down was not

Pair = tuple[socket.socket, socket.socket]


def a_pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    here.settimeout(LIMIT)
    with here, there:
        yield here, there


pair = pytest.fixture(a_pair, name="pair")
another_pair = pytest.fixture(a_pair, name="another_pair")


def timers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_wakes_a_reader(pair: Pair) -> None:
    """Who reads from a silent server gets an end when time is up."""
    with Watchdog(0.01) as watchdog:
        watchdog.watch(pair[0])
        assert pair[0].recv(1) == b""
        assert watchdog.fired


def test_shuts_down_every_socket(pair: Pair, another_pair: Pair) -> None:
    """All that were handed over before."""
    with Watchdog(0.01) as watchdog:
        watchdog.watch(pair[0])
        watchdog.watch(another_pair[0])
        assert pair[0].recv(1) == b""
        assert another_pair[0].recv(1) == b""


def test_shuts_down_a_socket_that_comes_too_late(pair: Pair, another_pair: Pair) -> None:
    """A connection that is made after time was up does not get another."""
    with Watchdog(0.01) as watchdog:
        watchdog.watch(pair[0])
        assert pair[0].recv(1) == b""
        watchdog.watch(another_pair[0])
        assert another_pair[0].recv(1) == b""


def test_time_that_was_up_before_the_first_socket(pair: Pair) -> None:
    """It counts from when the watchdog was made."""
    with Watchdog(-1.0) as watchdog:
        watchdog.watch(pair[0])
        assert pair[0].recv(1) == b""


def test_a_socket_that_was_closed_meanwhile(pair: Pair, another_pair: Pair) -> None:
    """It keeps none of the others from being shut down."""
    with Watchdog(0.2) as watchdog:
        watchdog.watch(pair[0])
        pair[0].close()
        watchdog.watch(another_pair[0])
        assert another_pair[0].recv(1) == b""


def test_left_in_time(pair: Pair) -> None:
    """Whoever is done before leaves no thread, and the socket as it was."""
    before = timers()
    with Watchdog(LIMIT) as watchdog:
        watchdog.watch(pair[0])
        (timer,) = set(timers()) - set(before)
    assert not timer.is_alive()
    assert not watchdog.fired
    pair[1].send(b"x")
    assert pair[0].recv(1) == b"x"


def test_fired_while_it_was_being_left(pair: Pair) -> None:
    """A timer that wakes up just too late finds nothing to shut down."""
    watchdog = Watchdog(LIMIT)
    with watchdog:
        watchdog.watch(pair[0])
    watchdog._fire()
    pair[1].send(b"x")
    assert pair[0].recv(1) == b"x"


@pytest.mark.parametrize("sock", [None, object(), "socket"])
def test_what_is_no_socket(sock: object) -> None:
    """Behind a mock there is none: nothing happens, and no thread is started."""
    before = timers()
    with Watchdog(0.001) as watchdog:
        watchdog.watch(sock)
        assert timers() == before
    assert not watchdog.fired


def test_a_stand_in_for_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpretty has a class of its own in the place of `socket.socket`, which has no attributes of a real one."""

    class StandIn:
        def __getattr__(self, name: str) -> object:
            raise LookupError(f"there is no real socket that has {name}")

    monkeypatch.setattr(socket, "socket", StandIn)
    before = timers()
    with Watchdog(0.001) as watchdog:
        watchdog.watch(StandIn())
        assert timers() == before
    assert not watchdog.fired


def test_one_timer(pair: Pair, another_pair: Pair) -> None:
    """However many sockets."""
    before = timers()
    with Watchdog(LIMIT) as watchdog:
        watchdog.watch(pair[0])
        watchdog.watch(another_pair[0])
        started = set(timers()) - set(before)
        assert len(started) == 1
        assert all(timer.daemon for timer in started)
    for timer in started:
        timer.join(LIMIT)


def test_no_new_threads(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the interpreter's end there are none; the request goes on unwatched."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Timer, "start", refuse)
    with Watchdog(LIMIT) as watchdog:
        watchdog.watch(pair[0])


def test_a_default_timeout_of_the_program(pair: Pair) -> None:
    """A duplicate that became a socket object under it would make the person's own socket non-blocking, too."""
    pair[0].setblocking(True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(LIMIT)
    try:
        with Watchdog(LIMIT) as watchdog:
            watchdog.watch(pair[0])
            assert os.get_blocking(pair[0].fileno())
        assert os.get_blocking(pair[0].fileno())
    finally:
        socket.setdefaulttimeout(before)


def test_no_file_descriptor_stays_open(pair: Pair, another_pair: Pair) -> None:
    """Whoever leaves closes the duplicates."""
    with Watchdog(LIMIT) as watchdog:
        watchdog.watch(pair[0])
        watchdog.watch(another_pair[0])
        duplicates = [duplicate[-1] for duplicate in watchdog._duplicates]
    for file_descriptor in duplicates:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file_descriptor)


def test_released(pair: Pair, another_pair: Pair) -> None:
    """Sockets that others have come to use stay as they are, and no thread is left; a later one is watched again."""
    before = timers()
    with Watchdog(0.2) as watchdog:
        watchdog.watch(pair[0])
        (timer,) = set(timers()) - set(before)
        watchdog.release()
        timer.join(LIMIT)
        watchdog.watch(another_pair[0])
        assert another_pair[0].recv(1) == b""
        pair[1].send(b"x")
        assert pair[0].recv(1) == b"x"
    watchdog.release()  # it does no harm


def test_an_exception_inside(pair: Pair) -> None:
    """It passes through."""

    def fail() -> None:
        with Watchdog(LIMIT) as watchdog:
            watchdog.watch(pair[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
