"""Private keys in every form, and those that cannot sign."""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from jwt.algorithms import get_default_algorithms

from oauth_cc_auth import ConfigurationError, DPoP
from oauth_cc_auth._authentication import keys
from oauth_cc_auth._authentication.dpop import signing_key_of
from oauth_cc_auth._authentication.jws import signed
from oauth_cc_auth._authentication.key_source import KeySource
from oauth_cc_auth._authentication.keys import LARGEST, SigningKey, base64url, key_elsewhere, signing_key

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256, P384, P521 = (ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()))
ED25519, ED448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()
PKCS8, PEM, DER = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM, serialization.Encoding.DER
FIRST_BYTE_ZERO = 379  # the private number of a point on P-256 whose x begins with a zero
CLAIMS = {"sub": "abcd-1234"}


def written(key: Any, encoding: Any = PEM, password: bytes | None = None) -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    data: bytes = key.private_bytes(encoding, PKCS8, how)
    return data


def public(key: Any) -> bytes:
    data: bytes = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return data


def jwk_of(key: Any) -> dict[str, Any]:
    kinds: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
    }
    kind = next((kinds[each] for each in kinds if isinstance(key, each)), jwt.algorithms.OKPAlgorithm)
    found: dict[str, Any] = json.loads(kind.to_jwk(key))
    return found


def certificate_of(key: Any, subject: str = "client") -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    start = datetime(2026, 1, 1)  # noqa: DTZ001  # x509 takes naive dates as UTC
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=365))
    return builder.sign(key, hashes.SHA256())


def verified(key: SigningKey, private: Any) -> dict[str, Any]:
    """What a server reads."""
    token = signed({"alg": key.algorithm}, CLAIMS, key.sign)
    claims: dict[str, Any] = jwt.decode(token, private.public_key(), algorithms=[key.algorithm])
    return claims


def in_base64(number: int, length: int) -> str:
    return base64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


@pytest.mark.parametrize(("curve", "length"), [(ec.SECP256R1(), 32), (ec.SECP384R1(), 48), (ec.SECP521R1(), 66)])
@pytest.mark.parametrize("number", [5, 2**240 + 1])
def test_numbers_that_begin_with_zeros(curve: ec.EllipticCurve, length: int, number: int) -> None:
    """Some libraries leave the zeros out; RFC 7518 §6.2.1.2 wants them, and the thumbprint is made with them."""
    private = ec.derive_private_key(number, curve)
    point = private.public_key().public_numbers()
    numbers = {"x": point.x, "y": point.y, "d": number}
    names = {32: "P-256", 48: "P-384", 66: "P-521"}
    short, whole = (
        {"kty": "EC", "crv": names[length], **{name: in_base64(each, size) for name, each in numbers.items()}}
        for size in (0, length)
    )
    assert len(short["d"]) < len(whole["d"])
    keys = signing_key(short), signing_key(whole), signing_key(private)
    assert {key.thumbprint for key in keys} == {keys[1].thumbprint}
    assert {key.proof for key in keys} == {keys[1].proof}
    assert keys[0].public_jwk == {name: whole[name] for name in ("crv", "kty", "x", "y")}


