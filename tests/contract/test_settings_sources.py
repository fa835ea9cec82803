"""Settings from the connector form, from the environment and from a config, through every client (section 3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, TokenError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import basic, credentials_sent, posted
from tests.fake_clock import FakeClock

PREFIX = "OAUTH_CC_"


def form(server: LoopbackServer) -> dict[str, str]:
    """The connector form with every field filled in."""
    return {
        "Auth Config": "Oauth2",
        "Oauth2 Grant Type": "Client Credentials Grant",
        "Client ID": "client",
        "Client Secret": "secret",
        "Client Credentials Grant Scope": "orders:read orders:write",
        "Oauth2 Token Url": server.token_url + "?v=2",
        "Oauth2 Client Authentication": "Request Body Auth",
        "Header Auth Key": "X-Access-Token",
        "Header Auth Value Pattern": "token %s",
        "Oauth2 Custom Grant Type": "account_credentials",
        "Custom Oauth Request Options Additional Headers": '{"APIKey": "key 1"}',
        "Custom Oauth Request Options Additional Request Data": "account_id=7&resource=b&resource=a",
    }


def variables(server: LoopbackServer) -> dict[str, str]:
    """The same settings as environment variables, without their prefix."""
    return {
        "TOKEN_URL": server.token_url + "?v=2",
        "CLIENT_ID": "client",
        "CLIENT_SECRET": "secret",
        "SCOPE": "orders:read orders:write",
        "CLIENT_AUTHENTICATION": "client_secret_post",
        "HEADER_NAME": "X-Access-Token",
        "HEADER_VALUE_PATTERN": "token %s",
        "GRANT_TYPE": "account_credentials",
        "ADDITIONAL_HEADERS": "APIKey=key 1",
        "ADDITIONAL_REQUEST_DATA": '[["account_id", 7], ["resource", ["b", "a"]]]',
    }


def from_form(client: ClientKind, server: LoopbackServer, patch: pytest.MonkeyPatch) -> Any:
    return client.auth_class.from_config(ClientCredentialsConfig.from_mapping(form(server)))  # type: ignore[attr-defined]


def from_odd_labels(client: ClientKind, server: LoopbackServer, patch: pytest.MonkeyPatch) -> Any:
    odd = {label.upper().replace(" ", "_"): value for label, value in form(server).items()}
    return client.auth_class.from_config(ClientCredentialsConfig.from_mapping(odd))  # type: ignore[attr-defined]


def from_env(client: ClientKind, server: LoopbackServer, patch: pytest.MonkeyPatch) -> Any:
    for name, value in variables(server).items():
        patch.setenv(PREFIX + name, value)
    return client.auth_class.from_env()  # type: ignore[attr-defined]


def from_env_with_prefix(client: ClientKind, server: LoopbackServer, patch: pytest.MonkeyPatch) -> Any:
    patch.setenv(PREFIX + "CLIENT_ID", "of another prefix")
    for name, value in variables(server).items():
        patch.setenv("ORDERS_" + name, value)
    return client.auth_class.from_env("ORDERS_")  # type: ignore[attr-defined]


@each_client
@pytest.mark.parametrize("made", [from_form, from_odd_labels, from_env, from_env_with_prefix])
def test_every_field_of_the_form_reaches_the_wire(
    client: ClientKind,
    oauth_server: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[ClientKind, LoopbackServer, pytest.MonkeyPatch], Any],
) -> None:
    """The requests on the wire are the same for all sources of settings."""
    oauth_server.grant_types = ("account_credentials",)
    oauth_server.header_name, oauth_server.header_value_pattern = "X-Access-Token", "token %s"
    with client.session(auth=made(client, oauth_server, monkeypatch)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    (request,) = oauth_server.token_requests
    assert (request.query, request.headers["APIKey"]) == ("v=2", "key 1")
    assert credentials_sent(request) == posted("client", "secret")
    assert request.form[:5] == (
        ("grant_type", "account_credentials"),
        ("scope", "orders:read orders:write"),
        ("account_id", "7"),
        ("resource", "b"),
        ("resource", "a"),
    )


@each_client
def test_blank_fields_mean_the_defaults(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form with only the required fields: both methods are tried, and the header is Bearer."""
    oauth_server.accepts = ("client_secret_post",)
    for name, value in variables(oauth_server).items():
        monkeypatch.setenv(PREFIX + name, value if name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET") else " ")
    with client.session(auth=client.auth_class.from_env()) as session:  # type: ignore[attr-defined]
        assert session.request("GET", oauth_server.api_url).status == 200

    request = oauth_server.token_requests[-1]
    assert request.form == (
        ("grant_type", "client_credentials"),
        ("client_id", "client"),
        ("client_secret", "secret"),
    )
    assert oauth_server.api_requests[0].headers["Authorization"] == f"Bearer {oauth_server.issued[0]}"


@each_client
@pytest.mark.parametrize("source", ["from_config", "arguments of from_env", "environment"])
def test_behaviour_from_every_source(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """renew_after and so on are arguments of from_config and from_env, as of the class, and variables."""
    oauth_server.expires_in = 1000
    for name, value in variables(oauth_server).items():
        if name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"):
            monkeypatch.setenv(PREFIX + name, value)
    kind: Any = client.auth_class
    if source == "from_config":
        auth = kind.from_config(ClientCredentialsConfig.from_env(), renew_after=0.25, api_origins=[oauth_server.origin])
    elif source == "arguments of from_env":
        monkeypatch.setenv("OAUTH_CC_RENEW_AFTER", "0.9")  # the argument counts
        auth = kind.from_env(renew_after=0.25, api_origins=[oauth_server.origin])
    else:
        monkeypatch.setenv("OAUTH_CC_RENEW_AFTER", "0.25")
        monkeypatch.setenv("OAUTH_CC_API_ORIGINS", f"{oauth_server.origin}, https://api.example.com")
        auth = kind.from_env()
    clock = FakeClock()
    auth._start(clock)
    with client.session(auth=auth) as session, LoopbackServer() as other:
        numbers = []
        for _ in range(3):
            numbers.append(session.request("GET", oauth_server.api_url).json()["token_number"])
            clock.advance(200)
        assert session.request("GET", other.api_url).status == 401

    assert numbers == [1, 1, 2]
    assert "Authorization" not in other.api_requests[0].headers


@each_client
def test_every_variable_of_behaviour(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has the effect of its argument, and a wrong one is named in the error."""
    for name, value in variables(oauth_server).items():
        if name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"):
            monkeypatch.setenv(PREFIX + name, value)
    kind: Any = client.auth_class
    texts = {"TIMEOUT": "2.5", "DEADLINE": "7", "EARLY_EXPIRY": "0", "RENEW_AFTER": "0.5", "RENEW_ON": "401,419"}
    texts |= {"RAISE_IF_NOT_RENEWED": "true", "RENEW_IN_BACKGROUND": "no", "API_ORIGINS": oauth_server.origin}
    for name, value in texts.items():
        monkeypatch.setenv(PREFIX + name, value)
    arguments = {"timeout": 2.5, "deadline": 7.0, "early_expiry": 0.0, "renew_after": 0.5, "renew_on": (401, 419)}
    arguments |= {"raise_if_not_renewed": True, "renew_in_background": False, "api_origins": [oauth_server.origin]}
    same = kind(oauth_server.token_url + "?v=2", "client", "secret", **arguments)
    assert kind.from_env().__getstate__() == same.__getstate__()
    for name in texts:
        monkeypatch.setenv(PREFIX + name, "s3cret?")
        with pytest.raises(ConfigurationError, match=f"^OAUTH_CC_{name} must") as caught:
            kind.from_env()
        assert "s3cret" not in str(caught.value)
        monkeypatch.setenv(PREFIX + name, texts[name])
    monkeypatch.setenv("OAUTH_CC_TIMEOUT", "-1")
    with pytest.raises(ConfigurationError, match=r"^OAUTH_CC_TIMEOUT must be a positive number of seconds"):
        kind.from_env()
    with pytest.raises(ConfigurationError, match=r"^timeout must be a positive number of seconds"):
        kind.from_env(timeout=-2)


@each_client
def test_a_secret_that_is_replaced_in_its_file(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OAUTH_CC_CLIENT_SECRET_FILE is read for each token request; an error names variable and file."""
    file = tmp_path / "secret"
    file.write_text("secret\n")
    settings = {"TOKEN_URL": oauth_server.token_url, "CLIENT_ID": "client", "CLIENT_SECRET_FILE": str(file)}
    for name, value in settings.items():
        monkeypatch.setenv(PREFIX + name, value)
    auth = client.auth_class.from_env()  # type: ignore[attr-defined]
    with client.session(auth=auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.client_secret = "another"
        file.write_text("another")
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200
        file.unlink()
        auth.invalidate()
        with pytest.raises(TokenError) as caught:
            session.request("GET", oauth_server.api_url)
    assert f"OAUTH_CC_CLIENT_SECRET_FILE ({file}) cannot be read: No such file or directory" in str(caught.value)
    sent = [credentials_sent(request) for request in oauth_server.token_requests]
    assert sent == [basic("client:secret"), basic("client:another")]


@each_client
def test_config_equals_the_one_that_was_given(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """`auth.config` equals the argument of from_config, and the config that the arguments make."""
    config = ClientCredentialsConfig(oauth_server.token_url, "client", "secret", scope="a b", header_name="X-Token")
    auth: Any = client.auth_class
    assert auth.from_config(config).config == config
    assert auth(oauth_server.token_url, "client", "secret", scope=["a", "b"], header_name="X-Token").config == config


@each_client
def test_every_way_to_make_one_calls_the_class(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 14: the `__init__` of a subclass runs, with the arguments that differ from the defaults."""

    class Counting(client.auth_class):  # type: ignore[misc, name-defined]  # one of three classes
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.given = sorted(kwargs)

    for name, value in {"TOKEN_URL": oauth_server.token_url, "CLIENT_ID": "client", "CLIENT_SECRET": "secret"}.items():
        monkeypatch.setenv(f"OAUTH_CC_{name}", value)
    required = ["client_id", "client_secret", "token_url"]
    monkeypatch.setenv("OAUTH_CC_DEADLINE", "30")  # the default
    monkeypatch.delenv("OAUTH_CC_RENEW_IN_BACKGROUND")  # of the fixture
    assert Counting.from_env(timeout=3.0).given == sorted([*required, "timeout"])
    config = ClientCredentialsConfig(oauth_server.token_url, "client", "secret", scope="a")
    assert Counting.from_config(config, allow_insecure_http=None).given == sorted([*required, "scope"])
