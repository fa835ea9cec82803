"""`_requests.connecting`, piece by piece: it asks what urllib3 asks, in the same words. No network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3.connection
import urllib3.contrib.socks
import urllib3.exceptions

from oauth_cc_auth._requests import connecting

socks: Any = pytest.importorskip("socks", reason="PySocks")


class Sockets:
    """Stands in for the module `socket`, and for PySocks.

    Attributes:
        asked: What was looked up.
        made: What sockets were made of.
        calls: What was done to them.
    """

    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.made: list[tuple[Any, ...]] = []
        self.calls: list[tuple[Any, ...]] = []

    def getaddrinfo(self, *args: Any) -> str:
        self.asked.append(args)
        return "addresses"

    def socket(self, *args: Any) -> Any:
        self.made.append(args)
        return self

    socksocket = socket

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, *args))


@pytest.fixture(name="sockets")
def _sockets() -> Sockets:
    return Sockets()


def a_connection(**attributes: Any) -> Any:
    usual = {
        "host": "login.example.com",
        "_dns_host": "login.example.com",
        "port": 8443,
        "timeout": 9.0,
        "socket_options": None,
        "source_address": None,
        "_tunnel_host": None,
        "ssl_context": None,
    }
    return SimpleNamespace(**{**usual, **attributes})


@pytest.mark.parametrize(
    ("host", "asked"),
    [("login.example.com", "login.example.com"), ("[::1]", "::1"), ("X-1.example.com", "X-1.example.com")],
)
def test_addresses_of_a_host(sockets: Sockets, host: str, asked: str) -> None:
    """The resolver knows no brackets, and wants what urllib3 gives it: no keywords."""
    util: Any = SimpleNamespace(socket=sockets, allowed_gai_family=lambda: socket.AF_INET)
    route = connecting._direct_route(a_connection(_dns_host=host), util)
    assert route.addresses() == "addresses"
    assert sockets.asked == [(asked, 8443, socket.AF_INET, socket.SOCK_STREAM)]
    assert route.new_socket(1, 2, 3) is sockets
    assert (sockets.made, route.beyond) == ([(1, 2, 3)], None)


def test_a_host_that_is_none(sockets: Sockets) -> None:
    """No resolver is asked for it; the error is that of urllib3, with its words."""
    util: Any = SimpleNamespace(socket=sockets, LocationParseError=urllib3.exceptions.LocationParseError)
    host = "a" * 64
    with pytest.raises(urllib3.exceptions.LocationParseError, match=f"'{host}', label empty or too long"):
        connecting._direct_route(a_connection(_dns_host=host), util).addresses()
    assert sockets.asked == []


@pytest.mark.parametrize(("host", "asked"), [("[::1]", "::1"), ("X-1.example.com", "X-1.example.com")])
def test_a_route_through_a_proxy(sockets: Sockets, host: str, asked: str) -> None:
    """The proxy is looked up, and connects to the host; it is told who asks, and who is to look the host up."""
    options = {
        "socks_version": 2,
        "proxy_host": host,
        "proxy_port": 1080,
        "rdns": True,
        "username": "user",
        "password": "word",
    }
    library: Any = SimpleNamespace(socket=sockets, socksocket=sockets.socket)
    route = connecting._route_through_socks(a_connection(_socks_options=options), library)
    assert route.addresses() == "addresses"
    assert sockets.asked == [(asked, 1080, 0, socket.SOCK_STREAM)]
    assert route.new_socket(1, 2, 3) is sockets
    assert sockets.made == [(1, 2, 3)]
    assert sockets.calls == [("set_proxy", 2, asked, 1080, True, "user", "word")]
    assert route.beyond == ("login.example.com", 8443)


OPTIONS = dict.fromkeys(("socks_version", "proxy_port", "rdns", "username", "password"), None)


def is_our_way(names: dict[str, Any]) -> bool:
    connection = a_connection(_socks_options={**OPTIONS, "proxy_host": "proxy.example.com"})
    return connecting._route_of(connection, names) is not None


def test_whose_way_to_connect_stands_here_again() -> None:
    """urllib3's own, direct and through SOCKS."""
    assert is_our_way(vars(urllib3.connection))
    assert is_our_way(vars(urllib3.contrib.socks))
    for name in ("vcr.stubs", "urllib3.connection.fork", None):
        assert not is_our_way({**vars(urllib3.connection), "__name__": name})
        assert not is_our_way({**vars(urllib3.contrib.socks), "__name__": name})
    assert not is_our_way({})


