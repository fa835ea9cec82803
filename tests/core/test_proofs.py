"""`_core.proofs`: a proof says what it is for, although its beginning may be that of an earlier one."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any

from oauth_cc_auth import DPoP, Token
from oauth_cc_auth._core.proofs import MOST_BEGUN, Proofs
from oauth_cc_auth._protocol.dpop import hash_of
from tests.fake_clock import FakeClock

URL = "https://api.example.com/orders"
ONE, TWO = Token("one"), Token("two")


def claims(proof: str) -> dict[str, Any]:
    payload = proof.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_each_says_what_it_is_for() -> None:
    """Whatever came before: another token, another method, another URL, another time."""
    clock = FakeClock()
    proofs, jtis = Proofs(DPoP(), clock), set()
    kinds = [(ONE, "GET", URL), (ONE, "POST", URL), (ONE, "GET", f"{URL}/7?a=b"), (TWO, "GET", URL)]
    for token, method, url in (*kinds, *reversed(kinds), *kinds):
        clock.advance(1)
        said = claims(proofs(token, method, url))
        jtis.add(said.pop("jti"))
        target, ath = url.partition("?")[0], hash_of(token.access_token)
        assert said == {"htm": method, "htu": target, "ath": ath, "iat": int(clock.wall())}
    assert len(jtis) == 3 * len(kinds)


def test_any_number_of_urls() -> None:
    """The beginnings of no more than a few are kept."""
    proofs = Proofs(DPoP(), FakeClock())
    for number in (*range(3 * MOST_BEGUN), 0):
        assert claims(proofs(ONE, "GET", f"{URL}/{number}"))["htu"] == f"{URL}/{number}"
        assert len(proofs._begun.known) <= MOST_BEGUN


def test_the_hash_of_a_token_is_that_of_its_text() -> None:
    """Two tokens are two, even if they are equal in all but their text."""
    proofs = Proofs(DPoP(), FakeClock())
    for text in ("one", "two", "one"):
        digest = urlsafe_b64decode(claims(proofs(Token(text), "GET", URL))["ath"] + "=")
        assert digest == sha256(text.encode()).digest()
