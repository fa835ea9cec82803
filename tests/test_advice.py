"""`_advice`: what a person can do about a refusal."""

from __future__ import annotations

import pytest

from oauth_cc_auth._advice import advice

CREDENTIALS = "check client_id and client_secret, and that this client may use this authentication method"
PARAMETERS = "a parameter is missing or wrong; some providers want additional_request_data, such as audience"
ENDPOINT = "check that token_url is the token endpoint and not a web page"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("access_denied", f"{CREDENTIALS} and this grant"),
        ("invalid_client", CREDENTIALS),
        ("invalid_request", PARAMETERS),
        ("invalid_target", "check the resource or audience in additional_request_data"),
        ("unauthorized_client", "the client may not use this grant; allow client credentials for it at the provider"),
        ("unsupported_grant_type", "check grant_type, and that token_url is the endpoint for client credentials"),
        ("invented_by_somebody", ""),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_by_code(code: str, words: str, status: int) -> None:
    """Where the server names an error of the RFC, that decides, and not the status."""
    assert advice(code, status, scope=None, is_web_page=False) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, PARAMETERS),
        (401, f"{CREDENTIALS}; if they are right, check that token_url is the token endpoint"),
        (403, f"{CREDENTIALS}; if they are right, check that token_url is the token endpoint"),
        (404, ENDPOINT),
        (405, ENDPOINT),
        (409, ""),
        (499, ""),
        (500, "the fault is on the server's side"),
        (503, "the fault is on the server's side"),
    ],
)
def test_by_status(status: int, words: str) -> None:
    """Where it names none, all there is to go by."""
    assert advice(None, status, scope=None, is_web_page=False) == words


@pytest.mark.parametrize("status", [200, 400, 401, 404, 503])
def test_a_web_page(status: int) -> None:
    """Whatever its status, it is not what a token endpoint answers with."""
    assert advice(None, status, scope=None, is_web_page=True) == ENDPOINT


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (None, "set scope: none was asked for, and this server wants one"),
        ("a, b", "check scope: something in 'a, b' is unknown or not granted to this client"),
    ],
)
def test_scope(scope: str | None, words: str) -> None:
    """What was asked for is shown: a comma where a space belongs is seen at once."""
    assert advice("invalid_scope", 400, scope=scope, is_web_page=False) == words
