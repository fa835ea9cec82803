"""TLS: the handshake that requests makes, and why it fails."""

from __future__ import annotations

import ssl
from pathlib import Path
from socket import create_connection
from typing import NamedTuple

from urllib3.util.ssl_ import create_urllib3_context

from oauth_cc_auth._adapter.transport_errors import CLIENT_CERTIFICATE_WANTED, NO_TLS_RECORD
from oauth_cc_auth._cli.check.connection_facts import Certificate, StepProblem

from .certificate import read_certificate
from .tcp import ConnectionFailure, Opened, words_of

# OpenSSL's X509_V_ERR_... numbers.
_CERTIFICATE_PROBLEMS: dict[int, StepProblem] = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_unknown_issuer",  # a chain that ends in an unknown root
    20: "certificate_unknown_issuer",
    21: "certificate_unknown_issuer",
    62: "certificate_wrong_host",
    64: "certificate_wrong_host",  # for an IP address
}
_PROBE = b"HEAD / HTTP/1.0\r\n\r\n"
_PROBE_SECONDS = 1.0
_PROBE_SHARE = 0.25  # of the time for the handshake, at most


class Secured(NamedTuple):
    """A handshake that worked.

    Attributes:
        version: Such as ``TLSv1.3``.
        certificate: None if it could not be read.
    """

    version: str
    certificate: Certificate | None


def shake_hands(opened: Opened, host: str, trusted: str, timeout: float) -> Secured | ConnectionFailure:
    """The outcome of a handshake with `host`. It closes the connection.

    Args:
        trusted: File or folder of the certificates that are trusted.
        timeout: Seconds.
    """
    context = create_urllib3_context()
    context.check_hostname = True
    try:
        _trust(context, trusted)
    except OSError as error:
        return ConnectionFailure("bundle_unreadable", f"{trusted}: {words_of(error)}")
    try:
        with context.wrap_socket(opened.sock, server_hostname=host) as secured:
            return Secured(secured.version() or "TLS", read_certificate(secured.getpeercert(True) or b""))
    except ssl.SSLCertVerificationError as error:
        problem = _CERTIFICATE_PROBLEMS.get(error.verify_code, "certificate_refused")
        return ConnectionFailure(
            problem, error.verify_message.rstrip("."), _unchecked_certificate(opened, host, timeout)
        )
    except OSError as error:
        if getattr(error, "reason", None) in NO_TLS_RECORD or _speaks_plain_http(opened, timeout):
            return ConnectionFailure("not_tls", "the server does not speak TLS on this port")
        if isinstance(error, TimeoutError):
            return ConnectionFailure("timed_out", f"no answer to the handshake within {timeout:.3g} s")
        return ConnectionFailure("handshake_failed", words_of(error))


def wants_client_certificate(opened: Opened, host: str, timeout: float) -> bool:
    """True if the server says so within `timeout` seconds. It closes the connection.

    In TLS 1.3 the server says so after the handshake. If a client sends its request at once, the connection may be
    reset before the client has read that. So nothing is sent here.
    """
    try:
        with create_urllib3_context(cert_reqs=ssl.CERT_NONE).wrap_socket(opened.sock, server_hostname=host) as secured:
            secured.settimeout(timeout)
            secured.recv(1)
    except OSError as error:
        return CLIENT_CERTIFICATE_WANTED in str(getattr(error, "reason", None))
    return False


def speaks_tls(opened: Opened, host: str) -> bool:
    """True if the port takes part in a handshake, even if it ends it by an alert. It closes the connection."""
    try:
        with create_urllib3_context(cert_reqs=ssl.CERT_NONE).wrap_socket(opened.sock, server_hostname=host):
            return True
    except OSError as error:
        return "ALERT" in str(getattr(error, "reason", None))


def _trust(context: ssl.SSLContext, trusted: str) -> None:
    if Path(trusted).is_dir():
        context.load_verify_locations(capath=trusted)
    else:
        context.load_verify_locations(cafile=trusted)


def _unchecked_certificate(opened: Opened, host: str, timeout: float) -> Certificate | None:
    """The certificate that was not accepted, from a second handshake after which nothing is sent."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
    try:
        with (
            create_connection((opened.address, opened.port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return read_certificate(secured.getpeercert(True) or b"")
    except OSError:
        return None


def _speaks_plain_http(opened: Opened, timeout: float) -> bool:
    """Some servers close the connection at a handshake, or wait for more. They answer plain HTTP at once."""
    seconds = min(_PROBE_SECONDS, timeout * _PROBE_SHARE)
    try:
        with create_connection((opened.address, opened.port), seconds) as plain:
            plain.sendall(_PROBE)
            return plain.recv(5) == b"HTTP/"
    except OSError:
        return False
