"""What a person can do about a refusal of the token endpoint, in half a sentence."""

from __future__ import annotations

_CREDENTIALS = "check client_id and client_secret, and that this client may use this authentication method"
_PARAMETERS = "a parameter is missing or wrong; some providers want additional_request_data, such as audience"
_ENDPOINT = "check that token_url is the token endpoint and not a web page"

_GRANT = "that the client may use this grant (allow client credentials for it at the provider)"

_BY_CODE = {
    # Auth0 answers the wrong authentication method so.
    "access_denied": f"{_CREDENTIALS} and this grant",
    "authorization_type_invalid": f"check {_GRANT}",  # glewlwyd 2.7
    "invalid_client": _CREDENTIALS,
    "invalid_request": _PARAMETERS,
    "invalid_target": "check the resource or audience in additional_request_data",
    # Keycloak answers a wrong secret so, Salesforce Commerce badly encoded Basic.
    "unauthorized_client": f"check client_id and client_secret, and {_GRANT}",
    "unsupported_grant_type": "check grant_type, and that token_url is the endpoint for client credentials",
}
_SCOPE_CODES = frozenset({"invalid_scope", "scope_invalid"})  # the latter is glewlwyd's


def advice(code: str | None, status: int, *, scope: str | None, is_web_page: bool) -> str:
    """What to do; empty where nothing is known that would help.

    Args:
        code: OAuth error code (RFC 6749 §5.2), or None where the answer named none.
        status: HTTP status, which counts where the code is not known: LemonLDAP::NG sends a number of its own.
        scope: What was asked for.
        is_web_page: The answer is HTML, meant for a person.
    """
    if code in _SCOPE_CODES:
        if scope is None:
            return "set scope, or have scopes granted to this client at the provider"
        return f"check scope: something in {scope!r} is unknown or not granted to this client"
    return _BY_CODE.get(code or "") or _by_status(status, scope, is_web_page=is_web_page)


def _by_status(status: int, scope: str | None, *, is_web_page: bool) -> str:
    if status in (404, 405):
        return _ENDPOINT
    if status >= 500:
        return "the fault is on the server's side"
    if status in (401, 403):
        # glewlwyd says no more where the scope is missing.
        others = "token_url is the token endpoint" + ("" if scope else ", and whether this server wants a scope")
        return f"{_CREDENTIALS}; if they are right, check that {others}"
    if is_web_page:
        return _ENDPOINT
    return _PARAMETERS if status == 400 else ""
