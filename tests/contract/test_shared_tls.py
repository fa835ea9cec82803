"""Promise 16: token requests share TLS contexts, and each is verified as if it had one of its own.

The figures are in docs/benchmarks.md; here is what must not change because of it.
"""

from __future__ import annotations

import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
import trustme
import truststore

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, SYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock
from tests.faults.bounds import bounded
from tests.faults.talks import drips, stalls_after

TOKEN = b'{"access_token": "over-tls", "token_type": "Bearer", "expires_in": 3600}'
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class Certificates(NamedTuple):
    """An authority, the bundle with which a client trusts it, and a certificate of a client's.

    Attributes:
        served: For servers on loopback.
        bundle: The authority's own certificate.
        client: Certificate and key of a client, in one file.
        client_key: The key alone.
    """

    authority: trustme.CA
    served: ssl.SSLContext
    bundle: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir(exist_ok=True)
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(served)
    served.verify_mode = ssl.CERT_OPTIONAL
    served.maximum_version = ssl.TLSVersion.TLSv1_2  # the certificate of the client is there when the handshake ends
    issued = authority.issue_cert("client.example.com")
    bundle, client, key = folder / "bundle.pem", folder / "client.pem", folder / "client.key"
    authority.cert_pem.write_to_path(str(bundle))
    issued.private_key_and_cert_chain_pem.write_to_path(str(client))
    issued.private_key_pem.write_to_path(str(key))
    return Certificates(authority, served, bundle, client, key)


