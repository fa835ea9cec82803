"""A DPoP proof as one writes it by hand: no nonces, no renewal, no redirects, nothing for a URL that needs care."""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """One signature, as JWS wants it."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class ProofAuth:
    """A callable that requests, httpx and httpx2 take for an auth: one token, and a proof for each request."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, access_token: str) -> None:
        point = key.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32, "big")).decode() for number in (point.x, point.y))
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"crv": "P-256", "kty": "EC", "x": x, "y": y}}
        self._key = key
        self._head = _base64url(json.dumps(header).encode()) + b"."
        self._value = f"DPoP {access_token}"
        self._ath = _base64url(sha256(access_token.encode()).digest()).decode()

    def __call__(self, request: Any) -> Any:
        url = str(request.url).partition("?")[0]
        claims = (
            f'{{"jti":"{os.urandom(16).hex()}","htm":"{request.method}","htu":"{url}","iat":{int(time.time())},'
            f'"ath":"{self._ath}"}}'
        )
        message = self._head + _base64url(claims.encode())
        request.headers["Authorization"] = self._value
        request.headers["DPoP"] = (message + b"." + _base64url(sign(self._key, message))).decode()
        return request
