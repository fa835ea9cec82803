"""TLS: each way in which a handshake fails has a name, and a certificate that is not accepted is shown too."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.cli.check.certificates import Issued, issued
from tests.cli.check.checks import Diagnosed, diagnosis, direct
from tests.contract.raw_endpoint import RawEndpoint, Wire, head

__all__ = ["direct"]

TOKEN = b'{"access_token": "over-tls", "token_type": "Bearer", "expires_in": 3600}'


def issue(wire: Wire) -> None:
    wire.send(head("200 OK", "Content-Type: application/json", f"Content-Length: {len(TOKEN)}") + TOKEN)


def at_tls(
    presented: Issued, trusted: Issued | None, folder: Path, monkeypatch: pytest.MonkeyPatch, host: str = "127.0.0.1"
) -> Diagnosed:
    """Diagnose a server that presents one certificate, while trusting another one."""
    if trusted is not None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted.written(folder)))
    with RawEndpoint(issue, presented.serving(folder)) as endpoint:
        result = diagnosis(endpoint.url.replace("127.0.0.1", host))
        if result.findings.connection.failure is not None:
            assert endpoint.requests == []  # no secret went to a server that is not trusted
    return result


@contextmanager
def _greeting(words: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port at which every connection is given `words` and closed, before any request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    serve(listening.accept()[0])

        def serve(connection: socket.socket) -> None:
            # A client that does not like what it gets may leave in any way.
            with suppress(OSError), connection:
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                with connection:
                    connection.sendall(words)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10.0)


def test_a_handshake_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version and certificate are shown, and what works here works for the token request."""
    root = issued(common_name="Private Root", authority=True)
    result = at_tls(issued("127.0.0.1", by=root), root, tmp_path, monkeypatch)
    assert result.verdict.works
    assert result.statuses == [("client_secret_basic", 200, None), ("client_secret_post", 200, None)]
    connection = result.findings.connection
    assert connection.tls_version == "TLSv1.3"
    assert connection.certificate is not None
    assert (connection.certificate.subject, connection.certificate.issuer) == ("server", "Private Root")
    assert connection.certificate.names == ("127.0.0.1",)


