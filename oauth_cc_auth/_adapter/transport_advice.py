"""What a person can do if a token endpoint cannot be reached, by the reason for it. Words only; no code reads them."""

from __future__ import annotations

from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.advice import CERTIFICATE_WANTED

# Where each library looks for certificates that it is to trust.
BUNDLE_VARIABLES = {"requests": "REQUESTS_CA_BUNDLE", "httpx": "SSL_CERT_FILE", "httpx2": "SSL_CERT_FILE"}

_PROXY_URL = "the URL of the proxy (HTTPS_PROXY, or that of the token_client)"
_BY_REASON: dict[Reason, str] = {
    "invalid_url": "check token_url and the URL of the proxy, if there is one",
    "proxy_failed": f"check {_PROXY_URL}; NO_PROXY names hosts that need none",
    "tls_client_certificate": CERTIFICATE_WANTED,
    "tls_client_certificate_refused": "the server does not accept the client certificate: check that it has not "
    "expired, that the server knows its issuer, and that its file has the certificates in between",
    "tls_expired": "have the certificate renewed, and check that the clock of this machine is right",
    "tls_not_spoken": "check that this port of the host speaks https",
    "tls_not_yet_valid": "check that the clock of this machine is right",
    "tls_wrong_host": "set token_url to a host that the certificate is for",
    "unreachable_dns": "check the host in token_url, and whether this machine can look it up",
    "unreachable_network": "check the network of this machine; behind a firewall, HTTPS_PROXY may have to name a proxy",
    "unreachable_refused": "check host and port in token_url, and whether the server runs",
}


def advice_for(reason: Reason, library_name: str, *, own: bool, is_http: bool) -> str:
    """What to do; empty if nothing is known that would help.

    Args:
        reason: Why the endpoint cannot be reached.
        library_name: requests, httpx or httpx2.
        own: A client of ours was used, not a `token_client`.
        is_http: The token URL is plain http.
    """
    if reason == "tls_untrusted":
        return _trust_advice(library_name, own=own)
    if reason == "connection_lost" and is_http:
        return "if this port speaks https, token_url must begin with https://"
    return _BY_REASON.get(reason, "")


def proxy_advice(status: int) -> str:
    """What to do if a proxy answers CONNECT with another `status` than 200."""
    if status == 407:
        return f"check user and password in {_PROXY_URL}"
    if 300 <= status < 500:
        return "have the proxy let this host and port pass, or name the host in NO_PROXY if it needs none"
    return ""


def _trust_advice(library_name: str, *, own: bool) -> str:
    variable = BUNDLE_VARIABLES[library_name]
    if own:
        return f"a client's own verify does not apply to token requests: pass token_client, or set {variable}"
    advice = "set verify of the token_client to a bundle with the issuer's certificate"
    if library_name == "requests":
        advice += f"; {variable} in the environment overrides it, unless trust_env of the token_client is False"
    return advice