def test_a_library_that_leaves_zeros_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we say of the key has them."""
    private = ec.derive_private_key(FIRST_BYTE_ZERO, ec.SECP256R1())
    whole = signing_key(private)
    jwk = dict(whole.public_jwk or {})
    short = {**jwk, "x": in_base64(private.public_key().public_numbers().x, 0)}
    monkeypatch.setattr(jwt.algorithms.ECAlgorithm, "to_jwk", lambda *_: json.dumps(short))
    assert signing_key(private).public_jwk == jwk != short


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [(RSA, "RS256"), (P256, "ES256"), (P384, "ES384"), (P521, "ES512"), (ED25519, "EdDSA"), (ED448, "EdDSA")],
)
def test_each_kind_of_key_in_each_form(private: Any, algorithm: str, tmp_path: Path) -> None:
    """The algorithm follows from the key."""
    pem = written(private)
    path = tmp_path / "key"
    path.write_bytes(written(private, DER))
    for given in (private, pem, pem.decode(), f"  {pem.decode()}", path, jwk_of(private), json.dumps(jwk_of(private))):
        key = signing_key(given)
        assert key.algorithm == algorithm
        assert verified(key, private) == CLAIMS
        assert "d" not in (key.public_jwk or {"d": ""})


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_an_rsa_key_signs_with_what_is_asked_for(algorithm: str) -> None:
    """Six algorithms fit it."""
    assert verified(signing_key(RSA, algorithm=algorithm), RSA) == CLAIMS


def test_line_breaks_of_an_environment_variable() -> None:
    """A backslash and an n."""
    assert verified(signing_key(written(P256).decode().replace("\n", "\\n")), P256) == CLAIMS


def test_a_pem_file_with_certificates_before_the_key() -> None:
    """As some tools bundle them."""
    bundle = certificate_of(P256).public_bytes(PEM) + written(P256)
    assert verified(signing_key(bundle), P256) == CLAIMS


def test_what_a_jwk_says() -> None:
    """Its kid and alg count, and arguments win."""
    jwk = {**jwk_of(RSA), "kid": "key-1", "alg": "PS256"}
    assert (signing_key(jwk).key_id, signing_key(jwk).algorithm) == ("key-1", "PS256")
    key = signing_key(jwk, key_id="key-2", algorithm="RS512")
    assert (key.key_id, key.algorithm) == ("key-2", "RS512")


def test_the_thumbprint() -> None:
    """The example of RFC 7638 §3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
        "wapJzKnqDKgw"
    )
    key = SigningKey("RS256", bytes, public_jwk={"kty": "RSA", "n": n, "e": "AQAB"})
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert SigningKey("RS256", bytes).thumbprint is None


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_an_encrypted_key(encoding: Any) -> None:
    """Its password is text or bytes; without it or with another one, the error says so."""
    data = written(P256, encoding, b"pass")
    for password in ("pass", b"pass"):
        assert verified(signing_key(data, password=password), P256) == CLAIMS
    with pytest.raises(ConfigurationError, match="key cannot be decrypted; check password"):
        signing_key(data, password="other")


def test_an_encrypted_key_without_its_password() -> None:
    """And a password that there is no use for."""
    with pytest.raises(ConfigurationError, match="key is encrypted; pass its password"):
        signing_key(written(P256, PEM, b"pass"))
    with pytest.raises(ConfigurationError, match="key is not encrypted; leave password out"):
        signing_key(written(P256), password="pass")


def test_a_certificate_whose_bytes_look_like_a_line_break() -> None:
    """One in a hundred in DER has a backslash and an n somewhere; it is taken as it is."""
    given = certificate_of(RSA, "a\\nb").public_bytes(DER)
    assert b"\\n" in given
    assert signing_key(RSA, certificate=given).certificate_thumbprint == base64url(sha256(given).digest())


