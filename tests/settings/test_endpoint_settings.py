"""What describes a token endpoint can be written down: in a mapping, in the environment, on a command line."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, ClientCredentialsConfig, ConfigurationError, TokenEndpoint
from oauth_cc_auth._cli.settings import sources
from oauth_cc_auth._cli.settings.given import checked
from tests.cli.settings.test_sources import options

URL = "https://login.example.com/v1/{client_id}"
CLIENT = {"client_id": "abcd", "client_secret": "s3cret"}
PLACES = {"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}
EVERYTHING = TokenEndpoint(
    URL,
    method="PUT",
    request_format="json",
    credential_fields=PLACES,
    credential_headers={"x-key": "{client_secret}"},
    secret_in_query=True,
    response_fields={"access_token": "data.token", "expires_in": "data.ttl"},
    lifetime_unit="min",
    default_lifetime=1800.0,
    grant_type=False,
    revocation_url="https://login.example.com/v1/revoke",
)


def test_a_table() -> None:
    """With the names of the arguments, in any case; nested tables stay nested."""
    config = ClientCredentialsConfig.from_mapping(
        {
            **CLIENT,
            "Token Endpoint": {
                "url": URL,
                "Method": "PUT",
                "request_format": "json",
                "credential_fields": PLACES,
                "credential_headers": {"x-key": "{client_secret}"},
                "secret_in_query": True,
                "response_fields": {"access_token": "data.token", "expires_in": "data.ttl"},
                "lifetime_unit": "min",
                "default_lifetime": 1800,
                "grant_type": False,
                "revocation_url": "https://login.example.com/v1/revoke",
            },
            "additional_request_data": {"credentials": {"site": [""]}},
            "api_headers": {"X-Tenant": "t"},
        }
    )
    assert config.token_source == EVERYTHING
    assert config.additional_request_data == (("credentials", {"site": ("",)}),)
    assert config.api_headers == (("X-Tenant", "t"),)


def test_labels() -> None:
    """The same among the labels of the form, with texts as a form has them."""
    config = ClientCredentialsConfig.from_mapping(
        {
            "Client ID": "abcd",
            "Client Secret": "s3cret",
            "Oauth2 Token Url": URL,
            "Request Method": "put",
            "Request Format": "json",
            "Credential Fields": '{"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}',
            "Credential Headers": "x-key={client_secret}",
            "Secret In Query": "yes",
            "Response Fields": "access_token=data.token&expires_in=data.ttl",
            "Lifetime Unit": "min",
            "Default Lifetime": "1800",
            "Oauth2 Custom Grant Type": "false",
            "Revocation Url": "https://login.example.com/v1/revoke",
        }
    )
    assert config.token_source == EVERYTHING


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable for each."""
    variables = {
        "OAUTH_CC_CLIENT_ID": "abcd",
        "OAUTH_CC_CLIENT_SECRET": "s3cret",
        "OAUTH_CC_TOKEN_URL": URL,
        "OAUTH_CC_REQUEST_METHOD": "PUT",
        "OAUTH_CC_REQUEST_FORMAT": "json",
        "OAUTH_CC_CREDENTIAL_FIELDS": '{"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}',
        "OAUTH_CC_CREDENTIAL_HEADERS": '{"x-key": "{client_secret}"}',
        "OAUTH_CC_SECRET_IN_QUERY": "true",
        "OAUTH_CC_RESPONSE_FIELDS": '{"access_token": "data.token", "expires_in": "data.ttl"}',
        "OAUTH_CC_LIFETIME_UNIT": "min",
        "OAUTH_CC_DEFAULT_LIFETIME": "1800",
        "OAUTH_CC_GRANT_TYPE": "false",
        "OAUTH_CC_REVOCATION_URL": "https://login.example.com/v1/revoke",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ClientCredentialsConfig.from_env().token_source == EVERYTHING


def test_a_description_of_the_program_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables do not add to it, as they do to a URL that the program passes."""
    for name, value in {**CLIENT, "token_url": "https://other.example.com/", "request_format": "json"}.items():
        monkeypatch.setenv(f"OAUTH_CC_{name.upper()}", value)
    described = TokenEndpoint("https://login.example.com/token", default_lifetime=5)
    assert ClientCredentialsConfig.from_env(token_url=described).token_source == described
    url = "https://login.example.com/token"
    assert ClientCredentialsConfig.from_env(token_url=url).token_source == TokenEndpoint(url, request_format="json")


def test_options() -> None:
    """Also data that is no text, and headers of API requests."""
    given = sources.from_options(
        options(
            "--client-id=abcd",
            "--client-secret=s3cret",
            f"--token-url={URL}",
            "--request-method=PUT",
            "--request-format=json",
            '--credential-fields={"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}',
            "--credential-header=x-key: {client_secret}",
            "--secret-in-query",
            "--response-field=access_token=data.token",
            "--response-field=expires_in=data.ttl",
            "--lifetime-unit=min",
            "--default-lifetime=1800",
            "--grant-type=false",
            "--revocation-url=https://login.example.com/v1/revoke",
            "--additional-request-data=a:=[1, true]",
            "--additional-request-data=b=2",
            "--api-header=X-Tenant: t",
        )
    )
    config = checked(given).config
    assert config.token_source == EVERYTHING
    assert config.additional_request_data == (("a", (1, True)), ("b", "2"))
    assert config.api_headers == (("X-Tenant", "t"),)


def test_a_file_may_have_the_table() -> None:
    """It is no [section] of settings."""
    given = sources.from_mapping({**CLIENT, "token_endpoint": {"url": URL, "method": "GET"}}, "a.toml")
    assert checked(given).config.token_source == TokenEndpoint(URL, method="GET")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("clientId, clientSecret", ("clientId", "clientSecret")),
        (",key", (None, "key")),
        ("[]", ()),
    ],
)
def test_credential_fields_as_text(text: str, fields: Any) -> None:
    """Two names; a missing one is not sent. An empty list in JSON: nothing is sent."""
    settings = {**CLIENT, "token_url": "https://login.example.com", "credential_fields": text}
    source = ClientCredentialsConfig.from_mapping(settings).token_source
    assert isinstance(source, TokenEndpoint)
    assert source.credential_fields == fields


def test_no_credentials_are_needed_if_none_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The description says so, from every source; and what it does need is missed."""
    settings = {"token_url": "https://login.example.com", "credential_fields": "[]"}
    for name, value in settings.items():
        monkeypatch.setenv(f"OAUTH_CC_{name.upper()}", value)
    for config in (
        ClientCredentialsConfig.from_mapping(settings),
        ClientCredentialsConfig.from_env(),
        checked(sources.from_mapping(settings, "a.toml")).config,
    ):
        assert (config.client_id, config.client_secret) == ("", None)
    with pytest.raises(ConfigurationError, match=r"^client_id is missing or empty"):
        ClientCredentialsConfig.from_mapping({**settings, "credential_fields": "id,"})
    with pytest.raises(ConfigurationError, match=r"^client_secret is missing"):
        ClientCredentialsConfig.from_mapping({**settings, "credential_fields": ",key"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Request Method": "POTS"}, "'Request Method' must be one of 'POST', 'GET', 'PUT', not 'POTS'"),
        ({"credential_fields": "{"}, "'credential_fields' is not valid JSON"),
        ({"default_lifetime": "soon"}, "'default_lifetime' must be a number, not 'soon'"),
        ({"secret_in_query": "maybe"}, "'secret_in_query' must be true or false, not 'maybe'"),
        ({"response_fields": "token"}, "'response_fields' must be a JSON object or name=value pairs joined by '&'"),
        (
            {"token_endpoint": {"format": "json"}},
            "'token_endpoint' has 'format' in it, which describes no endpoint; it takes: url, method, request_format, "
            "credential_fields, credential_headers, secret_in_query, response_fields, lifetime_unit, default_lifetime, "
            "revocation_url, grant_type, issuer, metadata_url",
        ),
        (
            {"token_endpoint": {"url": URL}},
            "'token_endpoint.url' and 'token_url' both set token_url; keep one",
        ),
        ({"token_endpoint": {"request_format": "yaml"}}, "'token_endpoint.request_format' must be one of 'form', "),
        ({"token_endpoint": "https://login.example.com"}, "'token_endpoint' is not a known setting"),
        ({"token_url": "https://login.example.com/{tenant}"}, "'token_url' has braces; the only placeholders are "),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], message: str) -> None:
    """By the label that the person gave."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig.from_mapping({**CLIENT, "token_url": "https://login.example.com", **settings})
    assert str(caught.value).startswith(message)
    assert caught.value.__context__ is None


def test_an_option_with_wrong_json() -> None:
    """Named, and not shown."""
    with pytest.raises(ConfigurationError, match=r"^--additional-request-data has a value after := that is not valid"):
        sources.from_options(options("--additional-request-data=a:=s3cret"))


class OfTheGrant(ClientAuthentication):
    """Something else says who is asking."""

    needs_secret = needs_client_id = False


def test_a_strategy_may_need_neither() -> None:
    """Then neither is missed."""
    settings = {"token_url": "https://login.example.com", "client_authentication": OfTheGrant()}
    config = ClientCredentialsConfig.from_mapping(settings)
    assert (config.client_id, config.client_secret) == ("", None)
