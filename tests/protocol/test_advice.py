"""`advice`: why a request was rejected, and what a person can do about it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from oauth_cc_auth._advice import Advice, name_of
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.advice import (
    CERTIFICATE_WANTED,
    KNOWN_ERRORS,
    advice,
    advice_about_certificate,
    reason_for,
    speaks_of_certificate,
)

CREDENTIALS = "check client_id and client_secret, and that this client may use this authentication method"
PARAMETERS = "a parameter is missing or wrong; some providers want additional_request_data, such as audience"
REFUSED = f"{CREDENTIALS}; if they are right, check that token_url is the token endpoint"
GRANT = "that the client may use this grant (allow client credentials for it at the provider)"
JSON = "the endpoint may want JSON, which TokenEndpoint(..., request_format='json') sends"
OF_OAUTH = "check that token_url is the provider's endpoint for OAuth 2.0"
ENDPOINT = "check that token_url is the token endpoint and not a web page"


def shown(given: Advice | None) -> str:
    return "" if given is None else str(given.with_values(url=name_of("token_url"), endpoint="token endpoint"))


def remedy(code: str | None, status: int, **facts: Any) -> str:
    return shown(advice(code, status, **facts))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("access_denied", f"{CREDENTIALS} and this grant"),
        ("invalid_client", CREDENTIALS),
        ("invalid_request", PARAMETERS),
        ("invalid_target", "check resource, or the resource or audience in additional_request_data"),
        ("authorization_type_invalid", f"check {GRANT}"),
        ("unauthorized_client", f"check client_id and client_secret, and {GRANT}"),
        ("unsupported_grant_type", "check grant_type, and that token_url is the endpoint for client credentials"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
def test_by_code(code: str, words: str, status: int) -> None:
    """If the server names an error of the RFC, that decides, and not the status."""
    assert remedy(code, status, scope=None, is_web_page=False) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, REFUSED),
        (403, REFUSED),
        (404, ENDPOINT),
        (405, ENDPOINT),
        (409, ""),
        (415, f"{JSON}; if not, {OF_OAUTH}"),
        (499, ""),
        (500, "the fault is on the server's side"),
        (503, "the fault is on the server's side"),
    ],
)
def test_by_status(status: int, words: str) -> None:
    """If it names none, or one that is not known, the status decides."""
    assert remedy(None, status, scope="a", is_web_page=False) == words
    assert remedy("9", status, scope="a", is_web_page=False) == words


def test_a_body_of_the_wrong_kind() -> None:
    """A 400 without a code comes from someone who read no OAuth parameters, perhaps because they are not in JSON."""
    assert remedy(None, 400, scope="a", is_web_page=False) == f"{PARAMETERS}; or {JSON}"
    assert remedy("9", 400, scope="a", is_web_page=False) == PARAMETERS
    assert remedy(None, 400, scope="a", is_web_page=False, is_form=False) == PARAMETERS
    wants_form = f"the endpoint may want a form; if not, {OF_OAUTH}"
    assert remedy(None, 415, scope="a", is_web_page=False, is_form=False) == wants_form


@pytest.mark.parametrize("status", [200, 400, 404, 409])
def test_a_web_page(status: int) -> None:
    """It is not what a token endpoint answers with."""
    assert remedy(None, status, scope="a", is_web_page=True) == ENDPOINT


@pytest.mark.parametrize(("status", "words"), [(503, "the fault is on the server's side"), (401, REFUSED)])
def test_a_web_page_of_something_in_between(status: int, words: str) -> None:
    """A gateway answers so for an endpoint that is down; the status says more than the form."""
    assert remedy(None, status, scope="a", is_web_page=True) == words


def test_no_scope_and_no_code() -> None:
    """glewlwyd answers 403 and nothing else if the scope is missing."""
    assert remedy(None, 403, scope=None, is_web_page=False) == f"{REFUSED}, and whether this server wants a scope"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (None, "set scope, or have scopes granted to this client at the provider"),
        ("a, b", "check scope: something in 'a, b' is unknown or not granted to this client"),
    ],
)
def test_scope(scope: str | None, words: str) -> None:
    """The message shows what was asked for, so that a comma instead of a space is obvious."""
    for code in ("invalid_scope", "scope_invalid"):
        assert remedy(code, 400, scope=scope, is_web_page=False) == words


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("invalid_client", 401, "invalid_client"),
        ("invalid_client", 404, "invalid_client"),
        ("invalid_client", 500, "invalid_client"),
        ("invalid_client", 429, "rate_limited"),
        ("invalid_client", 302, "redirected"),
        ("invalid_client", 407, "proxy_refused"),
        ("scope_invalid", 400, "invalid_scope"),
        ("authorization_type_invalid", 403, "unauthorized_client"),
        ("of_its_own", 400, "rejected"),
        ("of_its_own", 503, "server_error"),
        (None, 200, "rejected"),
        (None, 300, "redirected"),
        (None, 399, "redirected"),
        (None, 400, "rejected"),
        (None, 401, "unauthorized"),
        (None, 403, "unauthorized"),
        (None, 404, "not_found"),
        (None, 410, "not_found"),
        (None, 405, "method_not_allowed"),
        (None, 408, "temporarily_unavailable"),
        (None, 499, "rejected"),
        (None, 500, "server_error"),
    ],
)
def test_reason(code: str | None, status: int, reason: str) -> None:
    """The status decides for a redirect, a proxy and a limit; for everything else the code does, if it is known."""
    assert reason_for(code, status, html=False) == reason
    assert reason in get_args(Reason)


def test_the_reason_of_a_web_page() -> None:
    """It is one if the status says nothing else."""
    assert reason_for(None, 400, html=True) == "web_page"
    assert reason_for(None, 404, html=True) == "not_found"
    assert reason_for("invalid_request", 400, html=True) == "invalid_request"


@pytest.mark.parametrize("code", sorted(KNOWN_ERRORS))
def test_every_known_error_has_a_reason(code: str) -> None:
    """By its own name, but for those of single servers."""
    reason = reason_for(code, 400, html=False)
    assert reason in get_args(Reason)
    assert reason == code or code in {"authorization_type_invalid", "scope_invalid"}


@pytest.mark.parametrize("code", [None, "invalid_request"])
@pytest.mark.parametrize(
    ("words", "about_grant"),
    [
        ("Requested grant type is not allowed for this client", True),
        ("The grant client_credentials is not enabled", True),
        ("client is not authorized to use this grant", True),
        ("the grant is missing", False),
        ("audience is not allowed", False),
        ("", False),
        (None, False),
    ],
)
def test_a_grant_that_is_not_allowed(code: str | None, words: str | None, about_grant: bool) -> None:
    """Some servers say it in words only."""
    told = remedy(code, 400, scope=None, is_web_page=False, description=words)
    otherwise = f"{PARAMETERS}; or {JSON}" if code is None else PARAMETERS
    assert told == (f"check client_id and client_secret, and {GRANT}" if about_grant else otherwise)
    target = remedy("invalid_target", 400, scope=None, is_web_page=False, description=words)
    assert target.startswith("check resource, or ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("certificate binding mismatch", True),
        ("Certificate-bound access token", True),
        ("Client certificate missing", True),
        ("the cnf claim does not match", True),
        ("x5t#S256 mismatch", True),
        ("use the mTLS host", True),
        ("Mutual TLS is required", True),
        ("400 No required SSL certificate was sent", True),
        ("no certificate for this kid", False),
        ("consider using certificate credentials", False),
        ("confnf", False),
        ("", False),
    ],
)
def test_words_about_a_certificate(words: str, expected: bool) -> None:
    """Of the connection; the certificate of a key that signs is something else."""
    assert speaks_of_certificate(words) == expected


@pytest.mark.parametrize(
    ("code", "status", "presented", "expected"),
    [
        ("invalid_request", 400, False, str(CERTIFICATE_WANTED)),
        (None, 403, False, str(CERTIFICATE_WANTED)),
        ("invalid_client", 401, True, "compare the certificate with what is registered for client_id, and check that"),
        ("invalid_scope", 400, False, ""),
        ("invalid_client", 500, False, ""),
    ],
)
def test_advice_about_a_certificate(code: str | None, status: int, presented: bool, expected: str) -> None:
    """By who has presented one; a scope may be called mtls."""
    given = advice_about_certificate(code, status, "unknown: mtls", presented=presented)
    assert shown(given).startswith(expected)
    assert bool(given) == bool(expected)