def test_pkcs12(tmp_path: Path) -> None:
    """It brings its certificate, whose thumbprint goes into the header."""
    path, certificate = tmp_path / "client.p12", certificate_of(RSA)
    encryption = serialization.BestAvailableEncryption(b"pass")
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"client", RSA, certificate, None, encryption))
    key = signing_key(path, password="pass")
    assert verified(key, RSA) == CLAIMS
    for given in (certificate.public_bytes(PEM), certificate.public_bytes(PEM).decode(), certificate.public_bytes(DER)):
        assert signing_key(RSA, certificate=given).certificate_thumbprint == key.certificate_thumbprint is not None
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"client", None, certificate, None, encryption))
    with pytest.raises(ConfigurationError, match="key is a PKCS#12 file without a private key"):
        signing_key(path, password="pass")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "key is no private key that can be read"),
        ("secret", "key is no private key that can be read"),
        (public(P256), "key is a public key; pass the private key that belongs to it"),
        (certificate_of(P256).public_bytes(PEM), "key is a certificate; pass the private key"),
        (written(P256)[:80], "key is damaged, or no private key"),
        (b"\x30\x00", "key is damaged, or no private key"),
        ("{", "key begins like a JWK, and is no JSON object"),
        ({"keys": []}, "key is a set of keys"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "key is a JWK of a kind that signs with no private key"),
        ({"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}, "key is a public key"),
        ({"kty": "EC", "crv": "P-256", "x": "x", "d": "d"}, "key is a JWK that cannot be read"),
        (P256.public_key(), "key must be a private key that signs, not "),
        (dsa.generate_private_key(2048), "key must be a private key that signs, not "),
        (ec.generate_private_key(ec.SECP256K1()), "key is on the curve secp256k1, for which JWS has no algorithm"),
        (rsa.generate_private_key(65537, 1024), "key has 1024 bits; make one with 2048 or more"),  # noqa: S505
    ],
)
def test_what_is_no_key_that_signs(given: Any, message: str) -> None:
    """The error says what it is, what to do, and nothing that is in it."""
    with pytest.raises(ConfigurationError) as caught:
        signing_key(given)
    assert str(caught.value).startswith(message)
    assert caught.value.__context__ is None


def test_a_kind_of_key_that_the_library_does_not_know() -> None:
    """It raises errors of its own."""
    key = "-----BEGIN PRIVATE KEY-----\nMDQCAQAwEAYHKoZIzj0CAQYFK4EEAAEEHTAbAgEBBBYAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n"
    with pytest.raises(ConfigurationError, match="key is "):
        signing_key(f"{key}-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize("algorithm", ["ES384", "RS256", "HS256", "none", "ES256K"])
def test_an_algorithm_that_does_not_fit(algorithm: str) -> None:
    """Neither another curve's, nor one for secrets."""
    with pytest.raises(ConfigurationError, match="algorithm"):
        signing_key(P256, algorithm=algorithm)


@pytest.mark.parametrize("certificate", [certificate_of(P256).public_bytes(PEM), b"-----BEGIN x", b"x"])
def test_a_certificate_that_does_not_fit(certificate: bytes) -> None:
    """Of another key, or none."""
    with pytest.raises(ConfigurationError, match=r"certificate (belongs to another key|is no X.509 certificate)"):
        signing_key(RSA, certificate=certificate)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "jwt.algorithms", None)
    with pytest.raises(ConfigurationError, match="python -m pip install PyJWT cryptography"):
        signing_key(P256)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no signals of a program's own")
