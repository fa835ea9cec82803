"""Why the token endpoint does not recognise the client (RFC 6749 §2.3, §5.2)."""

from __future__ import annotations

import re

from oauth_cc_auth._authentication.basic import ClientSecretBasic
from oauth_cc_auth._cli.check.facts import AttemptFacts, Findings
from oauth_cc_auth._cli.check.oddities import placeholder_in

from .rule import Advice, Rule, excerpt_of, failures, first_failure, token_in_reach, with_words

_EXPIRED_SECRET = re.compile(r"AADSTS7000222|secret\b.{0,40}\bexpired|expired\b.{0,40}\bsecret", re.IGNORECASE)
_CREDENTIALS = re.compile(r"client.?id|client.?secret|client auth|credential|authorization header", re.IGNORECASE)
_UNKNOWN = re.compile(r"\b(invalid|unknown) (client(\W*$| (id|secret|credentials))|credentials|secret)", re.IGNORECASE)
_RAW_BASIC = ClientSecretBasic(percent_encode=False).name
_AUDIENCE = re.compile(r"\b(audience|resource)\b", re.IGNORECASE)

# Methods whose proof is not the secret itself; `proof` has the rules for them.
OTHER_PROOFS = frozenset({"private_key_jwt", "client_secret_jwt", "client_assertion", "tls_client_auth", "none"})


def secret_expired(findings: Findings) -> Advice | None:
    """The server says so."""
    attempt = first_failure(findings, _tells_of_expired_secret)
    if attempt is None:
        return None
    return Advice(
        with_words("The client secret has expired.", attempt.description),
        f"Make a new secret at the provider, and set {findings.called('client_secret')} to it.",
    )


def _tells_of_expired_secret(attempt: AttemptFacts) -> bool:
    return _EXPIRED_SECRET.search(attempt.description or "") is not None


def wrong_credentials(findings: Findings) -> Advice | None:
    """The server knows no client with this id and this secret."""
    attempts = failures(findings)
    if findings.question.method in OTHER_PROOFS or not any(map(means_unknown_client, attempts)):
        return None
    if not all(means_unknown_client(each) or credentials_not_seen(findings, each) for each in attempts):
        return None
    words = next((attempt.description for attempt in attempts if attempt.description), None)
    credentials = f"{findings.called('client_id')} and {findings.called('client_secret')}"
    remedy = (
        f"Copy {credentials} again from the provider: the value of the secret and not its id, without spaces, and from "
        "the right environment (test or production)."
    )
    not_this_way = with_words(f"The server does not accept {credentials} this way.", words)
    if set(findings.question.described) & {"credential_fields", "credential_headers"}:
        places = f"{findings.called('credential_fields')} and {findings.called('credential_headers')}"
        remedy += f" Or the provider wants them elsewhere: compare {places} with its documentation."
        return Advice(not_this_way, remedy)
    if findings.question.method is not None:
        setting = findings.called("client_authentication")
        remedy += f" Or the client may not use {findings.question.method}: unset {setting} to try all."
        return Advice(not_this_way, remedy)
    return Advice(
        with_words(f"The server does not accept {credentials} by any method: one of them is wrong.", words),
        f"{remedy} If they are right, the client may need a method without a secret, such as private_key_jwt.",
    )


def means_unknown_client(attempt: AttemptFacts) -> bool:
    """The answer says that id or secret is wrong, by its code or by its words."""
    if _tells_of_expired_secret(attempt):
        return False
    error = (attempt.error or "").lower()
    # node-oauth says "unauthorized", Auth0 "access_denied".
    if error == "invalid_client" or (attempt.status == 401 and error in ("", "unauthorized", "access_denied")):
        return True
    # Keycloak: unauthorized_client "Invalid client or Invalid client credentials"; Twitch: 400 "invalid client" and 403
    # "invalid client secret", without a code.
    says_so = _UNKNOWN.search(attempt.description or "") is not None
    return says_so and (error == "unauthorized_client" or (error == "" and attempt.status in (400, 403)))


def credentials_not_seen(findings: Findings, attempt: AttemptFacts) -> bool:
    """A server that looks for credentials in one place may not see them in the other.

    It then says that the request is not valid (oidc-provider, Entra ID for HTTP Basic; Twitch: 400 "missing client id",
    without a code). By the other method it says that the client is unknown.
    """
    about_client = _CREDENTIALS.search(attempt.description or "") is not None
    not_seen = (attempt.error == "invalid_request" and (about_client or not attempt.description)) or (
        attempt.error is None and attempt.status == 400 and about_client
    )
    return not_seen and any(map(means_unknown_client, failures(findings)))


