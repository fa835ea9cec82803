"""Promise 20: a wrong setting is a ConfigurationError at construction that names the field and what to pass instead."""

from __future__ import annotations

from typing import Any

import pytest

import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, Issuer, TokenEndpoint
from tests.clients import ALL_CLIENTS, HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients

SECRET = "MarkOfTheSecret"


class NoSecret:
    """As pydantic's SecretStr."""

    def get_secret_value(self) -> str:
        return ""


RIGHT: dict[str, Any] = {
    "token_url": "https://login.example.com/oauth2/token",
    "client_id": "client",
    "client_secret": "secret",
}

# field, wrong value, what the message says besides the field's name
WRONG: tuple[tuple[str, Any, str], ...] = (
    ("token_url", "", "is empty"),
    ("token_url", "   ", "is empty"),
    ("token_url", None, "is missing; pass it; if it comes from an environment variable, is that set?"),
    ("token_url", b"https://login.example.com/", "must be a str, not bytes"),
    ("token_url", "login.example.com/token", "pass the full URL, such as https://"),
    ("token_url", "/oauth2/token", "pass the full URL, such as https://"),
    ("token_url", "//login.example.com/token", "pass the full URL, such as https://"),
    ("token_url", "ftp://login.example.com/token", "pass the full URL, such as https://"),
    ("token_url", "wss://login.example.com/token", "pass the full URL, such as https://"),
    ("token_url", "https:login.example.com/token", "names no host"),
    ("token_url", "https:///token", "names no host"),
    ("token_url", "https://:443/token", "names no host"),
    ("token_url", "https://[::1/token", "host or port"),
    ("token_url", "https://login.example.com:abc/", "host or port"),
    ("token_url", "https://login.example.com:99999/", "host or port"),
    ("token_url", f"https://client:{SECRET}@login.example.com/token", "pass client_id and client_secret"),
    ("token_url", f"https://{SECRET}@login.example.com/token", "pass client_id and client_secret"),
    ("token_url", "https://login.example.com/token#part", "fragment"),
    ("token_url", "https://login.example.com/token#", "fragment"),
    ("token_url", "https://login.example.com\\token", "backslash"),
    ("token_url", "https://login.example.com/a token", "white space"),
    ("token_url", "https://login.example.com/token\n", "str.strip()"),
    ("token_url", "https://login.example.com/\ud800", "surrogate"),
    ("token_url", "http://login.example.com/token", "allow_insecure_http=True"),
    ("client_id", "", "is missing or empty; pass it"),
    ("client_id", None, "is missing; pass it"),
    ("client_id", 5, "must be a str, not int"),
    ("client_id", "client\n", "str.strip()"),
    ("token_url", '"https://login.example.com/token"', "remove the quotes"),
    ("token_url", "'https://login.example.com/token'", "remove the quotes"),
    ("client_id", "client\ud800", "surrogate"),
    ("client_secret", "", "is empty"),
    ("client_secret", None, "is missing; pass it; if it comes from an environment variable, is that set?"),
    ("client_secret", SECRET.encode(), "not bytes"),
    ("client_secret", f"{SECRET}\n", "str.strip()"),
    ("client_secret", f"{SECRET}\x00", "control character"),
    ("client_secret", f"{SECRET}\udcff", "surrogate"),
    ("resource", 5, "iterable of str"),
    ("resource", ["https://a.example", 5], "str only, not int"),
    ("resource", "https://a.example\n", "separate resources by spaces"),
    ("resource", "api.example.com", "no absolute URI"),
    ("resource", "https:", "no absolute URI"),
    ("resource", "https://[a", "no absolute URI"),
    ("resource", "https://a.example/#b", "fragment"),
    ("scope", 5, "iterable of str"),
    ("scope", b"a", "iterable of str"),
    ("scope", {"a": 1}, "iterable of str"),
    ("scope", ["a", 5], "str only, not int"),
    ("scope", "a\nb", "single spaces"),
    ("scope", "a\ud800", "surrogate"),
    ("client_authentication", "digest", "'client_secret_basic'"),
    ("client_authentication", "private_key_jwt", "pass PrivateKeyJwt(key)"),
    ("client_authentication", True, "None (try both)"),
    ("client_authentication", ("client", SECRET), "not tuple"),
    ("header_name", "", "is empty"),
    ("header_name", "X Token", "such as 'Authorization'"),
    ("header_name", "X-Token:", "such as 'Authorization'"),
    ("header_name", "X-T\u00f6ken", "such as 'Authorization'"),
    ("header_name", "Host", "describes the request"),
    ("header_name", "content-LENGTH", "describes the request"),
    ("header_name", None, "must be a str"),
    ("header_value_pattern", "Bearer", "%s exactly once"),
    ("header_value_pattern", "%s %s", "%s exactly once"),
    ("header_value_pattern", "%S", "%s exactly once"),
    ("header_value_pattern", "{}", "%s exactly once"),
    ("header_value_pattern", " %s", "white space at either end"),
    ("header_value_pattern", "%s\u00e9", "printable ASCII"),
    ("header_value_pattern", "Bearer %s\r\nX: 1", "control character"),
    ("header_value_pattern", None, "must be a str"),
    ("grant_type", "", "is empty"),
    ("grant_type", None, "must be a str"),
    ("additional_headers", "APIKey=1", "mapping or pairs"),
    ("additional_headers", 5, "mapping or pairs"),
    ("additional_headers", [("a", "b", "c")], "pairs of a name and a value"),
    ("additional_headers", ["ab"], "pairs of a name and a value"),
    ("additional_headers", {"": "x"}, "is not one line of text"),
    ("additional_headers", {5: "x"}, "is not one line of text"),
    ("additional_headers", {"API Key": SECRET}, "no header name"),
    ("additional_headers", {"authorization": f"Basic {SECRET}"}, "client_authentication"),
    ("additional_headers", {"Content-Length": "5"}, "follows from the body"),
    ("additional_headers", {"Host": "x"}, "follows from token_url"),
    ("additional_headers", {"APIKey": f"{SECRET}\r\nX: 1"}, "printable ASCII"),
    ("additional_headers", {"APIKey": f" {SECRET}"}, "white space at either end"),
    ("additional_headers", {"APIKey": 5}, "of type int; pass printable ASCII"),
    ("additional_headers", {"Content-Type": "application/json"}, "which the body is"),
    ("api_headers", {"X Y": "x"}, "a name has no spaces"),
    ("api_headers", {"Host": "x"}, "which describes the request itself"),
    ("api_headers", {"authorization": "x"}, "set header_value_pattern"),
    ("api_headers", [("A", "x"), ("a", "y")], "join the values by a comma"),
    ("api_headers", {"A": "x\n"}, "pass printable ASCII"),
    ("additional_headers", {"APIKey": None}, "printable ASCII"),
    ("additional_headers", [("A", "1"), ("a", "2")], "join the values by a comma"),
    ("additional_request_data", "audience=x", "mapping or pairs"),
    ("additional_request_data", {"client_secret": SECRET}, "has a setting of its own"),
    ("additional_request_data", {"client_id": "x"}, "client_secret_post"),
    ("additional_request_data", {"audience": b"x"}, "neither str nor int"),
    ("additional_request_data", {"audience": 1.5}, "neither str nor int"),
    ("additional_request_data", {"audience": True}, "neither str nor int"),
    ("additional_request_data", {"audience": f"{SECRET}\ud800"}, "surrogate"),
    ("additional_request_data", {"": "x"}, "is not one line of text"),
    ("additional_request_data", [("grant_type", "a"), ("grant_type", "b")], "grant_type twice"),
    ("allow_insecure_http", "no", "True or False"),
    ("allow_insecure_http", None, "True or False"),
    ("allow_insecure_http", 1, "True or False"),
)

