"""Why the token endpoint answers without a token (RFC 6749 §5.2), and what its answers tell beside that."""

from __future__ import annotations

import re

from ._facts import AttemptFacts, Findings
from ._rules import Advice, Rule, duration, failures, first_failure, token_in_reach, with_words

_SKEW = 60.0  # seconds; servers allow about as much for the times in assertions and tokens
_UNKNOWN_SCOPE = frozenset({"invalid_scope", "scope_invalid"})  # the second: glewlwyd 2.7
_DPOP = frozenset({"use_dpop_nonce", "invalid_dpop_proof"})
_EXPIRED_SECRET = re.compile(r"AADSTS7000222|secret\b.{0,40}\bexpired|expired\b.{0,40}\bsecret", re.IGNORECASE)


def web_page(findings: Findings) -> Advice | None:
    """The URL of a page for people."""
    attempt = first_failure(findings, _is_web_page)
    if attempt is None:
        return None
    title = _excerpt(attempt)
    return Advice(
        f"token_url answers with a web page{f' ({title})' if title else ''}, so it is not the token endpoint.",
        "Look for the token endpoint (often a path that ends in /token) in the provider's documentation, or for "
        "token_endpoint in /.well-known/openid-configuration of that host.",
    )


def _is_web_page(attempt: AttemptFacts) -> bool:
    # Servers of all kinds tell these errors by a web page, and then it is the status that counts.
    return (
        attempt.answer is not None
        and attempt.answer.web_page
        and attempt.error is None
        and attempt.answer.status not in (401, 403, 404, 405, 410)
        and attempt.answer.status < 500
    )


def path_not_found(findings: Findings) -> Advice | None:
    """A typo in the path."""
    attempt = first_failure(findings, lambda a: a.status in (404, 410) and a.error in (None, "not_found"))
    if attempt is None:
        return None
    return Advice(
        f"The host is right or close to it, but it has nothing at this path ({attempt.status}).",
        "Check the path of token_url letter by letter, with tenant or realm in it, and a slash at the end.",
    )


def post_not_allowed(findings: Findings) -> Advice | None:
    """A path that takes no POST."""
    if first_failure(findings, lambda attempt: attempt.status == 405) is None:
        return None
    return Advice(
        "There is something at this path, but it takes no POST, so it is not the token endpoint.",
        "Check token_url; the authorization endpoint (often /authorize) is another one than the token endpoint "
        "(often /token).",
    )


def grant_not_allowed(findings: Findings) -> Advice | None:
    """The client is known, and not for this grant."""
    attempt = first_failure(findings, lambda attempt: attempt.error == "unauthorized_client")
    if attempt is None:
        return None
    return Advice(
        with_words("The provider does not let this client use the client credentials grant.", attempt.description),
        "At the provider, allow client credentials for this client (often: service account, machine to machine). Some "
        "providers say the same of a client id that they do not know.",
    )


def grant_unsupported(findings: Findings) -> Advice | None:
    """The server does not know the grant type."""
    attempt = first_failure(findings, lambda attempt: attempt.error == "unsupported_grant_type")
    if attempt is None:
        return None
    return Advice(
        with_words(f"The server does not support the grant type {findings.question.grant_type}.", attempt.description),
        "Check that token_url is the endpoint for this grant. Some providers want a grant type of their own "
        "(--grant-type), such as account_credentials.",
    )


def scope_unknown(findings: Findings) -> Advice | None:
    """A typo, or a scope that the client may not have."""
    scope = findings.question.scope
    attempt = first_failure(findings, lambda attempt: attempt.error in _UNKNOWN_SCOPE)
    if attempt is None or scope is None:
        return None
    return Advice(
        with_words(f"The server does not grant this client the scope: {scope}.", attempt.description),
        "Check its spelling, separate several scopes by single spaces, and have them granted to this client at "
        "the provider. Entra ID wants exactly one, such as api://<id>/.default.",
    )


