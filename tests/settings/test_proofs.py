"""Proofs that are named in settings: by files, and perhaps by a method."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, NoClientAuthentication, TokenError
from oauth_cc_auth._cli.settings import load, sources
from oauth_cc_auth._cli.settings.given import Given, checked
from oauth_cc_auth.requests import ClientCredentialsAuth

URL = "https://login.example.com/token"
PEM = Encoding.PEM, PrivateFormat.PKCS8


@pytest.fixture(name="files", autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, its certificate, both in one file, and an assertion, in the working directory."""
    issued = trustme.CA().issue_cert("client.example.com")
    issued.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "client.crt"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    (tmp_path / "token").write_text("from elsewhere")
    monkeypatch.chdir(tmp_path)


def made(settings: Mapping[str, Any]) -> str:
    """What stands for the settings, by all ways."""
    given = {"token_url": URL, "client_id": "abcd-1234", **settings}
    by_mapping = ClientCredentialsConfig.from_mapping(given)
    by_command = checked({field: Given(value, f"--{field}") for field, value in given.items()}).config
    assert repr(by_mapping.client_authentication) == repr(by_command.client_authentication)
    return repr(by_mapping.client_authentication)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"private_key": "client.key"}, "PrivateKeyJwt(algorithm='ES256', key_id=None)"),
        ({"private_key": "client.key", "key_id": "key-1"}, "PrivateKeyJwt(algorithm='ES256', key_id='key-1')"),
        ({"private_key": "client.key", "certificate": "client.crt"}, "PrivateKeyJwt(algorithm='ES256', key_id=None)"),
        ({"certificate": "both.pem"}, "TlsClientAuthentication('both.pem')"),
        (
            {"certificate": "client.crt", "private_key": "client.key", "client_authentication": "tls_client_auth"},
            "TlsClientAuthentication('client.crt')",
        ),
        ({"assertion_file": "token"}, "ClientAssertion(FromFile('token'))"),
        ({"assertion_file": "later"}, "ClientAssertion(FromFile('later'))"),
        ({"client_authentication": "none"}, "NoClientAuthentication()"),
        ({"client_authentication": "client_secret_jwt", "client_secret": "s"}, "ClientSecretJwt()"),
        ({"client_authentication": "client_secret_post", "client_secret": "s"}, "'client_secret_post'"),
        ({"client_secret": "s"}, "None"),
    ],
)
def test_what_stands_for_settings(settings: dict[str, Any], expected: str) -> None:
    """What the files are says which method is meant, unless it is named."""
    assert made(settings) == expected


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"key_id": "key-1", "client_secret": "s"}, "'key_id' is of no use alone"),
        (
            {"private_key": "client.key", "client_authentication": "client_secret_post", "client_secret": "s"},
            "'private_key' is of no use with client_secret_post",
        ),
        ({"client_authentication": "private_key_jwt"}, "private_key is missing: private_key_jwt needs it"),
        ({"private_key": "none.key"}, "'private_key' is in a file that cannot be read: none.key"),
        (
            {"private_key": "client.key", "signing_algorithm": "RS256"},
            "'signing_algorithm' RS256 does not fit the key",
        ),
        (
            {"certificate": "client.crt"},
            "private_key is missing: the key is not in client.crt; set it to the path of a file",
        ),
        (
            {"private_key": "client.key", "client_authentication": NoClientAuthentication()},
            "'private_key' is given, and so is a strategy",
        ),
    ],
)
def test_what_cannot_be_right(settings: dict[str, Any], told: str) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig.from_mapping({"token_url": URL, "client_id": "abcd-1234", **settings})
    assert told in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (
            "certificate",
            "client.crt",
            "private_key is missing: the key is not in client.crt; pass --private-key, set OAUTH_CC_PRIVATE_KEY, or "
            "put it into a --config file",
        ),
        (
            "client_authentication",
            "tls_client_auth",
            "certificate is missing: tls_client_auth needs it; pass --certificate, set OAUTH_CC_CERTIFICATE, or put it "
            "into a --config file",
        ),
    ],
)
def test_on_the_command_line(field: str, value: str, told: str) -> None:
    """The error names what was given, and how to give what is missing."""
    given = {"token_url": URL, "client_id": "abcd-1234", field: value}
    with pytest.raises(ConfigurationError) as caught:
        checked({name: Given(each, f"--{name.replace('_', '-')}") for name, each in given.items()})
    assert str(caught.value) == told
    assert caught.value.__context__ is None


