"""The DPoP proofs of one auth object (RFC 9449). The one law: each is made for one sending, with the newest nonce.

Nonces are kept for each origin, and those of the token endpoint apart from those of APIs, even at one origin: each
server makes its own (RFC 9449 §9). Any answer may bring a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from oauth_cc_auth._authentication.dpop import header_of, signing_key_of, signs_quickly
from oauth_cc_auth._protocol.dpop import HEADER, beginning, complaint, encoded, hash_of, nonce_in, proof, target_of

if TYPE_CHECKING:
    from oauth_cc_auth._authentication.dpop import DPoP
    from oauth_cc_auth._authentication.keys import Sign
    from oauth_cc_auth._protocol.exchange import TokenRequest
    from oauth_cc_auth._token import Token

    from .clock import Clock

MOST_ORIGINS = 64  # whose nonces are kept; the oldest are forgotten
MOST_BEGUN = 64  # requests for which the beginning of a proof is kept


class _Begun(NamedTuple):
    """What all proofs with one token have in common.

    Attributes:
        token: With which they go; None before the first.
        claim: Says so: a claim as JSON, after a comma.
        known: For each kind of request: its origin, the beginning of its proof, and what signs the rest.
    """

    token: Token | None
    claim: str
    known: dict[Any, tuple[str, str, Sign]]


class Proofs:
    """Makes proofs with one key, and keeps the nonces that servers ask for.

    Attributes:
        algorithm: How they are signed.
        blocks: True if signing takes long or asks someone, so that it must not happen in an event loop.
    """

    __slots__ = ("_api_nonces", "_begun", "_head", "_readings", "_start", "_token_nonces", "algorithm", "blocks")

    def __init__(self, dpop: DPoP, clock: Clock) -> None:
        self._readings = clock.readings
        self._start = signing_key_of(dpop).start
        self.algorithm = dpop.algorithm
        self._head = encoded(header_of(dpop).encode()) + b"."
        self.blocks = not signs_quickly(dpop)
        self._api_nonces: dict[str, str] = {}
        self._token_nonces: dict[str, str] = {}
        self._begun = _Begun(None, "", {})

    def __call__(self, token: Token, method: str, url: str, nonce: str | None = None) -> str:
        """The proof for one sending of one API request; what a signer of the person's raises comes through.

        Args:
            token: What goes with it.
            method: HTTP method.
            url: Where the request goes.
            nonce: What the API has just asked for; None for the last one that its origin has asked for.
        """
        url = url.partition("?")[0]  # a proof does not name the query, which changes more often and may hold secrets
        return self.aimed(token, (method, url), url, nonce)

    def aimed(self, token: Token, aim: tuple[Any, ...], url: Any, nonce: str | None = None) -> str:
        """The proof for one sending of the kind `aim`: the method, and what tells one `url` from another.

        If `aim` is known, no one looks at `url`, whose text may take time to make. Otherwise as the object itself.
        """
        begun = self._begun
        if begun.token is not token:
            self._begun = begun = _Begun(token, f',"ath":"{hash_of(token.access_token)}"', {})
        known = begun.known.get(aim)
        if known is None:
            site, target = target_of(str(url))
            if len(begun.known) >= MOST_BEGUN:
                begun.known.clear()
            begun.known[aim] = known = site, *self._started(aim[0], target, begun.claim)
        site, text, sign = known
        if nonce is None:
            nonce = self._api_nonces.get(site)
        return proof(text, sign, self._readings.time(), nonce)

    def _started(self, method: str, target: str, claim: str = "") -> tuple[str, Sign]:
        begun = beginning(self._head, method, target, claim)
        return begun.decode(), self._start(begun)

    def proven(self, request: TokenRequest) -> TokenRequest:
        """`request` with a proof, which counts as a secret."""
        site, target = target_of(request.url)
        text, sign = self._started(request.http_method, target)
        made = proof(text, sign, self._readings.time(), self._token_nonces.get(site))
        return request.replaced(headers=(*request.headers, (HEADER, made)), secrets=(*request.secrets, made))

    def complaint(self, status: int, headers: Mapping[str, str]) -> str | None:
        """What an API says is wrong with the proof, as `oauth_cc_auth._protocol.dpop.complaint` reads it."""
        return complaint(status, headers)

    def note_api(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Keep the nonce in an answer of an API, and return it; None if there is none."""
        return _kept(self._api_nonces, url, headers)

    def note_token(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Keep the nonce in an answer of the token endpoint, and return it; None if there is none."""
        return _kept(self._token_nonces, url, headers)


def _kept(nonces: dict[str, str], url: str, headers: Mapping[str, str]) -> str | None:
    nonce = nonce_in(headers)
    if nonce is not None:
        site, _ = target_of(url)
        nonces[site] = nonce
        while len(nonces) > MOST_ORIGINS:
            nonces.pop(next(iter(nonces)), None)
    return nonce
