"""`_core.fetch.secret_has_changed`: whether a secret that was rejected has been rotated since, without any I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import AuthenticationContext, ClientAuthentication, Credentials, Token
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._core.fetch import SECONDS_BETWEEN_LOOKS
from tests.core.played_endpoint import DROPPED, POST, TOKEN, Endpoint, refusal

UNKNOWN = refusal("invalid_client", 401)


class Vault:
    """A secret that may change, and is looked up again and again."""

    def __init__(self) -> None:
        self.secret: Any = "old"
        self.looks = 0

    def __call__(self) -> Any:
        self.looks += 1
        return self.secret


@pytest.fixture(name="vault")
def _vault() -> Vault:
    return Vault()


def rejected(secret: Callable[..., Any] | str, **settings: Any) -> Endpoint:
    """An endpoint that has rejected the client by its only method."""
    endpoint = Endpoint(client_secret=secret, client_authentication=POST, **settings)
    endpoint.failure(UNKNOWN)
    return endpoint


def test_another_secret(vault: Vault) -> None:
    """Then the rejection says nothing about it."""
    endpoint = rejected(vault)
    vault.secret = "new"
    assert endpoint.secret_has_changed()
    assert len(endpoint.calls) == 1


def test_the_same_secret(vault: Vault) -> None:
    endpoint = rejected(vault)
    assert not endpoint.secret_has_changed()
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("answer", [refusal("invalid_scope"), DROPPED, refusal(status=503)])
def test_failures_of_another_kind(vault: Vault, answer: Any) -> None:
    """No secret was rejected, so none is looked up."""
    endpoint = Endpoint(client_secret=vault, client_authentication=POST)
    endpoint.failure(answer, tries=1)
    vault.secret = "new"
    assert not endpoint.secret_has_changed()
    assert endpoint.calls == []


def test_one_of_several_methods_was_rejected(vault: Vault) -> None:
    """Some other reason came last, and yet one answer was about the client."""
    endpoint = Endpoint(client_secret=vault)
    endpoint.failure(UNKNOWN, refusal("invalid_scope"))
    vault.secret = "new"
    assert endpoint.secret_has_changed()


@pytest.mark.parametrize("later", [TOKEN, DROPPED])
def test_a_fetch_that_ended_otherwise(vault: Vault, later: Any) -> None:
    """The rejection before it counts no more."""
    endpoint = rejected(vault)
    endpoint.fetch(later, tries=1)
    vault.secret = "new"
    assert not endpoint.secret_has_changed()
    assert endpoint.calls == []


def test_before_the_first_fetch(vault: Vault) -> None:
    endpoint = Endpoint(client_secret=vault)
    assert not endpoint.secret_has_changed()
    assert endpoint.calls == []


def test_a_secret_that_is_text() -> None:
    """It cannot change."""
    endpoint = rejected("text")
    assert not endpoint.secret_has_changed()
    assert endpoint.calls == []


def test_it_is_looked_up_once_a_second(vault: Vault) -> None:
    """However many callers are refused meanwhile: a vault is not asked for each of them."""
    endpoint = rejected(vault)
    assert not endpoint.secret_has_changed()
    vault.secret = "new"
    assert not endpoint.secret_has_changed()
    endpoint.clock.advance(SECONDS_BETWEEN_LOOKS / 2)
    assert not endpoint.secret_has_changed()
    assert endpoint.calls == []
    endpoint.clock.advance(SECONDS_BETWEEN_LOOKS / 2)
    assert endpoint.secret_has_changed()


def test_siblings_look_together(vault: Vault) -> None:
    """They share the secret, and whether it was rejected."""
    family = Family()
    endpoint, sibling = rejected(vault, family=family), Endpoint(client_secret=vault, family=family)
    vault.secret = "new"
    assert sibling.secret_has_changed()
    assert not endpoint.secret_has_changed()


def test_a_clock_that_was_set_back(vault: Vault) -> None:
    """As in a process that was frozen and thawed on another machine: it does not wait for the old time."""
    endpoint = rejected(vault)
    assert not endpoint.secret_has_changed()
    endpoint.clock.advance(-1000.0)
    vault.secret = "new"
    assert endpoint.secret_has_changed()


@pytest.mark.parametrize(("deadline", "budget"), [(30.0, 30.0), (0.5, 0.5), (-1.0, 0.0)])
def test_its_time(vault: Vault, deadline: float, budget: float) -> None:
    """What the caller has left."""
    endpoint = rejected(vault)
    endpoint.secret_has_changed(deadline)
    assert [call.budget for call in endpoint.calls] == [budget]


def test_it_may_depend_on_the_last_token() -> None:
    """It is asked as it is for a token request."""
    endpoint = rejected(lambda last: "none" if last is None else last.access_token)
    endpoint.fetcher.last_token = Token("abc", token_type=None, expires_at=None, scope=None, extra={})
    assert endpoint.secret_has_changed()


@pytest.mark.parametrize("secret", [None, 5, "", "two\nlines"])
def test_what_is_no_secret(vault: Vault, secret: Any) -> None:
    """No rotation: a token request would not even be sent."""
    endpoint = rejected(vault)
    vault.secret = secret
    assert not endpoint.secret_has_changed()


class Keyed(ClientAuthentication):
    """A method that may do without a secret."""

    needs_secret = False

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(fields=(("assertion", "abc"),))


@pytest.mark.parametrize(("secret", "has_changed"), [("", True), (None, False)])
def test_a_method_that_needs_no_secret(vault: Vault, secret: str | None, has_changed: bool) -> None:
    """An empty one is another one then; none at all is not."""
    endpoint = Endpoint(client_secret=vault, client_authentication=Keyed())
    endpoint.failure(UNKNOWN)
    vault.secret = secret
    assert endpoint.secret_has_changed() == has_changed


def test_a_vault_that_is_down() -> None:
    """It says nothing about the secret."""
    secrets = iter(["old"])
    endpoint = rejected(lambda: next(secrets))
    assert not endpoint.secret_has_changed()
