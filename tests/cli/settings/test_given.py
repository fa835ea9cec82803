"""Settings of several sources made one: which counts, what is missing, and which is blamed."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError, DPoP
from oauth_cc_auth._cli.settings.given import CommandSettings, Given, by_precedence, checked

REQUIRED = {"token_url": "https://login.example.com/token", "client_id": "abcd", "client_secret": "s3cret"}


def given(**values: Any) -> dict[str, Given]:
    """Settings from a place called test."""
    return {field: Given(value, f"test {field}") for field, value in values.items()}


def settings(**values: Any) -> CommandSettings:
    return checked(given(**{**REQUIRED, **values}))


def test_precedence_is_by_field() -> None:
    """Of each setting the first source that has it counts, and the others of that source do not."""
    assert by_precedence(given(scope=1), given(scope=2, client_id=2), given(scope=3, timeout=3)) == given(
        scope=1, client_id=2, timeout=3
    )


def test_complete_settings() -> None:
    """A config, and what is left for the auth object."""
    found = settings(scope="a", timeout=2.0, renew_on=False)
    assert found.config.scope == "a"
    assert found.behaviour == {"timeout": 2.0, "renew_on": False}
    assert "s3cret" not in repr(found)


def test_missing_settings() -> None:
    """Every one in a line of its own, with the ways to give it."""
    with pytest.raises(ConfigurationError) as caught:
        checked(given(client_id="abcd"))
    assert str(caught.value) == (
        "token_url, client_secret are missing: pass options, set variables, or use a --config file\n"
        "  --token-url       or OAUTH_CC_TOKEN_URL\n"
        "  --client-secret - or OAUTH_CC_CLIENT_SECRET"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"client_id": "a\nb"}, "test client_id contains a control character"),
        ({"token_url": "login.example.com"}, "test token_url does not begin with https://; pass the full URL"),
        (
            {"token_url": "https://u:p@h/"},
            "test token_url contains user info; leave out what is before the @, and pass",
        ),
        ({"token_url": "http://h/"}, "test token_url is plain http, which would show the secret to everyone on the "),
        (
            {"client_authentication": "x"},
            "test client_authentication must name a known method, not 'x'; set it to client_secret_basic or",
        ),
        ({"scope": "a", "additional_request_data": {"scope": "b"}}, "test scope is also in additional_request_data"),
        ({"timeout": 0}, "test timeout must be a positive number of seconds, not 0"),
        ({"deadline": float("nan")}, "test deadline must be a positive number of seconds"),
        ({"early_expiry": -1.0}, "test early_expiry must be a number of seconds, 0 or more"),
        ({"renew_after": 2.0}, "test renew_after must be a fraction of the token's life"),
        ({"renew_on": "x"}, "test renew_on must be None (on 401), False (never)"),
        ({"api_origins": ["x"]}, "test api_origins must hold only scheme, host and perhaps port"),
    ],
)
def test_a_wrong_value(values: dict[str, Any], message: str) -> None:
    """The message begins with the source of the value, and the values do not come along as context."""
    with pytest.raises(ConfigurationError) as caught:
        settings(**values)
    assert str(caught.value).startswith(message)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "values", [{"token_url": "http://h/"}, {"client_authentication": "x"}, {"token_url": "https://u:p@h/"}]
)
def test_remedies_are_those_of_the_command(values: dict[str, Any]) -> None:
    """What a program would pass is no help in a shell."""
    with pytest.raises(ConfigurationError) as caught:
        settings(**values)
    for ours in ("=True", "None", "ClientAuthentication", "argument"):
        assert ours not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"token_url": Given("https://me:pw@login.example.com", "--token-url")},
            "--token-url contains user info; leave out what is before the @, and pass OAUTH_CC_CLIENT_ID and "
            "--client-secret instead",
        ),
        (
            {"resource": Given("orders", "'resource' in a.toml")},
            "'resource' in a.toml is no absolute URI; pass one such as 'https://api.example.com'; what is none can go "
            "into --additional-request-data",
        ),
        (
            {"dpop": Given(DPoP(), "OAUTH_CC_DPOP"), "header_name": Given("X-Token", "--header-name")},
            "--header-name is X-Token, and a token that is bound to a key goes into Authorization; leave it out, or "
            "leave out OAUTH_CC_DPOP",
        ),
        (
            {"dpop": Given(DPoP(), "--dpop"), "header_value_pattern": Given("T %s", "--header-value-pattern")},
            "--header-value-pattern is not 'DPoP %s', as which a token that is bound to a key is sent; leave it out, "
            "or leave out --dpop",
        ),
    ],
)
def test_the_remedy_names_other_settings(more: dict[str, Given], message: str) -> None:
    """Each as the person gave it, or by its option."""
    given = {
        "token_url": Given("https://login.example.com", "--token-url"),
        "client_id": Given("a", "OAUTH_CC_CLIENT_ID"),
        "client_secret": Given("b", "--client-secret"),
    }
    with pytest.raises(ConfigurationError) as raised:
        checked(given | more)
    assert str(raised.value) == message
