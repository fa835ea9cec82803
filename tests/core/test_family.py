"""`_core.family` and what decides who hears of a failure (`_core.failures.is_about_target`)."""

from __future__ import annotations

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.failures import is_about_target
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.failure import Failure
from tests.fake_clock import FakeClock


def rejected(reason: Reason, status: int = 400, *, transient: bool = False) -> Failure:
    error = TokenEndpointError("no", reason=reason)
    error.status_code = status
    return Failure(error, transient=transient)


@pytest.mark.parametrize(
    "failure",
    [
        rejected("invalid_scope"),
        rejected("invalid_target"),
        rejected("invalid_request"),
        rejected("unauthorized", 403),  # glewlwyd, if the scope is missing
        rejected("rejected"),
        Failure(InvalidTokenResponse("no", reason="unsafe_token")),
    ],
)
def test_failures_about_a_target(failure: Failure) -> None:
    """A sibling for another target may get a token."""
    assert is_about_target(failure)


@pytest.mark.parametrize(
    "failure",
    [
        rejected("invalid_client"),
        rejected("unauthorized_client", 401),  # Keycloak, if the secret is wrong
        rejected("unauthorized", 401),
        rejected("not_found", 404),
        rejected("redirected", 302),
        rejected("server_error", 500, transient=True),
        rejected("invalid_scope", 503, transient=True),
        Failure(TokenEndpointUnreachable("no", reason="tls_untrusted")),
        Failure(InvalidTokenResponse("no", reason="web_page")),
        Failure(TokenError("no", reason="callable_failed"), transient=True),
    ],
)
def test_failures_about_endpoint_or_credential(failure: Failure) -> None:
    """A sibling would meet them too."""
    assert not is_about_target(failure)


def test_siblings_have_one_lock() -> None:
    """A cache changes what the family shares under its own lock, so that must be everyone's."""
    family = Family()
    first, second = TokenCache(FakeClock(), family), TokenCache(FakeClock(), family)
    assert first._lock is second._lock is family.lock is first.refusals.lock
