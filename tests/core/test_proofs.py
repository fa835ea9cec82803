"""`_core.proofs`: a proof says what it is for, although its beginning may be that of an earlier one."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any

from oauth_cc_auth import DPoP, Token
from oauth_cc_auth._core.proofs import MOST_BEGUN, MOST_ORIGINS, Proofs
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


def test_a_query_is_not_kept() -> None:
    """It may hold a secret, and the pages of a list have one target."""
    proofs = Proofs(DPoP(), FakeClock())
    for query in ("?page=1", "?page=2&key=k3y", "", "?"):
        assert claims(proofs(ONE, "GET", f"{URL}{query}"))["htu"] == URL
    assert list(proofs._begun.known) == [("GET", URL)]


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


def test_a_known_url_is_not_looked_at() -> None:
    """Its text may take time to make."""
    asked = []

    class Url:
        def __str__(self) -> str:
            asked.append(self)
            return URL

    proofs = Proofs(DPoP(), FakeClock())
    for _ in range(3):
        assert claims(proofs.aimed(ONE, ("GET", "orders"), Url()))["htu"] == URL
    assert len(asked) == 1


def test_nonces() -> None:
    """Each origin has its own, which its next proof holds. What is named for one proof goes before it."""
    proofs = Proofs(DPoP(), FakeClock())

    def said(url: str, nonce: str | None = None) -> str | None:
        found: str | None = claims(proofs(ONE, "GET", url, nonce)).get("nonce")
        return found

    other = "https://other.example.com/orders"
    assert proofs.note_api(f"{URL}/7", {"dpop-nonce": "first"}) == "first"
    assert [said(URL), said(URL, "named"), said(URL), said(other)] == ["first", "named", "first", None]
    assert proofs.note_api(other, {"dpop-nonce": "second"}) == "second"
    assert proofs.note_api(URL, {}) is None
    assert proofs.note_token(URL, {"dpop-nonce": "third"}) == "third"
    assert [said(URL), said(other)] == ["first", "second"]


def test_nonces_of_few_origins() -> None:
    """The oldest are forgotten."""
    proofs = Proofs(DPoP(), FakeClock())
    urls = [f"https://{number}.example.com/" for number in range(MOST_ORIGINS + 1)]
    for url in urls:
        proofs.note_api(url, {"dpop-nonce": url[8:10].strip(".")})
    nonces = [claims(proofs(ONE, "GET", url)).get("nonce") for url in urls]
    assert nonces == [None, *map(str, range(1, MOST_ORIGINS + 1))]


def test_what_signs_slowly() -> None:
    """A signature with RSA takes longer than a thread needs to start."""
    for algorithm, blocks in (("ES256", False), ("RS256", True)):
        proofs = Proofs(DPoP(algorithm=algorithm), FakeClock())
        assert (proofs.algorithm, proofs.blocks) == (algorithm, blocks)


def test_complaints() -> None:
    """Only those about a proof."""
    proofs = Proofs(DPoP(), FakeClock())
    for status, error, complaint in (
        (401, "use_dpop_nonce", "use_dpop_nonce"),
        (401, "invalid_token", None),
        (403, "use_dpop_nonce", None),
    ):
        assert proofs.complaint(status, {"www-authenticate": f'DPoP error="{error}"'}) == complaint