WRONG_BEHAVIOUR: tuple[tuple[str, Any, str], ...] = (
    ("timeout", 0, "positive number of seconds"),
    ("timeout", -1.0, "positive number of seconds"),
    ("timeout", float("inf"), "positive number of seconds"),
    ("timeout", float("nan"), "positive number of seconds"),
    ("timeout", "10", "positive number of seconds"),
    ("timeout", None, "positive number of seconds"),
    ("timeout", True, "positive number of seconds"),
    ("timeout", (3.0, 10.0), "positive number of seconds"),
    ("deadline", 0, "positive number of seconds"),
    ("deadline", None, "positive number of seconds"),
    ("early_expiry", -1, "0 or more, or None"),
    ("early_expiry", "30", "0 or more, or None"),
    ("early_expiry", float("nan"), "0 or more, or None"),
    ("renew_after", 0, "above 0 and up to 1"),
    ("renew_after", 1.5, "above 0 and up to 1"),
    ("renew_after", 80, "above 0 and up to 1"),
    ("renew_after", None, "above 0 and up to 1"),
    ("renew_on", 401, "statuses such as (401, 419), or a callable"),
    ("renew_on", ["401"], "HTTP statuses only, such as (401, 419)"),
    ("api_origins", [], "no request would get a token"),
    ("api_origins", [5], "such as 'https://api.example.com'"),
    ("api_origins", 5, "such as 'https://api.example.com'"),
    ("api_origins", ["api.example.com"], "such as 'https://api.example.com'"),
    ("api_origins", "", "such as 'https://api.example.com'"),
    ("api_origins", ["https://"], "such as 'https://api.example.com'"),
    ("api_origins", ["https://api.example.com/v1"], "scheme, host and"),
    ("api_origins", ["https://api.example.com?x=1"], "scheme, host and"),
    ("api_origins", [f"https://user:{SECRET}@api.example.com"], "scheme, host and"),
    ("api_origins", ["https://api.example.com:99999"], "such as 'https://api.example.com'"),
    ("api_origins", ["https://*.example.com"], "wildcards"),
    ("api_origins", ["https://[::1"], "such as 'https://api.example.com'"),
)


