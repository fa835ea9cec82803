"""Assertions of clients as the server checks them (RFC 7523 section 3): signature, names, audience, times, replay."""

import base64
import binascii
import hmac
import json
import threading
from collections.abc import Mapping
from typing import Any, Literal

LONGEST_LIFE = 300.0  # seconds from now to the end of an assertion
LARGEST_SKEW = 60.0  # seconds that the clock of a client may be ahead

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class Assertions:
    """The public keys of clients, and the assertions that were used. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, list[Any]] = {}
        self._used: set[str] = set()

    def register_key(self, client_id: str, key: Any) -> None:
        """Accept what this key has signed for this client, besides the keys that are registered already."""
        with self._lock:
            self._keys.setdefault(client_id, []).append(_public_key(key))

    def problem(
        self, form: Mapping[str, str], *, client_id: str, client_secret: str, audiences: tuple[str, ...], now: float
    ) -> str | None:
        """What is wrong with the assertion in a token request, in words; None if it proves the client, once."""
        header, claims = parts_of(form.get("client_assertion", ""))
        if form.get("client_assertion_type") != _JWT_BEARER:
            return "client_assertion_type is another one"
        if not self._is_signed(form["client_assertion"], header, client_id, client_secret):
            return "the signature is wrong, or the key is not registered"
        if (claims.get("iss"), claims.get("sub")) != (client_id, client_id):
            return "iss or sub is not the client_id"
        stated = claims.get("aud")
        if not {*(stated if isinstance(stated, list) else [stated])} & {*audiences}:
            return f"aud is none of {', '.join(audiences)}"
        return _problem_of_times(claims, now) or self._replay(claims.get("jti"))

    def _is_signed(self, assertion: str, header: Mapping[str, Any], client_id: str, client_secret: str) -> bool:
        message, _, signature = assertion.rpartition(".")
        algorithm = header.get("alg")
        if algorithm in _HASHES:
            made = hmac.digest(client_secret.encode(), message.encode(), _HASHES[algorithm])
            return hmac.compare_digest(made, _decoded(signature))
        from jwt.algorithms import get_default_algorithms

        verifier: Any = get_default_algorithms().get(str(algorithm))
        with self._lock:
            keys = tuple(self._keys.get(client_id, ()))
        return verifier is not None and any(_verifies(verifier, message, key, _decoded(signature)) for key in keys)

    def _replay(self, jti: object) -> str | None:
        if not isinstance(jti, str) or not jti:
            return "jti is missing"
        with self._lock:
            if jti in self._used:
                return "this assertion was used before"
            self._used.add(jti)
        return None


def method_of(form: Mapping[str, str]) -> Literal["private_key_jwt", "client_secret_jwt"] | None:
    """The client authentication that an assertion is; None without one."""
    if "client_assertion" not in form:
        return None
    header, _ = parts_of(form["client_assertion"])
    return "client_secret_jwt" if header.get("alg") in _HASHES else "private_key_jwt"


def parts_of(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, without a look at the signature; empty if it is no JWT."""
    try:
        header, claims = (json.loads(_decoded(part)) for part in assertion.split(".")[:2])
    except ValueError:
        return {}, {}
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else ({}, {})


def _problem_of_times(claims: Mapping[str, Any], now: float) -> str | None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if "exp" not in times or not all(isinstance(each, (int, float)) for each in times.values()):
        return "exp is missing, or a time is no number"
    if times["exp"] <= now:
        return "exp has passed"
    if times["exp"] > now + LONGEST_LIFE + LARGEST_SKEW:
        return "exp is too far away"
    if max(times.get("iat", now), times.get("nbf", now)) > now + LARGEST_SKEW:
        return "iat or nbf is in the future"
    return None


def _public_key(key: Any) -> Any:
    """A public key of cryptography, from PEM (also of a certificate), a JWK, a key, or what has a `public_jwk`."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate
    from jwt import PyJWK

    if isinstance(key, Mapping):
        return PyJWK({name: value for name, value in key.items() if name not in ("alg", "use")}).key
    if isinstance(key, (str, bytes)):
        data = key.encode() if isinstance(key, str) else key
        return load_pem_x509_certificate(data).public_key() if b"CERTIFICATE" in data else load_pem_public_key(data)
    return key.public_key() if hasattr(key, "public_key") else key


def _verifies(verifier: Any, message: str, key: Any, signature: bytes) -> bool:
    try:
        return bool(verifier.verify(message.encode(), key, signature))
    except Exception:  # noqa: BLE001 - a key of another kind than the algorithm
        return False


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
