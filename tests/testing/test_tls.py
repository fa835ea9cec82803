"""The server with TLS: certificates that it makes and demands, and tokens that are bound to them (RFC 8705)."""

from __future__ import annotations

import gc
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme

from oauth_cc_auth import DPoP, TlsClientAuthentication, TokenEndpointUnreachable
from oauth_cc_auth.testing import Answer, CertificateFiles, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.testing.calls import call as plain_call
from tests.testing.test_package import package_on_path

GRANT = {"grant_type": "client_credentials", "client_id": "client"}
SECRET = {**GRANT, "client_secret": "secret"}


def presenting(client: ClientKind, files: CertificateFiles | None) -> dict[str, Any]:
    """What has a session of this kind present a certificate, as the pages say."""
    if files is None:
        return {}
    if client.library is REQUESTS.library:
        return {"cert": files}
    context = ssl.create_default_context()
    context.load_cert_chain(*files)
    return {"verify": context}


def call(
    server: LoopbackServer,
    path: str = "/api",
    form: Mapping[str, str] | None = None,
    files: CertificateFiles | None = None,
    token: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """One request on a connection of its own."""
    context = ssl.create_default_context(cafile=server.ca_bundle)
    if files is not None:
        context.load_cert_chain(*files)
    host = server.origin.removeprefix("https://")
    connection = http.client.HTTPSConnection(host, context=context, timeout=30)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        if form is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def token_for(
    server: LoopbackServer, form: Mapping[str, str], files: CertificateFiles | None = None
) -> tuple[int, dict[str, Any]]:
    return call(server, "/oauth2/token", form, files)


@pytest.fixture(name="server")
def _server(oauth_tls_server: LoopbackServer) -> LoopbackServer:
    return oauth_tls_server


@each_client
def test_mutual_tls(client: ClientKind, server: LoopbackServer) -> None:
    """The token request presents the certificate, and the API accepts the token on a connection that presents it."""
    server.accepts, server.certificate_bound = ("tls_client_auth",), True
    mine = server.issue_certificate()
    how = TlsClientAuthentication(*mine)
    auth = client.auth_class(server.token_url, "client", client_authentication=how)
    with client.session(auth, **presenting(client, mine)) as session:
        assert session.request("GET", server.api_url).status == 200
    (asked,), (called,) = server.token_requests, server.api_requests
    assert (asked.client_authentication, asked.certificate) == ("tls_client_auth", mine.thumbprint)
    assert dict(asked.form) == GRANT
    assert (called.certificate, called.token_is_valid) == (mine.thumbprint, True)
    assert how.thumbprint == mine.thumbprint


@pytest.mark.parametrize("other", [False, True], ids=["none", "another one"])
@each_client
def test_a_bound_token(client: ClientKind, other: bool, server: LoopbackServer) -> None:
    """The API refuses it on a connection with another certificate, or with none, and says why."""
    server.accepts, server.certificate_bound = ("tls_client_auth",), True
    how = TlsClientAuthentication(*server.issue_certificate())
    auth = client.auth_class(server.token_url, "client", client_authentication=how)
    another = server.issue_certificate() if other else None
    with client.session(auth, **presenting(client, another)) as session:
        refused = session.request("GET", server.api_url)
    assert refused.status == 401
    assert refused.json() == {"error": "invalid_token", "error_description": "certificate binding mismatch"}
    challenge = 'Bearer error="invalid_token", error_description="certificate binding mismatch"'
    assert refused.headers["www-authenticate"] == challenge
    assert [each.token_is_valid for each in server.api_requests] == [False, False]


@each_client
def test_a_self_signed_certificate(client: ClientKind, server: LoopbackServer) -> None:
    """The server knows it because it is registered."""
    server.accepts = ("self_signed_tls_client_auth",)
    how = TlsClientAuthentication(*server.issue_certificate(self_signed=True))
    auth = client.auth_class(server.token_url, "client", client_authentication=how)
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200
    assert server.token_requests[0].client_authentication == "self_signed_tls_client_auth"


@each_client
def test_a_secret_over_tls(client: ClientKind, server: LoopbackServer) -> None:
    """The other methods are as they are without TLS."""
    with client.session(client.auth_class(server.token_url, "client", "secret")) as session:
        assert session.request("GET", server.api_url).status == 200
    assert server.origin.startswith("https://127.0.0.1:")
    assert [each.certificate for each in server.requests] == [None, None]
    assert server.token_requests[0].client_authentication == "client_secret_basic"


@each_client
def test_an_expired_certificate(client: ClientKind, server: LoopbackServer) -> None:
    """The server ends the handshake, and the error says since when the certificate has expired."""
    server.accepts = ("tls_client_auth",)
    how = TlsClientAuthentication(*server.issue_certificate(expired=True))
    auth = client.auth_class(server.token_url, "client", client_authentication=how)
    with client.session(auth) as session, pytest.raises(TokenEndpointUnreachable) as caught:
        session.request("GET", server.api_url)
    assert caught.value.reason == "tls_client_certificate_refused"
    assert "it has expired at 2001-01-01 00:00 UTC" in caught.value.remedy
    assert server.requests == ()


@each_client
def test_a_certificate_is_required(client: ClientKind, server: LoopbackServer) -> None:
    """Whoever presents none gets no answer, as long as the server wants one of everybody."""
    server.requires_certificate = True
    auth = client.auth_class(server.token_url, "client", "secret")
    with client.session(auth) as session, pytest.raises(TokenEndpointUnreachable) as caught:
        session.request("GET", server.api_url)
    assert caught.value.reason == "tls_client_certificate"
    server.requires_certificate = False
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200


@pytest.mark.parametrize(
    ("form", "owner", "accepts", "words"),
    [
        (GRANT, "another", ("tls_client_auth",), "the certificate is not registered for this client"),
        (GRANT, None, ("self_signed_tls_client_auth",), "this client may not use tls_client_auth"),
        (GRANT, None, ("client_secret_basic",), "this client may not use tls_client_auth"),
        ({**GRANT, "client_id": "unknown"}, None, ("none",), "this client may not use tls_client_auth"),
        ({"grant_type": "client_credentials"}, None, ("tls_client_auth",), "client_id is missing"),
    ],
)
def test_a_certificate_that_is_rejected(
    form: dict[str, str], owner: str | None, accepts: tuple[str, ...], words: str, server: LoopbackServer
) -> None:
    """The error says why."""
    server.accepts = accepts
    answer = token_for(server, form, server.issue_certificate(owner))
    assert answer == (401, {"error": "invalid_client", "error_description": words})


def test_no_certificate(server: LoopbackServer) -> None:
    server.accepts = ("tls_client_auth",)
    assert token_for(server, GRANT) == (
        401,
        {"error": "invalid_client", "error_description": "no client authentication"},
    )


def test_a_certificate_beside_another_method(server: LoopbackServer) -> None:
    """It only binds the token: to authenticate, the client has its secret, or needs nothing."""
    server.certificate_bound = True
    mine = server.issue_certificate()
    assert token_for(server, SECRET, mine)[0] == 200
    server.accepts = ("none",)
    assert token_for(server, GRANT, mine)[0] == 200
    assert [each.client_authentication for each in server.token_requests] == ["client_secret_post", "tls_client_auth"]
    assert token_for(server, GRANT) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "tokens are bound to a client certificate, and there is none",
        },
    )


