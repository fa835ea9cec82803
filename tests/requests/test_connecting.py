"""Promise 16: connecting for a token request keeps to one budget, and asks for names exactly as urllib3 does."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3.connection
import urllib3.util.connection

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth._http.limited_tls import LimitedSocket
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._requests import connecting
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import LoopbackServer
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.faults.talks import TICK

pytest.importorskip("socks", reason="PySocks")

Address = tuple[Any, ...]
ONCE: dict[str, Any] = {"timeout": 0.2, "deadline": 0.2, "client_authentication": "client_secret_basic"}
HANGS = 10.0  # seconds


def auth_for(url: str, **settings: Any) -> ClientCredentialsAuth:
    return ClientCredentialsAuth(url, "client", "secret", **settings)


def ipv4(port: int, host: str = "127.0.0.1") -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


def port_of(server: LoopbackServer) -> int:
    return int(server.origin.rpartition(":")[2])


@contextmanager
def refusing_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        yield bound.getsockname()[1]


class Resolver:
    """Stands in for `socket.getaddrinfo`, and takes what urllib3 passes only: no keywords.

    Attributes:
        asked: The arguments of each call.
    """

    def __init__(self, *addresses: Address, error: OSError | None = None) -> None:
        self._addresses, self._error = addresses, error
        self.asked: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any) -> list[Address]:
        self.asked.append(args)
        if self._error is not None:
            raise self._error
        return list(self._addresses)


def failure_of(url: str) -> TokenEndpointUnreachable:
    with pytest.raises(TokenEndpointUnreachable) as caught:
        auth_for(url, **ONCE).get_token()
    return caught.value


def test_one_look_up_for_each_token_request(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the very arguments of urllib3, so that whatever replaces the function gets what it knows."""
    resolver = Resolver(ipv4(port_of(oauth_server)))
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    auth = auth_for(f"http://login.localhost:{port_of(oauth_server)}/oauth2/token")
    assert auth.get_token().access_token
    family = urllib3.util.connection.allowed_gai_family()
    assert resolver.asked == [("login.localhost", port_of(oauth_server), family, socket.SOCK_STREAM)]
    auth.invalidate()
    auth.get_token()
    assert len(resolver.asked) == 2


def test_an_address_in_brackets(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver does not know them."""
    resolver = Resolver(ipv4(port_of(oauth_server)))
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    auth_for(f"http://[::1]:{port_of(oauth_server)}/oauth2/token").get_token()
    assert resolver.asked[0][0] == "::1"


def test_a_choice_of_families_is_kept(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many programs allow IPv4 only by replacing this function of urllib3's."""
    resolver = Resolver(ipv4(port_of(oauth_server)))
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(urllib3.util.connection, "allowed_gai_family", lambda: socket.AF_INET)
    auth_for(f"http://login.localhost:{port_of(oauth_server)}/oauth2/token").get_token()
    assert resolver.asked[0][2] == socket.AF_INET


@pytest.mark.parametrize("name", ["create_connection", "_new_conn"])
def test_a_replaced_way_to_connect_is_used(
    oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Programs send names elsewhere by replacing what urllib3 connects with."""
    used: list[str] = []

    def create_connection(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        used.append(address[0])
        return socket.create_connection(("127.0.0.1", address[1]))

    def new_conn(self: Any) -> socket.socket:
        return create_connection((self.host, self.port))

    if name == "_new_conn":
        monkeypatch.setattr(urllib3.connection.HTTPConnection, name, new_conn)
    else:
        monkeypatch.setattr(urllib3.util.connection, name, create_connection)
    assert auth_for(f"http://login.localhost:{port_of(oauth_server)}/oauth2/token").get_token().access_token
    assert used == ["login.localhost"]


def test_the_next_address_is_tried(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one that refuses, and after one of a kind that this system has not."""
    with refusing_port() as port:
        unknown = (12345, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", Resolver(unknown, ipv4(port), ipv4(port_of(oauth_server))))
        assert auth_for(f"http://login.localhost:{port}/oauth2/token").get_token().access_token


def test_no_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told why."""
    with refusing_port() as port:
        monkeypatch.setattr(socket, "getaddrinfo", Resolver(ipv4(port), ipv4(port)))
        assert failure_of(f"http://login.localhost:{port}/token").reason == "unreachable_refused"


def test_addresses_that_never_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a time-out, as requests has it."""

    class Silent(socket.socket):
        def connect(self, address: Any) -> None:
            raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", Resolver(ipv4(9), ipv4(9)))
    monkeypatch.setattr(socket, "socket", Silent)
    assert failure_of("http://login.localhost:9/token").timed_out


def test_a_host_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replaced resolver may return nothing at all."""
    monkeypatch.setattr(socket, "getaddrinfo", Resolver())
    assert "the host has no address" in str(failure_of("http://login.localhost:9/token"))


def test_a_host_that_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's own error."""
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(error=error))
    assert failure_of("http://login.localhost:9/token").reason == "unreachable_dns"


def test_a_host_that_no_resolver_can_be_asked_for() -> None:
    """A label of 64 characters is none; urllib3 says so, too."""
    assert failure_of(f"http://{'a' * 64}.localhost:9/token").reason == "invalid_url"


# How the budget is shared: connections, sockets and time as a test wants them.


class Socket:
    """Ends as it is told to; notes what is done to it."""

    def __init__(self, outcome: Callable[[], object]) -> None:
        self.outcome = outcome
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, *args))

    def connect(self, address: object) -> None:
        self.calls.append(("connect", address))
        self.outcome()

    @property
    def timeouts(self) -> list[float]:
        return [call[1] for call in self.calls if call[0] == "settimeout"]