def scope_missing(findings: Findings) -> Advice | None:
    """The server has no default scope."""
    attempt = first_failure(findings, lambda attempt: _misses_scope(findings, attempt))
    if attempt is None:
        return None
    return Advice(
        with_words("The server wants a scope, and none is set.", attempt.description),
        "Set scope (--scope) to what the API's documentation names.",
    )


def _misses_scope(findings: Findings, attempt: AttemptFacts) -> bool:
    if findings.question.scope is not None or "scope" in findings.question.data_names:
        return False
    speaks_of_it = "scope" in (attempt.description or "").lower()
    return attempt.error in _UNKNOWN_SCOPE or (attempt.error == "invalid_request" and speaks_of_it)


def parameter_missing(findings: Findings) -> Advice | None:
    """A parameter beyond the standard."""
    attempt = first_failure(
        findings, lambda a: a.error in ("invalid_request", "invalid_target") and not _misses_scope(findings, a)
    )
    if attempt is None:
        return None
    names = ", ".join(findings.question.data_names)
    sent = f"Sent beside the standard ones: {names}." if names else "Only the standard ones were sent."
    return Advice(
        with_words(f"The server misses a parameter or does not like one. {sent}", attempt.description),
        "Look in the provider's documentation for parameters of the token request beside grant_type and scope, such as "
        "audience, resource or account_id, and set them (--additional-request-data audience=...).",
    )


def dpop_required(findings: Findings) -> Advice | None:
    """Tokens bound to a key (RFC 9449)."""
    if first_failure(findings, lambda attempt: attempt.error in _DPOP) is None:
        return None
    return Advice(
        "The server wants a proof of possession (DPoP), which this plugin does not make.",
        "At the provider, have this client get Bearer tokens.",
    )


def secret_expired(findings: Findings) -> Advice | None:
    """The server says so."""
    attempt = first_failure(findings, _tells_of_expired_secret)
    if attempt is None:
        return None
    return Advice(
        with_words("The client secret has expired.", attempt.description),
        "Make a new secret at the provider, and set client_secret to it.",
    )


def _tells_of_expired_secret(attempt: AttemptFacts) -> bool:
    return _EXPIRED_SECRET.search(attempt.description or "") is not None


def wrong_credentials(findings: Findings) -> Advice | None:
    """Nobody knows this client by this secret."""
    attempts = failures(findings)
    if not attempts or not all(_means_unknown_client(attempt) for attempt in attempts):
        return None
    words = next((attempt.description for attempt in attempts if attempt.description), None)
    remedy = (
        "Copy client_id and client_secret anew from the provider: the value of the secret and not its id, without "
        "spaces, and from the right environment (test or production)."
    )
    if findings.question.method is not None:
        remedy += f" Or the client may not use {findings.question.method}: leave out client_authentication to try all."
        return Advice(with_words("The server does not accept client_id and client_secret this way.", words), remedy)
    return Advice(
        with_words(
            "The server does not accept client_id and client_secret by any method: one of them is wrong.", words
        ),
        f"{remedy} If they are right, the client may need a method that is no secret, such as private_key_jwt.",
    )


def _means_unknown_client(attempt: AttemptFacts) -> bool:
    if _tells_of_expired_secret(attempt):
        return False
    error = (attempt.error or "").lower()
    # node-oauth says "unauthorized", Auth0 "access_denied".
    return error == "invalid_client" or (attempt.status == 401 and error in ("", "unauthorized", "access_denied"))


def access_denied(findings: Findings) -> Advice | None:
    """The client is known, and may not have this."""
    attempt = first_failure(findings, lambda attempt: attempt.error == "access_denied" and attempt.status != 401)
    if attempt is None:
        return None
    return Advice(
        with_words("The provider denies this client the token.", attempt.description),
        "At the provider, authorize this client for the API (audience, scopes).",
    )


def forbidden_without_reason(findings: Findings) -> Advice | None:
    """403 and not a word (glewlwyd 2.7), or the page of a gateway."""
    attempt = first_failure(findings, lambda attempt: attempt.status == 403 and attempt.error is None)
    if attempt is None:
        return None
    scope = "" if findings.question.scope else " Set a scope if the provider names one: some servers say this without."
    return Advice(
        with_words("The server forbids it (403) and gives no reason.", attempt.description or _excerpt(attempt)),
        f"Check client_id, client_secret and the authentication methods that the client may use.{scope} If a gateway "
        "stands before the server, this machine's address may have to be allowed there.",
    )


