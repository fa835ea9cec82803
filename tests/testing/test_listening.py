"""The port that a server keeps, and its sockets."""

from __future__ import annotations

import errno
import gc
import socket
import threading
import time
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.testing.calls import call
from tests.testing.wire import dialogue, everything, held, open_socket, port_of


def test_the_urls_are_known_before_the_start_and_never_change() -> None:
    server = LoopbackServer()
    origin = server.origin
    assert origin.startswith("http://127.0.0.1:")
    assert (server.token_url, server.api_url) == (origin + "/oauth2/token", origin + "/api")
    with pytest.raises(ConnectionRefusedError):
        open_socket(server)
    for _ in range(3):
        with server as entered:
            assert entered is server
            server.start()
            assert server.origin == origin
            assert call(server, "/open").status == 200
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            open_socket(server)
    assert len(server.requests) == 3


def test_servers_have_their_own_ports_even_while_stopped() -> None:
    servers = [LoopbackServer() for _ in range(20)]
    assert len({server.origin for server in servers}) == 20


def test_a_server_that_is_garbage_frees_its_port() -> None:
    server = LoopbackServer()
    with server:
        port = port_of(server)
    del server
    gc.collect()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_it_is_an_error_if_another_process_takes_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(_: socket.socket, address: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    server = LoopbackServer()
    server.start()
    with held(server) as (_, connection):
        monkeypatch.setattr(socket.socket, "bind", taken)
        with pytest.raises(OSError, match="Address already in use"):
            server.stop()
        assert everything(connection) == b""
    with pytest.raises(OSError, match="Address already in use"):
        LoopbackServer()
    server.stop()


def test_starting_and_stopping_is_quick() -> None:
    before = time.monotonic()
    for _ in range(20):
        with LoopbackServer():
            pass
    assert time.monotonic() - before < 20 * 0.05


def test_the_server_looks_up_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object) -> object:
        raise AssertionError("a name was looked up")

    for name in ("getaddrinfo", "getfqdn", "gethostbyname", "gethostbyaddr", "getnameinfo"):
        monkeypatch.setattr(socket, name, look_up)
    with LoopbackServer() as server:
        assert b" 200 OK" in dialogue(server, b"GET /open HTTP/1.1\r\nConnection: close\r\n\r\n")


def test_answers_in_pieces_do_not_wait_for_acknowledgements(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[object, ...]] = []

    def note(_: socket.socket, *option: object) -> None:
        options.append(option)

    with LoopbackServer() as server, monkeypatch.context() as patch:
        patch.setattr(socket.socket, "setsockopt", note)
        call(server, "/open")
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in options


def test_the_default_timeout_of_sockets_does_not_affect_the_server() -> None:
    socket.setdefaulttimeout(0.01)
    try:
        with LoopbackServer() as server, server.api.hold() as gate, open_socket(server) as connection:
            connection.sendall(b"GET /api HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
            # The server receives nothing for longer than the timeout, and keeps waiting.
            assert not threading.Event().wait(0.03)
            connection.sendall(b"x")
            gate.wait_for(1)
    finally:
        socket.setdefaulttimeout(None)


def test_it_recovers_after_the_process_ran_out_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = socket.socket.accept
    failures = [OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError()]

    def scarce(listening: socket.socket) -> tuple[socket.socket, Any]:
        if failures:
            raise failures.pop()
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    with LoopbackServer() as server:
        assert call(server, "/open").status == 200
    assert failures == []
