"""`_requests.send`: the session of our own, its pool and its connections. No network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
import requests
import urllib3.connection

from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._requests import send
from oauth_cc_auth._requests.send import own_session

URL, HTTP = "https://login.example.com/token", "http://localhost:8080/token"
PROXY = "http://proxy.example.com:3128"


class Session:
    """A session of our own, with what decides about its TLS context in our hands.

    Attributes:
        asked: What was to be decided.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, context: object, certificate: Any = None) -> None:
        self.watchdog = Watchdog(60.0)
        self.asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        def tls_context(*args: Any, **options: Any) -> object:
            self.asked.append((args, options))
            return context

        monkeypatch.setattr(send, "tls_context", tls_context)
        self.session = own_session(requests, self.watchdog, certificate)

    def pool(self, url: str = URL, *, verify: Any = True, cert: Any = None, proxies: Any = None) -> Any:
        self.adapter: Any = self.session.get_adapter(url)
        self.request = requests.Request("GET", url).prepare()
        return self.adapter.get_connection_with_tls_context(self.request, verify, proxies=proxies, cert=cert)


def of_cert_verify(adapter: Any, *, verify: Any = True, cert: Any = None) -> Any:
    """What the adapter has a connection verify."""
    connection = SimpleNamespace()
    adapter.cert_verify(connection, URL, verify, cert)
    return connection


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> tuple[str, str]:
    files = tmp_path / "client.pem", tmp_path / "client.key"
    for file in files:
        file.touch()
    return str(files[0]), str(files[1])


def test_a_shared_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool uses it, and nothing is loaded into it for a connection."""
    session = Session(monkeypatch, "context")
    pool = session.pool(verify="bundle.pem", proxies={})
    assert session.asked == [
        (
            (session.adapter, requests, URL),
            {"verify": "bundle.pem", "cert": None, "proxies": {}, "password": None},
        )
    ]
    assert (pool.conn_kw["ssl_context"], pool.conn_kw["_watchdog"]) == ("context", session.watchdog)
    assert (pool.cert_reqs, pool.ca_certs, pool.host, pool.proxy) == ("CERT_REQUIRED", None, "login.example.com", None)
    assert vars(of_cert_verify(session.adapter)) == {}


def test_no_shared_context(monkeypatch: pytest.MonkeyPatch, files: tuple[str, str]) -> None:
    """The pool loads what it needs, the key with its password."""
    session = Session(monkeypatch, None, ClientCertificate(*files, "s3cret"))
    pool = session.pool(verify=certifi.where(), cert=files)
    assert (session.asked[0][1]["cert"], session.asked[0][1]["password"]) == (files, "s3cret")
    assert (pool.ca_certs, pool.cert_file, pool.key_file) == (certifi.where(), *files)
    assert pool.key_password == "s3cret"
    assert "ssl_context" not in pool.conn_kw
    connection = of_cert_verify(session.adapter, verify=certifi.where(), cert=files)
    assert (connection.ca_certs, connection.cert_file, connection.key_file) == (certifi.where(), *files)
    assert of_cert_verify(session.adapter, verify=False).cert_reqs == "CERT_NONE"
    with pytest.raises(OSError, match="bundle-that-is-not-there"):
        of_cert_verify(session.adapter, verify="bundle-that-is-not-there")


def test_a_session_without_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password is told to the pool."""
    session = Session(monkeypatch, None)
    pool = session.pool(verify=False)
    assert (pool.cert_reqs, pool.key_password) == ("CERT_NONE", None)
    assert session.asked[0][1] == {"verify": False, "cert": None, "proxies": None, "password": None}


def test_a_certificate_whose_key_has_no_password(monkeypatch: pytest.MonkeyPatch, files: tuple[str, str]) -> None:
    """An empty one, so that OpenSSL asks no one on a terminal."""
    session = Session(monkeypatch, None, ClientCertificate(*files))
    assert session.session.cert == files
    assert session.pool(cert=files).key_password == ""


def test_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, "context")
    pool = session.pool(proxies={"https": PROXY})
    assert session.asked[0][1]["proxies"] == {"https": PROXY}
    assert pool.proxy.url == PROXY
    assert pool.conn_kw["_watchdog"] is session.watchdog


@pytest.mark.parametrize(
    ("url", "base"), [(URL, urllib3.connection.HTTPSConnection), (HTTP, urllib3.connection.HTTPConnection)]
)
def test_connections_are_watched(monkeypatch: pytest.MonkeyPatch, url: str, base: type) -> None:
    """Each connects in our way, with the way of its library at hand; its options are those of the pool."""
    made: list[tuple[Any, ...]] = []

    def connected_socket(connection: Any, original: Any, watchdog: Watchdog) -> str:
        made.append((connection, original.__func__, watchdog))
        return "a socket"

    monkeypatch.setattr(send, "connected_socket", connected_socket)
    session = Session(monkeypatch, None)
    pool = session.pool(url)
    pool.timeout = urllib3.Timeout(connect=7.0)
    connection: Any = pool._new_conn()
    assert base in type(connection).__mro__
    assert (connection.host, connection.timeout) == (pool.host, 7.0)
    assert connection._new_conn() == "a socket"
    assert made == [(connection, base._new_conn, session.watchdog)]  # type: ignore[attr-defined]  # of urllib3


@pytest.mark.parametrize("fired", [True, False])
def test_an_answer_of_a_proxy_that_did_not_end(monkeypatch: pytest.MonkeyPatch, fired: bool) -> None:
    """http.client takes it for a whole one; TLS would begin on a socket that was shut down."""
    session = Session(monkeypatch, None)
    connection = session.pool()._new_conn()
    asked: list[object] = []
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "_tunnel", lambda self: asked.append(self))
    session.watchdog.fired = fired
    if fired:
        with pytest.raises(TimeoutError, match=r"^the proxy's answer did not end in time$"):
            connection._tunnel()
    else:
        connection._tunnel()
    assert asked == [connection]
