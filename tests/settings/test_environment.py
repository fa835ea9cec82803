"""`environment`: settings by environment variables."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig
from tests.settings.messages import REQUIRED, error_of, message_of


@pytest.fixture(name="env")
def _env(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_all(**settings: str) -> None:
        for name, value in {**REQUIRED, **settings}.items():
            monkeypatch.setenv(f"OAUTH_CC_{name.upper()}", value)

    return set_all


def test_every_field(env: Callable[..., None]) -> None:
    """By its name in capitals."""
    env(
        scope="a b",
        client_authentication="client_secret_basic",
        header_name="X-Token",
        header_value_pattern="%s",
        grant_type="custom",
        additional_headers='{"X": "1"}',
        additional_request_data="audience=api&a=2",
        allow_insecure_http="true",
    )
    assert ClientCredentialsConfig.from_env() == ClientCredentialsConfig(
        "https://login.example.com/token",
        "id",
        "s3cret",
        scope="a b",
        client_authentication="client_secret_basic",
        header_name="X-Token",
        header_value_pattern="%s",
        grant_type="custom",
        additional_headers={"X": "1"},
        additional_request_data={"audience": "api", "a": "2"},
        allow_insecure_http=True,
    )


def test_blank_and_foreign_variables(env: Callable[..., None]) -> None:
    """Blank means unset; what is no setting is ignored."""
    env(scope=" ", anything="x")
    assert ClientCredentialsConfig.from_env().scope is None


def test_foreign_variables_are_told(env: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """Only the name, and a suggestion if there is one: a typo would stay unseen, and a value may be a secret."""
    env(scopes="s3cret-1", audience="s3cret-2", timeout="5", header_auth_key="X-Token", on_event="x")
    ClientCredentialsConfig.from_env()
    assert {(record.name, record.levelno) for record in caplog.records} == {("oauth_cc_auth", logging.WARNING)}
    assert caplog.messages == [
        "OAUTH_CC_AUDIENCE is not a setting, and is ignored",
        "OAUTH_CC_HEADER_AUTH_KEY is not a setting, and is ignored; did you mean OAUTH_CC_HEADER_NAME?",
        "OAUTH_CC_ON_EVENT is not a setting, and is ignored; a program passes on_event to from_env() as an argument",
        "OAUTH_CC_SCOPES is not a setting, and is ignored; did you mean OAUTH_CC_SCOPE?",
        "OAUTH_CC_TIMEOUT is for the command oauth-cc-auth, and is ignored here; a program passes timeout to "
        "from_env() as an argument",
    ]


def test_foreign_variables_below_a_prefix_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be that of a whole program, whose other settings are none of our business."""
    for name, value in {**REQUIRED, "database_url": "x", "debug": "1", "scop": "a", "timeout": "1"}.items():
        monkeypatch.setenv(f"ORDERS_{name.upper()}", value)
    ClientCredentialsConfig.from_env("ORDERS_")
    assert caplog.messages == [
        "ORDERS_SCOP is not a setting, and is ignored; did you mean ORDERS_SCOPE?",
        "ORDERS_TIMEOUT is not a setting, and is ignored; a program passes timeout to from_env() as an argument",
    ]


def test_no_foreign_variables(env: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """Nor what starts with another prefix, nor our own that are blank."""
    env(scope=" ")
    ClientCredentialsConfig.from_env()
    assert caplog.records == []


def test_without_a_prefix(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Then everything in the environment is foreign, and none of it is worth a word."""
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name.upper(), value)
    assert ClientCredentialsConfig.from_env("").client_id == "id"
    assert caplog.records == []


def test_another_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also none at all."""
    for name, value in REQUIRED.items():
        monkeypatch.setenv(f"ORDERS_{name.upper()}", value)
    assert ClientCredentialsConfig.from_env("ORDERS_").client_id == "id"
    message = message_of(lambda: ClientCredentialsConfig.from_env("OTHER_"))
    assert message == "OTHER_TOKEN_URL, OTHER_CLIENT_ID, OTHER_CLIENT_SECRET are missing or blank"


def test_a_prefix_without_its_underscore(env: Callable[..., None]) -> None:
    """It is part of the prefix, and easily left out."""
    env()
    message = message_of(lambda: ClientCredentialsConfig.from_env("OAUTH_CC"))
    assert message.endswith(" are missing or blank; did you mean the prefix 'OAUTH_CC_'?")


@pytest.mark.parametrize("prefix", [None, 5])
def test_a_prefix_that_is_no_text(prefix: Any) -> None:
    """It is told by type."""
    message = message_of(lambda: ClientCredentialsConfig.from_env(prefix))
    assert message == f"prefix must be a str, not {type(prefix).__name__}"


def test_one_missing(env: Callable[..., None]) -> None:
    """It is named as the variable that it is."""
    env(client_id="")
    assert message_of(ClientCredentialsConfig.from_env) == "OAUTH_CC_CLIENT_ID is missing or blank"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token_url": "ftp://x"}, "OAUTH_CC_TOKEN_URL does not begin with https://"),
        ({"client_secret": "s3cret\n"}, "OAUTH_CC_CLIENT_SECRET contains a control character"),
        ({"header_value_pattern": "x"}, "OAUTH_CC_HEADER_VALUE_PATTERN must contain %s"),
        ({"client_authentication": "jwt"}, "OAUTH_CC_CLIENT_AUTHENTICATION must be 'client_secret_basic' or"),
        ({"additional_headers": "s3cret"}, "OAUTH_CC_ADDITIONAL_HEADERS must be a JSON object"),
        ({"allow_insecure_http": "maybe"}, "OAUTH_CC_ALLOW_INSECURE_HTTP must be true or false"),
    ],
)
def test_wrong_values(env: Callable[..., None], settings: dict[str, str], words: str) -> None:
    """The message is about the variable."""
    env(**settings)
    assert message_of(ClientCredentialsConfig.from_env).startswith(words)


def test_plain_http(env: Callable[..., None]) -> None:
    """What lifts the rule is a variable, too."""
    env(token_url="http://login.internal/token")
    message = message_of(ClientCredentialsConfig.from_env)
    assert message.startswith("OAUTH_CC_TOKEN_URL is plain http")
    assert message.endswith("(service mesh, test host), set OAUTH_CC_ALLOW_INSECURE_HTTP=true")


def test_the_argument_has_the_last_word(env: Callable[..., None]) -> None:
    """As with a mapping."""
    env(token_url="http://login.internal/token")
    assert ClientCredentialsConfig.from_env(allow_insecure_http=True).allow_insecure_http


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        ({"scope": "a\nb"}, "scope", "invalid"),
        ({"allow_insecure_http": "maybe"}, "allow_insecure_http", "invalid"),
        ({"token_url": "http://login.internal/"}, "token_url", "insecure_http"),
        ({"client_id": ""}, "client_id", "missing"),
    ],
)
def test_what_a_program_sees(env: Callable[..., None], settings: dict[str, str], field: str, reason: str) -> None:
    """The field by its name in the config, and the variable."""
    env(**settings)
    error = error_of(ClientCredentialsConfig.from_env)
    assert (error.field, error.name, error.reason) == (field, f"OAUTH_CC_{field.upper()}", reason)
