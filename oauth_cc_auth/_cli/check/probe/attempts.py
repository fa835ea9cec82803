"""Ask for a token by each client authentication method, exactly as the plugin asks.

The plugin stops at the first method that works. Here each is tried once, without a retry, because a person needs to
know which of them work.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import requests

from oauth_cc_auth._adapter.transport_errors import text_of
from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._authentication.basic import ClientSecretBasic
from oauth_cc_auth._authentication.order import in_listed_order, worth_trying
from oauth_cc_auth._cli.check.facts import AttemptFacts, AttemptOutcome, TokenFacts
from oauth_cc_auth._cli.check.watcher import Timed, Watcher
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._protocol.answer import read_answer
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, methods_of, token_request
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.likely_path import likely_path
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._protocol.unread_life import unread_life
from oauth_cc_auth._redact.redact import presentable
from oauth_cc_auth._requests.send import send_token_request
from oauth_cc_auth._settings import checks
from oauth_cc_auth._token import Token

from .http_answer import http_answer
from .proofs import sent
from .route import proxy_secrets
from .token_facts import token_facts


class Obtained(NamedTuple):
    """A token, for the call of the API. It is not part of the facts.

    Attributes:
        facts: What may be shown of it.
        secrets: What must be masked if an answer echoes it.
    """

    token: Token
    facts: TokenFacts
    secrets: tuple[str, ...]


class Tried(NamedTuple):
    """All attempts, and the first token."""

    attempts: tuple[AttemptFacts, ...]
    obtained: Obtained | None


def try_methods(
    config: ClientCredentialsConfig, timeout: float, watcher: Watcher, server: ServerMetadata | None = None
) -> Tried:
    """One token request by each method, or by the one that is configured.

    The others are not tried after an answer that asks to slow down, or after no answer.

    Args:
        timeout: Seconds for each.
        server: The metadata of the issuer, if the config has one.
    """
    attempts: list[AttemptFacts] = []
    first: Obtained | None = None
    methods = methods_of(config)
    for method in methods if server is None else in_listed_order(methods, server.methods):
        request = _request(config, method, server)
        if isinstance(request, AttemptFacts):
            attempts.append(request)
            break
        if request is None or (_is_raw_basic(method) and "token" in (each.outcome for each in attempts)):
            continue  # raw Basic: the same as another one, or not needed
        facts, obtained = _attempt(config, request, timeout, watcher)
        attempts.append(facts)
        first = first or obtained
        if facts.answer is None or facts.status == 429:
            break
    return Tried(tuple(attempts), first)


def _is_raw_basic(method: ClientAuthentication) -> bool:
    return isinstance(method, ClientSecretBasic) and not method.percent_encode


def _request(
    config: ClientCredentialsConfig, method: ClientAuthentication, server: ServerMetadata | None
) -> TokenRequest | AttemptFacts | None:
    """The token request; or why there is none; or None if `method` would only repeat another one."""
    secret: object = ""
    try:
        secret = config.client_secret() if callable(config.client_secret) else config.client_secret
        checked = checks.secret_text(secret, config.authentication)
        first = methods_of(config)[0]
        checked_secret = None if checked is None else str(checked)
        if not worth_trying(method, first, config.client_id, checked_secret):
            return None
        request = token_request(config, method, checked_secret, server=server)
        place = config.source_url if server is None else server.token_url
        return request.replaced(secrets=(*request.secrets, *proxy_secrets(place)))
    except Exception as error:  # noqa: BLE001  # of the person's callable or strategy
        words = presentable(text_of(error), (secret,) if isinstance(secret, str) else ())
        return AttemptFacts(method.name, "not_sent", 0.0, description=f"{type(error).__name__}: {words}")


def _attempt(
    config: ClientCredentialsConfig, request: TokenRequest, timeout: float, watcher: Watcher
) -> tuple[AttemptFacts, Obtained | None]:
    with Timed(watcher, f"asking for a token by {request.method}") as timed:
        answer = sent(config, request, lambda each: send_token_request(requests, each, timeout, None))
    now = time.time()
    # Without the scope of the request, the token has only the scope that the server names.
    result = read_answer(request.replaced(scope=None), answer, now)
    facts = AttemptFacts(request.method, "token", timed.seconds, proof=request.note or None)
    if isinstance(answer, TokenResponse):
        read = http_answer(answer.status_code, answer.headers, answer.body, wall=now, secrets=request.secrets)
        facts = replace(facts, answer=read)
    if isinstance(result, Failure):
        facts = _without_token(facts, result)
        if isinstance(answer, TokenResponse) and facts.outcome == "unusable":
            facts = replace(facts, likely_path=presentable(likely_path(answer.body), request.secrets) or None)
        return facts, None
    secrets = (*request.secrets, result.access_token, *(text for text in result.extra.values() if _is_long(text)))
    about_token = token_facts(request.method, result, now, config.scope, secrets)
    unread = unread_life(request, answer, result) if isinstance(answer, TokenResponse) else ""
    about_token = replace(about_token, lifetime_problem=unread or None)
    return facts, Obtained(result, about_token, secrets)


def _is_long(value: object) -> bool:
    """True for a text that may be another token; "true" and "v2" are not."""
    return isinstance(value, str) and len(value) >= 16


def _without_token(facts: AttemptFacts, failure: Failure) -> AttemptFacts:
    error = failure.error
    (attempt,) = error.attempts
    outcomes: dict[type[TokenError], AttemptOutcome] = {
        TokenEndpointUnreachable: "no_answer",
        TokenEndpointError: "refused",
        InvalidTokenResponse: "unusable",
    }
    answer = facts.answer
    return replace(
        facts,
        outcome=outcomes[type(error)],
        # An answer that is understood need not be quoted.
        answer=answer if answer is None or attempt.error is None else replace(answer, excerpt=None),
        error=attempt.error,
        description=attempt.error_description,
        next_is_tried=failure.unauthenticated,
        reason=error.reason,
        bound=error.reason == "bound_token_type",
        timed_out=error.reason == "timed_out",
    )
