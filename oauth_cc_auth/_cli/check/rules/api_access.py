"""Why the API refuses the token or the call: 401 and 403 (RFC 6750 §3), and what else it says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from oauth_cc_auth._cli.check.facts import Findings, HttpAnswer, TokenFacts
from oauth_cc_auth._cli.check.jwt import words_claim
from oauth_cc_auth._http.challenge import challenge_parameter, challenge_schemes

from .rule import Advice, Rule, api_failure, with_words

# Schemes without access tokens: a gateway, a web server or a proxy asks for them.
_OTHER_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm", "aws4-hmac-sha256"})
_DPOP_ERRORS = frozenset({"use_dpop_nonce", "invalid_dpop_proof"})
_AUDIENCE = re.compile(r"audience|\baud\b", re.IGNORECASE)
_OTHER_REASON = re.compile(
    r"expire|signature|issuer|\biss\b|revoked|malformed|algorithm|\bkey\b|\bkid\b|scope", re.IGNORECASE
)
_ASK_FOR_AUDIENCE = (
    "with --additional-request-data audience=... or resource=..., or with a scope of this API (Entra ID: <its app id "
    "URI>/.default). The value is in the API's documentation."
)


def api_insufficient_scope(findings: Findings) -> Advice | None:
    """The API says which scope it wants."""
    answer = api_failure(findings)
    if answer is None or challenge_parameter(answer.challenge, "error") != "insufficient_scope":
        return None
    needed = (challenge_parameter(answer.challenge, "scope") or "").split()
    held = None if findings.token is None else _scope_of(findings.token)
    wanted = f": {' '.join(needed)}" if needed else ""
    has = (
        "The server does not say which scope the token has."
        if held is None
        else f"The token has: {' '.join(held) or 'none'}."
    )
    missing = " ".join([scope for scope in needed if scope not in (held or ())] or needed) or "what the API names"
    scope = findings.called("scope")
    change = f"Add {missing} to {scope}" if findings.question.scope else f"Set {scope} to {missing}"
    return Advice(
        f"The API wants another scope{wanted}. {has}",
        f"{change}, and have it granted to this client at the provider.",
    )


def _scope_of(token: TokenFacts) -> tuple[str, ...] | None:
    """The scopes that the token has: as the server or the token says, or as asked for; None if that is not known."""
    claims = None if token.jwt is None else token.jwt.claims
    own = () if claims is None else words_claim(claims, "scope", "scp")
    if token.granted_scope is not None:
        return token.granted_scope or own
    return own or token.asked_scope or None


def api_wants_dpop(findings: Findings) -> Advice | None:
    """Tokens bound to a key (RFC 9449)."""
    answer = api_failure(findings, 401, 403)
    if answer is None or not _wants_dpop(answer):
        return None
    return Advice(
        "The API wants a proof of possession (DPoP), or does not accept the one that it got. It asks for: "
        f"{answer.challenge}.",
        "Pass --dpop; with it, check this machine's clock. Or have this client get Bearer tokens at the provider, and "
        "the API accept them.",
    )


def _wants_dpop(answer: HttpAnswer) -> bool:
    schemes = _schemes(answer)
    return ("dpop" in schemes and "bearer" not in schemes) or (
        challenge_parameter(answer.challenge, "error") in _DPOP_ERRORS
    )


def _schemes(answer: HttpAnswer) -> set[str]:
    return {scheme.lower() for scheme in challenge_schemes(answer.challenge)}


def api_wants_other_scheme(findings: Findings) -> Advice | None:
    """Name and password, Kerberos, a signature: what asks for that is not an OAuth API."""
    answer = api_failure(findings, 401, 403)
    if answer is None or not _wants_other_scheme(findings, answer):
        return None
    wanted = " or ".join(dict.fromkeys(challenge_schemes(answer.challenge)))
    return Advice(
        with_words(f"This API wants {wanted}, not a Bearer token.", None if answer.web_page else answer.excerpt),
        "Check that the URL is that of the API. If a gateway before the API wants a password, ask the people who run "
        "it how to pass a token.",
    )


def _wants_other_scheme(findings: Findings, answer: HttpAnswer) -> bool:
    sent = findings.question.header_value_pattern.partition(" ")[0].lower()
    schemes = _schemes(answer)
    return bool(schemes) and schemes <= _OTHER_SCHEMES and sent not in schemes


def api_wants_other_pattern(findings: Findings) -> Advice | None:
    """The API reads tokens after another word than the one that is sent before it."""
    answer = api_failure(findings, 401, 403)
    if answer is None:
        return None
    question = findings.question
    sent = question.header_value_pattern.partition(" ")[0]
    wanted = [scheme for scheme in challenge_schemes(answer.challenge) if scheme.lower() not in _OTHER_SCHEMES]
    is_usual_header = question.header_name.lower() == "authorization"
    if not wanted or (is_usual_header and sent.lower() in map(str.lower, wanted)):
        return None
    header = "" if is_usual_header else f"{findings.called('header_name')} to Authorization, and "
    return Advice(
        f"The API asks for {wanted[0]}, and the token is sent as {question.header_name}: "
        f"{question.header_value_pattern.replace('%s', '...')}.",
        f"Set {header}{findings.called('header_value_pattern')} to '{wanted[0]} %s'.",
    )


def api_wrong_audience(findings: Findings) -> Advice | None:
    """The API says that the token is for another API; or the token names another host, and the API no reason."""
    answer, audience = api_failure(findings, 401, 403), _audience(findings)
    if answer is None or not audience or not _blames_audience(findings, answer):
        return None
    what = "which is not what this API expects" if _speaks_of_audience(answer) else "which does not look like this API"
    return Advice(
        with_words(
            f"The token is for {', '.join(audience)} (aud), {what} at {_api_host(findings)}.", _reason_of(answer)
        ),
        f"Ask for a token for this API: {_ASK_FOR_AUDIENCE}",
    )


def _audience(findings: Findings) -> tuple[str, ...]:
    jwt = None if findings.token is None else findings.token.jwt
    return () if jwt is None or jwt.claims is None else words_claim(jwt.claims, "aud")


def _blames_audience(findings: Findings, answer: HttpAnswer) -> bool:
    return _speaks_of_audience(answer) or _is_for_another_host(findings, answer)


def _speaks_of_audience(answer: HttpAnswer) -> bool:
    return _AUDIENCE.search(f"{answer.challenge} {answer.excerpt}") is not None


def _is_for_another_host(findings: Findings, answer: HttpAnswer) -> bool:
    # 403 is mostly about what the client may do. An audience need not be a URL: api://default says nothing.
    return (
        answer.status == 401
        and "bearer" in _schemes(answer)
        and challenge_parameter(answer.challenge, "error") == "invalid_token"
        and not challenge_parameter(answer.challenge, "error_description")
        and not _OTHER_REASON.search(answer.excerpt or "")
        and all(_web_host(each) not in (None, _api_host(findings)) for each in _audience(findings))
    )


def _web_host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def _api_host(findings: Findings) -> str | None:
    return None if findings.api is None else urlsplit(findings.api.url).hostname


def _reason_of(answer: HttpAnswer) -> str | None:
    """The API's words for a person: its description, or the beginning of its body."""
    return challenge_parameter(answer.challenge, "error_description") or (None if answer.web_page else answer.excerpt)


