"""An issuer can be written down wherever a token URL can, and not beside one."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, Issuer, TokenEndpoint
from oauth_cc_auth._cli.settings import load, sources
from oauth_cc_auth._cli.settings.given import Given, by_precedence, checked
from tests.cli.settings.test_sources import options

URL, ELSEWHERE = "https://login.example.com/tenant1", "https://proxy.example.com/metadata"
TOKEN_URL = "https://login.example.com/token"
CLIENT = {"client_id": "abcd", "client_secret": "s3cret"}
BOTH = Issuer(URL, metadata_url=ELSEWHERE)


@pytest.fixture(name="env")
def env_fixture(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets variables by the names of settings."""

    def env(**settings: str) -> None:
        for name, value in {**CLIENT, **settings}.items():
            monkeypatch.setenv(f"OAUTH_CC_{name.upper()}", value)

    return env


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({"issuer": URL}, Issuer(URL)),
        ({"Issuer": URL, "Metadata Url": ELSEWHERE}, BOTH),
        ({"issuer": {"url": URL, "metadata_url": ELSEWHERE}}, BOTH),
        ({"issuer": URL, "default_lifetime": 60}, TokenEndpoint(Issuer(URL), default_lifetime=60)),
        ({"issuer": URL, "grant_type": False}, TokenEndpoint(Issuer(URL), grant_type=False)),
        (
            {"token_endpoint": {"issuer": URL, "metadata_url": ELSEWHERE, "request_format": "json"}},
            TokenEndpoint(BOTH, request_format="json"),
        ),
        (
            {"token_endpoint": {"Issuer": {"URL": URL, "metadata_url": ELSEWHERE}, "request_format": "json"}},
            TokenEndpoint(BOTH, request_format="json"),
        ),
    ],
)
def test_a_mapping(settings: dict[str, Any], source: Any) -> None:
    """With labels or names, with a table of its own or in that of the endpoint; a file of the command, too."""
    assert ClientCredentialsConfig.from_mapping({**CLIENT, **settings}).token_source == source
    assert checked(sources.from_mapping({**CLIENT, **settings}, "a.toml")).config.token_source == source


def test_no_credentials_where_none_are_sent() -> None:
    """As with a token URL."""
    config = ClientCredentialsConfig.from_mapping({"issuer": URL, "credential_fields": "[]"})
    assert (config.client_id, config.client_secret) == ("", None)


def test_the_environment(env: Any) -> None:
    """What the program passes itself counts, and its variables are not read."""
    env(issuer=URL, metadata_url=ELSEWHERE)
    assert ClientCredentialsConfig.from_env().token_source == BOTH
    assert ClientCredentialsConfig.from_env(token_url=TOKEN_URL).token_source == TOKEN_URL
    other = Issuer("https://other.example.com")
    assert ClientCredentialsConfig.from_env(token_url=other).token_source == other


def test_options() -> None:
    """Those of the command line count instead of a token URL in the environment."""
    given = sources.from_options(options(f"--issuer={URL}", f"--metadata-url={ELSEWHERE}"))
    lower = {field: Given(value, field) for field, value in {**CLIENT, "token_url": TOKEN_URL}.items()}
    assert checked(by_precedence(given, lower)).config.token_source == BOTH
    assert checked(by_precedence(lower, given)).config.token_source == TOKEN_URL


def test_only_the_secret_is_asked_for() -> None:
    """An issuer says where tokens come from, as a token URL does."""
    given = {"issuer": Given(URL, ""), "client_id": Given("abcd", "")}
    assert load._only_the_secret_is_missing(given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"issuer": URL, "token_url": TOKEN_URL},
            "{issuer} and {token_url} are both set; keep one: the metadata of the issuer names the token endpoint",
        ),
        ({"metadata_url": URL, "token_url": TOKEN_URL}, "{metadata_url} and {token_url} are both set; keep one"),
        ({"metadata_url": ELSEWHERE}, "{metadata_url} is set without issuer; set issuer to what the metadata states"),
        ({"issuer": f"{URL}?a=b"}, "{issuer} contains a query, which no issuer has"),
        ({"issuer": "http://login.example.com"}, "{issuer} is plain http, which would show the secret"),
        ({"issuer": URL, "metadata_url": "http://proxy.example.com"}, "{metadata_url} is plain http, which would"),
        ({"issuer": URL, "metadata_url": "/m"}, "{metadata_url} does not begin with https://"),
    ],
)
def test_wrong(settings: dict[str, str], message: str, env: Any) -> None:
    """The error names what the person has set, in whatever place."""

    def beginning(shown: str) -> str:
        return message.format_map({name: shown.format(name, name.upper()) for name in (*settings, "issuer")})

    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig.from_mapping({**CLIENT, **settings})
    assert str(caught.value).startswith(beginning("{0!r}"))
    with pytest.raises(ConfigurationError) as caught:
        checked(sources.from_mapping({**CLIENT, **settings}, "a.toml"))
    assert str(caught.value).startswith(beginning("{0!r} in a.toml"))
    env(**settings)
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig.from_env()
    assert str(caught.value).startswith(beginning("OAUTH_CC_{1}"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"issuer": {"host": "x"}}, "'issuer' has 'host' in it, which is no argument of Issuer; it takes: url, meta"),
        ({"token_endpoint": {"issuer": {1: "x"}}}, "'token_endpoint.issuer' has '1' in it, which is no argument of"),
        ({"issuer": {"url": URL, "issuer": URL}}, "'issuer.issuer' and 'issuer.url' both set issuer; keep one"),
        ({}, "token_url is missing or blank"),
    ],
)
def test_wrong_tables(settings: dict[str, Any], message: str) -> None:
    """The error says in which one."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig.from_mapping({**CLIENT, **settings})
    assert str(caught.value).startswith(message)
