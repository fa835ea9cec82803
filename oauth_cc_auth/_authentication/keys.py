"""Private keys that sign: from whatever a person has, to a function that makes JWS signatures (RFC 7515, RFC 7518).

The one law: a key that cannot work is refused when it is given, in words, and is shown nowhere. Reading keys is the
work of cryptography, signing that of PyJWT; the extra ``[jwt]`` brings both. Only elliptic curves of JWS are signed
with here by cryptography itself: each request with a DPoP proof waits for such a signature.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256, sha384, sha512
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.interrupts import Ignoring, is_interrupt
from oauth_cc_auth._install import how_to_install

LARGEST = 65536  # bytes of a file with a key or a certificate
SMALLEST_RSA = 2048  # bits (RFC 7518 §3.3)

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
ALGORITHMS = (*_RSA, *_CURVES.values(), "EdDSA")
_COORDINATES = {"P-256": 32, "P-384": 48, "P-521": 66}  # bytes of x, y and d in a JWK (RFC 7518 §6.2.1.2)
_LONG = 0x80  # in DER, bytes of contents from which their length takes a second byte
_LENGTHS = {"ES256": 64, "ES384": 96, "ES512": 132}  # bytes of a signature
_NAMED_IN_THUMBPRINT = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}

Sign = Callable[[bytes], bytes]


def base64url(data: bytes) -> str:
    """Base64 as JOSE has it: URL-safe, and without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKey:
    """A key that has been checked.

    Attributes:
        algorithm: Its JWS algorithm, such as ``ES256``.
        key_id: What the server knows it by; None if no one has said.
        public_jwk: Its public half; None if only a `sign` callable has the key.
        certificate_thumbprint: SHA-256 of the certificate (``x5t#S256``, RFC 7515 §4.1.8); None without one.
        proof: What only holders of the key can tell: a digest of it. None if only a `sign` callable has the key.
        sign: Makes the signature of a message. It may block, if a person's callable does the work.
        start: Is given the beginning of many messages, and returns what signs each of them, given its rest.
    """

    __slots__ = ("algorithm", "certificate_thumbprint", "key_id", "proof", "public_jwk", "sign", "start")

    def __init__(
        self,
        algorithm: str,
        sign: Sign,
        *,
        start: Callable[[bytes], Sign] | None = None,
        key_id: str | None = None,
        public_jwk: Mapping[str, Any] | None = None,
        certificate_thumbprint: str | None = None,
        proof: bytes | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.sign = sign
        self.start = start or _starting(sign)
        self.key_id = key_id
        self.public_jwk = public_jwk
        self.certificate_thumbprint = certificate_thumbprint
        self.proof = proof

    @property
    def thumbprint(self) -> str | None:
        """The JWK thumbprint of the public half (RFC 7638), which is no secret; None if that is unknown."""
        if self.public_jwk is None:
            return None
        named = {name: self.public_jwk[name] for name in _NAMED_IN_THUMBPRINT[self.public_jwk["kty"]]}
        return base64url(sha256(json.dumps(named, separators=(",", ":")).encode()).digest())

    @property
    def header(self) -> dict[str, str]:
        """What the header of a JWT says of it (RFC 7515 §4.1)."""
        said = {"typ": "JWT", "alg": self.algorithm, "kid": self.key_id, "x5t#S256": self.certificate_thumbprint}
        return {name: value for name, value in said.items() if value is not None}

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm!r}, key_id={self.key_id!r})"


def _starting(sign: Sign) -> Callable[[bytes], Sign]:
    """The `start` of a key that can only `sign`."""

    def start(beginning: bytes) -> Sign:
        def sign_rest(rest: bytes) -> bytes:
            return sign(beginning + rest)

        return sign_rest

    return start


