"""Mutual TLS (RFC 8705): the certificate of the connection proves the client.

The one law: the certificate is what is in the files now. They are looked at before each token request, so one that was
renewed counts at once, and one that cannot work is said in words before anything is sent.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
import ssl
from datetime import datetime, timezone
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.interrupts import is_interrupt

from .base import AuthenticationContext, ClientAuthentication, Credentials
from .certificate_times import validity_of
from .client_certificate import ClientCertificate, check_speaks_tls

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class TlsClientAuthentication(ClientAuthentication):
    """``tls_client_auth``: a certificate that the connection of the token request presents (RFC 8705 §2).

    The body has the client id. With an `Issuer`, the request goes to the endpoint's alias for mutual TLS, if there is
    one. The server may bind the token to the certificate (RFC 8705 §3); the API then wants the same certificate, which
    your own client has to present: ``cert=`` in requests, ``verify=`` with an `ssl.SSLContext` in httpx.

    The files are loaded and checked here, and looked at again before each token request. A pickle holds their names.

    Args:
        certificate: Path of a PEM file with the certificate and those between it and a root. None: the `token_client`
            presents one.
        key: Path of a PEM file with the private key; None: it is in the first file.
        password: Of an encrypted key.

    Raises:
        ConfigurationError: a file cannot be read or holds something else, the key does not fit, or the password is
            wrong.
    """

    name = "tls_client_auth"
    needs_secret = False
    uses_client_certificate = True

    def __init__(
        self,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        password: str | bytes | None = None,
    ) -> None:
        if certificate is None and (key is not None or password is not None):
            remedy = "pass the path of the certificate; without one, the token_client presents its own"
            raise ConfigurationError(field="certificate", problem="is missing, and its key is given", remedy=remedy)
        if certificate is not None:
            file, key_file = _path("certificate", certificate), None if key is None else _path("key", key)
            text = password.decode("utf-8", "surrogateescape") if isinstance(password, bytes) else password
            self.client_certificate: Any = ClientCertificate(file, key_file, text)
            _check(self.client_certificate)

    @property
    def thumbprint(self) -> str | None:
        """SHA-256 of the certificate, as ``x5t#S256`` of a bound token has it (RFC 8705 §3.1); None without a file."""
        if self.client_certificate is None:
            return None
        from .keys import base64url

        return base64url(sha256(_der_in(self.client_certificate.file)).digest())

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """The client id, as a body field; the connection does the rest."""
        check_speaks_tls(context.mtls_token_url or context.token_url)  # one that was discovered, too
        note = "the certificate was that of token_client"
        if self.client_certificate is not None:
            _check(self.client_certificate)
            note = f"the certificate was {self.client_certificate.file}, with the SHA-256 thumbprint {self.thumbprint}"
            # No error: servers that compare certificates alone take one that has expired, and our clock may be wrong.
            validity = validity_of(_der_in(self.client_certificate.file))
            problem = "" if validity is None else validity.problem(datetime.now(timezone.utc))
            note += f"; {problem}" if problem else ""
        return Credentials(fields={"client_id": context.client_id} if context.client_id else {}, note=note)

    def proof_of_credential(self, context: AuthenticationContext) -> bytes | None:
        """The certificate, and what the key's file holds: only who may read it can know that. None without a file.

        With a renewed certificate, an API would not take a token that is bound to the one before.
        """
        given = self.client_certificate
        if given is None:
            return None
        return sha256(_der_in(given.file) + Path(given.key_file or given.file).read_bytes()).digest()

    def __reduce__(self) -> tuple[Any, ...]:
        given = self.client_certificate
        if given is None:
            return type(self), ()
        if given.password is not None:
            raise TypeError("the password of a private key is not pickled: give a file that only you can read without")
        return partial(type(self), given.file, given.key_file), ()

    # Immutable, so a copy is the same one.
    def __copy__(self) -> "TlsClientAuthentication":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TlsClientAuthentication":
        return self

    def __repr__(self) -> str:
        return (
            f"TlsClientAuthentication({'' if self.client_certificate is None else repr(self.client_certificate.file)})"
        )


def _der_in(file: str) -> bytes:
    """The first certificate in a PEM file, which is the client's."""
    text = Path(file).read_text("utf-8", "replace")
    first, end, _ = text[text.index(_BEGIN) :].partition(_END)
    return ssl.PEM_cert_to_DER_cert(first + end)


def _check_readable(file: str) -> None:
    """Raise a ConfigurationError if OpenSSL reads the certificate in `file`, and we cannot.

    OpenSSL knows others: "TRUSTED CERTIFICATE", which holds more than the certificate, and "X509 CERTIFICATE".
    """
    try:
        _der_in(file)
    except ValueError:
        problem = f"is in {file}, and not under the line {_BEGIN}"
    else:
        return
    # Raised out here, so that no context comes along.
    remedy = f"write it again as `openssl x509 -in {file}` does"
    raise ConfigurationError(field="certificate", problem=problem, remedy=remedy)


def _path(field: str, given: Any) -> str:
    if not isinstance(given, (str, os.PathLike)):
        raise ConfigurationError(field=field, problem="must be the path of a PEM file", remedy="write it to one")
    if "-----BEGIN" in str(given):
        problem = "is PEM text, and TLS in Python reads files only"
        raise ConfigurationError(field=field, problem=problem, remedy="write it to a file, and pass its path")
    return os.fspath(given)


def _check(certificate: ClientCertificate) -> None:
    """Raise a ConfigurationError if no connection could present it."""
    try:
        certificate.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except OSError as error:  # what OpenSSL raises as well
        if is_interrupt(error):
            raise
        field, problem, remedy = _what_is_wrong(error, certificate)
    except ValueError:  # a name with a null character, a password that is too long
        field, problem, remedy = "certificate", "has a path or a password that cannot be one", ""
    else:
        _check_readable(certificate.file)
        return
    # Raised out here, so that no context comes along.
    raise ConfigurationError(field=field, problem=problem, remedy=remedy)


def _what_is_wrong(error: OSError, certificate: ClientCertificate) -> tuple[str, str, str]:
    """Field, problem and remedy. What OpenSSL says is known by its own names."""
    for field, path in (("certificate", certificate.file), ("key", certificate.key_file)):
        if path is None:
            continue
        try:
            Path(path).open("rb").close()
        except OSError as failed:
            problem = f"is in a file that cannot be read: {path}: {failed.strerror or type(failed).__name__}"
            return field, problem, ""
    said = f"{getattr(error, 'reason', None)} {error.args}"
    key_file = certificate.key_file or certificate.file
    # The last: there is none for a key of this type, such as RSA beside an elliptic curve.
    if any(name in said for name in ("VALUES_MISMATCH", "TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")):
        return "key", f"belongs to another certificate than that in {certificate.file}", "pass the key of this one"
    if _BEGIN.encode() not in Path(certificate.file).read_bytes():
        return "certificate", f"is not in {certificate.file}", f"pass a PEM file with {_BEGIN}"
    if b"PRIVATE KEY-----" not in (content := Path(key_file).read_bytes()):
        return "key", f"is not in {key_file}", "pass the path of a PEM file with the private key as key"
    if b"ENCRYPTED" in content:
        is_wrong = certificate.password is not None
        return (
            "password",
            "is wrong" if is_wrong else "is missing, and the key is encrypted",
            f"it is that of {key_file}",
        )
    return "certificate", f"cannot be used: {getattr(error, 'reason', None) or 'its files are damaged'}", ""


TlsClientAuthentication.__module__ = "oauth_cc_auth"
