"""A certificate that a connection presents for the client (RFC 8705)."""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._record import Record


def check_speaks_tls(url: str) -> None:
    """Raise a ConfigurationError if `url`, of a token endpoint, is one to which no connection presents a certificate.

    That holds on this machine, too, and for a certificate that the `token_client` brings.
    """
    if not url.lower().startswith("https:"):
        problem = "is plain http, and only https can present the certificate that client_authentication is about"
        remedy = (
            "use https; if something on this machine speaks TLS for you and presents the certificate, pass "
            "NoClientAuthentication()"
        )
        raise ConfigurationError(field="token_url", problem=problem, remedy=remedy)


class ClientCertificate(Record):
    """A certificate that a token request presents.

    Attributes:
        file: Path of the certificate and those between it and a root, in PEM; also of the key, if that has no file.
        key_file: Path of its key, or None.
        password: Of the key, or None.
    """

    __slots__ = ("file", "key_file", "password")

    def __init__(self, file: str, key_file: str | None = None, password: str | None = None) -> None:
        self.file = file
        self.key_file = key_file
        self.password = password

    def __repr__(self) -> str:
        return f"ClientCertificate({self.file!r})"

    @property
    def as_cert(self) -> str | tuple[str, str]:
        """The paths as the `cert` of requests."""
        return self.file if self.key_file is None else (self.file, self.key_file)

    def load_into(self, context: Any) -> None:
        """Have `context` present it.

        Raises:
            OSError: a file cannot be read, or holds no such thing.
        """
        # Without a password OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(self.file, self.key_file, self.password or "")
