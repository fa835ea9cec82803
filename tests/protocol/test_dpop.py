"""`_protocol.dpop`: what a proof says, and what an answer says about one."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest

from oauth_cc_auth._protocol.dpop import (
    LONGEST_NONCE,
    beginning,
    complaint,
    encoded,
    hash_of,
    nonce_in,
    proof,
    target_of,
)


@pytest.mark.parametrize(
    ("url", "site", "target"),
    [
        ("https://a.example/x/y?q=1#f", "https://a.example", "https://a.example/x/y"),
        ("https://a.example/x#f?q", "https://a.example", "https://a.example/x"),
        ("https://a.example/x#f", "https://a.example", "https://a.example/x"),
        ("https://a.example//x//", "https://a.example", "https://a.example//x//"),
        ("https://a.example", "https://a.example", "https://a.example/"),
        ("https://a.example?q=1", "https://a.example", "https://a.example/"),
        ("HTTPS://A.Example/X", "https://a.example", "https://a.example/X"),
        ("HTTPS://A.Example:443/X", "https://a.example", "https://a.example/X"),
        ("https://a.example:8443/", "https://a.example:8443", "https://a.example:8443/"),
        ("https://user:pass@a.example/x", "https://a.example", "https://a.example/x"),
        ("https://user@a.example/x", "https://a.example", "https://a.example/x"),
        ("http://[::1]:80/x", "http://[::1]", "http://[::1]/x"),
        ("https://a.example/%7Bx%7D/é", "https://a.example", "https://a.example/%7Bx%7D/é"),
        ("https://a.example:port/x", "https://a.example:port", "https://a.example:port/x"),
    ],
)
def test_the_url_in_a_proof(url: str, site: str, target: str) -> None:
    """Without query, fragment and user info; scheme, host and port as a server puts them together."""
    assert target_of(url) == (site, target)


def test_claims() -> None:
    """Those of RFC 9449 §4.2; the last two only if they are wanted."""
    first, other = (
        proof(_begun("POST", "https://a.example/token"), _sign, 1_700_000_000.9),
        proof(_begun("GET", 'https://a.example/"\\', ',"ath":"h"'), _sign, 1.0, "n"),
    )
    claims, second = json.loads(_decoded(first.split(".")[1])), json.loads(_decoded(other.split(".")[1]))
    jtis = {claims.pop("jti"), second.pop("jti")}
    assert len(jtis) == 2
    assert all(len(jti) == 32 for jti in jtis)  # 128 bits, §11.1 wants 96
    assert claims == {"htm": "POST", "htu": "https://a.example/token", "iat": 1_700_000_000}
    assert second == {"htm": "GET", "htu": 'https://a.example/"\\', "iat": 1, "ath": "h", "nonce": "n"}


def test_compact_form() -> None:
    """The header, the claims and the signature of both, in Base64url."""
    begun = _begun("GET", "https://a.example/?")
    head, claims, signature = proof(begun, _sign, 1.0, nonce="~?~?").split(".")
    assert head == "head"
    assert _decoded(signature) == _sign(f"{head}.{claims}".removeprefix(begun).encode())
    assert not set("+/=") & {*claims, *signature}
    assert proof(begun, lambda rest: b"\0\0\x17", 1.0).endswith(".AAAX")


@pytest.mark.parametrize("length", range(6))
def test_a_beginning_of_any_length(length: int) -> None:
    """It is encoded once, and what follows is encoded by itself: together they are one JSON object."""
    target = f"https://a.example/{'x' * length}"
    begun = _begun("GET", target)
    proofs = [proof(begun, _sign, 1.0, nonce) for nonce in (None, "n", "nn", "nnn")]
    assert all(each.startswith(begun) for each in proofs)
    assert [json.loads(_decoded(each.split(".")[1]))["htu"] for each in proofs] == [target] * 4


def _begun(*arguments: str) -> str:
    return beginning(b"head.", *arguments).decode()


def _sign(message: bytes) -> bytes:
    return b"\xff\xfe" + message[-5:]


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}")


def test_hash_of_a_token() -> None:
    """The example of RFC 9449 §7.1."""
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert hash_of(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_base64() -> None:
    assert [encoded(bytes(n * [255])) for n in range(4)] == [b"", b"_w", b"__8", b"____"]
    assert encoded(b"\0\0\x17") == b"AAAX"


@pytest.mark.parametrize(
    ("value", "nonce"),
    [
        ("eyJ7S_zG.eyJH0-Z.HX4w-7v", "eyJ7S_zG.eyJH0-Z.HX4w-7v"),
        (None, None),
        ("", None),
        ('two"', None),
        ("back\\slash", None),
        ("white space", None),
        ("n" * LONGEST_NONCE, "n" * LONGEST_NONCE),
        ("n" * (LONGEST_NONCE + 1), None),
    ],
)
def test_nonce(value: str | None, nonce: str | None) -> None:
    """What a proof cannot hold is none (RFC 9449 §8.1)."""
    assert nonce_in({} if value is None else {"dpop-nonce": value}) == nonce


@pytest.mark.parametrize(
    ("status", "challenge", "found"),
    [
        (401, 'DPoP error="use_dpop_nonce", error_description="…"', "use_dpop_nonce"),
        (401, 'Bearer realm="a", DPoP algs="ES256", error = invalid_dpop_proof', "invalid_dpop_proof"),
        (401, 'dpop ERROR="USE_DPOP_NONCE"', "use_dpop_nonce"),
        (401, 'DPoP error="invalid_token"', None),
        (401, 'DPoP error="use_dpop_nonces"', None),
        (401, "", None),
        (401, None, None),
        (400, 'DPoP error="use_dpop_nonce"', None),
    ],
)
def test_complaint_of_an_api(status: int, challenge: str | None, found: str | None) -> None:
    headers = {} if challenge is None else {"www-authenticate": challenge}
    assert complaint(status, headers) == found