def test_a_folder_of_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE may name one; an empty one trusts no one."""
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    assert at_tls(issued("127.0.0.1"), None, tmp_path, monkeypatch).fatal == ["certificate_self_signed"]


def test_certificate_self_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the name in it."""
    result = at_tls(issued("127.0.0.1", common_name="test box"), None, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_self_signed"]
    assert "for test box, is signed by itself" in result.cause("certificate_self_signed").text
    assert (
        "set REQUESTS_CA_BUNDLE to that file: this command uses requests."
        in result.cause("certificate_self_signed").remedy
    )
    assert "SSL_CERT_FILE is set" not in result.cause("certificate_self_signed").remedy


def test_a_bundle_that_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who set httpx's variable learns that it does not count here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(issued("127.0.0.1").written(tmp_path)))
    result = at_tls(issued("127.0.0.1"), None, tmp_path, monkeypatch)
    assert "SSL_CERT_FILE is set, but this command does not read it." in result.cause("certificate_self_signed").remedy


def test_certificate_unknown_issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With who issued it: a company's name there is the answer."""
    root = issued(common_name="Inspecting Proxy", organization="Big Corp", authority=True)
    result = at_tls(issued("127.0.0.1", by=root), None, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_unknown_issuer"]
    assert "Inspecting Proxy (Big Corp)" in result.cause("certificate_unknown_issuer").text


def test_certificate_wrong_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the hosts that it is for."""
    root = issued(authority=True, common_name="Private Root")
    presented = issued("login.example.com", "example.com", by=root)
    result = at_tls(presented, root, tmp_path, monkeypatch, host="localhost")
    assert result.fatal == ["certificate_wrong_host"]
    assert "for login.example.com, example.com, and not for localhost" in result.cause("certificate_wrong_host").text


def test_certificate_wrong_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL has another number for that. A certificate without names has its subject."""
    root = issued(authority=True, common_name="Private Root")
    result = at_tls(issued(by=root), root, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_wrong_host"]
    assert "for server, and not for 127.0.0.1" in result.cause("certificate_wrong_host").text


def test_certificate_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the date, and how long ago that was."""
    root = issued(authority=True, common_name="Private Root")
    result = at_tls(issued("127.0.0.1", by=root, days=(-30, -5)), root, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_expired"]
    assert result.cause("certificate_expired").text.endswith("UTC, 5 days ago.")


def test_certificate_not_yet_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most likely it is our clock."""
    root = issued(authority=True, common_name="Private Root")
    result = at_tls(issued("127.0.0.1", by=root, days=(5, 30)), root, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_not_yet_valid"]
    assert "not valid before 2" in result.cause("certificate_not_yet_valid").text
    assert "clock" in result.cause("certificate_not_yet_valid").remedy


def test_certificate_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any other reason, in OpenSSL's words: here an authority that is none."""
    root = issued(common_name="No Authority")
    result = at_tls(issued("127.0.0.1", by=root), root, tmp_path, monkeypatch)
    assert result.fatal == ["certificate_refused"]
    assert "invalid CA certificate" in result.cause("certificate_refused").text


@pytest.mark.parametrize(
    ("days", "name", "text"),
    [
        ((-30, -5), "certificate_expired", "The server's certificate has expired."),
        ((5, 30), "certificate_not_yet_valid", "The server's certificate is not valid yet; here it is "),
    ],
)
def test_a_certificate_that_is_not_seen_again(
    days: tuple[int, int], name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second connection, to look at it, may fail; what is wrong is known all the same."""
    root = issued(authority=True, common_name="Private Root")

    def refusing(*args: object, **kwargs: object) -> socket.socket:
        raise ConnectionRefusedError

    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.handshake.create_connection", refusing)
    result = at_tls(issued("127.0.0.1", by=root, days=days), root, tmp_path, monkeypatch)
    assert result.fatal == [name]
    assert result.cause(name).text.startswith(text)
    assert result.findings.connection.certificate is None


@pytest.mark.parametrize("content", [None, b"no PEM"], ids=["absent", "garbage"])
def test_bundle_unreadable(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the environment names."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    result = at_tls(issued("127.0.0.1"), None, tmp_path, monkeypatch)
    assert result.fatal == ["bundle_unreadable"]
    assert str(bundle) in result.cause("bundle_unreadable").text


def test_not_tls(oauth_server: LoopbackServer) -> None:
    """https to a port that speaks plain HTTP. Nothing is sent there but a handshake and an empty question."""
    result = diagnosis(oauth_server.token_url.replace("http:", "https:"))
    assert result.fatal == ["not_tls"]
    assert oauth_server.token_requests == ()


def test_a_server_that_speaks_first() -> None:
    """Such as one for mail: an answer that is no TLS."""
    with _greeting(b"220 mail.example.com ESMTP\r\n") as port:
        assert diagnosis(f"https://127.0.0.1:{port}/token").fatal == ["not_tls"]


def test_handshake_failed() -> None:
    """A server that hangs up on a handshake and on plain HTTP alike."""
    with _greeting(b"") as port:
        result = diagnosis(f"https://127.0.0.1:{port}/token")
    assert result.fatal == ["handshake_failed"]
    assert result.findings.connection.certificate is None


def test_a_handshake_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to that nor to plain HTTP: time runs out."""
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.handshake._PROBE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = diagnosis(f"https://127.0.0.1:{silent.getsockname()[1]}/token", behaviour={"timeout": 0.1})
    assert result.fatal == ["handshake_too_slow"]
    assert "does not answer the TLS handshake in time" in result.cause("handshake_too_slow").text
    step = result.findings.connection.steps[-1]
    assert (step.problem, step.text) == ("timed_out", "no answer to the handshake within 0.1 s")


def test_an_old_version_of_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In OpenSSL's words."""
    server = issued("127.0.0.1").serving(tmp_path)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.handshake.create_urllib3_context", _only_tls_1_2)
    with RawEndpoint(issue, server) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["handshake_failed"]
    assert "protocol version" in result.cause("handshake_failed").text.lower().replace("_", " ")


def _only_tls_1_2(cert_reqs: int | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_client_certificate_demanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS 1.3 that shows only when the request is sent."""
    root = issued(authority=True, common_name="Private Root")
    server = issued("127.0.0.1", by=root).serving(tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(root.written(tmp_path, "clients.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    with RawEndpoint(issue, server) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["client_certificate_demanded"]


def test_a_server_that_hangs_up_after_the_handshake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about certificates."""
    root = issued(authority=True, common_name="Private Root")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    with _greeting(b"", issued("127.0.0.1", by=root).serving(tmp_path)) as port:
        result = diagnosis(f"https://127.0.0.1:{port}/token")
    assert result.fatal == ["connection_dropped"]
    assert not result.findings.connection.wants_client_certificate