def api_refuses_token(findings: Findings) -> Advice | None:
    """401 with a reason, most often invalid_token."""
    answer = api_failure(findings)
    error = None if answer is None else challenge_parameter(answer.challenge, "error")
    if answer is None or not error or (answer.status != 401 and error != "invalid_token"):
        return None
    return Advice(
        with_words(f"The API does not accept this token ({error}), although it is new.", _reason_of(answer)),
        "Token endpoint and API must belong together: the same environment (test or production), tenant and region. "
        "The issuer (iss) and the audience (aud) of the token must be those that the API expects.",
    )


def api_sees_no_token(findings: Findings) -> Advice | None:
    """401 and no reason: it may look for the token somewhere else."""
    answer = api_failure(findings, 401)
    if answer is None or challenge_parameter(answer.challenge, "error"):
        return None
    question = findings.question
    sent = f"{question.header_name}: {question.header_value_pattern.replace('%s', '<token>')}"
    challenge = f" It asks for: {answer.challenge}." if answer.challenge else ""
    return Advice(
        with_words(f"The API answers 401 and names no reason.{challenge}", None if answer.web_page else answer.excerpt),
        f"It may not expect the token in '{sent}': look for the header and its form in the API's documentation, and "
        f"set {findings.called('header_name')} and {findings.called('header_value_pattern')}.",
    )


def api_forbids(findings: Findings) -> Advice | None:
    """The API, or a gateway before it, does not allow the call."""
    answer = api_failure(findings, 403)
    if answer is None:
        return None
    challenge = f" Its WWW-Authenticate: {answer.challenge}." if answer.challenge else ""
    return Advice(
        with_words(f"The API forbids the call (403).{challenge}", answer.excerpt),
        "Give the client the role, permission or scope that this call needs. Some APIs also want a second key in a "
        "header, or accept only calls from known addresses.",
    )


def audience_to_compare(findings: Findings) -> Advice | None:
    """A 401 without an explanation, and an audience that may not be this API."""
    answer, audience = api_failure(findings, 401), _audience(findings)
    if answer is None or not audience or _api_host(findings) in map(_web_host, audience):
        return None
    explained = _wants_dpop(answer) or _wants_other_scheme(findings, answer) or _blames_audience(findings, answer)
    if explained or _OTHER_REASON.search(_reason_of(answer) or ""):
        return None
    return Advice(
        f"The token says that it is for {', '.join(audience)} (aud).",
        f"If the API expects another audience, ask for a token for it: {_ASK_FOR_AUDIENCE}",
    )


# Only the first that finds its cause counts.
FATAL: tuple[Rule, ...] = (
    api_insufficient_scope,
    api_wants_dpop,
    api_wants_other_scheme,
    api_wants_other_pattern,
    api_wrong_audience,
    api_refuses_token,
    api_sees_no_token,
    api_forbids,
)
WORTH_KNOWING: tuple[Rule, ...] = (audience_to_compare,)