@pytest.fixture(scope="module", name="certificates")
def _certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(name="bundle", autouse=True)
def _bundle(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundle of the environment, a file of this test's own. No context is there yet."""
    monkeypatch.setattr(tls_contexts, "_shared", {})
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(certificates.bundle.read_bytes())
    for name in BUNDLE_VARIABLES:
        monkeypatch.setenv(name, str(bundle))
    return bundle


class Loads:
    """Counts how often certificates are loaded, for all clients of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original, lock = ssl.SSLContext.load_verify_locations, threading.Lock()

        def counted(context: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
            with lock:
                self.count += 1
            original(context, *args, **kwargs)

        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)


class Endpoint(RawEndpoint):
    """Issues tokens over TLS, and keeps what each client presented."""

    def __init__(self, served: ssl.SSLContext) -> None:
        super().__init__(self._issue, served)
        self.presented: list[bytes | None] = []

    def __enter__(self) -> Endpoint:
        super().__enter__()
        return self

    def _issue(self, wire: Wire) -> None:
        connection: Any = wire.connection
        self.presented.append(connection.getpeercert(binary_form=True))
        wire.send(head("200 OK", "Content-Type: application/json", f"Content-Length: {len(TOKEN)}") + TOKEN)


@contextmanager
def endpoint_and_session(
    client: ClientKind, server: LoopbackServer, certificates: Certificates, **settings: Any
) -> Iterator[tuple[Endpoint, Any]]:
    with Endpoint(certificates.served) as endpoint:
        auth = auth_for(client, server, FakeClock(), token_url=endpoint.url, **settings)
        with client.session(auth) as session:
            yield endpoint, session


def renew(session: Any) -> str:
    session.auth.invalidate()
    text: str = session.get_token().access_token
    return text


@each_client
def test_certificates_are_loaded_once(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all renewals of all auth objects, and no library changes the context that they share."""
    with endpoint_and_session(client, oauth_server, certificates) as (endpoint, session):
        loads = Loads(monkeypatch)
        for _ in range(3):
            assert renew(session) == "over-tls"
        for scope in ("a", "b"):
            other = auth_for(client, oauth_server, token_url=endpoint.url, scope=scope)
            session.auth = other
            assert renew(session) == "over-tls"
        assert (loads.count, endpoint.connections) == (1, 5)
    assert len(tls_contexts._shared) == 1


@for_clients(HTTPX, HTTPX2)
def test_blocking_and_awaiting_share(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One auth object of httpx does both."""
    kinds = (*_async_kinds(client), client)
    loads = Loads(monkeypatch)
    with Endpoint(certificates.served) as endpoint:
        auth = auth_for(client, oauth_server, token_url=endpoint.url)
        for kind in kinds:
            with kind.session(auth, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as session:
                assert renew(session) == "over-tls"
    assert loads.count == 1


def _async_kinds(client: ClientKind) -> list[ClientKind]:
    return [ClientKind(client.library, client.auth_class, backend) for backend in ("asyncio", "trio")]


@each_client
def test_many_at_once(client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates) -> None:
    """A shared context serves connections at the same time."""
    with endpoint_and_session(client, oauth_server, certificates) as (endpoint, session):
        renew(session)
        context = next(iter(tls_contexts._shared.values()))
        siblings = [session.auth.with_options(scope=f"scope-{number}") for number in range(8)]
        outcomes: list[Any] = []

        def fetch(auth: Any) -> None:
            outcomes.append(auth.get_token().access_token)

        threads = [threading.Thread(target=fetch, args=(sibling,)) for sibling in siblings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert outcomes == ["over-tls"] * 8
        assert [context] == [*tls_contexts._shared.values()]
        assert endpoint.connections == 9


@each_client
def test_a_changed_bundle(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, bundle: Path
) -> None:
    """An authority that is taken out of the bundle is trusted no more, and one that is put in is trusted."""
    other = make_certificates(bundle.parent / "other")
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        assert renew(session) == "over-tls"
        bundle.write_bytes(other.bundle.read_bytes())
        with pytest.raises(TokenEndpointUnreachable) as caught:
            renew(session)
        assert caught.value.reason == "tls_untrusted"
        bundle.write_bytes(other.bundle.read_bytes() + certificates.bundle.read_bytes())
        assert renew(session) == "over-tls"


@each_client
def test_another_bundle(
    client: ClientKind,
    oauth_server: LoopbackServer,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program may set the variable when it has run for a while."""
    other = make_certificates(tmp_path / "other")
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        assert renew(session) == "over-tls"
        for name in BUNDLE_VARIABLES:
            monkeypatch.setenv(name, str(other.bundle))
        with pytest.raises(TokenEndpointUnreachable) as caught:
            renew(session)
        assert caught.value.reason == "tls_untrusted"


@each_client
def test_a_bundle_that_is_gone(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, bundle: Path
) -> None:
    """A context that was made from it is not used in its place."""
    with endpoint_and_session(client, oauth_server, certificates) as (endpoint, session):
        assert renew(session) == "over-tls"
        bundle.unlink()
        with pytest.raises(TokenEndpointUnreachable):
            renew(session)
        assert len(endpoint.presented) == 1


@each_client
def test_a_bundle_with_nothing_in_it(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, bundle: Path
) -> None:
    """It is an error, and not what was there before."""
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        assert renew(session) == "over-tls"
        bundle.write_bytes(b"nothing")
        with pytest.raises(TokenEndpointUnreachable) as caught:
            renew(session)
        assert caught.value.reason == "tls_failed"


@each_client
def test_a_folder_of_certificates(
    client: ClientKind,
    oauth_server: LoopbackServer,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is written anew in its place counts as a change of the folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "unrelated").write_text("1")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        loads = Loads(monkeypatch)
        for _ in range(2):
            with pytest.raises(TokenEndpointUnreachable):
                renew(session)
            assert loads.count == 1
        (folder / "unrelated").write_text("22")
        with pytest.raises(TokenEndpointUnreachable):
            renew(session)
        assert loads.count == 2


@each_client
def test_another_class_of_contexts(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """truststore replaces it at any time. Its contexts are not shared: handshakes with one wait for each other."""
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        assert renew(session) == "over-tls"
        made: list[object] = []

        class Counted(truststore.SSLContext):
            def __init__(self, protocol: Any = None) -> None:
                super().__init__(protocol)
                made.append(self)

        monkeypatch.setattr(ssl, "SSLContext", Counted)
        monkeypatch.setattr("urllib3.util.ssl_.SSLContext", Counted)
        for count in (1, 2):
            assert renew(session) == "over-tls"
            assert len(made) == count
        monkeypatch.undo()
        monkeypatch.setattr(tls_contexts, "_shared", {})


@each_client
def test_key_log(
    client: ClientKind,
    oauth_server: LoopbackServer,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asks for the keys of connections gets them from the next token request on, and until they ask no more."""
    log = tmp_path / "keys.log"
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        renew(session)
        monkeypatch.setenv("SSLKEYLOGFILE", str(log))
        renew(session)
        size = log.stat().st_size
        assert size > 0
        monkeypatch.delenv("SSLKEYLOGFILE")
        renew(session)
        assert log.stat().st_size == size


@each_client
def test_a_token_client_has_its_own(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, bundle: Path
) -> None:
    """A shared context is never given away."""
    own: Any
    if client is REQUESTS:
        own = client.library.Session()
    else:
        trusting = ssl.create_default_context(cafile=str(bundle))
        own = (client.library.AsyncClient if client.is_async else client.library.Client)(verify=trusting)
    with endpoint_and_session(client, oauth_server, certificates, token_client=own) as (_, session):
        assert renew(session) == "over-tls"
        session.call(own.aclose) if client.is_async else own.close()
    assert tls_contexts._shared == {}


@pytest.mark.parametrize("library", [HTTPX, HTTPX2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("with_key_file", [False, True])
def test_a_client_certificate_of_httpx(library: ClientKind, certificates: Certificates, with_key_file: bool) -> None:
    """A context that presents one is another one than a context that does not."""
    from oauth_cc_auth._httpx.tls import tls_context

    certificate = _client_certificate(certificates, with_key_file)
    with Endpoint(certificates.served) as endpoint:
        for given in (certificate, None, certificate, None):
            with library.library.Client(verify=tls_context(library.library, given)) as client:
                client.post(endpoint.url)
    presented = [certificate is not None for certificate in endpoint.presented]
    assert presented == [True, False, True, False]
    assert len(tls_contexts._shared) == 2


@pytest.mark.parametrize("with_key_file", [False, True])
def test_a_client_certificate_of_requests(certificates: Certificates, with_key_file: bool) -> None:
    """As of httpx; here the session has the certificate, and its adapter passes it on."""
    from oauth_cc_auth._requests.send import own_session

    certificate = _client_certificate(certificates, with_key_file)
    cert = (certificate.file, certificate.key_file) if certificate.key_file else certificate.file
    with Endpoint(certificates.served) as endpoint:
        for given in (cert, None, cert, None):
            with Watchdog(30) as watchdog, own_session(REQUESTS.library, watchdog) as session:
                session.cert = given
                session.post(endpoint.url, timeout=30)
    presented = [certificate is not None for certificate in endpoint.presented]
    assert presented == [True, False, True, False]
    assert len(tls_contexts._shared) == 2


def _client_certificate(certificates: Certificates, with_key_file: bool) -> ClientCertificate:
    file = str(certificates.client)
    return ClientCertificate(file, str(certificates.client_key) if with_key_file else None)


def test_unusual_requests(
    oauth_server: LoopbackServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that has the adapter verify in another way is left alone, and so is an https proxy."""
    from oauth_cc_auth._requests import tls

    library: Any = REQUESTS.library
    with endpoint_and_session(REQUESTS, oauth_server, certificates) as (endpoint, session):
        arguments: dict[str, Any] = {"verify": True, "cert": None, "proxies": {}}
        adapter = library.adapters.HTTPAdapter()
        for changes in ({"verify": False}, {"proxies": {"https": "https://proxy.example.com"}}):
            assert tls.tls_context(adapter, library, endpoint.url, **{**arguments, **changes}) is None
        assert tls.tls_context(adapter, library, "http://127.0.0.1/", **arguments) is None

        original, calls = library.adapters.HTTPAdapter.cert_verify, []

        def patched(self: Any, *args: Any) -> None:
            calls.append(args)
            original(self, *args)

        monkeypatch.setattr(library.adapters.HTTPAdapter, "cert_verify", patched)
        assert renew(session) == "over-tls"
        assert len(calls) == 1
        assert tls_contexts._shared == {}


def test_libraries_that_look_like_requests(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """They bring their own urllib3, which may speak HTTP/2; and so may that of requests, if someone switches it on."""
    from oauth_cc_auth._requests import tls

    library: Any = REQUESTS.library
    arguments: dict[str, Any] = {"verify": True, "cert": None, "proxies": {}}
    adapter, url = library.adapters.HTTPAdapter(), "https://login.example.com/token"
    lookalike = SimpleNamespace(__name__="niquests", adapters=library.adapters, utils=library.utils)
    assert tls.tls_context(adapter, lookalike, url, **arguments) is None
    monkeypatch.setattr("urllib3.util.ssl_.ALPN_PROTOCOLS", ["h2", "http/1.1"])
    assert tls.tls_context(adapter, library, url, **arguments) is None
    monkeypatch.undo()
    assert tls.tls_context(adapter, library, url, **arguments) is not None


def test_bundle_that_requests_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables it is that of certifi, whatever the version of requests calls its own."""
    for name in BUNDLE_VARIABLES:
        monkeypatch.delenv(name)
    from oauth_cc_auth._requests import tls

    library: Any = REQUESTS.library
    adapter = library.adapters.HTTPAdapter()
    arguments: dict[str, Any] = {"verify": True, "cert": None, "proxies": {}}
    contexts = [tls.tls_context(adapter, library, "https://login.example.com/token", **arguments)]

    def of_2_32_2(self: Any, pool: Any, *args: Any) -> None:
        pool.cert_reqs = "CERT_REQUIRED"

    of_2_32_2 = FunctionType(of_2_32_2.__code__, vars(library.adapters))
    monkeypatch.setattr(library.adapters.HTTPAdapter, "cert_verify", of_2_32_2)
    contexts.append(tls.tls_context(adapter, library, "https://login.example.com/token", **arguments))
    assert [context.cert_store_stats()["x509_ca"] > 50 for context in contexts] == [True, True]


def test_time_limit_while_certificates_are_loaded(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises is no error about the bundle, even if it is an OSError."""
    from oauth_cc_auth._requests import tls

    library: Any = REQUESTS.library

    def load(context: ssl.SSLContext, *args: object) -> None:
        signal.raise_signal(signal.SIGALRM)

    def stop(*args: object) -> None:
        raise TimeoutError("soft time limit")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    before = signal.signal(signal.SIGALRM, stop)
    adapter, url = library.adapters.HTTPAdapter(), "https://login.example.com/token"
    try:
        with pytest.raises(TimeoutError, match="soft time limit"):
            tls.tls_context(adapter, library, url, verify=str(bundle), cert=None, proxies={})
    finally:
        signal.signal(signal.SIGALRM, before)


# Each read gets some bytes, so none of them alone takes too long.
SLOW = {
    "silence": stalls_after(b""),
    "headers": drips(b"X-Name: value\r\n", b"HTTP/1.1 200 OK\r\n"),
    "body": drips(b" ", head("200 OK", "Content-Length: 100000")),
}


@for_clients(*SYNC_CLIENTS)
@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW)
def test_an_endpoint_that_drips_over_tls(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, talk: Callable[[Wire], object]
) -> None:
    """The whole answer has to be there in time."""
    with RawEndpoint(talk, certificates.served) as endpoint:
        auth = auth_for(client, oauth_server, token_url=endpoint.url, timeout=0.2, deadline=0.2)
        with client.session(auth) as session, bounded(memory=False):
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    assert error.timed_out


@for_clients(*SYNC_CLIENTS)
def test_no_thread_watches_a_connection(
    client: ClientKind, oauth_server: LoopbackServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sockets keep to the time by themselves; a thread for each token request would cost a fifth of it."""
    watched: list[object] = []
    monkeypatch.setattr(Watchdog, "watch", lambda _, sock: watched.append(sock))
    with endpoint_and_session(client, oauth_server, certificates) as (_, session):
        assert renew(session) == "over-tls"
    assert watched == []
