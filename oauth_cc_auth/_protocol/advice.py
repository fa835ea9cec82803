"""Why a token endpoint rejected a request, as a code, and what a person can do about it."""

from __future__ import annotations

import re

from oauth_cc_auth._advice import Advice
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._http.answers import is_redirect

# What a server says of a DPoP proof (RFC 9449), not of the token or the client. Another token would not mend it;
# another proof may.
USE_NONCE = "use_dpop_nonce"
INVALID_PROOF = "invalid_dpop_proof"

# The values that are filled in later: `url` is the setting that names the place, `endpoint` what is there.
_SECRET = Advice("{client_id} and {client_secret}")
_CREDENTIALS = Advice("check {proof}, and that this client may use this authentication method")
_PARAMETERS = Advice("a parameter is missing or wrong; some providers want {additional_request_data}, such as audience")
_ENDPOINT = Advice("check that {url} is the {endpoint} and not a web page")
_GRANT = Advice("that the client may use this grant (allow client credentials for it at the provider)")

BINDING_WANTED = Advice("the provider wants tokens to be bound to a key: {pass_dpop}")
CHECK_URL = Advice("check that {url} is the right one")
NOT_REDIRECTED = Advice("token requests are never redirected: set {url} to the final URL")
CERTIFICATE_WANTED = Advice("the server wants a client certificate: {present_certificate}")
_CERTIFICATE_NOT_SEEN = Advice(
    "compare the certificate with what is registered for {client_id}, and check that {url} is the endpoint for mutual "
    "TLS (mtls_endpoint_aliases in the issuer's metadata) and that no proxy on the way ends TLS"
)
# How servers speak of the certificate on a connection (RFC 8705), and not of one whose key has signed something.
_ABOUT_CERTIFICATE = (
    r"certificate[ -](bound|binding)|(client|tls|ssl)[ -]certificate|x5t#s256|\bcnf\b|\bm-?tls\b|mutual[ -]tls"
)
_MAY_BE_ABOUT_CERTIFICATE = frozenset(
    {None, "access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_token"}
    | {"unauthorized_client"}
)

_BY_CODE = {
    # Auth0 answers the wrong authentication method so.
    "access_denied": Advice("{credentials} and this grant", credentials=_CREDENTIALS),
    "authorization_type_invalid": Advice("check {grant}", grant=_GRANT),  # glewlwyd 2.7
    "invalid_client": _CREDENTIALS,
    "invalid_dpop_proof": Advice(
        "check this machine's clock, that the provider takes the algorithm of {dpop}, and that {url} is the URL by "
        "which the provider itself knows the endpoint"
    ),
    "invalid_request": _PARAMETERS,
    "invalid_target": Advice("check {resource}, or the resource or audience in {additional_request_data}"),
    # Keycloak answers a wrong secret so, Salesforce Commerce badly encoded Basic.
    "unauthorized_client": Advice("check {proof}, and {grant}", grant=_GRANT),
    "unsupported_grant_type": Advice("check {grant_type}, and that {url} is the endpoint for client credentials"),
    "use_dpop_nonce": BINDING_WANTED,
}
_SCOPE_CODES = frozenset({"invalid_scope", "scope_invalid"})  # the latter is glewlwyd's

# The codes of the RFCs, and what single servers say for them.
_REASONS: dict[str, Reason] = {
    "access_denied": "access_denied",
    "authorization_type_invalid": "unauthorized_client",  # glewlwyd 2.7
    "invalid_client": "invalid_client",
    "invalid_dpop_proof": "invalid_dpop_proof",
    "invalid_grant": "invalid_grant",
    "invalid_request": "invalid_request",
    "invalid_scope": "invalid_scope",
    "invalid_target": "invalid_target",
    "scope_invalid": "invalid_scope",  # glewlwyd 2.7
    "server_error": "server_error",
    "temporarily_unavailable": "temporarily_unavailable",
    "unauthorized_client": "unauthorized_client",
    "unsupported_grant_type": "unsupported_grant_type",
    "use_dpop_nonce": "use_dpop_nonce",
}
KNOWN_ERRORS = frozenset(_REASONS)
_REASONS_BY_STATUS: dict[int, Reason] = {
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "temporarily_unavailable",
    425: "temporarily_unavailable",
    410: "not_found",
}