def access_denied(findings: Findings) -> Advice | None:
    """The client is known, but may not have this token."""
    attempt = first_failure(findings, lambda attempt: attempt.error == "access_denied" and attempt.status != 401)
    if attempt is None:
        return None
    sent = [name for name in ("audience", "resource") if name in findings.question.data_names]
    speaks_of = _AUDIENCE.search(attempt.description or "")
    if speaks_of and not sent:
        name = speaks_of.group().lower()
        return Advice(
            with_words(f"The provider denies this client the token, and no {name} was sent.", attempt.description),
            f"Set the {name}, which says what API the token is for: --additional-request-data {name}=... The value is "
            "in the documentation of the provider or the API.",
        )
    spelling = f" Check the spelling of {sent[0]}, too." if sent else ""
    return Advice(
        with_words("The provider denies this client the token.", attempt.description),
        f"At the provider, authorize this client for the API (audience, scopes).{spelling}",
    )


def forbidden_without_reason(findings: Findings) -> Advice | None:
    """403 without a reason (glewlwyd 2.7), or the page of a gateway."""
    attempt = first_failure(findings, lambda a: a.status == 403 and a.error is None and not means_unknown_client(a))
    if attempt is None:
        return None
    scope = (
        "" if findings.question.scope else " Set a scope if the provider names one: without, some servers answer 403."
    )
    return Advice(
        with_words("The server forbids it (403) and gives no reason.", attempt.description or excerpt_of(attempt)),
        f"Check {findings.called('client_id')}, {findings.called('client_secret')} and the authentication methods "
        f"that the client may use.{scope} If a gateway stands before the server, this machine's address may have to "
        "be allowed there.",
    )


def method_to_be_set(findings: Findings) -> Advice | None:
    """A method works, but the plugin stops before it tries that one."""
    if findings.token is None or token_in_reach(findings):
        return None
    first = findings.attempts[0]
    return Advice(
        f"{findings.token.method} works, but {first.method} is tried first, and after its answer ({first.status}) no "
        "other method is tried.",
        _set_method(findings, findings.token.method),
    )


def method_not_allowed(findings: Findings) -> Advice | None:
    """Another method works."""
    refused = [attempt for attempt in findings.attempts if attempt.outcome != "token"]
    if findings.token is None or not refused or not token_in_reach(findings):
        return None
    if findings.attempts[0].outcome == "token":
        return None  # the first method works, so the others do not matter
    return Advice(
        f"The server takes {findings.token.method} only; the plugin finds that out with {len(refused)} more token "
        f"request{'s' if len(refused) > 1 else ''} in each process.",
        _set_method(findings, findings.token.method),
    )


def _set_method(findings: Findings, method: str) -> str:
    if method == _RAW_BASIC:
        return (
            "In your program, pass client_authentication=ClientSecretBasic(percent_encode=False): id or secret contain "
            "characters that this server does not decode. There is no option, variable or line in a file for that."
        )
    return f"Set {findings.called('client_authentication')} to {method}."


def credentials_look_odd(findings: Findings) -> Advice | None:
    """They look as if something went wrong when they were copied."""
    if not failures(findings) or not findings.question.oddities:
        return None
    return Advice(
        " ".join(findings.question.oddities),
        "If that is not intended, copy them again from the provider.",
    )


def urls_look_odd(findings: Findings) -> Advice | None:
    """A placeholder from the documentation, in braces, instead of the name of a tenant."""
    question, api = findings.question, findings.api
    fails = {
        findings.called("token_url"): question.token_url if findings.token is None else "",
        "The URL of the API": "" if api is None or api.accepted else api.url,
    }
    found = {name: placeholder for name, url in fails.items() if (placeholder := placeholder_in(url)) is not None}
    if not found:
        return None
    return Advice(
        " ".join(
            f"{name} contains {placeholder}, which looks like a placeholder." for name, placeholder in found.items()
        ),
        "Replace it with the name or id that the provider gave you, without the brackets.",
    )


FATAL: tuple[Rule, ...] = (
    secret_expired,
    wrong_credentials,
    access_denied,
    forbidden_without_reason,
    method_to_be_set,
)
WORTH_KNOWING: tuple[Rule, ...] = (method_not_allowed, credentials_look_odd, urls_look_odd)
