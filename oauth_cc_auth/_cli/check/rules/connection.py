"""Why there is no connection to the token endpoint."""

from __future__ import annotations

from oauth_cc_auth._cli.check.connection_facts import Certificate, StepProblem
from oauth_cc_auth._cli.check.facts import Findings

from .rule import Advice, Rule, date, relative


def _trust_it(findings: Findings) -> str:
    note = " SSL_CERT_FILE is set, but this command does not read it." if findings.connection.httpx_bundle else ""
    return (
        "Get that certificate as a PEM file from the people who run the server or the network, and set "
        "REQUESTS_CA_BUNDLE to that file: this command uses requests. Programs that use httpx read "
        f"SSL_CERT_FILE.{note} Do not turn verification off: the secret could go to anyone."
    )


def _problem(findings: Findings) -> StepProblem | None:
    failure = findings.connection.failure
    return None if failure is None else failure.problem


def _place(findings: Findings) -> str:
    return f"{findings.connection.host} port {findings.connection.port}"


def _certificate(findings: Findings, problem: StepProblem) -> Certificate | None:
    """The certificate, if it has this problem; a placeholder if it could not be read."""
    if _problem(findings) != problem:
        return None
    unread = Certificate("an unknown subject", "an unknown issuer", (), 0.0, 0.0)
    return findings.connection.certificate or unread


def proxy_unreachable(findings: Findings) -> Advice | None:
    """The environment names a proxy that is not there."""
    connection = findings.connection
    if connection.proxy is None or connection.failure is None:
        return None
    return Advice(
        f"The environment sends this request through the proxy {connection.proxy}, which cannot be reached.",
        f"Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or add the host of {findings.called('token_url')} to NO_PROXY "
        "if this machine can reach it directly.",
    )


def host_not_found(findings: Findings) -> Advice | None:
    """A typo, or a name that exists only in another network."""
    if _problem(findings) != "host_not_found":
        return None
    return Advice(
        f"This machine does not find the name {findings.connection.host}.",
        f"Check the host in {findings.called('token_url')} for a typo. If the name exists only in the network of a "
        "company or in a VPN, connect to that first. If this network needs a proxy, set HTTPS_PROXY.",
    )


def resolver_failed(findings: Findings) -> Advice | None:
    """No DNS."""
    if _problem(findings) != "resolver_failed":
        return None
    return Advice(
        "This machine's DNS resolver does not answer, so there is probably no network.",
        "Check the network and the settings of the resolver, and try again. If this network needs a proxy, set "
        "HTTPS_PROXY.",
    )


def connection_refused(findings: Findings) -> Advice | None:
    """Nothing listens there."""
    if _problem(findings) != "refused":
        return None
    return Advice(
        f"Nothing accepts connections at {_place(findings)}, or a firewall refuses them.",
        f"Check host and port in {findings.called('token_url')}, and that the server is running.",
    )


def connection_filtered(findings: Findings) -> Advice | None:
    """Packets get lost on the way."""
    failure = findings.connection.failure
    if failure is None or (failure.name, failure.problem) != ("tcp", "timed_out"):
        return None
    return Advice(
        f"{_place(findings)} does not react at all: a firewall drops the packets, or the server is down.",
        f"Check host and port in {findings.called('token_url')}. Ask for the firewall to be opened for this machine. "
        "If this network needs a proxy, set HTTPS_PROXY.",
    )


def network_unreachable(findings: Findings) -> Advice | None:
    """There is no route to the address."""
    if _problem(findings) != "unreachable":
        return None
    return Advice(
        f"There is no route from this machine to {_place(findings)}.",
        "Check the network and the VPN. A host with only an IPv6 address needs a network with IPv6.",
    )


def certificate_expired(findings: Findings) -> Advice | None:
    """The server's operator forgot to renew it."""
    certificate = _certificate(findings, "certificate_expired")
    if certificate is None:
        return None
    when = f" on {date(certificate.not_after)}, {relative(certificate.not_after, findings.now)}"
    return Advice(
        f"The server's certificate has expired{when if certificate.not_after else ''}.",
        "The people who run the server must renew it. If other machines accept it, set this machine's clock.",
    )


