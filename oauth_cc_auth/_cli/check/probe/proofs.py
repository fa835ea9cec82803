"""Requests with a DPoP proof (RFC 9449): sent once more if the server asks for its nonce."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oauth_cc_auth._cli.settings.given import certificate_of
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._core.proofs import Proofs
from oauth_cc_auth._protocol.advice import USE_NONCE
from oauth_cc_auth._protocol.dpop import HEADER
from oauth_cc_auth._protocol.exchange import Reply, TokenRequest, TokenResponse, TransportFailure
from oauth_cc_auth._token import Token

from .get import Got, get


def sent(config: ClientCredentialsConfig, request: TokenRequest, send: Callable[[TokenRequest], Reply]) -> Reply:
    """What the endpoint answers to `request`, with a proof if tokens are bound to a key."""
    if config.dpop is None:
        return send(request)
    proofs = Proofs(config.dpop, Clock())
    answer = send(proofs.proven(request))
    if not isinstance(answer, TokenResponse) or USE_NONCE.encode() not in answer.body:
        return answer
    return send(proofs.proven(request)) if proofs.note_token(request.url, answer.headers) else answer


def got(
    config: ClientCredentialsConfig, url: str, token: Token, headers: Mapping[str, str], timeout: float
) -> Got | TransportFailure:
    """What the API at `url` answers to a GET with `headers`, and with a proof if `token` is bound to a key.

    The connection presents the certificate that the one of the token request has presented.
    """
    certificate = certificate_of(config)
    if config.dpop is None:
        return get(url, headers, timeout, certificate)
    proofs = Proofs(config.dpop, Clock())
    answer = get(url, {**headers, HEADER: proofs(token, "GET", url)}, timeout, certificate)
    if not isinstance(answer, Got) or proofs.complaint(answer.status, answer.headers) is None:
        return answer
    nonce = proofs.note_api(url, answer.headers)
    return get(url, {**headers, HEADER: proofs(token, "GET", url, nonce)}, timeout, certificate)
