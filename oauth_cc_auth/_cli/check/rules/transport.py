"""Why there is no answer to a token request, or one from something else than the token endpoint."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from oauth_cc_auth._cli.check.facts import AttemptFacts, Findings
from oauth_cc_auth._http.answers import is_redirect

from .rule import Advice, Rule, excerpt_of, failures, first_failure, where_to, with_reason, with_words

# nginx, Go's net/http and Tomcat, to plain HTTP at a port for TLS.
_WRONG_PORT = re.compile(r"plain http|\bhttps (port|server)|requires tls", re.IGNORECASE)
_UNTRUSTED = frozenset({"tls_untrusted", "tls_expired", "tls_not_yet_valid", "tls_wrong_host"})


def issuer_not_discovered(findings: Findings) -> Advice | None:
    """No metadata says where tokens are issued."""
    if findings.undiscovered is None:
        return None
    issuer, place, token_url = map(findings.called, ("issuer", "metadata_url", "token_url"))
    return Advice(
        f"{findings.undiscovered[:1].upper()}{findings.undiscovered[1:]}.",
        findings.undiscovered_remedy
        or f"Check {issuer} letter by letter: the tenant or realm, and whether it ends with a slash. If the metadata "
        f"is in another place, set {place}, too. Or set {token_url} instead.",
    )


def secret_unavailable(findings: Findings) -> Advice | None:
    """The person's callable or strategy fails."""
    attempt = first_failure(findings, lambda attempt: attempt.outcome == "not_sent")
    if attempt is None:
        return None
    return Advice(
        f"The token request could not be made, because {findings.called('client_secret')} or "
        f"{findings.called('client_authentication')} failed: {attempt.description}",
        "Correct the callable or the strategy object; nothing was sent.",
    )


def proxy_refuses(findings: Findings) -> Advice | None:
    """The proxy wants a password, or does not let the request pass."""
    attempt = first_failure(findings, lambda attempt: attempt.reason == "proxy_refused")
    if attempt is None:
        return None
    # A 407 has the proxy's own words. If the proxy refuses a tunnel, the words are those of the client library.
    text = "The proxy does not let the token request pass"
    words = (
        with_reason(text, attempt.description)
        if attempt.answer is None
        else with_words(f"{text}.", attempt.description)
    )
    return Advice(
        words,
        "For 407 put user and password into HTTPS_PROXY (http://user:password@host:port). Otherwise ask for the host "
        f"of {findings.called('token_url')} to be allowed at the proxy, or add it to NO_PROXY if this machine can "
        "reach it directly.",
    )


def untrusted_through_proxy(findings: Findings) -> Advice | None:
    """The proxy opens TLS connections, with a certificate authority of its own."""
    attempt = first_failure(findings, lambda a: findings.connection.proxy and a.reason in _UNTRUSTED)
    if attempt is None:
        return None
    return Advice(
        with_reason("Through the proxy the server's certificate is not accepted", attempt.description),
        "The proxy probably opens TLS connections. Get its CA certificate as a PEM file from the people who run it, "
        "and set REQUESTS_CA_BUNDLE to that file: this command uses requests. Programs that use httpx read "
        "SSL_CERT_FILE.",
    )


def client_certificate_demanded(findings: Findings) -> Advice | None:
    """Mutual TLS (RFC 8705)."""
    attempt = first_failure(findings, lambda attempt: attempt.reason == "tls_client_certificate")
    if attempt is None and not findings.connection.wants_client_certificate:
        return None
    return Advice(
        "The server wants a client certificate (mutual TLS).",
        "Get one from the provider, and name its file: --certificate, and --private-key if the key is in another one, "
        "with --client-authentication tls_client_auth. In your program, that is TlsClientAuthentication(certificate), "
        "or a token_client that presents one.",
    )


def client_certificate_refused(findings: Findings) -> Advice | None:
    """The server has seen the client's certificate, and ends the connection."""
    attempt = first_failure(findings, lambda attempt: attempt.reason == "tls_client_certificate_refused")
    if attempt is None:
        return None
    which = "" if attempt.proof is None else f" {attempt.proof[:1].upper()}{attempt.proof[1:]}."
    return Advice(
        with_reason("The server does not accept the client certificate", attempt.description) + which,
        "Check that it has not expired, that the server knows its issuer, and that its file has the certificates "
        "between it and the root.",
    )


