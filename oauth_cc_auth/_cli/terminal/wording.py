"""What the command line says about an error of the library: its facts, and the remedies that there are here."""

from __future__ import annotations

from collections.abc import Mapping

from oauth_cc_auth._advice import Words
from oauth_cc_auth._errors import ConfigurationError, Reason, TokenError, remedy_in
from oauth_cc_auth._settings import DEFAULT_PREFIX
from oauth_cc_auth._settings.checks import https_remedy
from oauth_cc_auth._settings.fields import SETTINGS, WRITABLE_BEHAVIOUR

_PERMIT_HTTP = https_remedy("pass --allow-insecure-http")
_TRUST = "to trust a certificate authority of your own, set REQUESTS_CA_BUNDLE to a file with its certificate"

_OTHER_OPTIONS = {
    "additional_headers": "--additional-header",
    "api_headers": "--api-header",
    "credential_headers": "--credential-header",
    "response_fields": "--response-field",
}
_BEHAVIOUR_OPTIONS = ("timeout", "deadline")


def option_for(field: str) -> str:
    """The option that sets `field`."""
    return _OTHER_OPTIONS.get(field, f"--{field.replace('_', '-')}")


def _name_for(field: str) -> str:
    """How a person can set `field`: nearly all have an option."""
    has_option = field in SETTINGS or field in _BEHAVIOUR_OPTIONS
    return option_for(field) if has_option else f"{DEFAULT_PREFIX}{field.upper()}"


# What the command says if it does not know where a setting came from, or if it came from nowhere.
COMMAND = Words(
    {field: _name_for(field) for field in (*SETTINGS, *WRITABLE_BEHAVIOUR)},
    {
        "check_shows": "",  # the command itself names it, whatever the reason is
        "end_of_hold": "",
        "name_issuer": "pass --issuer {meant}",
        "pass_dpop": "pass --dpop",
        "permit_http": "pass --allow-insecure-http",
        "present_certificate": "pass --certificate and --client-authentication tls_client_auth",
        "proxy_url": "the URL of the proxy (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)",
        "say_where_token_is": "--response-field access_token={path} says where the token is",
        "send_json": "JSON, which --request-format json sends",
        "send_raw_basic": "a program passes ClientSecretBasic(percent_encode=False), and there is no option for that",
        "trust_authority": "to trust a certificate authority of your own, set {variable} to a file with its "
        "certificate",
        "trust_document": "if you trust the document, pass --issuer as the document states it, and --metadata-url",
    },
)


def words_for(names: Mapping[str, str]) -> Words:
    """The words of the command for settings of which `names` says where they came from."""
    return COMMAND.replaced(names={**COMMAND.names, **names})


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


def issuer_remedy(error: TokenError, words: Words) -> str:
    """What to do about metadata that was read and does not count; empty if the issuer itself is in doubt."""
    remedy = remedy_in(error, words)
    is_known = error.reason == "unusable_metadata" or error.mended_by is not None
    return f"{remedy[:1].upper()}{remedy[1:]}." if is_known else ""


def setting_remedy(error: ConfigurationError, words: Words = COMMAND) -> str:
    """What to do about a setting, whether it came from an option, a variable or a file."""
    if error.reason == "insecure_http":
        return _PERMIT_HTTP
    if error.reason == "not_a_setting":
        return "only a program can set it"
    if error.field == "client_authentication":
        return "set it to client_secret_basic or client_secret_post, or leave it out to try both"
    return remedy_in(error, words)