def test_what_a_bound_token_says(server: LoopbackServer) -> None:
    """It is a JWT with the thumbprint, and no life of its own beside `expires_in`; `new_token` makes others."""
    server.certificate_bound = True
    mine = server.issue_certificate()
    token = token_for(server, SECRET, mine)[1]["access_token"]
    claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["iss"], claims["client_id"]) == (server.origin, "client")
    assert claims["cnf"] == {"x5t#S256": mine.thumbprint}
    assert claims.keys() == {"iss", "client_id", "jti", "cnf"}
    server.new_token = lambda: "opaque"
    assert token_for(server, SECRET, mine)[1]["access_token"] == "opaque"
    assert call(server, token="opaque")[1]["error_description"] == "certificate binding mismatch"
    assert call(server, files=mine, token="opaque")[0] == 200


def test_bound_is_what_was_bound_when_it_was_issued(server: LoopbackServer) -> None:
    """The setting is about new tokens, scripted ones too; a value that is issued again is another token."""
    mine = server.issue_certificate()
    server.token_endpoint.always(Answer.token("scripted"))
    server.certificate_bound = True
    token_for(server, SECRET, mine)
    server.certificate_bound = False
    assert call(server, token="scripted")[0] == 401
    token_for(server, SECRET, mine)
    assert call(server, token="scripted")[0] == 200


