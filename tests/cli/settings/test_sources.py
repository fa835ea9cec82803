"""What options, environment and file say: each read into the same form, and blamed by name."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError
from oauth_cc_auth._cli.settings import options as command_options
from oauth_cc_auth._cli.settings import sources
from oauth_cc_auth._settings.fields import SETTINGS
from oauth_cc_auth._settings.fields import WRITABLE_BEHAVIOUR as BEHAVIOUR

# One value of each setting, as options and environment have it, and as it is read.
TEXTS = {
    "token_url": ("https://login.example.com/t", "https://login.example.com/t"),
    "issuer": ("https://login.example.com/t", "https://login.example.com/t"),
    "metadata_url": ("https://login.example.com/m", "https://login.example.com/m"),
    "client_id": (" abcd ", "abcd"),
    "client_secret": (" s3cret ", " s3cret "),  # white space may belong to it
    "scope": ("a b", "a b"),
    "resource": ("https://a.example urn:b", "https://a.example urn:b"),
    "client_authentication": ("Basic Auth", "client_secret_basic"),
    "header_name": ("X-Token", "X-Token"),
    "header_value_pattern": ("%s", "%s"),
    "grant_type": ("account_credentials", "account_credentials"),
    "timeout": ("2.5", 2.5),
    "deadline": ("7", 7.0),
}


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command_options.add_settings(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("field", TEXTS)
def test_an_option(field: str) -> None:
    """Each has its own, and is called by it."""
    name = f"--{field.replace('_', '-')}"
    text, value = TEXTS[field]
    assert sources.from_options(options(name, text)) == {field: (value, name)}


def test_repeated_options() -> None:
    """White space around a header's value means nothing; in data it is kept, and so are later separators."""
    found = sources.from_options(
        options(
            *("--additional-header", "APIKey: k:1 ", "--additional-header", "X-A:"),
            *("--additional-request-data", "audience= a=b ", "--additional-request-data", "audience=c"),
        )
    )
    assert found == {
        "additional_headers": ([("APIKey", "k:1"), ("X-A", "")], "--additional-header"),
        "additional_request_data": ([("audience", " a=b "), ("audience", "c")], "--additional-request-data"),
    }


def test_a_switch() -> None:
    """It is on if it is there, otherwise unset."""
    assert sources.from_options(options("--allow-insecure-http")) == {
        "allow_insecure_http": (True, "--allow-insecure-http")
    }
    assert sources.from_options(options()) == {}


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_is_unset(field: str, blank: str) -> None:
    """As in the form, from every source."""
    assert sources.from_options(options(f"--{field.replace('_', '-')}", blank)) == {}
    assert sources.from_environment({f"OAUTH_CC_{field.upper()}": blank}) == ({}, [])
    assert sources.from_mapping({field: blank}, "a.toml") == {}


def test_a_dash_is_no_secret() -> None:
    """It only says that the secret comes from standard input."""
    assert sources.from_options(options("--client-secret", "-")) == {}


@pytest.mark.parametrize("field", TEXTS)
def test_a_variable(field: str) -> None:
    """Its name is the prefix and the field in capitals."""
    name = f"OAUTH_CC_{field.upper()}"
    text, value = TEXTS[field]
    assert sources.from_environment({name: text, "HOME": "/"}) == ({field: (value, name)}, [])


def test_what_only_environment_and_file_have() -> None:
    """Headers and data in one text, switches, and lists."""
    environ = {
        "OAUTH_CC_ADDITIONAL_HEADERS": '{"APIKey": "k"}',
        "OAUTH_CC_ADDITIONAL_REQUEST_DATA": "resource=a&resource=b",
        "OAUTH_CC_ALLOW_INSECURE_HTTP": "yes",
        "OAUTH_CC_EARLY_EXPIRY": "0",
        "OAUTH_CC_RENEW_AFTER": "0.5",
        "OAUTH_CC_RENEW_ON": "401, 419",
        "OAUTH_CC_RAISE_IF_NOT_RENEWED": "on",
        "OAUTH_CC_API_ORIGINS": "https://a.example, https://b.example",
    }
    found, _ = sources.from_environment(environ)
    assert {field: each.value for field, each in found.items()} == {
        "additional_headers": {"APIKey": "k"},
        "additional_request_data": [("resource", "a"), ("resource", "b")],
        "allow_insecure_http": True,
        "early_expiry": 0.0,
        "renew_after": 0.5,
        "renew_on": (401, 419),
        "raise_if_not_renewed": True,
        "api_origins": ["https://a.example", "https://b.example"],
    }


