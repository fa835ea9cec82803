"""`environment`: settings by environment variables."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, FromFile
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
        "OAUTH_CC_TIMEOUT is not a setting, and is ignored here; ClientCredentialsAuth.from_env() reads it",
    ]


def test_foreign_variables_below_a_prefix_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The prefix may be that of a whole program, whose other settings are none of our business."""
    for name, value in {**REQUIRED, "database_url": "x", "debug": "1", "scop": "a", "timeout": "1"}.items():
        monkeypatch.setenv(f"ORDERS_{name.upper()}", value)
    ClientCredentialsConfig.from_env("ORDERS_")
    assert caplog.messages == [
        "ORDERS_SCOP is not a setting, and is ignored; did you mean ORDERS_SCOPE?",
        "ORDERS_TIMEOUT is not a setting, and is ignored here; ClientCredentialsAuth.from_env() reads it",
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
        ({"client_authentication": "jwt"}, "OAUTH_CC_CLIENT_AUTHENTICATION must be one of client_"),
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


def test_arguments_beside_the_environment(env: Callable[..., None]) -> None:
    """They count instead of their variables, which are not even read; None counts as not given."""
    env(client_secret="", scope="a b", header_name="X-Token", allow_insecure_http="maybe")
    config = ClientCredentialsConfig.from_env(
        client_secret="s3cret",
        scope="c",
        header_name=None,  # type: ignore[arg-type]
        allow_insecure_http=True,
        additional_request_data={"a": 1},
    )
    assert (config.client_secret, config.scope, config.header_name) == ("s3cret", "c", "X-Token")
    assert (config.allow_insecure_http, config.additional_request_data) == (True, (("a", "1"),))


def test_an_argument_that_is_wrong(env: Callable[..., None]) -> None:
    """It is called by its own name, also if there is a variable."""
    env(scope="a b")
    assert message_of(lambda: ClientCredentialsConfig.from_env(scope="a\nb")).startswith("scope contains a control")
    with pytest.raises(TypeError, match="scop"):
        ClientCredentialsConfig.from_env(scop="a")  # type: ignore[call-arg]


def test_the_secret_in_a_file(env: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is read anew each time, without the line break at its end."""
    file = tmp_path / "secret"
    file.write_text(" s3cret \r\n")
    env(client_secret="", client_secret_file=f" {file} ")
    secret = ClientCredentialsConfig.from_env().client_secret
    assert secret == FromFile(file, variable="OAUTH_CC_CLIENT_SECRET_FILE")
    assert callable(secret)
    assert secret() == " s3cret "
    file.write_text("another")
    assert secret() == "another"
    assert ClientCredentialsConfig.from_env(client_secret="s").client_secret == "s"
    assert caplog.records == []


def test_the_secret_in_a_file_that_is_not_there(env: Callable[..., None], tmp_path: Path) -> None:
    """The message names variable and file, when the config is made."""
    env(client_secret="", client_secret_file=str(tmp_path / "nothing"))
    error = error_of(ClientCredentialsConfig.from_env)
    name = f"OAUTH_CC_CLIENT_SECRET_FILE ({tmp_path / 'nothing'})"
    assert (error.field, error.name) == ("client_secret", name)
    assert str(error).startswith(f"{name} cannot be read: No such file or directory; it must be a file")


def test_two_secrets(env: Callable[..., None]) -> None:
    """Which one counts is nobody's guess."""
    env(client_secret_file="/run/secrets/a")
    message = message_of(ClientCredentialsConfig.from_env)
    assert message == "OAUTH_CC_CLIENT_SECRET and OAUTH_CC_CLIENT_SECRET_FILE are both set; unset one"