@pytest.mark.parametrize(
    ("place", "limit"),
    [
        ((Path, "open"), TimeoutError("the time limit of a job")),
        ((serialization, "load_pem_private_key"), ValueError("the time limit of a job")),
        ((serialization, "load_der_private_key"), TypeError("the time limit of a job")),
    ],
    ids=["reading", "PEM", "DER"],
)
def test_a_time_limit_passes_through(
    place: tuple[Any, str], limit: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its type: a job queue's handler raises it while a key is read."""
    path = tmp_path / "key"
    path.write_bytes(written(P256, DER if "der" in place[1] else PEM))

    def strike(number: int, frame: object) -> None:
        raise limit

    monkeypatch.setattr(*place, lambda *args, **kwargs: signal.raise_signal(signal.SIGUSR1))
    before = signal.signal(signal.SIGUSR1, strike)
    try:
        with pytest.raises(type(limit)) as caught:
            signing_key(path)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught.value is limit


class TestKeyElsewhere:
    def test_it_signs(self) -> None:
        """With what a KMS returns: a plain signature, or DER for ECDSA."""
        raw = signing_key(P256).sign
        for sign in (raw, lambda message: P256.sign(message, ec.ECDSA(hashes.SHA256())), lambda m: bytearray(raw(m))):
            assert verified(key_elsewhere(sign, algorithm="ES256", key_id="k"), P256) == CLAIMS
        assert verified(key_elsewhere(signing_key(RSA).sign, algorithm="RS256", key_id=None), RSA) == CLAIMS

    def test_its_certificate(self) -> None:
        """The thumbprint needs no key."""
        certificate = certificate_of(P256).public_bytes(PEM)
        key = key_elsewhere(bytes, algorithm="ES256", key_id=None, certificate=certificate)
        assert key.certificate_thumbprint == signing_key(P256, certificate=certificate).certificate_thumbprint

    @pytest.mark.parametrize(
        ("sign", "algorithm", "message"),
        [
            (5, "ES256", "sign must be a callable"),
            (bytes, None, "algorithm is missing"),
            (bytes, "x", "algorithm is not"),
        ],
    )
    def test_what_is_missing(self, sign: Any, algorithm: str | None, message: str) -> None:
        """A callable, and the name of what it does."""
        with pytest.raises(ConfigurationError, match=message):
            key_elsewhere(sign, algorithm=algorithm, key_id=None)

    @pytest.mark.parametrize("made", ["text", b"short", b"\x30" * 70])
    def test_what_is_no_signature(self, made: Any) -> None:
        """The error says what came back, and not what it was."""
        with pytest.raises(ConfigurationError, match=r"sign (must return bytes|returned \d+ bytes)"):
            key_elsewhere(lambda message: made, algorithm="ES256", key_id=None).sign(b"")


class TestFiles:
    def test_a_new_key_is_noticed(self, tmp_path: Path) -> None:
        """It is read for each signature, and parsed if it is another one."""
        path = tmp_path / "key.pem"
        path.write_bytes(written(P256))
        source = KeySource(path)
        first = source.current()
        assert source.current() is first
        path.write_bytes(written(P384))
        assert source.current().algorithm == "ES384"
        path.unlink()
        with pytest.raises(ConfigurationError, match=r"key is in a file that cannot be read: .*No such file"):
            source.current()

    def test_a_large_file(self, tmp_path: Path) -> None:
        """It is not read to its end."""
        path = tmp_path / "key.pem"
        path.write_bytes(b"x" * (LARGEST + 1))
        with pytest.raises(ConfigurationError, match="too large"):
            KeySource(path)

    @pytest.mark.parametrize("arguments", [{}, {"key": P256, "sign": bytes}])
    def test_one_of_the_two(self, arguments: dict[str, Any]) -> None:
        """A key, or a callable that has it."""
        with pytest.raises(ConfigurationError, match=r"key is (missing|given)"):
            KeySource(**arguments)

    def test_no_repr_shows_a_key(self) -> None:
        """Only what may be known."""
        assert repr(KeySource(P256, key_id="k")) == "KeySource(algorithm='ES256', key_id='k')"
        assert repr(signing_key(P256, key_id="k")) == "SigningKey('ES256', key_id='k')"


@pytest.mark.parametrize(("algorithm", "half"), [("ES256", 32), ("ES384", 48), ("ES512", 66)])
@pytest.mark.parametrize("bits", [1, 8, 255, 256, 384, 521])
def test_the_integers_of_a_signature_fill_their_places(algorithm: str, half: int, bits: int) -> None:
    """However long their DER is (RFC 7518 §3.4): it leaves zeros out, or has one more before a high bit."""
    r, s = min(2**bits, 2 ** (8 * half)) - 1, 5

    class Private:
        def sign(self, message: bytes, how: object) -> bytes:
            return encode_dss_signature(r, s)

    assert keys._curve_signing(algorithm, Private())(b"")(b"") == r.to_bytes(half, "big") + s.to_bytes(half, "big")


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
def test_messages_that_begin_alike(algorithm: str) -> None:
    """What signs them is started once; each signature is that of the whole message."""
    key = signing_key_of(DPoP(algorithm=algorithm))
    verifier = get_default_algorithms()[algorithm]
    public = jwt.PyJWK({**(key.public_jwk or {}), "alg": algorithm}).key
    started = key.start(b"begun, ")
    for rest in (b"one", b"", b"another", b"one"):
        assert verifier.verify(b"begun, " + rest, public, started(rest))
        assert verifier.verify(rest, public, key.sign(rest))
    assert not verifier.verify(b"one", public, started(b"one"))