def test_a_refusal_for_another_reason(server: LoopbackServer) -> None:
    """Says nothing of certificates."""
    server.certificate_bound = True
    assert call(server, token="unknown")[1] == {"error": "invalid_token"}


def test_a_certificate_of_ones_own(server: LoopbackServer, tmp_path: Path) -> None:
    """Of an authority that the server does not know; it is accepted alone."""
    server.accepts = ("tls_client_auth",)
    made, other = (trustme.CA().issue_cert("mine.example.com") for _ in range(2))
    files = []
    for number, each in enumerate((made, other)):
        files.append(CertificateFiles(str(tmp_path / f"{number}.crt"), str(tmp_path / f"{number}.key")))
        each.cert_chain_pems[0].write_to_path(files[-1].certificate)
        each.private_key_pem.write_to_path(files[-1].key)
    server.register_certificate(files[0].certificate)
    server.register_certificate(tmp_path / "0.crt", "another")
    server.add_client("another", "", ("tls_client_auth",))
    assert token_for(server, GRANT, files[0])[0] == 200
    assert token_for(server, {**GRANT, "client_id": "another"}, files[0])[0] == 200
    with pytest.raises(ssl.SSLError):
        token_for(server, GRANT, files[1])
    with pytest.raises(ValueError):  # noqa: PT011  # whatever cryptography says
        server.register_certificate(files[0].key)


def test_an_encrypted_key(server: LoopbackServer) -> None:
    server.accepts = ("tls_client_auth",)
    locked = server.issue_certificate(password="pass")
    how = TlsClientAuthentication(*locked, password="pass")
    REQUESTS.auth_class(server.token_url, "client", client_authentication=how).prefetch()
    with pytest.raises(ValueError, match="password is missing"):
        TlsClientAuthentication(*locked)


@pytest.mark.parametrize("client_id", ["", "x" * 200])
def test_a_client_id_that_is_no_name(client_id: str, server: LoopbackServer) -> None:
    """The name in a certificate has 1 to 64 characters, whatever the client id is."""
    server.accepts, server.client_id = ("tls_client_auth",), client_id
    files = server.issue_certificate()
    assert token_for(server, {**GRANT, "client_id": client_id}, files)[0] == (200 if client_id else 401)


def test_proofs_of_possession_over_https(server: LoopbackServer) -> None:
    """A DPoP proof names the https URL."""
    server.dpop = True
    with REQUESTS.session(REQUESTS.auth_class(server.token_url, "client", "secret", dpop=DPoP())) as session:
        assert session.request("GET", server.api_url).status == 200


def test_a_client_that_speaks_no_tls(server: LoopbackServer) -> None:
    """Its connection ends, and is not in the records."""
    connection = http.client.HTTPConnection(server.origin.removeprefix("https://"), timeout=30)
    connection.request("GET", "/api")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()
    assert server.requests == ()


