"""What a person can do if a token endpoint cannot be reached, by the reason for it. Words only; no code reads them."""

from __future__ import annotations

from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.no_answer import BY_REASON, PROXY_URL

# Where each library looks for certificates that it is to trust.
BUNDLE_VARIABLES = {"requests": "REQUESTS_CA_BUNDLE", "httpx": "SSL_CERT_FILE", "httpx2": "SSL_CERT_FILE"}


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
    return BY_REASON.get(reason, "")


def proxy_advice(status: int) -> str:
    """What to do if a proxy answers CONNECT with another `status` than 200."""
    if status == 407:
        return f"check user and password in {PROXY_URL}"
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
