"""Certificates of a server and of its clients, made for one server and kept in files of a folder of its own.

Needs ``cryptography``. The times in them depend on no clock, since a test may have moved it.
"""

import base64
import hashlib
import os
import shutil
import tempfile
import weakref
from datetime import datetime, timezone
from importlib import import_module
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

_BEGINNING = datetime(2000, 1, 1, tzinfo=timezone.utc)
_PAST = datetime(2001, 1, 1, tzinfo=timezone.utc)
_FUTURE = datetime(2099, 12, 31, tzinfo=timezone.utc)
_LONGEST_NAME = 64  # characters of a common name (RFC 5280 appendix A.1)


class CertificateFiles(NamedTuple):
    """A client certificate that the server has made, as the paths of two PEM files.

    As a pair, it is what ``session.cert`` of requests takes; with a star, what ``context.load_cert_chain`` and
    ``TlsClientAuthentication`` take.
    """

    certificate: str
    """The certificate."""
    key: str
    """Its private key."""

    @property
    def thumbprint(self) -> str:
        """SHA-256 of the certificate, as ``x5t#S256`` of a bound token has it (RFC 8705 section 3.1)."""
        return thumbprint_of(der_in(self.certificate))


class Authority:
    """A certificate authority, whose files are gone when nothing refers to it, or at the end of the process.

    Raises ImportError if cryptography is missing.
    """

    def __init__(self) -> None:
        try:
            import_module("cryptography.x509")  # all that is used below comes with it
        except ImportError as error:
            raise ImportError("LoopbackServer(tls=True) needs cryptography: pip install cryptography") from error
        self._numbers = count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="oauth-loopback-"))
        weakref.finalize(self, _remove, self._folder, _this_process())
        self._key = _new_key()
        self._certificate = self._signed(self._key, "oauth_cc_auth.testing", of_authority=True)
        self.bundle = self._written("ca.crt", _pem(self._certificate))

    def for_server(self, host: str) -> CertificateFiles:
        """The certificate of a server at this address, and at ``localhost``."""
        key = _new_key()
        return self._files("server", self._signed(key, host, host=host), key, None)

    def for_client(self, name: str, *, self_signed: bool, expired: bool, password: str | None) -> CertificateFiles:
        """A client certificate with this name as the common name of its subject."""
        key = _new_key()
        certificate = self._signed(key, name, self_signed=self_signed, expired=expired)
        return self._files(f"client-{next(self._numbers)}", certificate, key, password)

    def _signed(
        self,
        key: Any,
        name: str,
        *,
        host: str | None = None,
        of_authority: bool = False,
        self_signed: bool = False,
        expired: bool = False,
    ) -> Any:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME] or "client")])
        by_itself = of_authority or self_signed
        builder = x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=subject if by_itself else self._certificate.subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=_BEGINNING,
            not_valid_after=_PAST if expired else _FUTURE,
        )
        signer = key if by_itself else self._key
        usage = dict.fromkeys(_USAGES, False)
        usage |= {"key_cert_sign": True, "crl_sign": True} if of_authority else {"digital_signature": True}
        known_by = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        known_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        extensions: list[tuple[Any, bool]] = [
            (x509.BasicConstraints(ca=of_authority, path_length=None), True),
            (x509.KeyUsage(**usage), True),
            (known_by, False),
            (known_issuer, False),
        ]
        if not of_authority:
            purpose = ExtendedKeyUsageOID.CLIENT_AUTH if host is None else ExtendedKeyUsageOID.SERVER_AUTH
            extensions.append((x509.ExtendedKeyUsage([purpose]), False))
        if host is not None:
            names = [x509.IPAddress(IPv4Address(host)), x509.DNSName("localhost")]
            extensions.append((x509.SubjectAlternativeName(names), False))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    def _files(self, name: str, certificate: Any, key: Any, password: str | None) -> CertificateFiles:
        from cryptography.hazmat.primitives import serialization

        how: Any = serialization.NoEncryption()
        if password is not None:
            how = serialization.BestAvailableEncryption(password.encode())
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
        return CertificateFiles(
            self._written(f"{name}.crt", _pem(certificate)),
            self._written(f"{name}.key", text),
        )

    def _written(self, name: str, content: bytes) -> str:
        path = self._folder / name
        path.write_bytes(content)
        return str(path)


_USAGES = (
    *("content_commitment", "crl_sign", "data_encipherment", "decipher_only", "digital_signature", "encipher_only"),
    *("key_agreement", "key_cert_sign", "key_encipherment"),
)


def der_in(file: str | os.PathLike[str]) -> bytes:
    """The first certificate in a PEM file. Raises OSError, or ValueError if it holds none."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(Path(file).read_bytes()).public_bytes(Encoding.DER)


def thumbprint_of(der: bytes) -> str:
    """``x5t#S256`` of a certificate."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def is_self_signed(der: bytes) -> bool:
    """True if a certificate names itself as its issuer."""
    from cryptography.x509 import load_der_x509_certificate

    certificate = load_der_x509_certificate(der)
    return certificate.issuer == certificate.subject


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    pem: bytes = certificate.public_bytes(Encoding.PEM)
    return pem


def _remove(folder: Path, made_by: int) -> None:
    # A forked child ends, too, while its parent goes on.
    if _this_process() == made_by:
        shutil.rmtree(folder, ignore_errors=True)


def _this_process() -> int:
    return os.getpid()