def test_stop_ends_tls_connections(server: LoopbackServer) -> None:
    """Also one that is idle, and one that has not begun the handshake; after a start there are new ones."""
    host = server.origin.removeprefix("https://")
    context = ssl.create_default_context(cafile=server.ca_bundle)
    connection = http.client.HTTPSConnection(host, context=context, timeout=30)
    connection.request("GET", "/open")
    assert connection.getresponse().read()
    waiting = http.client.HTTPConnection(host, timeout=30)
    waiting.connect()
    server.stop()
    for each in (connection, waiting):
        assert each.sock is not None
        with suppress(ConnectionError):  # of one that the server has not accepted yet
            assert each.sock.recv(1) == b""
        each.close()
    server.start()
    assert call(server, "/open")[0] == 200


def test_the_end_of_a_connection_is_said(server: LoopbackServer) -> None:
    """The client is told, so that it can tell the end of a body from a line that was cut."""
    server.api.always(Answer.raw(b"HTTP/1.1 200 OK\r\n\r\nto the end"), unprotected=True)
    host, _, port = server.origin.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cafile=server.ca_bundle)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.connect()
    assert connection.sock is not None
    with context.wrap_socket(connection.sock, server_hostname=host, suppress_ragged_eofs=False) as secure:
        secure.sendall(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while part := secure.recv(4096):
            received += part
    assert received.endswith(b"to the end")


def test_names_of_the_server(server: LoopbackServer) -> None:
    """Its certificate is good for `localhost`, too, and for the strict checks of later Pythons."""
    port = int(server.origin.rpartition(":")[2])
    context = ssl.create_default_context(cafile=server.ca_bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.getpeercert()["subject"] == ((("commonName", "127.0.0.1"),),)  # type: ignore[index]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: LoopbackServer(accepts=("tls_client_auth",)),
        lambda: LoopbackServer(certificate_bound=True),
        lambda: LoopbackServer(requires_certificate=True),
        lambda: LoopbackServer().add_client("another", "", ("self_signed_tls_client_auth",)),
        lambda: LoopbackServer().issue_certificate(),
        lambda: LoopbackServer().register_certificate("client.crt"),
        lambda: LoopbackServer().ca_bundle,
        lambda: LoopbackServer().ca_variables,
    ],
)
def test_without_tls(attempt: Callable[[], object]) -> None:
    """What needs certificates is an error."""
    with pytest.raises(ValueError, match="tls=True"):
        attempt()


def test_what_cannot_change(server: LoopbackServer) -> None:
    """The scheme of the URLs is known to clients already."""
    with pytest.raises(AttributeError, match="tls cannot be changed"):
        server.tls = False
    assert server.tls


def test_cryptography_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; a server without TLS needs nothing."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setitem(sys.modules, "cryptography.x509", None)
    with pytest.raises(ImportError, match=r"LoopbackServer\(tls=True\) needs cryptography: pip install cryptography"):
        LoopbackServer(tls=True)
    with LoopbackServer() as server:
        assert plain_call(server, "/open").status == 200


def test_the_files_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the server object; others cannot read them meanwhile. A child that was forked removes nothing."""
    server = LoopbackServer(tls=True)
    folder = Path(server.ca_bundle).parent
    assert (folder.stat().st_mode & 0o777) == 0o700
    server.issue_certificate()
    assert {each.name for each in folder.iterdir()} == {
        *("ca.crt", "server.crt", "server.key", "client-1.crt", "client-1.key")
    }
    from oauth_cc_auth.testing import _certificates

    monkeypatch.setattr(_certificates, "_this_process", lambda: -1)
    _certificates._remove(folder, os.getpid())
    assert folder.exists()
    monkeypatch.undo()
    del server
    gc.collect()
    assert not folder.exists()


def test_the_files_are_removed_at_the_end_of_the_process() -> None:
    code = (
        "from oauth_cc_auth.testing import LoopbackServer\n"
        "server = LoopbackServer(tls=True)\n"
        "print(server.issue_certificate().certificate)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=package_on_path(), check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert not Path(done.stdout.strip()).parent.exists()


def test_a_record_shows_the_thumbprint(server: LoopbackServer) -> None:
    """It is no secret."""
    mine = server.issue_certificate()
    call(server, "/open", files=mine)
    assert f"certificate {mine.thumbprint}" in repr(server.requests[0])
