"""Tokens that are bound to the certificate of their token request (RFC 8705 section 3)."""

import base64
import hmac
import json
import secrets
import threading

from ._recorded_request import RecordedRequest

MISMATCH = "certificate binding mismatch"


class CertificateBindings:
    """Knows which token is bound to which certificate. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thumbprints: dict[str, str] = {}
        self._key = secrets.token_bytes(32)

    def bind(self, token: str, certificate: str | None) -> None:
        """Bind the token to the certificate with this thumbprint. None: it is good with any, and without one."""
        with self._lock:
            self._thumbprints.pop(token, None)
            if certificate is not None:
                self._thumbprints[token] = certificate

    def is_broken(self, request: RecordedRequest) -> bool:
        """True if the token of an API request is bound to another certificate than that of the connection."""
        with self._lock:
            bound_to = self._thumbprints.get(request.token or "")
        return bound_to not in (None, request.certificate)

    def new_token(self, issuer: str, client_id: str, certificate: str) -> str:
        """A JWT that says to which certificate it is bound (RFC 8705 section 3.1). Only this server knows its key."""
        claims = {
            "iss": issuer,
            "client_id": client_id,
            "jti": secrets.token_urlsafe(12),
            "cnf": {"x5t#S256": certificate},
        }
        message = ".".join(_encoded(json.dumps(part).encode()) for part in ({"typ": "at+jwt", "alg": "HS256"}, claims))
        return f"{message}.{_encoded(hmac.digest(self._key, message.encode(), 'sha256'))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