def test_the_secret_in_a_file(tmp_path: Path) -> None:
    """As `from_env` reads it."""
    (tmp_path / "secret").write_text("s3cret\n")
    name = "OAUTH_CC_CLIENT_SECRET_FILE"
    found, unknown = sources.from_environment({name: str(tmp_path / "secret")})
    assert (found["client_secret"].source, found["client_secret"].value(), unknown) == (name, "s3cret", [])
    with pytest.raises(ConfigurationError, match="are both set"):
        sources.from_environment({name: str(tmp_path / "secret"), "OAUTH_CC_CLIENT_SECRET": "s"})


def test_unknown_variables_are_shown() -> None:
    """A typo would otherwise be found in the night."""
    environ = {"OAUTH_CC_TOKENURL": "x", "OAUTH_CC_SCOPES": "y", "OTHER": "z"}
    assert sources.from_environment(environ) == ({}, ["OAUTH_CC_SCOPES", "OAUTH_CC_TOKENURL"])


@pytest.mark.parametrize(
    "labels",
    [
        {"token_url": "https://a/", "client_id": "i", "timeout": 2, "renew_on": False, "api_origins": ["https://b"]},
        {
            "Oauth2 Token Url": "https://a/",
            "CLIENT-ID": "i",
            "Time Out": "2",
            "Renew On": "off",
            "api-origins": "https://b",
        },
    ],
    ids=["names", "labels"],
)
def test_a_mapping(labels: Mapping[str, Any]) -> None:
    """Our names or the labels of the form, in any spelling, with the behaviour among them."""
    found = sources.from_mapping(labels, "a.toml")
    assert {field: each.value for field, each in found.items()} == {
        "token_url": "https://a/",
        "client_id": "i",
        "timeout": 2,
        "renew_on": False,
        "api_origins": ["https://b"],
    }
    assert [each.source for each in found.values()] == [f"{label!r} in a.toml" for label in labels]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"Token Uri": "x"}, "'Token Uri' in a.toml is not a known setting; did you mean 'token_url'?"),
        ({"timeout": 1, "Time-out": 2}, "'Time-out' in a.toml and 'timeout' both set timeout; keep one"),
        ({"scope": "a", "Scope": "b"}, "'Scope' in a.toml and 'scope' both set scope; keep one"),
        ({"deadline": "soon"}, "'deadline' in a.toml must be a number, not 'soon'"),
        (
            {"Renew On": "maybe"},
            "'Renew On' in a.toml must be true, false or HTTP statuses such as 401,419, not 'maybe'",
        ),
        ({"allow_insecure_http": "no!"}, "'allow_insecure_http' in a.toml must be true or false, not 'no!'"),
        ({"token client": "x"}, "'token client' in a.toml cannot be set here; only a program can set it"),
        ({"Auth Config": "Oauth1"}, "'Auth Config' in a.toml must be 'Oauth2', the only one that this package does"),
    ],
)
def test_a_wrong_mapping(labels: Mapping[str, Any], message: str) -> None:
    """The message has the name of the file and the label in it."""
    with pytest.raises(ConfigurationError) as caught:
        sources.from_mapping(labels, "a.toml")
    assert str(caught.value) == message
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--additional-header", "secret"], "--additional-header must be NAME:VALUE"),
        (["--additional-request-data", "=secret"], "--additional-request-data must be NAME=VALUE"),
        (["--deadline", "soon"], "--deadline must be a number, not 'soon'"),
    ],
)
def test_a_wrong_option(arguments: list[str], message: str) -> None:
    """Named, and without a value that may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        sources.from_options(options(*arguments))
    assert str(caught.value) == message


def test_a_wrong_variable() -> None:
    """Named."""
    with pytest.raises(ConfigurationError, match=r"^OAUTH_CC_TIMEOUT must be a number, not 'x'$"):
        sources.from_environment({"OAUTH_CC_TIMEOUT": "x"})


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf"])
def test_seconds_of_an_option(text: str) -> None:
    """Positive and finite."""
    with pytest.raises(ConfigurationError, match=r"^--api-timeout must be a positive number of seconds"):
        sources.seconds("--api-timeout", text)


def test_every_setting_can_be_an_option_or_a_variable() -> None:
    """Nothing is forgotten when a field comes along."""
    known = set(vars(options())) - {"config"}
    assert known == {*SETTINGS, "timeout", "deadline"}
    found, unknown = sources.from_environment({f"OAUTH_CC_{field.upper()}": "0" for field in BEHAVIOUR})
    assert (set(found), unknown) == (set(BEHAVIOUR), [])