def signing_key(
    key: Any, *, algorithm: str | None = None, key_id: str | None = None, password: Any = None, certificate: Any = None
) -> SigningKey:
    """The key in `key`: PEM text or bytes, a JWK as a mapping or JSON, a private key of cryptography, or a `Path`.

    Args:
        key: The key. A file may hold PEM, DER, a JWK or PKCS#12. Line breaks that came as a backslash and an ``n``, as
            in environment variables, are mended.
        algorithm: None: what the JWK says, or else what fits the key (``RS256`` for RSA).
        key_id: None: what the JWK says.
        password: Of an encrypted key; text or bytes.
        certificate: The certificate of the key, as PEM text, bytes or `Path`. A PKCS#12 file brings its own.

    Raises:
        ConfigurationError: it is no private key, the password is wrong, algorithm or certificate do not fit, or the
            extra ``[jwt]`` is not installed.
    """
    load_libraries("key")
    known: Mapping[str, Any] = {}
    own_certificate = None
    if isinstance(key, Mapping):
        known, private = key, _from_jwk(key)
    elif isinstance(key, (str, bytes, Path)):
        known, private, own_certificate = _read(_contents("key", key), _as_bytes(password))
    else:
        private = key
    algorithm = _algorithm_for(private, algorithm or known.get("alg"))
    from jwt.algorithms import get_default_algorithms

    signer = get_default_algorithms()[algorithm]
    public = private.public_key()
    jwk = _whole(json.loads(type(signer).to_jwk(public)))
    found = own_certificate if certificate is None else _certificate(_contents("certificate", certificate))
    start = _curve_signing(algorithm, private) if algorithm in _LENGTHS else None
    return SigningKey(
        algorithm,
        (lambda message: signer.sign(message, private)) if start is None else start(b""),
        start=start,
        key_id=key_id or known.get("kid"),
        public_jwk={name: jwk[name] for name in _NAMED_IN_THUMBPRINT[jwk["kty"]]},
        certificate_thumbprint=None if found is None else _thumbprint_of(found, public),
        proof=_proof_of(private),
    )


def _curve_signing(algorithm: str, private: Any) -> Callable[[bytes], Sign]:
    """What starts to sign with `private`, with all that stays the same made once: the beginning is hashed once, too."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    kinds: dict[str, Any] = {
        "ES256": (sha256, hashes.SHA256),
        "ES384": (sha384, hashes.SHA384),
        "ES512": (sha512, hashes.SHA512),
    }
    hashing, name = kinds[algorithm]
    how, half = ec.ECDSA(Prehashed(name())), _LENGTHS[algorithm] // 2

    def start(beginning: bytes) -> Sign:
        begun = hashing(beginning)

        def sign(rest: bytes) -> bytes:
            hashed = begun.copy()
            hashed.update(rest)
            # DER that cryptography has just made: two integers after 2 bytes, or after 3 if they are long, each with
            # its tag and its length before it. To read it here takes a third of the time.
            made: bytes = private.sign(hashed.digest(), how)
            begin = 4 if made[1] < _LONG else 5
            end = begin + made[begin - 1]
            return made[begin:end][-half:].rjust(half, b"\0") + made[end + 2 :][-half:].rjust(half, b"\0")

        return sign

    return start


def _proof_of(private: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return sha256(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).digest()


def key_elsewhere(sign: Any, *, algorithm: str | None, key_id: str | None, certificate: Any = None) -> SigningKey:
    """A key that only `sign` can use: one of a KMS, an HSM or an agent.

    Args:
        sign: Is given the message and returns its signature. ECDSA signatures may be DER, as AWS KMS makes them.
        algorithm: What it signs with.
        key_id: What the server knows it by.
        certificate: The certificate of the key, as PEM text, bytes or `Path`.

    Raises:
        ConfigurationError: `algorithm` is missing or unknown, or `sign` is no callable.
    """
    if not callable(sign):
        raise ConfigurationError(field="sign", problem=f"must be a callable, not {type(sign).__name__}")
    if algorithm is None:
        problem, remedy = "is missing", f"say what sign() signs with: one of {', '.join(ALGORITHMS)}"
        raise ConfigurationError(field="algorithm", problem=problem, remedy=remedy)
    check_algorithm(algorithm)
    thumbprint = None
    if certificate is not None:
        load_libraries("certificate")
        thumbprint = _thumbprint_of(_certificate(_contents("certificate", certificate)))
    length = _LENGTHS.get(algorithm)

    def signature(message: bytes) -> bytes:
        made = sign(message)
        if not isinstance(made, (bytes, bytearray)):
            raise ConfigurationError(f"sign must return bytes, not {type(made).__name__}")
        return bytes(made) if length is None or len(made) == length else _raw(bytes(made), length)

    return SigningKey(algorithm, signature, key_id=key_id, certificate_thumbprint=thumbprint)


def load_libraries(field: str) -> None:
    """Import what reads keys and signs.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        from jwt.algorithms import has_crypto
    except ImportError:
        has_crypto = False
    if not has_crypto:
        problem, remedy = "needs packages that are not installed", how_to_install("jwt")
        raise ConfigurationError(field=field, problem=problem, remedy=remedy)