def certificate_not_yet_valid(findings: Findings) -> Advice | None:
    """A clock is wrong."""
    certificate = _certificate(findings, "certificate_not_yet_valid")
    if certificate is None:
        return None
    when = f" before {date(certificate.not_before)}" if certificate.not_before else " yet"
    return Advice(
        f"The server's certificate is not valid{when}; here it is {date(findings.now)}.",
        "This machine's clock is probably behind: set it. If it is right, the people who run the server must replace "
        "the certificate.",
    )


def certificate_self_signed(findings: Findings) -> Advice | None:
    """A test server, or one that is not fully set up."""
    certificate = _certificate(findings, "certificate_self_signed")
    if certificate is None:
        return None
    return Advice(
        f"The server's certificate, for {certificate.subject}, is signed by itself, so anyone could have made it.",
        _trust_it(findings),
    )


def certificate_unknown_issuer(findings: Findings) -> Advice | None:
    """A private authority, or a company's proxy that opens TLS connections."""
    certificate = _certificate(findings, "certificate_unknown_issuer")
    if certificate is None:
        return None
    return Advice(
        f"The server's certificate is issued by {certificate.issuer}, which this Python does not trust. The issuer is "
        "a private authority, or a proxy of your company that opens TLS connections; or the server does not send an "
        "intermediate certificate.",
        _trust_it(findings),
    )


def certificate_wrong_host(findings: Findings) -> Advice | None:
    """The right server by the wrong name, or another server."""
    certificate = _certificate(findings, "certificate_wrong_host")
    if certificate is None:
        return None
    names = ", ".join(certificate.names[:6]) or certificate.subject
    return Advice(
        f"The server's certificate is for {names}, and not for {findings.connection.host}.",
        f"If that is the server you mean, use the name in the certificate in {findings.called('token_url')}. If not, "
        "the people who run the server must get a certificate for this name.",
    )


def certificate_refused(findings: Findings) -> Advice | None:
    """Everything else that OpenSSL finds."""
    failure = findings.connection.failure
    if failure is None or failure.problem != "certificate_refused":
        return None
    return Advice(
        f"The server's certificate is not accepted: {failure.text}.",
        "The people who run the server must replace the certificate, or this machine must trust its authority "
        "(REQUESTS_CA_BUNDLE).",
    )


def bundle_unreadable(findings: Findings) -> Advice | None:
    """REQUESTS_CA_BUNDLE is wrong."""
    failure = findings.connection.failure
    if failure is None or failure.problem != "bundle_unreadable":
        return None
    return Advice(
        f"The file of trusted certificates cannot be read: {failure.text}.",
        "Correct or unset REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE; they name a PEM file, or a folder of them.",
    )


def not_tls(findings: Findings) -> Advice | None:
    """https to a plain port."""
    if _problem(findings) != "not_tls":
        return None
    return Advice(
        f"{_place(findings)} does not speak TLS, and {findings.called('token_url')} begins with https.",
        f"Check the port in {findings.called('token_url')}. Only if you trust the network (a test host, a service "
        "mesh), use http with --allow-insecure-http.",
    )


def handshake_failed(findings: Findings) -> Advice | None:
    """The two sides have no TLS in common, or one of them hangs up."""
    failure = findings.connection.failure
    if failure is None or failure.problem != "handshake_failed":
        return None
    return Advice(
        f"The TLS handshake with {_place(findings)} fails: {failure.text}.",
        "The server may speak only an old version of TLS (here it must be 1.2 or later), it may want a client "
        "certificate, or a firewall in between cuts the connection. Ask the people who run the server or the network.",
    )


def handshake_too_slow(findings: Findings) -> Advice | None:
    """The connection is accepted, and then nothing comes."""
    failure = findings.connection.failure
    if failure is None or (failure.name, failure.problem) != ("tls", "timed_out"):
        return None
    return Advice(
        f"{_place(findings)} accepts the connection, but does not answer the TLS handshake in time.",
        f"Check the port in {findings.called('token_url')}: it may not be one for TLS. If the server is known to be "
        "slow, raise --timeout. If not, it is overloaded, or something on the way drops the packets.",
    )


# Only the first that finds its cause counts.
FATAL: tuple[Rule, ...] = (
    proxy_unreachable,
    host_not_found,
    resolver_failed,
    connection_refused,
    connection_filtered,
    network_unreachable,
    certificate_expired,
    certificate_not_yet_valid,
    certificate_self_signed,
    certificate_unknown_issuer,
    certificate_wrong_host,
    certificate_refused,
    bundle_unreadable,
    not_tls,
    handshake_failed,
    handshake_too_slow,
)
