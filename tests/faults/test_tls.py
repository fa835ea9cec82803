"""TLS faults of the token endpoint: an error that names the problem, no leak, and the next request works.

For the configuration of certificates, see tests/contract/test_tls.py.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth import TokenEndpointUnreachable, TokenError
from tests.cli.check.certificates import Issued, issued
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.leaks import leaks_of, leaks_of_records, settings
from tests.contract.raw_endpoint import RawEndpoint, Talk, Wire
from tests.fake_clock import FakeClock
from tests.faults.bounds import bounded
from tests.faults.talks import issues, replies, resets_after, sends

HOST = "127.0.0.1"
RECORD = b"\x16\x03\x03"  # the start of a TLS record of the handshake
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure


NOTHING = sends(b"")


def resets_the_handshake(wire: Wire) -> None:
    """After the client has begun: Python itself forgets a socket that is reset earlier, and warns."""
    wire.connection.recv(1)
    resets_after(RECORD + b"\x00\x50" + b"\x02")(wire)


@dataclass(frozen=True)
class TlsFault:
    """A fault before any HTTP.

    Attributes:
        name: The fault in a few words.
        certificate: Arguments of `issued`, with `by` if the trusted authority signs it. None: no TLS at all.
        attempts: The number of token requests.
        does: What the server sends instead of a handshake.
        told: A part of the message, in lower case.
        names: The host names in the certificate.
    """

    name: str
    certificate: dict[str, Any] | None
    attempts: int = 1
    does: Talk = NOTHING
    told: str = ""
    names: tuple[str, ...] = (HOST,)


TABLE: dict[str, TlsFault] = {
    fault.name: fault
    for fault in (
        TlsFault("signed by itself", {}, told="self-signed certificate"),
        TlsFault("expired", {"by": True, "days": (-30, -5)}, told="certificate has expired"),
        TlsFault("not yet valid", {"by": True, "days": (5, 30)}, told="not yet valid"),
        TlsFault("another host", {"by": True}, names=("login.example.com",), told="certificate"),
        TlsFault("another address", {"by": True}, names=("127.0.0.2",), told="certificate"),
        TlsFault("no name", {"by": True}, names=(), told="certificate"),
        TlsFault("closed at once", None, 3),
        TlsFault("plain http", None, 3, replies(400, "speak https"), told="speaks https"),
        TlsFault("another protocol", None, 3, sends(b"SSH-2.0-OpenSSH_9.6\r\n")),
        TlsFault("binary", None, 3, sends(b"\0" * 500)),
        TlsFault("closed in the handshake", None, 3, sends(RECORD + b"\x00\x50" + b"\x02")),
        TlsFault("reset in the handshake", None, 3, resets_the_handshake),
        TlsFault("garbage in the handshake", None, 3, sends(RECORD + b"\x00\x50" + b"\xff" * 80)),
        TlsFault("a record that is too long", None, 3, sends(RECORD + b"\xff\xff" + b"\x02" * 70_000)),
        TlsFault("an alert", None, 3, sends(ALERT)),
    )
}


class Trust(NamedTuple):
    """The authority that the clients trust, and the certificate of a healthy endpoint."""

    authority: Issued
    valid: ssl.SSLContext


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trust]:
    """An authority that the environment names."""
    authority, folder = issued(common_name="authority", authority=True), tmp_path_factory.mktemp("trust")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CURL_CA_BUNDLE", raising=False)
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            patch.setenv(name, str(authority.written(folder)))
        yield Trust(authority, issued(HOST, by=authority).serving(folder))


def presenting(fault: TlsFault, authority: Issued, folder: Path) -> ssl.SSLContext | None:
    """TLS with the wrong certificate. None if there is no TLS."""
    if fault.certificate is None:
        return None
    by = authority if fault.certificate.get("by") else None
    return issued(*fault.names, **{**fault.certificate, "by": by}).serving(folder)


@each_client
@pytest.mark.parametrize("row", TABLE)
def test_fault(client: ClientKind, row: str, trust: Trust, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The result is that in the table. An untrusted endpoint gets one attempt and no secret."""
    fault, clock = TABLE[row], FakeClock()
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    tls = presenting(fault, trust.authority, tmp_path)
    with RawEndpoint(fault.does, tls, reads_first=tls is not None) as endpoint:
        url = f"https://{HOST}:{endpoint.port}/token"
        auth = client.auth_class(**settings(url))
        auth._start(clock)
        with client.session(auth) as session:
            with bounded(memory=False), pytest.raises(TokenError) as caught:
                session.request("GET", url)
            assert (endpoint.requests, endpoint.connections) == ([], fault.attempts)
            check(client, fault, caught.value)

            endpoint.talk, endpoint.tls, endpoint.reads_first = issues(), trust.valid, True
            assert session.request("GET", url).status == 200
    assert leaks_of_records(caplog.get_records("call")) == []


def check(client: ClientKind, fault: TlsFault, error: TokenError) -> None:
    """Compare the error with the row."""
    library = client.library
    assert isinstance(error, TokenEndpointUnreachable)
    assert isinstance(error, library.ConnectionError if client is REQUESTS else library.ConnectError)
    assert not error.timed_out
    assert len(error.attempts) == fault.attempts
    # Python 3.10 may use an OpenSSL that writes this without a hyphen.
    assert fault.told in str(error).lower().replace("self signed", "self-signed")
    assert leaks_of(error) == []
