"""What the command line says about an error of the library: its facts, and the remedies that there are here."""

from __future__ import annotations

from oauth_cc_auth._errors import ConfigurationError, Reason, TokenError, worded
from oauth_cc_auth._settings.checks import https_remedy

_PERMIT_HTTP = https_remedy("pass --allow-insecure-http")
_TRUST = "to trust a certificate authority of your own, set REQUESTS_CA_BUNDLE to a file with its certificate"

# By the reason of a TokenError. For all others the library's remedy is right here as well.
_TOKEN_REMEDIES = {
    "bound_token_type": "if it is bound by DPoP, pass --dpop; else have the provider issue Bearer",
    "insecure_request": _PERMIT_HTTP,
    "tls_untrusted": _TRUST,
    "tls_expired": _TRUST,
    "tls_not_yet_valid": _TRUST,
    "tls_wrong_host": _TRUST,
}
# By the setting that would mend it.
_BY_SETTING = {
    "dpop": "the provider wants tokens to be bound to a key: pass --dpop",
    "issuer": "this is the URL of the issuer's metadata: pass --issuer {}",
}
_SLASH = "the slash at the end counts: pass --issuer {}"

_PROXY = "check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names; NO_PROXY names hosts that need none"
# What to do if there is no answer of the API, whose URL the person has given on the command line.
_API_REMEDIES: dict[Reason, str] = {
    "invalid_url": f"check the URL; or {_PROXY}",
    "proxy_failed": _PROXY,
    "proxy_refused": _PROXY,
    "timed_out": "if the API needs longer, pass --api-timeout",
    "tls_client_certificate": "the API wants a client certificate: pass --certificate and "
    "--client-authentication tls_client_auth",
    "tls_client_certificate_refused": "the API does not accept the client certificate: check that it has not expired, "
    "and that the API knows its issuer",
    "tls_expired": "have the API's certificate renewed, and check that the clock of this machine is right",
    "tls_not_spoken": "check host and port in the URL, and that this port speaks https",
    "tls_not_yet_valid": "check that the clock of this machine is right",
    "tls_untrusted": _TRUST,
    "tls_wrong_host": "use a URL with a host that the certificate is for",
    "unreachable_dns": "check the host in the URL, and whether this machine can look it up",
    "unreachable_network": "check the network of this machine; behind a firewall, HTTPS_PROXY may have to name a proxy",
    "unreachable_refused": "check host and port in the URL, and whether the server runs",
}


def api_remedy(reason: Reason) -> str:
    """What to do if the API gives no answer for this `reason`."""
    return _API_REMEDIES.get(reason, "`oauth-cc-auth check --api-url` with this URL shows which step fails")


def token_error(error: TokenError) -> str:
    """The message for an error about a token."""
    return worded(error, token_remedy(error))


def token_remedy(error: TokenError) -> str:
    """What to do about it on the command line; empty if nothing is known that would help."""
    if error.mended_by is None:
        return _TOKEN_REMEDIES.get(error.reason, error.remedy)
    setting, value = error.mended_by
    words = _SLASH if error.reason == "issuer_mismatch" else _BY_SETTING[setting]
    return words.format(value)


def issuer_remedy(error: TokenError) -> str:
    """What to do about metadata that was read and does not count; empty if the issuer itself is in doubt."""
    remedy = token_remedy(error)
    is_known = error.reason == "unusable_metadata" or error.mended_by is not None
    return f"{remedy[:1].upper()}{remedy[1:]}." if is_known else ""


def setting_remedy(error: ConfigurationError) -> str:
    """What to do about a setting, whether it came from an option, a variable or a file."""
    if error.reason == "insecure_http":
        return _PERMIT_HTTP
    if error.reason == "not_a_setting":
        return "only a program can set it"
    if error.field == "client_authentication":
        return "set it to client_secret_basic or client_secret_post, or leave it out to try both"
    return error.remedy
