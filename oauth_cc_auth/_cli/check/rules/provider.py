"""What single providers say in their own words, with error codes that mean something else at other providers.

If one of these rules finds its cause, no general rule counts: for a typo in the client id Entra ID answers
``unauthorized_client``, and for one in the tenant ``invalid_request``.
"""

from __future__ import annotations

import re

from oauth_cc_auth._cli.check.facts import AttemptFacts, Findings

from .rule import Advice, Rule, first_failure, with_words

_ENTRA_TENANT = re.compile(r"AADSTS(90002|900023)\b")
_ENTRA_CLIENT = re.compile(r"AADSTS700016\b")
_ENTRA_API = re.compile(r"AADSTS500011\b")
_SALESFORCE_DOMAIN = re.compile(r"request not supported on this domain", re.IGNORECASE)


def _first(findings: Findings, words: re.Pattern[str]) -> AttemptFacts | None:
    return first_failure(findings, lambda attempt: words.search(attempt.description or ""))


def entra_tenant_unknown(findings: Findings) -> Advice | None:
    """The tenant in the path of token_url does not exist."""
    attempt = _first(findings, _ENTRA_TENANT)
    if attempt is None:
        return None
    return Advice(
        with_words(
            f"Entra ID does not know the tenant that is in {findings.called('token_url')}.", attempt.description
        ),
        f"Write the tenant's id (Directory ID) or one of its domains into {findings.called('token_url')}: "
        "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token.",
    )


def entra_client_unknown(findings: Findings) -> Advice | None:
    """A typo in the client id, or the wrong tenant."""
    attempt = _first(findings, _ENTRA_CLIENT)
    if attempt is None:
        return None
    return Advice(
        with_words(
            f"Entra ID has no such client in this tenant: {findings.called('client_id')} or the tenant is wrong.",
            attempt.description,
        ),
        f"Compare {findings.called('client_id')} with the Application (client) ID of the app registration, which is "
        f"not its object id, and the tenant in {findings.called('token_url')} with its Directory (tenant) ID.",
    )


def entra_api_unknown(findings: Findings) -> Advice | None:
    """The scope (v2.0) or the resource (v1.0) names no API of this tenant."""
    attempt = _first(findings, _ENTRA_API)
    if attempt is None:
        return None
    asked = f" ({findings.question.scope})" if findings.question.scope else ""
    return Advice(
        with_words(
            f"Entra ID has no API in this tenant with the name in {findings.called('scope')}{asked} or "
            f"{findings.called('resource')}.",
            attempt.description,
        ),
        f"Set {findings.called('scope')} to the API's application ID URI and /.default, such as api://<id>/.default, "
        "letter by letter. An administrator must first admit the API of another tenant to this one.",
    )


def salesforce_domain(findings: Findings) -> Advice | None:
    """The login host that all customers share."""
    attempt = _first(findings, _SALESFORCE_DOMAIN)
    if attempt is None:
        return None
    return Advice(
        with_words("Salesforce accepts this grant only at the host of My Domain.", attempt.description),
        f"Set {findings.called('token_url')} to https://<your domain>.my.salesforce.com/services/oauth2/token.",
    )


# Only the first that finds its cause counts.
FATAL: tuple[Rule, ...] = (entra_tenant_unknown, entra_client_unknown, entra_api_unknown, salesforce_domain)
