"""Why the API does not take the token (RFC 6750 §3)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ._facts import Findings, HttpAnswer
from ._jwt import words_claim
from ._rules import Advice, Rule, with_words

_PARAMETER = r'(?<![\w-]){}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))'
_LOGIN = re.compile(r"log-?in|sign-?in|auth|sso|saml|session", re.IGNORECASE)


def _answer(findings: Findings, *statuses: int) -> HttpAnswer | None:
    """The API's answer, where it is no success and has one of `statuses`, or any."""
    api = findings.api
    if api is None or api.answer is None or api.accepted:
        return None
    return api.answer if not statuses or api.answer.status in statuses else None


def challenge_parameter(challenge: str | None, name: str) -> str | None:
    """A parameter of ``WWW-Authenticate`` (RFC 9110 §11.6.1), or None."""
    found = re.search(_PARAMETER.format(name), challenge or "", re.IGNORECASE)
    return None if found is None else next(group for group in found.groups() if group is not None)


def api_withheld(findings: Findings) -> Advice | None:
    """The settings do not let the token go there."""
    api = findings.api
    if api is None or api.withheld is None:
        return None
    if api.withheld == "other_origin":
        return Advice(
            f"{api.url} is at none of the api_origins, so the plugin calls it without a token.",
            "Add its origin (scheme, host and port) to api_origins.",
        )
    return Advice(
        f"{api.url} is plain http, which would show the token to everyone on the way; it was not called.",
        "Use https or, where the network is trusted, --allow-insecure-http (allow_insecure_http=True).",
    )


def api_unreachable(findings: Findings) -> Advice | None:
    """No answer."""
    api = findings.api
    if api is None or api.withheld is not None or api.answer is not None:
        return None
    return Advice(
        with_words("The API gives no answer.", api.description),
        "Check the URL of the API and the way there. The token is not the reason.",
    )


def api_redirects(findings: Findings) -> Advice | None:
    """To a login page, or just elsewhere."""
    answer = _answer(findings)
    if answer is None or not 300 <= answer.status < 400:
        return None
    target = answer.location or "somewhere else"
    if _LOGIN.search(urlsplit(target).path) or _LOGIN.search(urlsplit(target).hostname or ""):
        return Advice(
            f"The API sends the call to {target}, which looks like a login for people.",
            "Check that the URL is that of the API and not of its web site, and header_name and header_value_pattern.",
        )
    return Advice(
        f"The API redirects the call to {target}.",
        "Call the final URL: to another host the token would not go along.",
    )


def api_web_page(findings: Findings) -> Advice | None:
    """A page for people."""
    answer = _answer(findings)
    if answer is None or not answer.web_page or not 200 <= answer.status < 300:
        return None
    return Advice(
        f"The API answers with a web page{f' ({answer.excerpt})' if answer.excerpt else ''}.",
        "Check that the URL is that of the API and not of its web site or of a login page.",
    )


def api_wrong_audience(findings: Findings) -> Advice | None:
    """The token is for another API, by its own words."""
    answer, token = _answer(findings, 401, 403), findings.token
    if answer is None or findings.api is None or token is None or token.jwt is None or token.jwt.claims is None:
        return None
    audience = words_claim(token.jwt.claims, "aud")
    host = urlsplit(findings.api.url).hostname or ""
    speaks_of_it = "audience" in f"{answer.challenge} {answer.excerpt}".lower()
    # 403 is mostly about what the client may do, and an audience need not be a URL.
    looks_wrong = answer.status == 401 and not any(host in each for each in audience)
    if not audience or not (speaks_of_it or looks_wrong):
        return None
    return Advice(
        with_words(
            f"The token is for {', '.join(audience)} (aud), which does not look like this API at {host}.",
            challenge_parameter(answer.challenge, "error_description"),
        ),
        "Ask for a token for this API: with --additional-request-data audience=... or resource=..., or with a scope of "
        "this API (Entra ID: <its app id URI>/.default). What to write is in the API's documentation.",
    )