def reason_for(code: str | None, status: int, *, html: bool) -> Reason:
    """Why the endpoint answered so: by what the status alone says, then by the error code, then by the status.

    Args:
        code: OAuth error code (RFC 6749 §5.2), or None if the answer named none.
        status: HTTP status.
        html: The answer is a web page.
    """
    if status == 429:
        return "rate_limited"
    if status == 407:
        return "proxy_refused"
    if is_redirect(status):
        return "redirected"
    by_code = _REASONS.get(code or "")
    if by_code is not None:
        return by_code
    if status >= 500:
        return "server_error"
    return _REASONS_BY_STATUS.get(status, "web_page" if html else "rejected")


def speaks_of_certificate(words: str) -> bool:
    """True if a server or an API speaks of the certificate that a client presents on the connection."""
    return re.search(_ABOUT_CERTIFICATE, words, re.IGNORECASE) is not None


def advice_about_certificate(code: str | None, status: int, words: str, *, presented: bool) -> Advice | None:
    """What to do if the token endpoint rejects a request because of the client's certificate; None if it does not.

    Args:
        code: OAuth error code, or None.
        status: HTTP status.
        words: What the server says, or how its page begins.
        presented: There was one, as far as we know.
    """
    if status not in (400, 401, 403) or code not in _MAY_BE_ABOUT_CERTIFICATE or not speaks_of_certificate(words):
        return None
    return _CERTIFICATE_NOT_SEEN if presented else CERTIFICATE_WANTED


def advice(
    code: str | None,
    status: int,
    *,
    scope: str | None,
    is_web_page: bool,
    description: str | None = None,
    is_form: bool = True,
    proof: Advice = _SECRET,
) -> Advice | None:
    """What to do; None if nothing is known that would help.

    Args:
        code: OAuth error code (RFC 6749 §5.2), or None if the answer named none.
        status: HTTP status, which counts if the code is not known: LemonLDAP::NG sends a number of its own.
        scope: What was asked for.
        is_web_page: The answer is HTML, meant for a person.
        description: What the server says, which counts if its code is a general one.
        is_form: The request was a form, as RFC 6749 says.
        proof: What the client proved itself with.
    """
    if code in (None, "invalid_request") and _is_about_grant((description or "").casefold()):
        code = "unauthorized_client"
    if code in _SCOPE_CODES:
        if scope is None:
            return Advice("set {scope}, or have scopes granted to this client at the provider")
        asked = repr(scope)
        return Advice("check {scope}: something in {asked} is unknown or not granted to this client", asked=asked)
    found = _BY_CODE.get(code or "") or _by_status(code, status, scope, is_web_page=is_web_page, is_form=is_form)
    return None if found is None else found.with_values(proof=proof)


def _is_about_grant(words: str) -> bool:
    """True for "requested grant type is not allowed for this client", with which some servers say `invalid_request`."""
    return "grant" in words and any(denial in words for denial in ("not allowed", "not authorized", "not enabled"))


def _by_status(code: str | None, status: int, scope: str | None, *, is_web_page: bool, is_form: bool) -> Advice | None:
    if status in (404, 405):
        return _ENDPOINT
    if status == 415:
        wanted = Advice("{send_json}") if is_form else Advice("a form")
        return Advice(
            "the endpoint may want {wanted}; if not, check that {url} is the provider's endpoint for OAuth 2.0",
            wanted=wanted,
        )
    if status >= 500:
        return Advice("the fault is on the server's side")
    if status in (401, 403):
        # glewlwyd says no more if the scope is missing.
        others = "" if scope else ", and whether this server wants a scope"
        return _CREDENTIALS + Advice("if they are right, check that {url} is the {endpoint}{others}", others=others)
    if is_web_page:
        return _ENDPOINT
    if status != 400:
        return None
    # An endpoint that reads OAuth parameters from a form has a code for what is wrong with them.
    return _PARAMETERS + Advice("or the endpoint may want {send_json}") if code is None and is_form else _PARAMETERS