def times_out() -> None:
    raise TimeoutError


def refuses() -> None:
    raise ConnectionRefusedError


def first_that_connects(sockets: list[Socket], seconds: float = 8.0, **attributes: Any) -> Any:
    """What connects; time stands still."""
    usual = {"timeout": 9.0, "socket_options": None, "source_address": None, "_tunnel_host": None}
    connection = SimpleNamespace(**{**usual, **attributes})
    left = iter(sockets)
    addresses = [ipv4(number) for number in range(len(sockets))]
    watchdog: Any = SimpleNamespace(left=seconds, watch=lambda sock: sock.calls.append(("watch",)))
    route = connecting._Route(lambda: addresses, lambda *kind: next(left))
    return connecting._first_that_connects(connection, route, watchdog)


def test_a_lone_address_gets_all_the_time() -> None:
    """And afterwards its socket has the whole time-out again, for TLS: a slow handshake is no matter of addresses."""
    sock = Socket(lambda: None)
    assert first_that_connects([sock]) is sock
    assert sock.calls == [("settimeout", 8.0), ("connect", ("127.0.0.1", 0)), ("watch",), ("settimeout", 9.0)]


LIMITED = SimpleNamespace(sslsocket_class=LimitedSocket)


@pytest.mark.parametrize(
    ("attributes", "is_watched"),
    [
        ({"ssl_context": LIMITED}, False),
        ({"ssl_context": LIMITED, "_tunnel_host": "api.example.com"}, True),  # a proxy speaks first, without TLS
        ({"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, True),
        ({"ssl_context": None}, True),
    ],
)
def test_tls_that_is_limited_needs_no_watchdog(attributes: dict[str, Any], is_watched: bool) -> None:
    sock = Socket(lambda: None)
    first_that_connects([sock], **attributes)
    assert (("watch",) in sock.calls) is is_watched


def test_many_addresses_share_the_time() -> None:
    """Each with three more at most: sixteen may all be slow, and then some are not tried."""
    sockets = [Socket(times_out) for _ in range(6)]
    with pytest.raises(TimeoutError):
        first_that_connects(sockets)
    assert [sock.timeouts for sock in sockets] == [[2.0], [2.0], [2.0], [8 / 3], [4.0], [8.0]]  # none has passed
    assert all(sock.calls[-1] == ("close",) for sock in sockets)


def test_no_time_is_left() -> None:
    """A time-out of 0 would mean not to wait, which is another kind of error."""
    sock = Socket(times_out)
    with pytest.raises(TimeoutError):
        first_that_connects([sock], seconds=0.0)
    assert sock.timeouts == [0.001]


def test_the_last_failure_is_what_is_said() -> None:
    """As urllib3 does it."""
    with pytest.raises(ConnectionRefusedError):
        first_that_connects([Socket(times_out), Socket(refuses)])


def test_options_and_source_are_those_of_the_connection() -> None:
    """A token request through an interface of its own, for one."""
    sock = Socket(lambda: None)
    first_that_connects([sock], socket_options=[(6, 1, 1)], source_address=("127.0.0.2", 0))
    assert sock.calls[0] == ("setsockopt", 6, 1, 1)
    assert sock.calls[2:4] == [("bind", ("127.0.0.2", 0)), ("connect", ("127.0.0.1", 0))]


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals need the main thread")
@pytest.mark.parametrize("kind", [TimeoutError, ConnectionResetError, ValueError, KeyboardInterrupt])
def test_a_time_limit_that_strikes_while_connecting(
    kind: type[BaseException], oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 13: no other address is tried, and nothing is made of it."""

    def handler(number: int, frame: object) -> None:
        raise kind("time is up")

    struck: list[object] = []

    class Struck(socket.socket):
        def connect(self, address: Any) -> None:
            struck.append(address)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(socket, "getaddrinfo", Resolver(*[ipv4(port_of(oauth_server))] * 3))
    monkeypatch.setattr(socket, "socket", Struck)
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(BaseException, match="time is up"):
            auth_for(f"http://login.localhost:{port_of(oauth_server)}/token").get_token()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(struck) == 1


# Behind a SOCKS proxy.


def socks5(talk: Callable[[Wire], object]) -> Callable[[Wire], object]:
    """A proxy that takes whoever comes, and goes on with `talk` once it was asked to connect."""

    def serve(wire: Wire) -> None:
        wire.connection.recv(65536)
        wire.send(b"\x05\x00")
        wire.connection.recv(65536)
        talk(wire)

    return serve


def token(wire: Wire) -> None:
    """The proxy has connected, and what it is connected to answers."""
    wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x09")
    wire.connection.recv(65536)
    wire.send(head() + b'{"access_token": "abc"}')


def dripping(wire: Wire) -> None:
    """The name that it is bound to has 255 letters, and they take their time."""
    wire.send(b"\x05\x00\x00\x03\xff")
    wire.drip(b"x", TICK)


def refusing(wire: Wire) -> None:
    """It is not allowed to."""
    wire.send(b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x09")


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[RawEndpoint], None]:
    """Have requests use a SOCKS proxy."""
    return lambda proxy: monkeypatch.setenv("HTTPS_PROXY", f"socks5h://user:pass@127.0.0.1:{proxy.port}")


@pytest.fixture
def plain_http(monkeypatch: pytest.MonkeyPatch) -> Callable[[RawEndpoint], None]:
    """The same for plain http."""
    return lambda proxy: monkeypatch.setenv("HTTP_PROXY", f"socks5h://127.0.0.1:{proxy.port}")


URL = "http://login.example.com/token"


def test_a_token_through_a_socks_proxy(plain_http: Callable[[RawEndpoint], None]) -> None:
    """It resolves the name; nothing is looked up here but the proxy."""
    with RawEndpoint(socks5(token), reads_first=False) as proxy:
        plain_http(proxy)
        assert auth_for(URL, allow_insecure_http=True).get_token().access_token == "abc"


def test_a_socks_proxy_that_drips_is_too_slow(through: Callable[[RawEndpoint], None]) -> None:
    """Its 255 bytes would take a time-out each."""
    with RawEndpoint(socks5(dripping), reads_first=False) as proxy:
        through(proxy)
        started = time.monotonic()
        assert failure_of("https://login.example.com/token").timed_out
        assert time.monotonic() - started < HANGS


def test_a_socks_proxy_that_says_nothing_is_too_slow(through: Callable[[RawEndpoint], None]) -> None:
    """The same if it stalls."""
    with RawEndpoint(socks5(Wire.wait), reads_first=False) as proxy:
        through(proxy)
        assert failure_of("https://login.example.com/token").timed_out


def test_a_socks_proxy_that_refuses(through: Callable[[RawEndpoint], None]) -> None:
    """Its own words are shown."""
    with RawEndpoint(socks5(refusing), reads_first=False) as proxy:
        through(proxy)
        assert "Connection not allowed by ruleset" in str(failure_of("https://login.example.com/token"))


def test_a_socks_proxy_that_is_not_there(through: Callable[[RawEndpoint], None]) -> None:
    """That, too, is what it says."""
    with RawEndpoint(token, listens=False) as proxy:
        through(proxy)
        assert failure_of("https://login.example.com/token").reason == "unreachable_refused"


def test_time_that_is_left() -> None:
    """A watchdog's, which the addresses share."""
    with Watchdog(100.0) as watchdog:
        assert 0 < watchdog.left <= 100.0
    assert Watchdog(-1.0).left == 0.0