@pytest.mark.parametrize("replaced", [lambda *_: None, partial(print), None], ids=["function", "object", "nothing"])
@pytest.mark.parametrize(
    ("home", "module"), [(urllib3.connection, urllib3.util.connection), (urllib3.contrib.socks, socks)]
)
def test_a_replaced_way_to_connect_is_the_one(
    monkeypatch: pytest.MonkeyPatch, home: Any, module: Any, replaced: Callable[..., object] | None
) -> None:
    """Whatever people put there."""
    monkeypatch.setattr(module, "create_connection", replaced)
    assert not is_our_way(vars(home))


class Watched:
    """A watchdog that knows what it watches, and when that began."""

    left = 8.0

    def __init__(self, calls: list[tuple[Any, ...]] | None = None) -> None:
        self.sockets: list[Any] = []
        self._calls = [] if calls is None else calls

    def watch(self, sock: Any) -> None:
        self.sockets.append(sock)
        self._calls.append(("watch",))


def connected(connection: Any, original: Callable[[], Any], watchdog: Watched) -> Any:
    stand_in: Any = watchdog
    return connecting.connected_socket(connection, original, stand_in)


@pytest.mark.parametrize("original", [lambda: "a socket", partial(str, "a socket")], ids=["function", "object"])
def test_the_socket_of_another_way_to_connect(original: Callable[[], Any]) -> None:
    """It is watched once it is there."""
    watchdog = Watched()
    assert connected(a_connection(), original, watchdog) == "a socket"
    assert watchdog.sockets == ["a socket"]


def through(sockets: Sockets, monkeypatch: pytest.MonkeyPatch, beyond: tuple[str, int] | None = None) -> None:
    """Have the route lead to one address."""
    route = connecting._Route(lambda: [(1, 2, 3, "", "address")], sockets.socket, beyond)
    monkeypatch.setattr(connecting, "_route_of", lambda *_: route)


@pytest.mark.parametrize("beyond", [None, ("login.example.com", 8443)])
def test_the_socket_of_ours(sockets: Sockets, monkeypatch: pytest.MonkeyPatch, beyond: tuple[str, int] | None) -> None:
    """It is watched from the moment it is connected, or that a proxy talks; audit hooks are told what urllib3 tells."""
    audited: list[tuple[Any, ...]] = []
    monkeypatch.setattr(connecting, "sys", SimpleNamespace(audit=lambda *args: audited.append(args)))
    through(sockets, monkeypatch, beyond)
    connection, watchdog = a_connection(), Watched(sockets.calls)
    assert connected(connection, lambda: None, watchdog) is sockets
    steps = [("connect", "address"), ("watch",)] if beyond is None else [("watch",), ("connect", beyond)]
    assert sockets.calls == [("settimeout", 8.0), *steps, ("settimeout", 9.0)]
    assert watchdog.sockets == [sockets]
    assert audited == [("http.client.connect", connection, "login.example.com", 8443)]


class Failing(Sockets):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def connect(self, address: Any) -> None:
        raise self.error


BY_PROXY = OSError("the proxy said no")
BY_PROXY.socket_err = TimeoutError()  # type: ignore[attr-defined]  # as PySocks keeps what it stands for


@pytest.mark.parametrize("error", [TimeoutError("late"), BY_PROXY])
def test_a_time_out_in_terms_of_urllib3(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """requests says by its class what happened."""
    through(Failing(error), monkeypatch)
    original, connection = urllib3.connection.HTTPConnection._new_conn, a_connection()
    with pytest.raises(urllib3.exceptions.ConnectTimeoutError) as caught:
        connected(connection, original, Watched())  # type: ignore[arg-type]  # never called
    assert caught.value.args == (connection, "Connection to login.example.com timed out.")
    assert caught.value.__cause__ is error


def test_a_failure_in_terms_of_urllib3(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the connection, and in its words."""
    error = ConnectionRefusedError("no one is there")
    through(Failing(error), monkeypatch)
    original, connection = urllib3.connection.HTTPConnection._new_conn, a_connection()
    with pytest.raises(urllib3.exceptions.NewConnectionError) as caught:
        connected(connection, original, Watched())  # type: ignore[arg-type]  # never called
    assert caught.value.conn is connection
    assert str(caught.value).endswith("Failed to establish a new connection: no one is there")
    assert caught.value.__cause__ is error


def test_a_host_without_an_address(sockets: Sockets) -> None:
    """A replaced resolver may return nothing at all."""
    route = connecting._Route(list, sockets.socket)
    watchdog: Any = Watched()
    with pytest.raises(OSError, match=r"^the host has no address$"):
        connecting._first_that_connects(a_connection(), route, watchdog)
