"""What the command line says about an error of the library: its facts, and the remedies that there are here."""

from __future__ import annotations

import re

from oauth_cc_auth._errors import ConfigurationError, TokenError, worded
from oauth_cc_auth._settings.checks import https_remedy

_PERMIT_HTTP = https_remedy("pass --allow-insecure-http")
_TRUST = "to trust a certificate authority of your own, set REQUESTS_CA_BUNDLE to a file with its certificate"

# By the reason of a TokenError. For all others the library's remedy is right here as well.
_TOKEN_REMEDIES = {
    "insecure_request": _PERMIT_HTTP,
    "tls_untrusted": _TRUST,
    "tls_expired": _TRUST,
    "tls_not_yet_valid": _TRUST,
    "tls_wrong_host": _TRUST,
}
# What a program passes, and what a person types.
_OPTIONS = (
    (r"pass Issuer\((['\"])(.+?)\1\)", r"pass --issuer \2"),
    (r"pass dpop=DPoP\(\)", "pass --dpop"),
)


def token_error(error: TokenError) -> str:
    """The message for an error about a token."""
    return worded(error, token_remedy(error))


def token_remedy(error: TokenError) -> str:
    """What to do about it on the command line; empty if nothing is known that would help."""
    remedy = _TOKEN_REMEDIES.get(error.reason, error.remedy)
    for argument, option in _OPTIONS:
        remedy = re.sub(argument, option, remedy)
    return remedy


def issuer_remedy(error: TokenError) -> str:
    """What to do about metadata that was read and does not count; empty if the issuer itself is in doubt."""
    remedy = token_remedy(error)
    is_known = error.reason == "unusable_metadata" or "pass --issuer" in remedy
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
