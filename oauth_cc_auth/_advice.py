"""What a person can do about a refusal of the token endpoint, in half a sentence."""

from __future__ import annotations

_CREDENTIALS = "check client_id and client_secret, and that this client may use this authentication method"
_PARAMETERS = "a parameter is missing or wrong; some providers want additional_request_data, such as audience"
_ENDPOINT = "check that token_url is the token endpoint and not a web page"

_BY_CODE = {
    # Auth0 answers the wrong authentication method so.
    "access_denied": f"{_CREDENTIALS} and this grant",
    "invalid_client": _CREDENTIALS,
    "invalid_request": _PARAMETERS,
    "invalid_target": "check the resource or audience in additional_request_data",
    "unauthorized_client": "the client may not use this grant; allow client credentials for it at the provider",
    "unsupported_grant_type": "check grant_type, and that token_url is the endpoint for client credentials",
}


def advice(code: str | None, status: int, *, scope: str | None, is_web_page: bool) -> str:
    """What to do; empty where nothing is known that would help.

    Args:
        code: OAuth error code (RFC 6749 §5.2), or None where the answer named none.
        status: HTTP status.
        scope: What was asked for.
        is_web_page: The answer is HTML, meant for a person.
    """
    if code == "invalid_scope":
        if scope is None:
            return "set scope: none was asked for, and this server wants one"
        return f"check scope: something in {scope!r} is unknown or not granted to this client"
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in (404, 405) or is_web_page:
        return _ENDPOINT
    if status >= 500:
        return "the fault is on the server's side"
    if code is None and status in (401, 403):
        return f"{_CREDENTIALS}; if they are right, check that token_url is the token endpoint"
    return _PARAMETERS if code is None and status == 400 else ""