def check_algorithm(algorithm: str) -> None:
    """Raise a ConfigurationError if it is none that signs with a private key."""
    if algorithm not in ALGORITHMS:
        problem, remedy = (
            f"is not one that signs with a private key: {algorithm!r:.40}",
            f"pass {', '.join(ALGORITHMS)}",
        )
        raise ConfigurationError(field="algorithm", problem=problem, remedy=remedy)


def _wrong(problem: str, remedy: str = "", field: str = "key") -> ConfigurationError:
    return ConfigurationError(field=field, problem=problem, remedy=remedy)


def _contents(field: str, given: str | bytes | Path) -> bytes:
    if isinstance(given, Path):
        return read_file(field, given)
    return given.encode() if isinstance(given, str) else given


def read_file(field: str, path: Path) -> bytes:
    """What is in a file, `LARGEST` bytes at most.

    Raises:
        ConfigurationError: it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        if is_interrupt(error):
            raise
        problem = f"is in a file that cannot be read: {path}: {error.strerror or type(error).__name__}"
    else:
        if len(data) <= LARGEST:
            return data
        problem = f"is in a file that is too large: {path} has more than {LARGEST} bytes"
    raise _wrong(problem, field=field)


def _as_bytes(password: Any) -> bytes | None:
    return password.encode() if isinstance(password, str) else password


def _with_line_breaks(data: bytes) -> bytes:
    """`data` with line breaks that came as a backslash and an ``n``; DER as it is, in which both may be anything."""
    return data if data[:1] == b"\x30" else data.strip().replace(b"\\n", b"\n")


def _read(data: bytes, password: bytes | None) -> tuple[Mapping[str, Any], Any, Any]:
    """What a JWK says besides, the key, and the certificate that came with it."""
    data = _with_line_breaks(data)
    if data.lstrip().startswith(b"{"):
        jwk = None
        with Ignoring(ValueError):
            jwk = json.loads(data)
        if not isinstance(jwk, dict):
            raise _wrong("begins like a JWK, and is no JSON object")
        return jwk, _from_jwk(jwk), None
    if b"-----BEGIN" in data:
        return {}, _from_pem(data, password), None
    if data[:1] == b"\x30":  # what DER begins with
        return {}, *_from_der(data, password)
    remedy = "pass the text of a PEM file from -----BEGIN to the end, a JWK, or a Path to one of them"
    raise _wrong("is no private key that can be read", remedy)


def _from_pem(data: bytes, password: bytes | None) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    for label, is_what in ((b"CERTIFICATE-----", "a certificate"), (b"PUBLIC KEY-----", "a public key")):
        if label in data and b"PRIVATE KEY-----" not in data:
            raise _wrong(f"is {is_what}", "pass the private key that belongs to it")
    start = data.index(b"-----BEGIN", max(0, data.find(b"PRIVATE KEY-----") - 40))
    return _loaded(lambda: load_pem_private_key(data[start:], password), password)


def _from_der(data: bytes, password: bytes | None) -> tuple[Any, Any]:
    """The key, and the certificate of a PKCS#12 file."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12

    with Ignoring(ValueError, TypeError):
        return load_der_private_key(data, password), None
    key, certificate, _ = _loaded(lambda: pkcs12.load_key_and_certificates(data, password), password)
    if key is None:
        raise _wrong("is a PKCS#12 file without a private key", "export it again, with its key")
    return key, certificate


