"""TLS of the server, and the certificate that a client presents in the handshake (RFC 8705)."""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Generator

from ._certificates import Authority, CertificateFiles, der_in, is_self_signed, thumbprint_of
from ._credentials import PresentedCertificate
from ._server_settings import ServerSettings


class Tls:
    """Speaks TLS on the connections of one server.

    A client may present a certificate that the authority has signed, or one that is trusted by itself. With any other,
    the handshake fails, as it does with one that has expired.
    """

    def __init__(self, settings: ServerSettings, host: str) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._authority = Authority()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*self._authority.for_server(host))
        self._context.load_verify_locations(self._authority.bundle)
        # One certificate can be trusted alone; any issuer may have signed it.
        self._context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # No session is resumed: each connection shows its certificate, to be judged by what holds now.
        self._context.options |= ssl.OP_NO_TICKET
        self._context.num_tickets = 0

    @property
    def bundle(self) -> str:
        """Path of the PEM file by which clients trust the server."""
        return self._authority.bundle

    def issue(self, name: str, *, self_signed: bool, expired: bool, password: str | None) -> CertificateFiles:
        """A client certificate that handshakes accept, unless it has expired."""
        files = self._authority.for_client(name, self_signed=self_signed, expired=expired, password=password)
        if self_signed:
            self.trust(files.certificate)
        return files

    def trust(self, file: str | os.PathLike[str]) -> str:
        """Accept the certificate in a PEM file. Returns its thumbprint."""
        der = der_in(file)
        self._context.load_verify_locations(cadata=der)
        return thumbprint_of(der)

    @contextlib.contextmanager
    def spoken_on(self, connection: socket.socket) -> Generator[tuple[ssl.SSLSocket, PresentedCertificate | None]]:
        """Shake hands. Raises OSError if that fails; closing ``connection`` is left to the code that opened it."""
        with self._lock:
            required = self._settings.requires_certificate
            self._context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            # A socket of its own: the listener keeps the other one, to end the connection when it stops.
            secure = self._context.wrap_socket(connection.dup(), server_side=True, do_handshake_on_connect=False)
        with secure:
            try:
                secure.do_handshake()
            except OSError:
                _read_to_the_end(connection)
                raise
            der = secure.getpeercert(binary_form=True)
            try:
                yield secure, None if der is None else PresentedCertificate(thumbprint_of(der), is_self_signed(der))
            finally:
                # Tell the client that this is the end, and do not wait until it says the same.
                with contextlib.suppress(OSError):
                    secure.setblocking(False)
                    secure.unwrap()


def _read_to_the_end(connection: socket.socket) -> None:
    """Let the client read why: closing a connection with unread bytes would reset it, and the alert might be lost."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
