"""What a person can do if a token endpoint cannot be reached, by the reason for it. Advice only; no code reads it."""

from __future__ import annotations

from oauth_cc_auth._advice import Advice
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.no_answer import BY_REASON

# Where each library looks for certificates that it is to trust.
BUNDLE_VARIABLES = {"requests": "REQUESTS_CA_BUNDLE", "httpx": "SSL_CERT_FILE", "httpx2": "SSL_CERT_FILE"}


def advice_for(reason: Reason, library_name: str, *, own: bool, is_http: bool) -> Advice | None:
    """What to do; None if nothing is known that would help.

    Args:
        reason: Why the endpoint cannot be reached.
        library_name: requests, httpx or httpx2.
        own: A client of ours was used, not a `token_client`.
        is_http: The token URL is plain http.
    """
    if reason == "tls_untrusted":
        return _trust_advice(library_name, own=own)
    if reason == "connection_lost" and is_http:
        return Advice("if this port speaks https, {url} must begin with https://")
    return BY_REASON.get(reason)


def proxy_advice(status: int) -> Advice | None:
    """What to do if a proxy answers CONNECT with another `status` than 200."""
    if status == 407:
        return Advice("check user and password in {proxy_url}")
    if 300 <= status < 500:
        return Advice("have the proxy let this host and port pass, or name the host in NO_PROXY if it needs none")
    return None


def _trust_advice(library_name: str, *, own: bool) -> Advice:
    variable = BUNDLE_VARIABLES[library_name]
    if own:
        return Advice("{trust_authority}", variable=variable)
    advice = Advice("set verify of the token_client to a bundle with the issuer's certificate")
    if library_name != "requests":
        return advice
    return advice + Advice(
        "{variable} in the environment overrides it, unless trust_env of the token_client is False", variable=variable
    )
