"""Clients that send requests with and without a DPoP proof, through a transport in the same process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import DPoP

from .cost_work import PLACE
from .dpop_by_hand import ProofAuth, sign
from .in_process import ACCESS_TOKEN, API_URL, always_accepted, httpx_transport, requests_adapter
from .kinds import BEARER, BY_HAND, HEADER, HEADERS, KINDS, OURS


class Contestants(NamedTuple):
    """What is compared.

    Attributes:
        gets: Sends a request to a URL, or returns what has to be awaited for that; by name.
        signing: Makes the bare signature of a proof.
        proving: Has PyJWT make a proof.
    """

    gets: dict[str, Callable[[str], Any]]
    signing: Callable[[], None]
    proving: Callable[[], None]


def contestants(kind: str) -> Contestants:
    """Those of one kind of client. All proofs are made with the same key."""
    library = importlib.import_module(KINDS[kind])
    auth_class = importlib.import_module(f"oauth_cc_auth.{KINDS[kind]}").ClientCredentialsAuth
    key = ec.generate_private_key(ec.SECP256R1())

    def client(token_type: str = "Bearer", auth: Any = None) -> Any:
        if kind == "requests":
            session = library.Session()
            session.mount("https://", requests_adapter(always_accepted(), token_type))
            session.auth = auth
            return session
        client_class = library.AsyncClient if kind.endswith("async") else library.Client
        return client_class(transport=httpx_transport(library, always_accepted(), token_type), auth=auth)

    def ours(dpop: DPoP | None = None) -> Any:
        token_client = client("Bearer" if dpop is None else "DPoP")
        return client(auth=auth_class(PLACE.token_url, "client", "secret", token_client=token_client, dpop=dpop))

    by_hand = ProofAuth(key, ACCESS_TOKEN)
    proof = by_hand(library.Request("GET", API_URL)).headers["DPoP"]
    clients = {
        BEARER: ours(),
        HEADER: client(auth=_header_auth({})),
        HEADERS: client(auth=_header_auth({"DPoP": proof})),
        BY_HAND: client(auth=by_hand),
        OURS: ours(DPoP(key)),
    }
    message = proof.rpartition(".")[0].encode()

    def signing() -> None:
        sign(key, message)

    header, claims = jwt.get_unverified_header(proof), jwt.decode(proof, options={"verify_signature": False})

    def proving() -> None:
        jwt.encode(claims, key, "ES256", header)

    return Contestants({name: each.get for name, each in clients.items()}, signing, proving)


def _header_auth(extra: dict[str, str]) -> Callable[[Any], Any]:
    def auth(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {ACCESS_TOKEN}"
        for name, value in extra.items():
            request.headers[name] = value
        return request

    return auth
