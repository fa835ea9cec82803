"""`labels` and `values`: settings by the labels of the form, or by our own names."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, ClientCredentialsConfig, ClientSecretBasic
from tests.settings.messages import REQUIRED, error_of, message_of

HEADERS = "Custom Oauth Request Options Additional Headers"


def from_mapping(settings: dict[Any, Any], **arguments: Any) -> ClientCredentialsConfig:
    return ClientCredentialsConfig.from_mapping({**REQUIRED, **settings}, **arguments)


def problem(settings: dict[Any, Any]) -> str:
    return message_of(lambda: from_mapping(settings))


class TestForm:
    def test_as_printed(self) -> None:
        """Every field of the form has a place."""
        config = ClientCredentialsConfig.from_mapping(
            {
                "Auth Config": "Oauth2",
                "Oauth2 Grant Type": "Client Credentials Grant",
                "Client ID": "id",
                "Client Secret": "s3cret",
                "Client Credentials Grant Scope": "a b",
                "Oauth2 Token Url": "https://login.example.com/token",
                "Oauth2 Client Authentication": "Request Body Auth",
                "Header Auth Key": "X-Token",
                "Header Auth Value Pattern": "Key %s",
                "Oauth2 Custom Grant Type": "custom",
                HEADERS: {"X": "1"},
                "Custom Oauth Request Options Additional Request Data": {"audience": "api"},
            }
        )
        assert config == ClientCredentialsConfig(
            "https://login.example.com/token",
            "id",
            "s3cret",
            scope="a b",
            client_authentication="client_secret_post",
            header_name="X-Token",
            header_value_pattern="Key %s",
            grant_type="custom",
            additional_headers={"X": "1"},
            additional_request_data={"audience": "api"},
        )

    @pytest.mark.parametrize(
        "label",
        ["HEADER AUTH KEY", "header-auth-key", "Header_Auth  Key", "headerauthkey", "header_name", "Header Name"],
    )
    def test_labels_in_any_spelling(self, label: str) -> None:
        """Case, spaces, underscores and hyphens do not matter; our own names count as well."""
        assert from_mapping({label: "X-Token"}).header_name == "X-Token"

    @pytest.mark.parametrize(
        "label",
        [
            "Custom Oauth Request Options Custom Grant Type",
            "Oauth2 Custom Oauth Request Options Custom Grant Type",
            "Anything / Custom Oauth Request Options Custom Grant Type",
        ],
    )
    def test_labels_below_a_heading(self, label: str) -> None:
        """An export may put it in front."""
        assert from_mapping({label: "custom"}).grant_type == "custom"

    @pytest.mark.parametrize("blank", [None, "", "  ", "\n"])
    def test_blank_means_unset(self, blank: object) -> None:
        """For every label, checked ones included."""
        settings = {
            "Auth Config": blank,
            "Header Auth Key": blank,
            "Oauth2 Custom Grant Type": blank,
            "Custom Oauth Request Options Custom Grant Type": "custom",
            HEADERS: blank,
        }
        config = from_mapping(settings)
        assert (config.header_name, config.grant_type, config.additional_headers) == ("Authorization", "custom", ())

    @pytest.mark.parametrize("value", ["Client Credentials Grant", "client_credentials", "CLIENT-CREDENTIALS"])
    def test_the_right_grant(self, value: str) -> None:
        """It is checked and not kept."""
        assert from_mapping({"Oauth2 Grant Type": value, "Auth Config": "OAUTH2"}).grant_type == "client_credentials"

    @pytest.mark.parametrize(
        ("label", "value", "wanted"),
        [
            ("Oauth2 Grant Type", "Authorization Code Grant", "'Client Credentials Grant'"),
            ("oauth2_grant_type", 5, "'Client Credentials Grant'"),
            ("Auth Config", "Basic", "'Oauth2'"),
            ("Auth Config", True, "'Oauth2'"),
        ],
    )
    def test_another_grant(self, label: str, value: object, wanted: str) -> None:
        """This package does one."""
        assert problem({label: value}) == f"{label!r} must be {wanted}, the only one that this package does"

    @pytest.mark.parametrize(
        ("label", "nearest"),
        [
            ("Client Idd", "Client ID"),
            ("scopes", "scope"),
            ("Oauth2 Token Uri", "Oauth2 Token Url"),
            ("Custom Oauth Request Options Additional Header", HEADERS),
        ],
    )
    def test_an_unknown_label(self, label: str, nearest: str) -> None:
        """The message names the nearest known one, even if the value is blank."""
        start = f"{label!r} is not a known setting; did you mean "
        assert problem({label: None}) in (f"{start}{nearest!r}?", f"{start}{nearest.lower()!r}?")

    @pytest.mark.parametrize("label", ["---", "", "audience"])
    def test_a_label_that_is_like_none(self, label: str) -> None:
        """The message does not guess. It says where such a field belongs, and lists the settings."""
        assert problem({label: None}) == (
            f"{label!r} is not a known setting; to send it in the body of the token request, put it into "
            "additional_request_data. The settings are: token_url, issuer, metadata_url, client_id, client_secret, "
            "scope, resource, client_authentication, header_name, header_value_pattern, api_headers, grant_type, "
            "additional_headers, additional_request_data, dpop, allow_insecure_http, private_key, "
            "private_key_password_file, key_id, signing_algorithm, certificate, assertion_file, request_method, "
            "request_format, credential_fields, credential_headers, secret_in_query, response_fields, lifetime_unit, "
            "default_lifetime, revocation_url"
        )

    @pytest.mark.parametrize(
        "label",
        [
            "timeout",
            "deadline",
            "early_expiry",
            "renew_after",
            "renew_on",
            "api_origins",
            "raise_if_not_renewed",
            "step_up",
            "token_client",
            "Renew On",
        ],
    )
    def test_an_argument_of_the_auth_object(self, label: str) -> None:
        """The form has no field for it; another place has."""
        assert problem({label: 5}) == (
            f"{label!r} cannot be set here; it is an argument of the auth object: pass it to "
            "ClientCredentialsAuth.from_config()"
        )

    def test_a_label_that_is_no_text(self) -> None:
        """It is told by type."""
        assert problem({5: "x"}) == "a label must be a str, not int"

    @pytest.mark.parametrize("settings", [None, [("token_url", "x")], "token_url=x"])
    def test_no_mapping(self, settings: Any) -> None:
        """It is told by type."""
        message = message_of(lambda: ClientCredentialsConfig.from_mapping(settings))
        assert message == f"settings must be a mapping of labels to values, not {type(settings).__name__}"

    def test_two_labels_for_one_field(self) -> None:
        """One of them would be lost."""
        assert problem({"Header Auth Key": "X", "header_name": "X"}) == (
            "'header_name' and 'Header Auth Key' both set header_name; keep one"
        )

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"client_id": ""}, "client_id is missing or blank"),
            ({"client_id": None, "token_url": " "}, "token_url, client_id are missing or blank"),
        ],
    )
    def test_missing(self, settings: dict[Any, Any], words: str) -> None:
        """All that is missing is named at once."""
        assert problem(settings) == words

    def test_no_secret(self) -> None:
        """It is not missing if the client authentication needs none."""

        class Keyed(ClientAuthentication):
            needs_secret = False

        settings = {**REQUIRED, "client_secret": None, "client_authentication": Keyed()}
        assert ClientCredentialsConfig.from_mapping(settings).client_secret is None
        assert problem({"client_secret": None}) == "client_secret is missing or blank"


class TestValues:
    @pytest.mark.parametrize(
        ("value", "method"),
        [
            ("Basic Auth", "client_secret_basic"),
            ("basic", "client_secret_basic"),
            ("REQUEST-BODY-AUTH", "client_secret_post"),
            ("request body", "client_secret_post"),
            (" client_secret_post ", "client_secret_post"),
            ("Client Secret Basic", "client_secret_basic"),
            ("header", "client_secret_basic"),
            ("HTTP Basic", "client_secret_basic"),
            ("body", "client_secret_post"),
            ("POST", "client_secret_post"),
        ],
    )
    def test_client_authentication(self, value: str, method: str) -> None:
        """In the form's words or in ours."""
        assert from_mapping({"client_authentication": value}).client_authentication == method

    def test_no_client_authentication(self) -> None:
        """Blank is what a form has for None."""
        assert problem({"Oauth2 Client Authentication": "jwt"}) == (
            "'Oauth2 Client Authentication' must be one of client_secret_basic, client_secret_post, private_key_jwt, "
            "client_secret_jwt, client_assertion, tls_client_auth, none, or blank to try the first two, not 'jwt'"
        )

    def test_a_wrong_value_is_told_by_its_label(self) -> None:
        """The person may know the field by no other name."""
        assert problem({"Header Auth Value Pattern": "x"}).startswith("'Header Auth Value Pattern' must contain %s")
        assert problem({"header_value_pattern": "x"}).startswith("'header_value_pattern' must contain %s")

    def test_objects(self) -> None:
        """What is no text is handed on."""
        strategy = ClientSecretBasic()
        config = from_mapping({"client_authentication": strategy, "scope": ["a", "b"], "client_secret": lambda: "x"})
        assert config.client_authentication is strategy
        assert config.scope == "a b"
        assert callable(config.client_secret)

    def test_white_space_around(self) -> None:
        """It is taken off, but not from a secret."""
        config = from_mapping({"client_id": " id ", "client_secret": " s3cret "})
        assert (config.client_id, config.client_secret) == ("id", " s3cret ")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            *((word, True) for word in ("true", " YES ", "1", "on", True)),
            *((word, False) for word in ("no", "False", "0", "off", False)),
        ],
    )
    def test_switch(self, value: object, expected: bool) -> None:
        """In the usual words."""
        assert from_mapping({"allow_insecure_http": value}).allow_insecure_http is expected

    def test_no_switch(self) -> None:
        """Other words are refused."""
        assert problem({"allow_insecure_http": "maybe"}) == "'allow_insecure_http' must be true or false, not 'maybe'"

    @pytest.mark.parametrize(("argument", "expected"), [(True, True), (False, False), (None, True)])
    def test_the_argument_has_the_last_word(self, argument: bool | None, expected: bool) -> None:
        """Unless it is not given."""
        config = from_mapping({"allow_insecure_http": "yes"}, allow_insecure_http=argument)
        assert config.allow_insecure_http is expected

    @pytest.mark.parametrize(
        "value",
        [
            {"a": "1", "b": "2"},
            [("a", "1"), ("b", "2")],
            '{"a": "1", "b": "2"}',
            ' [["a", "1"], ["b", "2"]] ',
            "a=1&b=2",
            "a=1&b=%32",
            [{"name": "a", "value": "1"}, {"Key": "b", "VALUE": "2"}],
            ({"name": "a", "value": "1"}, ("b", "2")),
            '[{"key": "a", "value": "1"}, {"name": "b", "value": "2"}]',
        ],
    )
    @pytest.mark.parametrize("field", ["additional_headers", "additional_request_data"])
    def test_pairs(self, field: str, value: object) -> None:
        """As objects, JSON, a form or rows."""
        assert getattr(from_mapping({field: value}), field) == (("a", "1"), ("b", "2"))

    def test_blank_pairs(self) -> None:
        """A form may have a blank value."""
        assert from_mapping({"additional_request_data": "a=&b=1"}).additional_request_data == (("a", ""), ("b", "1"))

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("s3cret", "must be a JSON object or name=value pairs joined by '&'"),
            ("&", "must be a JSON object or name=value pairs joined by '&'"),
            ('{"a": "s3cret"', "is not valid JSON"),
            ("[" * 100_000, "is not valid JSON"),
            ([{"name": "a"}], "must be a mapping, pairs, or rows with 'name' and 'value'"),
            ([{"name": "a", "value": "s3cret", "on": 1}], "must be a mapping, pairs, or rows with 'name' and 'value'"),
            ([{}], "must be a mapping, pairs, or rows with 'name' and 'value'"),
        ],
    )
    def test_no_pairs(self, value: object, words: str) -> None:
        """The message says that it cannot be read, and does not show it."""
        assert problem({"additional_request_data": value}) == f"'additional_request_data' {words}"


