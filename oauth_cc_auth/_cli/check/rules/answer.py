"""Why the token endpoint answers without a token (RFC 6749 §5.2), and what else its answers show."""

from __future__ import annotations

from oauth_cc_auth._cli.check.facts import AttemptFacts, Findings

from .client import credentials_not_seen, means_unknown_client
from .rule import Advice, Rule, duration, excerpt_of, failures, first_failure, where_to, with_words

_SKEW = 60.0  # seconds; servers allow about as much for the times in assertions and tokens
_UNKNOWN_SCOPE = frozenset({"invalid_scope", "scope_invalid"})  # the second: glewlwyd 2.7
_DPOP = frozenset({"use_dpop_nonce", "invalid_dpop_proof"})


def web_page(findings: Findings) -> Advice | None:
    """The URL of a page for people."""
    attempt = first_failure(findings, _is_web_page)
    if attempt is None:
        return None
    title = excerpt_of(attempt)
    return Advice(
        f"{findings.called('token_url')} answers with a web page{f' ({title})' if title else ''}, so it is not the "
        "token endpoint.",
        where_to(
            findings, "Look for the token endpoint, often a path that ends in /token, in the provider's documentation."
        ),
    )


def _is_web_page(attempt: AttemptFacts) -> bool:
    # All kinds of servers send a web page for these errors; then the status counts.
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
        f"The host answers, but it has nothing at this path ({attempt.status}).",
        where_to(
            findings,
            f"Check the path of {findings.called('token_url')} letter by letter: the tenant or realm, and whether it "
            "ends with a slash.",
        ),
    )


def post_not_allowed(findings: Findings) -> Advice | None:
    """A path that takes no POST."""
    if first_failure(findings, lambda attempt: attempt.status == 405) is None:
        return None
    return Advice(
        "There is something at this path, but it takes no POST, so it is not the token endpoint.",
        where_to(
            findings,
            f"Check {findings.called('token_url')}; the authorization endpoint (often /authorize) is not the token "
            "endpoint (often /token).",
        ),
    )


def json_wanted(findings: Findings) -> Advice | None:
    """An endpoint that reads no forms."""
    attempt = first_failure(findings, _reads_no_form)
    if attempt is None or "request_format" in findings.question.described:
        return None
    return Advice(
        with_words("The server seems to want the token request in JSON, and got a form.", attempt.description),
        "Send JSON (--request-format json), with the names that the provider's documentation gives to id and secret "
        "(--credential-fields clientId,clientSecret).",
    )


def _reads_no_form(attempt: AttemptFacts) -> bool:
    speaks_of_json = "json" in (attempt.description or "").lower()
    return attempt.status == 415 or (attempt.status in (400, 422) and attempt.error is None and speaks_of_json)


def grant_not_allowed(findings: Findings) -> Advice | None:
    """The client is known, but not for this grant."""
    attempt = first_failure(findings, lambda a: a.error == "unauthorized_client" and not means_unknown_client(a))
    if attempt is None:
        return None
    return Advice(
        with_words("The provider does not let this client use the client credentials grant.", attempt.description),
        "At the provider, allow client credentials for this client (often: service account, machine to machine). Some "
        "providers say the same about a client id that they do not know.",
    )


def grant_unsupported(findings: Findings) -> Advice | None:
    """The server does not know the grant type."""
    attempt = first_failure(findings, lambda attempt: attempt.error == "unsupported_grant_type")
    if attempt is None:
        return None
    return Advice(
        with_words(f"The server does not support the grant type {findings.question.grant_type}.", attempt.description),
        f"Check that {findings.called('token_url')} is the endpoint for this grant. Some providers want a grant type "
        "of their own (--grant-type), such as account_credentials.",
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
        f"Set {findings.called('scope')} to what the API's documentation names.",
    )


def _misses_scope(findings: Findings, attempt: AttemptFacts) -> bool:
    if findings.question.scope is not None or "scope" in findings.question.data_names:
        return False
    speaks_of_it = "scope" in (attempt.description or "").lower()
    return attempt.error in _UNKNOWN_SCOPE or (attempt.error == "invalid_request" and speaks_of_it)


def parameter_missing(findings: Findings) -> Advice | None:
    """A parameter beyond the standard."""
    attempt = first_failure(findings, lambda attempt: _misses_parameter(findings, attempt))
    if attempt is None:
        return None
    names = ", ".join(findings.question.data_names)
    sent = f"Besides the standard ones these were sent: {names}." if names else "Only the standard ones were sent."
    return Advice(
        with_words(f"The server says that a parameter is missing or wrong. {sent}", attempt.description),
        "Look in the provider's documentation for parameters of the token request besides grant_type and scope, such "
        "as audience, resource or account_id, and set them (--additional-request-data audience=...).",
    )


def _misses_parameter(findings: Findings, attempt: AttemptFacts) -> bool:
    if attempt.error == "invalid_target":
        return True
    is_explained = _misses_scope(findings, attempt) or credentials_not_seen(findings, attempt)
    return attempt.error == "invalid_request" and not is_explained


def dpop_required(findings: Findings) -> Advice | None:
    """Tokens bound to a key (RFC 9449)."""
    if first_failure(findings, lambda attempt: attempt.error in _DPOP) is None:
        return None
    return Advice(
        "The server wants a proof of possession (DPoP), or does not accept the one that it got.",
        "Pass --dpop; with it, check this machine's clock. Or have this client get Bearer tokens at the provider.",
    )


def unexplained(findings: Findings) -> Advice | None:
    """Something else."""
    attempts = failures(findings)
    if not attempts:
        return None
    last = attempts[-1]
    said = last.description or excerpt_of(last)
    return Advice(
        with_words(f"The server answers {last.status}{f' {last.error}' if last.error else ''}.", said),
        "Look for this answer in the provider's documentation, or ask the people who run the server.",
    )


def clock_skew(findings: Findings) -> Advice | None:
    """The two clocks differ."""
    skews = [each.answer.skew for each in findings.attempts if each.answer is not None and each.answer.skew is not None]
    if not skews or abs(min(skews, key=abs)) <= _SKEW:
        return None
    skew = min(skews, key=abs)
    return Advice(
        f"The server's clock is {duration(skew)} {'ahead of' if skew > 0 else 'behind'} this machine's. Assertions "
        "that are signed here, and the times in tokens (nbf, iat, exp), may be refused because of that.",
        "Set this machine's clock (NTP), or ask the people who run the server to set theirs.",
    )


def proxy_in_between(findings: Findings) -> Advice | None:
    """Something else may have answered."""
    attempt = first_failure(findings, lambda attempt: attempt.error is None)  # an OAuth error is the server's own
    via = None if attempt is None or attempt.answer is None else attempt.answer.via
    if attempt is None or not (via or findings.connection.proxy):
        return None
    who = f"the proxy {findings.connection.proxy}" if findings.connection.proxy else f"an intermediary ({via})"
    return Advice(
        f"The token request goes through {who}, which may have given this answer itself.",
        "If the people who run the server see no such request, ask those who run the proxy, or bypass it (NO_PROXY).",
    )


FATAL: tuple[Rule, ...] = (
    web_page,
    path_not_found,
    post_not_allowed,
    json_wanted,
    grant_not_allowed,
    grant_unsupported,
    scope_unknown,
    scope_missing,
    parameter_missing,
    dpop_required,
)
WORTH_KNOWING: tuple[Rule, ...] = (clock_skew, proxy_in_between)