def _ids(rows: tuple[tuple[str, Any, str], ...]) -> list[str]:
    return [f"{field}-{number}" for number, (field, _, _) in enumerate(rows)]


@pytest.mark.parametrize(("field", "value", "remedy"), WRONG, ids=_ids(WRONG))
def test_a_wrong_setting_is_named_with_its_remedy(field: str, value: Any, remedy: str) -> None:
    """By the config and by the auth class alike, before anything else happens, and without showing a secret."""
    arguments = {**RIGHT, field: value}
    messages = []
    for make in (ClientCredentialsConfig, REQUESTS.auth_class, HTTPX.auth_class):
        with pytest.raises(ConfigurationError) as caught:
            make(**arguments)
        messages.append(str(caught.value))
        assert isinstance(caught.value, ValueError)
        assert SECRET not in repr(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert messages == [messages[0]] * 3
    assert field in messages[0]
    assert remedy in messages[0]


def test_what_is_missing() -> None:
    """Left out, None or blank: `missing`, as docs/errors.md says; a setting that has a default is `invalid`."""
    url, client_id, _ = RIGHT.values()
    for arguments, told in (
        ((url,), "client_id is missing or empty"),
        ((url, client_id), "client_secret is missing;"),
        ((url, client_id, None), "client_secret is missing;"),
        ((url, client_id, ""), "client_secret is empty"),
        ((url, client_id, NoSecret()), "client_secret is empty"),
        ((url, None, "s"), "client_id is missing;"),
        ((url, " ", "s"), "client_id is empty"),
        ((None, client_id, "s"), "token_url is missing;"),
        (("", client_id, "s"), "token_url is empty; pass the full URL, such as https://"),
    ):
        for make in (ClientCredentialsConfig, REQUESTS.auth_class, HTTPX.auth_class):
            with pytest.raises(ConfigurationError) as caught:
                make(*arguments)
            assert str(caught.value).startswith(told)
            assert caught.value.reason == "missing"
    for field in ("grant_type", "header_name"):
        with pytest.raises(ConfigurationError) as caught:
            ClientCredentialsConfig(**{**RIGHT, field: ""})
        assert caught.value.reason == "invalid"


@pytest.mark.parametrize(("value", "reason"), [("", "missing"), (None, "missing"), (" ", "missing"), (5, "invalid")])
def test_places_that_are_missing(value: Any, reason: str) -> None:
    """An issuer and an endpoint have to be somewhere; other URLs of them need not be."""
    for make in (Issuer, TokenEndpoint):
        with pytest.raises(ConfigurationError) as caught:
            make(value)
        assert caught.value.reason == reason
    for others in ({"alternatives": [value]}, {"revocation_url": value or ""}):
        with pytest.raises(ConfigurationError) as caught:
            TokenEndpoint(RIGHT["token_url"], **others)
        assert caught.value.reason == "invalid"


@pytest.mark.parametrize(("field", "value", "remedy"), WRONG_BEHAVIOUR, ids=_ids(WRONG_BEHAVIOUR))
def test_a_wrong_behaviour_argument_is_named_with_its_remedy(field: str, value: Any, remedy: str) -> None:
    """Also if the settings come from a config."""
    config = ClientCredentialsConfig(**RIGHT)
    for make in (
        lambda: REQUESTS.auth_class(**RIGHT, **{field: value}),
        lambda: oauth_cc_auth.requests.ClientCredentialsAuth.from_config(config, **{field: value}),
        lambda: oauth_cc_auth.httpx.ClientCredentialsAuth.from_config(config, **{field: value}),
    ):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert field in str(caught.value)
        assert remedy in str(caught.value)
        assert SECRET not in str(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_token_client_of_another_kind_is_named(client: ClientKind) -> None:
    """What was passed and what is wanted."""
    wanted = "requests.Session" if client is REQUESTS else f"Client or AsyncClient of {client.library.__name__}"
    foreign: list[Any] = [5, "client", object(), client.library, {}]
    for kind in ALL_CLIENTS:
        if kind.library is not client.library and kind.backend is None:
            foreign.append(kind.library.Session() if kind is REQUESTS else kind.library.Client())
    for value in foreign:
        with pytest.raises(ConfigurationError, match=f"^token_client must be a {wanted}, not "):
            client.auth_class(**RIGHT, token_client=value)
        if hasattr(value, "close"):
            value.close()


@pytest.mark.parametrize("value", [None, RIGHT, "config", REQUESTS.auth_class(**RIGHT)])
def test_from_config_wants_a_config(value: Any) -> None:
    """A mapping belongs into `from_mapping`."""
    with pytest.raises(ConfigurationError, match="config must be a ClientCredentialsConfig, not "):
        oauth_cc_auth.requests.ClientCredentialsAuth.from_config(value)


def test_plain_http_is_named_the_same_way_by_an_auth_object() -> None:
    """`from_config(..., allow_insecure_http=...)` takes True or False and nothing that merely counts as such."""
    config = ClientCredentialsConfig(**RIGHT)
    for value in ("no", 0, 1):
        with pytest.raises(ConfigurationError, match="allow_insecure_http must be True or False"):
            oauth_cc_auth.requests.ClientCredentialsAuth.from_config(
                config,
                allow_insecure_http=value,  # type: ignore[arg-type]  # that is what is tested
            )


each_library = for_clients(REQUESTS, HTTPX, HTTPX2)


@each_library
def test_a_mapping_for_a_config_is_told_how_to_make_one(client: ClientKind) -> None:
    """It is the obvious thing to try."""
    with pytest.raises(ConfigurationError, match=r"not dict; ClientCredentialsConfig\.from_mapping\(\) makes one$"):
        client.auth_class.from_config(RIGHT)  # type: ignore[attr-defined]  # of the class behind the callable


@each_library
@pytest.mark.parametrize("name", ["scopes", "verify"])
def test_an_argument_that_there_is_not(client: ClientKind, name: str) -> None:
    """Python's own words for it name what the person called."""
    settings: dict[str, Any] = {name: 1}
    with pytest.raises(TypeError, match=rf"^ClientCredentialsAuth\.__init__\(\) got an unexpected .* '{name}'"):
        client.auth_class(**RIGHT, **settings)
    config = ClientCredentialsConfig(**RIGHT)
    with pytest.raises(TypeError, match=rf"^ClientCredentialsAuth\.__init__\(\) got an unexpected .* '{name}'"):
        client.auth_class.from_config(config, **settings)  # type: ignore[attr-defined]  # as above