def _loaded(load: Callable[[], Any], password: bytes | None) -> Any:
    """What `load` returns; its errors in our words, without what they may quote."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load()
    except (TypeError, UnsupportedAlgorithm, ValueError) as error:
        if is_interrupt(error):
            raise
        kind = type(error)
    if issubclass(kind, UnsupportedAlgorithm):
        problem, remedy = "is of a kind that is not supported", "convert it to PKCS#8, as `openssl pkcs8 -topk8` does"
    elif issubclass(kind, TypeError):
        problem = "is encrypted" if password is None else "is not encrypted"
        remedy = "pass its password" if password is None else "leave password out"
    elif password is None:
        problem, remedy = "is damaged, or no private key", "check that it is complete, its line breaks included"
    else:
        problem, remedy = "cannot be decrypted", "check password"
    raise _wrong(problem, remedy)


def _from_jwk(jwk: Mapping[str, Any]) -> Any:
    """The private key in a JWK (RFC 7517)."""
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    kinds: dict[Any, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    if "keys" in jwk:
        raise _wrong("is a set of keys", "pass one of them, the private one that signs")
    kind = kinds.get(jwk.get("kty"))
    if kind is None:
        raise _wrong("is a JWK of a kind that signs with no private key", "kty must be RSA, EC or OKP")
    if "d" not in jwk:
        raise _wrong("is a public key", "pass the private key that belongs to it: a JWK with the member d")
    with Ignoring(InvalidKeyError, ValueError, TypeError, KeyError):
        return kind.from_jwk(_whole(jwk))
    raise _wrong("is a JWK that cannot be read", "check that it is complete")


def _whole(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """`jwk` with the zeros that numbers on its curve begin with.

    A number must be as long as the curve says. Some libraries leave leading zeros out, as old versions of PyJWT do,
    so that one key in a hundred cannot be read, or has another thumbprint.
    """
    length = _COORDINATES.get(jwk.get("crv", ""), 0)
    return {name: _filled(value, length) if name in ("x", "y", "d") else value for name, value in jwk.items()}


def _filled(value: str, length: int) -> str:
    number = urlsafe_b64decode(f"{value}{'=' * (-len(value) % 4)}")
    return base64url(number.rjust(length, b"\0")) if len(number) < length else value


def _algorithm_for(private: Any, wanted: str | None) -> str:
    """`wanted` if it fits the key, or what does."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    fitting: tuple[str, ...]
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size < SMALLEST_RSA:
            raise _wrong(f"has {private.key_size} bits", f"make one with {SMALLEST_RSA} or more (RFC 7518 §3.3)")
        fitting = _RSA
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        if private.curve.name not in _CURVES:
            raise _wrong(f"is on the curve {private.curve.name}, for which JWS has no algorithm", "use P-256")
        fitting = (_CURVES[private.curve.name],)
    elif isinstance(private, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        fitting = ("EdDSA",)
    else:
        kind = type(private).__name__
        remedy = "pass PEM, a JWK, a Path, or a private key of cryptography"
        raise _wrong(f"must be a private key that signs, not {kind.lstrip('_')}", remedy)
    if wanted is None:
        return fitting[0]
    check_algorithm(wanted)
    if wanted not in fitting:
        remedy = f"leave it out, or pass {' or '.join(fitting)}"
        raise _wrong(f"{wanted} does not fit the key", remedy, "algorithm")
    return wanted


def _certificate(data: bytes) -> Any:
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

    data = _with_line_breaks(data)
    with Ignoring(ValueError):
        return load_pem_x509_certificate(data) if b"-----BEGIN" in data else load_der_x509_certificate(data)
    raise _wrong("is no X.509 certificate that can be read", field="certificate")


def _thumbprint_of(certificate: Any, public: Any = None) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    if public is not None and certificate.public_key() != public:
        raise _wrong("belongs to another key", "pass the certificate of this key", "certificate")
    return base64url(sha256(certificate.public_bytes(Encoding.DER)).digest())


def _raw(signature: bytes, length: int) -> bytes:
    """An ECDSA signature as JWS wants it (RFC 7518 §3.4), from DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    half = length // 2
    with Ignoring(ValueError, OverflowError):
        r, s = decode_dss_signature(signature)
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")
    raise ConfigurationError(f"sign returned {len(signature)} bytes that are no ECDSA signature of {length} bytes")