def http_instead_of_https(findings: Findings) -> Advice | None:
    """Plain http to a port that speaks TLS, or to a server that redirects to https."""
    if findings.question.secure:
        return None
    sent = first_failure(findings, lambda attempt: _is_sent_to_https(findings, attempt))
    speaks = first_failure(findings, lambda attempt: _speaks_of_https(findings, attempt))
    if sent is None and speaks is None:
        return None
    target = None if sent is None or sent.answer is None else sent.answer.location
    return Advice(
        f"{findings.called('token_url')} begins with http://, and the server wants https there.",
        f"Write https in {findings.called('token_url')}{f': {target}' if target else ''}.",
    )


def _is_sent_to_https(findings: Findings, attempt: AttemptFacts) -> bool:
    """A redirect to the same host and path; `redirected` is the rule for all others."""
    asked = urlsplit(findings.question.token_url)
    target = urlsplit((attempt.answer.location if attempt.answer else None) or "")
    return (target.scheme, target.hostname, target.path) == ("https", asked.hostname, asked.path)


def _speaks_of_https(findings: Findings, attempt: AttemptFacts) -> bool:
    # Some say so. Others answer with a TLS alert, which is not HTTP, or hang up; then we tried a handshake.
    if attempt.outcome == "no_answer":
        return findings.connection.speaks_tls
    return attempt.status == 400 and _WRONG_PORT.search(excerpt_of(attempt) or "") is not None


def answer_too_slow(findings: Findings) -> Advice | None:
    """The server takes the request and does not answer."""
    if first_failure(findings, lambda attempt: attempt.timed_out) is None:
        return None
    return Advice(
        "The server accepts the connection, but does not answer in time.",
        "If the server is known to be slow, raise --timeout. If not, it is overloaded, or something on the way drops "
        "the answers.",
    )


def connection_dropped(findings: Findings) -> Advice | None:
    """No answer, for none of the reasons above."""
    attempt = first_failure(findings, lambda attempt: attempt.outcome == "no_answer")
    if attempt is None:
        return None
    return Advice(
        with_reason("The connection ends without an answer", attempt.description),
        "The server, or something in between, hangs up. Try again. If that does not help, ask the people who run the "
        "server.",
    )


def redirected(findings: Findings) -> Advice | None:
    """Another host, a slash at the end, a login page."""
    attempt = first_failure(findings, lambda attempt: attempt.status is not None and is_redirect(attempt.status))
    if attempt is None:
        return None
    target = attempt.answer.location if attempt.answer is not None else None
    return Advice(
        f"{findings.called('token_url')} redirects to {target or 'somewhere else'}. A token request never follows a "
        "redirect, because it would hand over the secret.",
        where_to(
            findings,
            f"Set {findings.called('token_url')} to the final URL of the token endpoint. If the target is a login "
            "page, look for the token endpoint in the provider's documentation.",
        ),
    )


def rate_limited(findings: Findings) -> Advice | None:
    """Too many requests."""
    attempt = first_failure(findings, lambda attempt: attempt.status == 429)
    if attempt is None:
        return None
    wait = None if attempt.answer is None else attempt.answer.retry_after
    asked = "" if wait is None else f" It asks to wait {wait:.0f} s."
    return Advice(
        f"The server got too many token requests from this client.{asked}",
        "Wait. In your program, share one auth object in each process, so that a token is used until it expires.",
    )


def server_down(findings: Findings) -> Advice | None:
    """5xx, from the server or from a gateway before it."""
    attempt = first_failure(findings, lambda attempt: attempt.status is not None and attempt.status >= 500)
    if attempt is None or any(each.status is not None and each.status < 500 for each in failures(findings)):
        return None
    gateway = " The gateway before it cannot reach it." if attempt.status in (502, 504) else ""
    return Advice(
        with_words(f"The server has an error of its own ({attempt.status}).{gateway}", attempt.description),
        "Try again later. If that does not help, ask the people who run the server. The settings are probably right.",
    )


# Only the first that finds its cause counts; the general ones come last.
FATAL: tuple[Rule, ...] = (
    issuer_not_discovered,
    secret_unavailable,
    proxy_refuses,
    untrusted_through_proxy,
    client_certificate_refused,
    client_certificate_demanded,
    http_instead_of_https,
    answer_too_slow,
    connection_dropped,
    redirected,
    rate_limited,
    server_down,
)