def unexplained(findings: Findings) -> Advice | None:
    """Something else."""
    attempts = failures(findings)
    if not attempts:
        return None
    last = attempts[-1]
    said = last.description or _excerpt(last)
    return Advice(
        with_words(f"The server answers {last.status}{f' {last.error}' if last.error else ''}.", said),
        "Look for this answer in the provider's documentation, or ask whoever runs the server.",
    )


def method_to_be_set(findings: Findings) -> Advice | None:
    """A method works, but the plugin stops before it."""
    if findings.token is None or token_in_reach(findings):
        return None
    first = findings.attempts[0]
    return Advice(
        f"{findings.token.method} works, but {first.method} is tried first, and after its answer ({first.status}) no "
        "other method is.",
        _set_method(findings.token.method),
    )


def method_not_allowed(findings: Findings) -> Advice | None:
    """Another method works."""
    refused = [attempt for attempt in findings.attempts if attempt.outcome != "token"]
    if findings.token is None or not refused or not token_in_reach(findings):
        return None
    if findings.attempts[0].outcome == "token":
        return None  # the first method is the one that counts
    return Advice(
        f"The server takes {findings.token.method} only; the plugin finds that out with {len(refused)} more token "
        f"request{'s' if len(refused) > 1 else ''} in each process.",
        _set_method(findings.token.method),
    )


def _set_method(method: str) -> str:
    if method.startswith("client_secret_basic "):
        return (
            "Pass client_authentication=ClientSecretBasic(percent_encode=False): id or secret contain characters that "
            "this server does not decode."
        )
    return f"Set client_authentication to {method}."


def credentials_look_odd(findings: Findings) -> Advice | None:
    """As they do after a copy that went wrong."""
    if not failures(findings) or not findings.question.oddities:
        return None
    return Advice(
        " ".join(findings.question.oddities),
        "If that is not meant so, copy them anew from the provider.",
    )


def clock_skew(findings: Findings) -> Advice | None:
    """The two clocks do not agree."""
    skews = [each.answer.skew for each in findings.attempts if each.answer is not None and each.answer.skew is not None]
    if not skews or abs(min(skews, key=abs)) <= _SKEW:
        return None
    skew = min(skews, key=abs)
    return Advice(
        f"The server's clock is {duration(skew)} {'ahead of' if skew > 0 else 'behind'} this machine's. Assertions "
        "that are signed here, and the times in tokens (nbf, iat, exp), may be refused for that.",
        "Set this machine's clock (NTP), or tell whoever runs the server.",
    )


def proxy_in_between(findings: Findings) -> Advice | None:
    """Somebody else may have answered."""
    via = next((each.answer.via for each in findings.attempts if each.answer is not None and each.answer.via), None)
    if not failures(findings) or not (via or findings.connection.proxy):
        return None
    who = f"the proxy {findings.connection.proxy}" if findings.connection.proxy else f"an intermediary ({via})"
    return Advice(
        f"The token request goes through {who}, which may have given this answer itself.",
        "If the server's operator sees no such request, ask whoever runs the proxy, or bypass it (NO_PROXY).",
    )


def _excerpt(attempt: AttemptFacts) -> str | None:
    return None if attempt.answer is None else attempt.answer.excerpt


FATAL: tuple[Rule, ...] = (
    web_page,
    path_not_found,
    post_not_allowed,
    grant_not_allowed,
    grant_unsupported,
    scope_unknown,
    scope_missing,
    parameter_missing,
    dpop_required,
    secret_expired,
    wrong_credentials,
    access_denied,
    forbidden_without_reason,
    method_to_be_set,
)
WORTH_KNOWING: tuple[Rule, ...] = (method_not_allowed, credentials_look_odd, clock_skew, proxy_in_between)