class TestFacts:
    @pytest.mark.parametrize(
        ("settings", "field", "name", "reason"),
        [
            ({"Header Auth Key": "a b"}, "header_name", "'Header Auth Key'", "invalid"),
            (
                {"Oauth2 Client Authentication": "jwt"},
                "client_authentication",
                "'Oauth2 Client Authentication'",
                "invalid",
            ),
            ({"allow_insecure_http": "maybe"}, "allow_insecure_http", "'allow_insecure_http'", "invalid"),
            ({"additional_headers": "{"}, "additional_headers", "'additional_headers'", "invalid"),
            ({"Oauth2 Token Url": "http://h/", "token_url": None}, "token_url", "'Oauth2 Token Url'", "insecure_http"),
            ({"client_id": "", "token_url": " "}, "token_url", "token_url, client_id", "missing"),
            ({"scopes": "a"}, None, "'scopes'", "unknown"),
            ({"timeout": 5}, "timeout", "'timeout'", "not_a_setting"),
            ({"Header Auth Key": "X", "header_name": "X"}, "header_name", "'header_name'", "invalid"),
            ({"Auth Config": "Basic"}, None, "'Auth Config'", "invalid"),
        ],
    )
    def test_what_a_program_sees(self, settings: dict[Any, Any], field: str | None, name: str, reason: str) -> None:
        """The field by its name in the config, and what the person calls it."""
        error = error_of(lambda: from_mapping(settings))
        assert (error.field, error.name, error.reason) == (field, name, reason)
        assert str(error).startswith(f"{name} {error.problem}")
        assert str(error).endswith(error.remedy)