def api_insufficient_scope(findings: Findings) -> Advice | None:
    """The API says which scope it wants."""
    answer = _answer(findings)
    if answer is None or challenge_parameter(answer.challenge, "error") != "insufficient_scope":
        return None
    needed = challenge_parameter(answer.challenge, "scope")
    granted = " ".join(findings.token.granted_scope or findings.token.asked_scope) if findings.token else ""
    return Advice(
        f"The API wants another scope{f': {needed}' if needed else ''}. The token has: {granted or 'none'}.",
        f"Set scope (--scope) to {needed or 'what the API names'}, and have it granted to this client at the provider.",
    )


def api_refuses_token(findings: Findings) -> Advice | None:
    """401 with a reason, most often invalid_token."""
    answer = _answer(findings)
    error = None if answer is None else challenge_parameter(answer.challenge, "error")
    if answer is None or not error or (answer.status != 401 and error != "invalid_token"):
        return None
    return Advice(
        with_words(
            f"The API does not accept this token ({error}), though it is new.",
            challenge_parameter(answer.challenge, "error_description"),
        ),
        "Token endpoint and API have to belong together: the same environment (test or production), tenant and region. "
        "The issuer (iss) and the audience (aud) of the token have to be those that the API expects.",
    )


def api_sees_no_token(findings: Findings) -> Advice | None:
    """401 and no reason: it may look for the token elsewhere."""
    answer = _answer(findings, 401)
    if answer is None or challenge_parameter(answer.challenge, "error"):
        return None
    question = findings.question
    sent = f"{question.header_name}: {question.header_value_pattern.replace('%s', '<token>')}"
    challenge = f" It asks for: {answer.challenge}." if answer.challenge else ""
    return Advice(
        with_words(f"The API answers 401 and names no reason.{challenge}", None if answer.web_page else answer.excerpt),
        f"It may expect the token elsewhere than in '{sent}': look for the header and its form in the API's "
        "documentation, and set header_name and header_value_pattern.",
    )


def api_forbids(findings: Findings) -> Advice | None:
    """The token is good, and its owner may not do this."""
    answer = _answer(findings, 403)
    if answer is None:
        return None
    return Advice(
        with_words("The API knows the client and forbids the call (403).", answer.excerpt),
        "Give the client the role, permission or scope that this call needs. Some APIs also want a second key in a "
        "header, or let only known addresses in.",
    )


def api_not_found(findings: Findings) -> Advice | None:
    """A typo, or an API that hides what one may not see."""
    if _answer(findings, 404) is None:
        return None
    return Advice(
        "The API has nothing at this URL (404); the token was not refused.",
        "Check the URL of the API. Some APIs say this, too, where the client may not see what is there.",
    )


def api_rate_limited(findings: Findings) -> Advice | None:
    """Too many calls."""
    answer = _answer(findings, 429)
    if answer is None:
        return None
    wait = "" if answer.retry_after is None else f" It asks to wait {answer.retry_after:.0f} s."
    return Advice(f"The API has had too many calls.{wait}", "Wait, and try again. The token was not refused.")


def api_down(findings: Findings) -> Advice | None:
    """5xx."""
    answer = _answer(findings)
    if answer is None or answer.status < 500:
        return None
    return Advice(
        with_words(f"The API has an error of its own ({answer.status}).", answer.excerpt),
        "Try again later. The token is probably not the reason.",
    )


def api_unexplained(findings: Findings) -> Advice | None:
    """Something else, such as 405 where GET is not allowed."""
    answer = _answer(findings)
    if answer is None:
        return None
    return Advice(
        with_words(f"The API answers the GET with {answer.status}.", answer.excerpt),
        "Pass an --api-url that can be read with GET and needs no parameters. This is probably not about the token.",
    )


# The first that speaks is right; the general ones come last.
FATAL: tuple[Rule, ...] = (
    api_withheld,
    api_unreachable,
    api_redirects,
    api_web_page,
    api_insufficient_scope,
    api_wrong_audience,
    api_refuses_token,
    api_sees_no_token,
    api_forbids,
    api_not_found,
    api_rate_limited,
    api_down,
    api_unexplained,
)
