"""Looking into tokens: a JWT is read, everything else is left alone, and no secret comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_cc_auth._cli.check.facts import JwtFacts
from oauth_cc_auth._cli.check.jwt import read_jwt, time_claim, words_claim
from tests.cli.check.checks import encoded, jwt

HEADER = b'{"alg": "RS256", "kid": "key-1"}'


def written(*parts: bytes) -> str:
    """A token of these parts."""
    return ".".join(map(encoded, parts))


def claims_of(token: str, *secrets: str) -> Any:
    facts = read_jwt(token, secrets)
    assert facts is not None
    return facts.claims


def test_header_and_claims() -> None:
    """As they are."""
    claims = {"iss": "https://login.example.com", "aud": ["a", "b"], "exp": 1_700_000_000, "x": {"y": [1, None, True]}}
    assert read_jwt(jwt(**claims), ()) == JwtFacts(json.loads(HEADER), claims)


def test_an_encrypted_one_has_a_header_only() -> None:
    """JWE (RFC 7516) has five parts."""
    token = written(b'{"alg": "RSA-OAEP", "enc": "A256GCM"}', b"key", b"iv", b"claims", b"tag")
    assert read_jwt(token, ()) == JwtFacts({"alg": "RSA-OAEP", "enc": "A256GCM"}, None)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "..",
        "a.b.c.d",
        written(b"[]", b"{}", b"x"),
        written(b"{}", b"{}", b"x"),
        written(b"{", b"{}", b"x"),
        written(b"\xff\xfe", b"{}", b"x"),
        written(HEADER, b"no JSON", b"x"),
        written(HEADER, b"[" * 30_000, b"x"),
        written(HEADER) + ".\u00e9.x",
        jwt(long="x" * 70_000),
    ],
    ids=lambda token: str(token)[:40],
)
def test_anything_else_is_none(token: str) -> None:
    """Quietly: a token may look as it likes."""
    assert read_jwt(token, ()) is None


@given(st.text(max_size=40))
def test_no_text_raises(token: str) -> None:
    """Nor does one with the right number of dots."""
    assert read_jwt(token, ()) is None
    assert read_jwt(f"{written(HEADER)}.{token}.x", ()) is None


def test_an_empty_signature() -> None:
    """``alg: none`` has one."""
    assert claims_of(written(b'{"alg": "none"}', b'{"a": 1}', b"")) == {"a": 1}


def test_neither_signature_nor_token_nor_secret_comes_out() -> None:
    """Also in a claim: in its name, in its value, within others."""
    inner = jwt(sub="inner")
    token = jwt(echo=encoded(b"signature"), secret="a S3cret here", nested={"S3cret": [f"Bearer {inner}"]})
    assert claims_of(token, "S3cret") == {"echo": "***", "secret": "a *** here", "nested": {"***": ["Bearer ***"]}}


def test_what_json_cannot_carry() -> None:
    """Python reads NaN and Infinity, and strict JSON has none."""
    token = written(HEADER, b'{"a": NaN, "b": -Infinity, "c": 1.5}', b"x")
    assert claims_of(token) == {"a": "nan", "b": "-inf", "c": 1.5}


def test_huge_and_deep_claims_are_cut() -> None:
    """A person reads this."""
    assert claims_of(jwt(a=list(range(60)), b=[[[["deep"]]]], c="x" * 400)) == {
        "a": list(range(50)),
        "b": [[["…"]]],
        "c": "x" * 299 + "…",
    }


@pytest.mark.parametrize(
    ("value", "time"),
    [(1_700_000_000, 1.7e9), (1.5, 1.5), (0, 0.0), (True, None), ("1700000000", None), (None, None), (10**15, None)],
    ids=repr,
)
def test_dates(value: object, time: float | None) -> None:
    """Numbers that a calendar knows."""
    assert time_claim({"exp": value}, "exp") == time


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"scp": "a b"}, ("a", "b")),
        ({"scp": ["a", 1]}, ("a", "1")),
        ({"scope": "", "scp": "b"}, ("b",)),
        ({"scope": "a", "scp": "b"}, ("a",)),
        ({"scope": [], "scp": 3}, ()),
        ({}, ()),
    ],
    ids=repr,
)
def test_words(claims: dict[str, Any], words: tuple[str, ...]) -> None:
    """A string with spaces or a list, under the first name that has any."""
    assert words_claim(claims, "scope", "scp") == words
