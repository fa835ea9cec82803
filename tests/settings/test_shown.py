"""`_settings.shown`, and promise 18: no error about a setting shows what may be a secret, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._cli.settings.sources import from_mapping
from oauth_cc_auth._settings.shown import is_field_name, shown_field, shown_label, shown_value

from .messages import REQUIRED, message_of


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((value, repr(value)) for value in (None, True, 5, -1.5, float("inf"), 2**64 - 1, "", "maybe", "no!", "10s")),
        *((value, repr(value)) for value in ("private_key_jwt", "Basic Auth", "-1.5", "12345678 ms")),
        *((value, "this value") for value in ("s3cret", "Basic Zm9v==", "a\nb", "123456789", "x" * 16, 2**64)),
        *((value, type(value).__name__) for value in (b"s3cret", ["s3cret"], {"s3cret": 1}, object())),
    ],
)
def test_values(value: object, shown: str) -> None:
    """Words and numbers are shown; of everything else what it is."""
    assert shown_value(value) == shown


@pytest.mark.parametrize("name", ["audience", "resource[]", "a.b-c_d", "2"])
def test_field_names(name: str) -> None:
    """What is the name of a form field is shown."""
    assert is_field_name(name)
    assert shown_field(name) == name


@pytest.mark.parametrize("name", ["", "password: s3cret", "a b", "\u00e9", "a\n", "x" * 65, "s3cret="])
def test_no_field_names(name: str) -> None:
    """Nothing else is."""
    assert not is_field_name(name)
    assert shown_field(name) == "one of its fields"


@pytest.mark.parametrize("label", ["Client ID", "scopes", "", "Scope (optional)", "a.b/c-d_e", "---", "l\u00f6sung"])
def test_labels(label: str) -> None:
    """What is the label of a field is shown."""
    assert shown_label(label) == repr(label)


@pytest.mark.parametrize("label", ["Client Secret: s3cret", "client_secret=s3cret", "s3cret\n", "x" * 65, "'s3cret'"])
def test_no_labels(label: str) -> None:
    """Nothing else is."""
    assert shown_label(label) == "a name of an odd form (it may hold a secret)"


MISPLACED: tuple[dict[str, Any], ...] = (
    {"additional_headers": "APIKey: s3cret=="},
    {"additional_headers": "APIKey: s3cret=a"},
    {"additional_headers": "X-Key=1&APIKey: s3cret="},
    {"additional_headers": {"APIKey: s3cret": "x"}},
    {"additional_headers": [{"name": "APIKey s3cret", "value": "x"}]},
    {"additional_request_data": [("password: s3cret", 1.5)]},
    {"additional_request_data": [("password: s3cret", 1 << 2000)]},
    {"additional_request_data": [("password: s3cret", "\ud800")]},
    {"client_authentication": "Basic s3cret="},
    {"allow_insecure_http": "s3cret"},
    {"client_secret=s3cret": "x"},
    {"Client Secret: s3cret": "x"},
)


@pytest.mark.parametrize("settings", MISPLACED)
def test_a_secret_in_the_wrong_place(settings: dict[str, Any]) -> None:
    """A mapping with it is an error that does not show it."""
    assert message_of(lambda: ClientCredentialsConfig.from_mapping({**REQUIRED, **settings}))


@pytest.mark.parametrize(
    ("field", "value"), [("allow_insecure_http", "s3cret"), ("client_authentication", "s3cret"), ("timeout", "s3cret")]
)
def test_a_secret_in_a_file(field: str, value: str) -> None:
    """The command shows none either."""
    assert message_of(lambda: from_mapping({field: value}, "a.toml"))


@pytest.mark.parametrize("value", ["s3cret", b"s3cret", {"client_secret": "s3cret"}])
def test_a_secret_for_seconds(value: object) -> None:
    """Nor does a time-out that is none, a fraction or an expiry."""
    for function in (
        lambda: behaviour.seconds("timeout", value),
        lambda: behaviour.rules(value, 0.8),
        lambda: behaviour.rules(None, value),
    ):
        assert message_of(function)


def test_a_secret_in_the_name_of_a_field() -> None:
    """The repr of a config shows names of fields, and nothing else that was taken for one."""
    config = ClientCredentialsConfig(
        "https://h/", "id", "secret", additional_request_data=[("password: s3cret", "1"), ("audience", "x")]
    )
    assert "additional_request_data=(('***', '***'), ('audience', '***'))" in repr(config)