@pytest.mark.parametrize("method", ["private_key_jwt", "tls_client_auth"])
def test_an_encrypted_key(method: str) -> None:
    """Its password is in a file, since command lines and environments are seen by others."""
    key = load_pem_private_key(Path("client.key").read_bytes(), None)
    Path("locked.key").write_bytes(key.private_bytes(*PEM, BestAvailableEncryption(b"pass phrase")))
    Path("password").write_text("pass phrase\n")
    Path("wrong").write_text("pass phrases")
    settings = {"certificate": "client.crt", "private_key": "locked.key", "client_authentication": method}
    expected = {"private_key_jwt": "PrivateKeyJwt(algorithm='ES256', key_id=None)"}
    found = made({**settings, "private_key_password_file": "password"})
    assert found == expected.get(method, "TlsClientAuthentication('client.crt')")
    told = {
        "none": "'private_key_password_file' (none) cannot be read: No such file or directory; it must be a file with "
        "one line of text",
        "wrong": {
            "private_key_jwt": "'private_key' cannot be decrypted",
            "tls_client_auth": "'private_key_password_file' is wrong",
        }[method],
    }
    for file, words in told.items():
        with pytest.raises(ConfigurationError) as caught:
            made({**settings, "private_key_password_file": file})
        assert words in str(caught.value)
        assert "pass phrase" not in str(caught.value)
        assert caught.value.__context__ is None


def test_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And neither secret nor, with an assertion, id is needed."""
    monkeypatch.setenv("OAUTH_CC_TOKEN_URL", URL)
    monkeypatch.setenv("OAUTH_CC_ASSERTION_FILE", "token")
    auth = ClientCredentialsAuth.from_env()
    assert repr(auth.config.client_authentication) == "ClientAssertion(FromFile('token'))"
    monkeypatch.setenv("OAUTH_CC_ASSERTION_FILE", "later")
    auth = ClientCredentialsAuth.from_env()
    with pytest.raises(TokenError, match=r"gave no credentials: later cannot be read: No such file or directory"):
        auth.prefetch()
    monkeypatch.setenv("OAUTH_CC_ASSERTION_FILE", "")
    monkeypatch.setenv("OAUTH_CC_CLIENT_ID", "abcd-1234")
    monkeypatch.setenv("OAUTH_CC_CERTIFICATE", "client.crt")
    with pytest.raises(ConfigurationError, match=r"^OAUTH_CC_PRIVATE_KEY is missing: the key is not in client.crt; "):
        ClientCredentialsAuth.from_env()
    monkeypatch.setenv("OAUTH_CC_CERTIFICATE", "")
    monkeypatch.setenv("OAUTH_CC_PRIVATE_KEY", "missing.pem")
    with pytest.raises(ConfigurationError, match=r"^OAUTH_CC_PRIVATE_KEY is in a file that cannot be read: "):
        ClientCredentialsAuth.from_env()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is in a file that cannot be read: dpop.pem: No such file or directory"),
        (b"no key", "is no private key that can be read"),
        (b'{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}', "is a public key"),
        ("other", "names a JWK whose alg does not fit its key"),
        ("encrypted", "is encrypted"),
    ],
    ids=["none", "no key", "public", "other", "encrypted"],
)
def test_a_key_for_dpop_that_cannot_be_used(
    content: bytes | str | None, problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variable and option are named, and the remedy is one that there is there."""
    if content == "other":
        jwk = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
        content = json.dumps({**jwk, "alg": "ES256"}).encode()
    elif content == "encrypted":
        content = ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM, BestAvailableEncryption(b"password"))
    if isinstance(content, bytes):
        (tmp_path / "dpop.pem").write_bytes(content)
    message = f" {problem}; name a file with a private key that is not encrypted"
    for name, value in {"TOKEN_URL": URL, "CLIENT_ID": "a", "CLIENT_SECRET": "b", "DPOP": "dpop.pem"}.items():
        monkeypatch.setenv(f"OAUTH_CC_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsAuth.from_env()
    assert str(caught.value) == f"OAUTH_CC_DPOP{message}"
    assert (caught.value.field, caught.value.__context__) == ("dpop", None)
    with pytest.raises(ConfigurationError) as caught:
        sources.from_options(Namespace(dpop="dpop.pem"))
    assert str(caught.value) == f"--dpop{message}"


def test_no_dpop() -> None:
    """A word that says no is no name of a file."""
    assert sources.from_options(Namespace(dpop="off"))["dpop"].value is None


def test_dpop_without_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named, and nothing is said about a file."""
    monkeypatch.setitem(sys.modules, "jwt.algorithms", None)
    with pytest.raises(ConfigurationError, match=r"^--dpop needs packages that are not installed; "):
        sources.from_options(Namespace(dpop="dpop.pem"))


def test_no_one_is_asked_for_a_secret() -> None:
    """If the proof is another one."""
    given = {"token_url": Given(URL, ""), "client_id": Given("abcd-1234", "")}
    assert load._only_the_secret_is_missing(given)
    assert not load._only_the_secret_is_missing({**given, "private_key": Given("client.key", "")})
