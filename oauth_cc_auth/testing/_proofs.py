"""DPoP proofs as the server checks them (RFC 9449 section 4.3): signature, method, URL, time, token, nonce, replay."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from ._recorded_request import RecordedRequest
from ._server_settings import ServerSettings

LONGEST_AGE = 60.0  # seconds that the `iat` of a proof may be away from the server's clock
USE_NONCE = "use_dpop_nonce"
INVALID_PROOF = "invalid_dpop_proof"

_ALGORITHMS = {"ES256": "SHA256", "ES384": "SHA384", "ES512": "SHA512", "PS256": "SHA256", "RS256": "SHA256"}
_CURVES = {"P-256": ("SECP256R1", 32), "P-384": ("SECP384R1", 48), "P-521": ("SECP521R1", 66)}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


class Proof(NamedTuple):
    """What a proof says: its claims, and the thumbprint of its key (RFC 7638)."""

    claims: Mapping[str, Any]
    thumbprint: str


class Proofs:
    """Checks proofs, remembers their `jti`, and knows which token is bound to which key. Thread-safe."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._keys: dict[str, str] = {}
        self._nonces: dict[str, str] = {}
        self.rotate_nonces()

    def rotate_nonces(self) -> None:
        """Ask for other nonces from now on, the token endpoint and the API each for one of its own."""
        self._nonces = {kind: secrets.token_urlsafe(12) for kind in ("token", "api")}

    def nonce(self, kind: str) -> str | None:
        """The nonce that the endpoint of this kind asks for; None if it asks for none."""
        return self._nonces.get(kind) if self._settings.dpop_nonces else None

    def problem(self, request: RecordedRequest) -> str | None:
        """What is wrong with the proof of a request, as an error code; None if it is good. A `jti` counts once."""
        proof = proof_in(request)
        if proof is None:
            return INVALID_PROOF
        claims = proof.claims
        is_new = self._is_new(claims.get("jti"))
        host = request.headers.get("Host", "")
        scheme = "https" if self._settings.tls else "http"
        expected = {"htm": request.method, "htu": f"{scheme}://{host}{request.path}"}
        if request.kind == "api":
            expected["ath"] = _encoded(hashlib.sha256((request.token or "").encode()).digest())
        if not is_new or any(claims.get(name) != value for name, value in expected.items()):
            return INVALID_PROOF
        nonce = self.nonce(request.kind)
        if nonce is not None and claims.get("nonce") != nonce:
            return USE_NONCE
        issued = claims.get("iat")
        if not isinstance(issued, (int, float)) or abs(self._settings.clock() - issued) > LONGEST_AGE:
            return INVALID_PROOF
        return None

    def bind(self, token: str, request: RecordedRequest) -> None:
        """Bind the token to the key of the proof in its token request."""
        proof = proof_in(request)
        if proof is not None:
            with self._lock:
                self._keys[token] = proof.thumbprint

    def is_bound(self, request: RecordedRequest) -> bool:
        """True if the token of an API request is bound to the key of its proof."""
        proof = proof_in(request)
        return proof is not None and self._keys.get(request.token or "") == proof.thumbprint

    def _is_new(self, jti: object) -> bool:
        with self._lock:
            if not isinstance(jti, str) or jti in self._seen:
                return False
            self._seen.add(jti)
            return True


def proof_in(request: RecordedRequest) -> Proof | None:
    """The proof in a request, if it has exactly one with a good signature."""
    values = request.headers.get_all("DPoP")
    if len(values) != 1:
        return None
    try:
        head, body, signature = values[0].split(".")
        header, claims = (cast("dict[str, Any]", json.loads(_decoded(part))) for part in (head, body))
        jwk = header["jwk"]
        if header["typ"] != "dpop+jwt" or _PRIVATE & set(jwk):
            return None
        _verify(header["alg"], jwk, f"{head}.{body}".encode(), _decoded(signature))
        return Proof(claims, _thumbprint(jwk))
    except (KeyError, TypeError, ValueError):
        return None


def _verify(algorithm: str, jwk: Mapping[str, str], message: bytes, signature: bytes) -> None:
    """Raise a ValueError if the signature is wrong."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        if algorithm == "EdDSA":
            ed25519.Ed25519PublicKey.from_public_bytes(_decoded(jwk["x"])).verify(signature, message)
            return
        digest = getattr(hashes, _ALGORITHMS[algorithm])()
        if algorithm.startswith("ES"):
            curve, size = _CURVES[jwk["crv"]]
            numbers = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), getattr(ec, curve)())
            der = encode_dss_signature(int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
            numbers.public_key().verify(der, message, ec.ECDSA(digest))
            return
        key = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        scheme = (
            padding.PKCS1v15() if algorithm.startswith("RS") else padding.PSS(padding.MGF1(digest), digest.digest_size)
        )
        key.verify(signature, message, scheme, digest)
    except InvalidSignature:
        raise ValueError("wrong signature") from None


def _thumbprint(jwk: Mapping[str, str]) -> str:
    names = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return _encoded(hashlib.sha256(text.encode()).digest())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")
