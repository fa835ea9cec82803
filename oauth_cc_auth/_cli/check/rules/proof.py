"""Why the server does not accept a proof that is no secret: an assertion or a certificate (RFC 7523, RFC 8705)."""

from __future__ import annotations

from oauth_cc_auth._cli.check.facts import Findings, HttpAnswer
from oauth_cc_auth._protocol.advice import speaks_of_certificate

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
    "none": "the client id. ",
}
_IN_A_PROGRAM = (
    "In your program, have the client of API requests present the certificate: session.cert in requests, verify= with "
    "an ssl.SSLContext in httpx."
)


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
    """It says so, or the token is bound to one (RFC 8705 §3), which the API may not have seen."""
    answer = api_failure(findings, 400, 401, 403)
    presented = findings.question.method == "tls_client_auth"
    if answer is None or not _is_about_certificate(findings, answer, presented=presented):
        return None
    words = None if answer.web_page else answer.excerpt
    if not presented:
        return Advice(
            with_words("The API wants a certificate of the client on the connection, and there is none.", words),
            "Name the file of the certificate: --certificate, and --private-key if the key is in another one, with "
            f"--client-authentication tls_client_auth, so that the token is bound to it. {_IN_A_PROGRAM}",
        )
    if findings.api is not None and not findings.api.url.lower().startswith("https:"):
        return Advice(
            with_words("The API wants the certificate to which the token is bound, and its URL is plain http.", words),
            "Use the https URL of the API: only TLS can present a certificate.",
        )
    return Advice(
        with_words("The API does not take the client's certificate, which this command presents to it too.", words),
        "Check that the API is called at its host for mutual TLS, if it has one, and that no proxy before it ends TLS "
        f"and keeps the certificate to itself. {_IN_A_PROGRAM}",
    )


def _is_about_certificate(findings: Findings, answer: HttpAnswer, *, presented: bool) -> bool:
    # A web page's excerpt is its title: "400 No required SSL certificate was sent".
    said = f"{answer.challenge} {answer.excerpt}"
    if speaks_of_certificate(said) or (presented and "certificate" in said.lower()):
        return True
    return answer.status != 400 and _is_bound(findings)


def _is_bound(findings: Findings) -> bool:
    """True if the token says so, in its confirmation claim."""
    jwt = None if findings.token is None else findings.token.jwt
    confirmation = None if jwt is None or jwt.claims is None else jwt.claims.get("cnf")
    return isinstance(confirmation, dict) and "x5t#S256" in confirmation


FATAL: tuple[Rule, ...] = (proof_rejected,)
FATAL_OF_API: tuple[Rule, ...] = (api_wants_certificate,)
