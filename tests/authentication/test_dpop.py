"""`DPoP`: the key that tokens are bound to. Promise 24; promises 14 and 18 for what is pickled and shown."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, DPoP
from oauth_cc_auth._authentication.dpop import header_of, signs_quickly

KEY = ec.generate_private_key(ec.SECP256R1())
URL = "https://login.example.com/token"


def pem(encryption: KeySerializationEncryption | None = None) -> str:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "dpop.pem"
    path.write_text(pem(), encoding="ascii")
    return path


def a_config(**settings: Any) -> ClientCredentialsConfig:
    return ClientCredentialsConfig(URL, "id", "secret", dpop=DPoP(), **settings)


@pytest.mark.parametrize(
    ("algorithm", "quick"),
    [("ES256", True), ("ES384", True), ("ES512", True), ("EdDSA", True), ("RS256", False), ("PS256", False)],
)
def test_a_key_is_made(algorithm: str, quick: bool) -> None:
    """For each algorithm; its public half is in the header of proofs, and nothing else."""
    dpop = DPoP(algorithm=algorithm)
    header = json.loads(header_of(dpop))
    assert (header["typ"], header["alg"]) == ("dpop+jwt", algorithm)
    assert not {"d", "p", "q", "kid"} & set(header["jwk"])
    assert signs_quickly(dpop) is quick
    assert dpop.is_made_here
    assert DPoP(algorithm=algorithm) != dpop


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES999"])
def test_an_unknown_algorithm(algorithm: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DPoP(algorithm=algorithm)
    assert caught.value.field == "algorithm"


def test_a_key_of_the_persons(path: Path) -> None:
    """In any form, it is the same key."""
    made = [DPoP(KEY), DPoP(pem()), DPoP(path), DPoP(pem(BestAvailableEncryption(b"pw")), password="pw")]
    assert len(set(made)) == 1
    assert not made[0].is_made_here
    assert made[0] != "DPoP"
    with pytest.raises(ConfigurationError, match="does not fit the key"):
        DPoP(KEY, "RS256")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate, "EdDSA"),
        (lambda: KEY, "ES256"),
    ],
)
def test_the_algorithm_follows_from_the_key(key: Callable[[], Any], algorithm: str) -> None:
    """If none is given."""
    assert DPoP(key()).algorithm == algorithm
    assert DPoP().algorithm == "ES256"


def test_copies_share_the_key() -> None:
    dpop = DPoP()
    assert copy.copy(dpop) is dpop
    assert copy.deepcopy([dpop])[0] is dpop


def revived(dpop: DPoP) -> DPoP:
    made: DPoP = pickle.loads(pickle.dumps(dpop))  # noqa: S301  # our own
    return made


def test_pickles(path: Path) -> None:
    """They name a file, or say that there is to be a new key."""
    assert revived(DPoP(path)) == DPoP(path)
    dpop = revived(DPoP(algorithm="ES384"))
    assert (dpop.algorithm, dpop.is_made_here) == ("ES384", True)
    assert revived(dpop) != dpop


@pytest.mark.parametrize(
    "made",
    [
        lambda: DPoP(KEY),
        lambda: DPoP(pem()),
        lambda: DPoP(pem(BestAvailableEncryption(b"pw")), password="pw"),
    ],
)
def test_a_key_is_not_pickled(made: Callable[[], DPoP]) -> None:
    with pytest.raises(TypeError, match="give DPoP a Path"):
        pickle.dumps(made())


def test_a_password_is_not_pickled(tmp_path: Path) -> None:
    path = tmp_path / "dpop.pem"
    path.write_text(pem(BestAvailableEncryption(b"pw")), encoding="ascii")
    with pytest.raises(TypeError, match="a private key is not pickled"):
        pickle.dumps(DPoP(path, password="pw"))


def test_repr_shows_no_key() -> None:
    dpop = DPoP(pem())
    assert repr(dpop) == f"DPoP(algorithm='ES256', thumbprint={dpop.thumbprint!r})"


class TestSettings:
    """What goes with `dpop`."""

    def test_the_header_follows(self) -> None:
        assert a_config().header_value_pattern == "DPoP %s"
        assert a_config(header_value_pattern="DPoP %s", header_name="authorization").header_value_pattern == "DPoP %s"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("header_name", "X-Token"),
            ("header_value_pattern", "Token %s"),
            ("header_value_pattern", lambda token: token.access_token),
            ("additional_headers", {"dpop": "x"}),
            ("api_headers", {"DPoP": "x"}),
        ],
    )
    def test_contradictions(self, field: str, value: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            a_config(**{field: value})
        assert caught.value.field == field

    @pytest.mark.parametrize(("value", "given"), [(DPoP, "the class"), ("ES256", "str"), (True, "bool")])
    def test_anything_else(self, value: Any, given: str) -> None:
        with pytest.raises(ConfigurationError, match=f"must be a DPoP object, not {given}; pass DPoP"):
            ClientCredentialsConfig(URL, "id", "secret", dpop=value)

    def test_from_texts(self, path: Path) -> None:
        """A form, a file and the environment say whether, or which file."""
        base = {"token_url": URL, "client_id": "id", "client_secret": "secret"}
        made = [
            ClientCredentialsConfig.from_mapping({**base, "dpop": text}).dpop for text in ("true", "off", str(path))
        ]
        assert made[0] is not None
        assert made[0].is_made_here
        assert made[1:] == [None, DPoP(path)]


def test_what_cannot_make_proofs_refuses() -> None:
    """The Azure SDK is given the token alone, and aiohttp no proofs."""
    pytest.importorskip("aiohttp")
    pytest.importorskip("azure.core")
    from oauth_cc_auth.aiohttp import ClientCredentialsMiddleware
    from oauth_cc_auth.azure import TokenCredential
    from oauth_cc_auth.httpx import ClientCredentialsAuth

    auth = ClientCredentialsAuth(URL, "id", "secret", dpop=DPoP())
    with pytest.raises(ConfigurationError, match="no one would make the proofs"):
        ClientCredentialsMiddleware(auth, "https://api.example.com")
    with pytest.raises(ConfigurationError, match="no one would make the proofs"):
        TokenCredential(auth)
