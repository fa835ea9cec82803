"""Why the server does not accept a proof that is no secret: an assertion or a certificate (RFC 7523, RFC 8705)."""

from __future__ import annotations

import re

from oauth_cc_auth._cli.check.facts import Findings, HttpAnswer

from .client import means_unknown_client
from .rule import Advice, Rule, api_failure, first_failure, with_words

_REGISTERED = "that this client may use this method at the provider"
_ASSERTION = (
    "the audience, which some servers want to be the issuer and some the token URL (PrivateKeyJwt(audience=...)), and "
    "the clocks of both machines. "
)
_WHAT_TO_COMPARE = {
    "private_key_jwt": "the public key and its id (kid) that are registered, the algorithm, " + _ASSERTION,
    "client_secret_jwt": "the secret and the algorithm, " + _ASSERTION,
    "client_assertion": "the issuer, the subject and the audience that the provider trusts with those of the "
    "assertion, and whether that has expired. ",
    "tls_client_auth": "the certificate, its subject and its issuer with those that are registered. ",
    "none": "client_id. ",
}
_ABOUT_CERTIFICATE = re.compile(r"certificate|x5t#S256|\bm-?tls\b|mutual.tls", re.IGNORECASE)


def proof_rejected(findings: Findings) -> Advice | None:
    """The server does not accept the assertion or the certificate, and mostly does not say why."""
    compared = _WHAT_TO_COMPARE.get(findings.question.method or "")
    attempt = first_failure(findings, means_unknown_client)
    if compared is None or attempt is None:
        return None
    proof = "." if not attempt.proof else f": {attempt.proof}."
    return Advice(
        with_words(f"The server does not accept this proof of the client{proof}", attempt.description),
        f"Compare {compared}Check {_REGISTERED}.",
    )


def api_wants_certificate(findings: Findings) -> Advice | None:
    """The token is bound to the certificate (RFC 8705 §3), and this command presents none to the API."""
    answer = api_failure(findings, 401, 403)
    presented = findings.question.method == "tls_client_auth"
    if answer is None or not (_is_bound(findings) or (presented and _speaks_of_certificate(answer))):
        return None
    return Advice(
        with_words(
            "The token is bound to the client's certificate, and the API wants to see that too. This command presents "
            "it to the token endpoint only.",
            None if answer.web_page else answer.excerpt,
        ),
        "In your program, have the client of API requests present the certificate: cert= in requests, verify= with an "
        "ssl.SSLContext in httpx.",
    )


def _speaks_of_certificate(answer: HttpAnswer) -> bool:
    return _ABOUT_CERTIFICATE.search(f"{answer.challenge} {'' if answer.web_page else answer.excerpt}") is not None


def _is_bound(findings: Findings) -> bool:
    """True if the token says so, in its confirmation claim."""
    jwt = None if findings.token is None else findings.token.jwt
    confirmation = None if jwt is None or jwt.claims is None else jwt.claims.get("cnf")
    return isinstance(confirmation, dict) and "x5t#S256" in confirmation


FATAL: tuple[Rule, ...] = (proof_rejected,)
FATAL_OF_API: tuple[Rule, ...] = (api_wants_certificate,)
