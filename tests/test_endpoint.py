"""`TokenEndpoint`: checked when it is made, frozen, compared by value, and silent about secrets."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Mapping
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, Issuer, TokenEndpoint

URL = "https://login.example.com/v1/login"
SECRET = "s3cret"
PLACES = {"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}


def read(answer: Any) -> Mapping[str, Any]:
    return {"access_token": answer}


async def aread(answer: Any) -> Mapping[str, Any]:
    return {}


FULL: dict[str, Any] = {
    "method": "PUT",
    "request_format": "json",
    "credential_fields": PLACES,
    "credential_headers": {"x-key": "{client_secret}"},
    "secret_in_query": True,
    "response_fields": {"access_token": "data.token"},
    "lifetime_unit": "min",
    "default_lifetime": 1800,
    "grant_type": False,
    "revocation_url": "https://login.example.com/v1/revoke",
    "alternatives": ("https://login2.example.com/v1/login",),
}
OTHERS: dict[str, Any] = {
    "method": "POST",
    "request_format": "form",
    "credential_fields": ("a", "b"),
    "credential_headers": {"x-key": "{client_id}"},
    "secret_in_query": False,
    "response_fields": read,
    "lifetime_unit": "h",
    "default_lifetime": 1,
    "grant_type": True,
    "revocation_url": None,
    "alternatives": ("https://login3.example.com/v1/login",),
}


def problem(url: str = URL, **described: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpoint(url, **described)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.field is not None
    assert caught.value.__context__ is None
    return str(caught.value)


def test_defaults() -> None:
    """A URL is enough; then it is what RFC 6749 says."""
    endpoint = TokenEndpoint(URL)
    assert endpoint.arguments() == {
        "url": URL,
        "method": "POST",
        "request_format": "form",
        "credential_fields": None,
        "credential_headers": (),
        "secret_in_query": False,
        "response_fields": None,
        "lifetime_unit": "s",
        "default_lifetime": None,
        "grant_type": True,
        "revocation_url": None,
        "alternatives": (),
    }
    assert endpoint.authentication is None
    assert repr(endpoint) == f"TokenEndpoint('{URL}')"


def test_it_is_a_value() -> None:
    """Equal if everything is, also as a copy or from a pickle."""
    endpoint = TokenEndpoint(URL, **FULL)
    assert endpoint == TokenEndpoint(URL, **FULL)
    assert hash(endpoint) == hash(TokenEndpoint(URL, **FULL))
    assert copy.deepcopy(endpoint) == copy.copy(endpoint) == endpoint
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint  # noqa: S301  # our own
    assert endpoint != URL
    for name in FULL.keys() - {"request_format"}:
        assert TokenEndpoint(URL, **{**FULL, name: OTHERS[name]}) != endpoint
    assert TokenEndpoint(URL, request_format="query") != TokenEndpoint(URL)
    assert TokenEndpoint(URL + "s", **FULL) != endpoint


def test_it_never_changes() -> None:
    """Nor does what it was made of."""
    places: dict[str, Any] = {"credentials": {"name": "{client_id}"}}
    endpoint = TokenEndpoint(URL, request_format="json", credential_fields=places)
    places["credentials"]["name"] = "x"
    assert dict(endpoint.arguments()["credential_fields"]) == {"credentials": {"name": "{client_id}"}}
    with pytest.raises(AttributeError, match="TokenEndpoint is immutable; make a new one to change url"):
        endpoint.url = "x"
    with pytest.raises(AttributeError, match="TokenEndpoint is immutable; url cannot be deleted"):
        del endpoint.url


def test_repr() -> None:
    """What differs from the defaults. Literals among the credentials may be secrets, and so may a query."""
    endpoint = TokenEndpoint(
        f"{URL}?key={SECRET}",
        request_format="json",
        credential_fields={"a": {"b": "{client_id}"}, "c": SECRET},
        credential_headers={"x-key": SECRET, "x-id": "{client_id}"},
        revocation_url=f"https://login.example.com/v1/revoke?{SECRET}",
        alternatives=[f"https://login2.example.com/?key={SECRET}"],
    )
    assert repr(endpoint) == (
        f"TokenEndpoint('{URL}?***', request_format='json', credential_fields={{'a': {{'b': '{{client_id}}'}}, "
        "'c': '***'}, credential_headers={'x-key': '***', 'x-id': '{client_id}'}, "
        "revocation_url='https://login.example.com/v1/revoke?***', alternatives=('https://login2.example.com/?***',))"
    )
    assert repr(TokenEndpoint(URL, method="get")) == f"TokenEndpoint('{URL}', method='GET')"


def test_the_config_tells_secrets_in_descriptions_apart() -> None:
    """The digits at the end of its repr differ, although the rest does not show them."""
    shown = set()
    for literal in ("a", "b", "a"):
        endpoint = TokenEndpoint(URL, request_format="json", credential_fields={"key": literal})
        shown.add(repr(ClientCredentialsConfig(endpoint, "id", additional_request_data={"n": {"m": [1, 1.5]}})))
    assert len(shown) == 2


def test_what_is_sent_decides_whether_a_secret_is_needed() -> None:
    """It may be left out if no place has it."""
    assert ClientCredentialsConfig(TokenEndpoint(URL, credential_fields=("id", None)), "id").client_secret is None
    assert (
        ClientCredentialsConfig(TokenEndpoint(URL, credential_headers={"x": "{basic}"}), "id", "").client_secret == ""
    )
    assert ClientCredentialsConfig(TokenEndpoint(URL, credential_fields=(None, "key")), "", SECRET).client_id == ""
    with pytest.raises(ConfigurationError, match=r"^client_id is missing or empty"):
        ClientCredentialsConfig(TokenEndpoint(URL, credential_fields=("id", "key")), "", SECRET)
    with pytest.raises(ConfigurationError, match=r"^client_secret is missing"):
        ClientCredentialsConfig(TokenEndpoint(URL, credential_fields=(None, "key")), "id")
    with pytest.raises(ConfigurationError, match=r"^client_secret is missing"):
        ClientCredentialsConfig(TokenEndpoint(URL, request_format="json"), "id")


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"url": "login.example.com"}, "token_url does not begin with https://"),
        ({"url": f"{URL}/{{tenant}}"}, "token_url has braces; the only placeholders are '{client_id}', "),
        ({"url": "https://{client_id}.example.com/"}, "token_url has credentials in the host"),
        ({"url": f"{URL}?key={{client_secret}}"}, "token_url puts the secret into the query of the URL, which"),
        ({"method": "PATCH"}, "method must be one of 'POST', 'GET', 'PUT', not 'PATCH'"),
        ({"method": None}, "method must be one of 'POST', 'GET', 'PUT', not None"),
        ({"request_format": "xml"}, "request_format must be one of 'form', 'json', 'query', not 'xml'"),
        ({"method": "GET", "request_format": "json"}, "request_format makes a body, and a GET request has none"),
        ({"request_format": aread}, "request_format is an async function; pass a plain one"),
        ({"credential_fields": "clientId"}, "credential_fields must be two names or a mapping, not str"),
        ({"credential_fields": ["a"]}, "credential_fields must hold two names, of id and secret"),
        ({"credential_fields": ["a", "a"]}, "credential_fields has one name for both"),
        ({"credential_fields": ["a", "b\n"]}, "credential_fields has a name that is not one line of text"),
        ({"credential_fields": ["a", 1]}, "credential_fields has a name that is not one line of text"),
        ({"credential_fields": PLACES}, "credential_fields is nested, and the request is a form; only request_format"),
        ({"credential_fields": {"a": 1}}, "credential_fields has a value for a that is no text"),
        (
            {"credential_fields": ["a", "a.b"], "request_format": "json"},
            "credential_fields has one name inside the other",
        ),
        (
            {"credential_fields": ["a.b", "a"], "request_format": "json"},
            "credential_fields has one name inside the other",
        ),
        (
            {"credential_fields": ["a", "b"], "request_format": "query"},
            "credential_fields puts the secret into the query of the URL",
        ),
        (
            {"credential_fields": ["a.", "b"], "request_format": "json"},
            "credential_fields has a name with nothing before or after a dot",
        ),
        ({"credential_headers": "x: y"}, "credential_headers must be a mapping or pairs, not str"),
        ({"credential_headers": [SECRET]}, "credential_headers must consist of pairs of a name and a value"),
        (
            {"credential_headers": {f"{SECRET} x": "y"}},
            "credential_headers has a name that is none, that is there twice",
        ),
        ({"credential_headers": [("a", "x"), ("A", "y")]}, "credential_headers has a name that is none, that is there"),
        ({"credential_headers": {"Host": "x"}}, "credential_headers has a name that is none, that is there twice, or"),
        ({"credential_headers": {"x": "y\n"}}, "credential_headers has a value for x that a header cannot have"),
        ({"credential_headers": {"x": 1}}, "credential_headers has a value for x that a header cannot have"),
        (
            {"credential_fields": {"clientId": "{id}", "s": "{client_secret}"}},
            "credential_fields has an unknown placeholder in the value for clientId; the only placeholders are "
            "'{client_id}', '{client_secret}' or '{basic}'",
        ),
        (
            {"credential_fields": {"a": {"s": "{client_id}:{client-secret}"}}, "request_format": "json"},
            "credential_fields has an unknown placeholder in the value for s; the only placeholders are ",
        ),
        (
            {"credential_headers": {"x-key": "{secret}"}},
            "credential_headers has an unknown placeholder in the value for x-key; the only placeholders are ",
        ),
        ({"secret_in_query": "yes"}, "secret_in_query must be True or False, not str"),
        ({"response_fields": "token"}, "response_fields must be a mapping or a callable, not str; pass paths by name"),
        ({"response_fields": aread}, "response_fields is an async function; pass a plain one"),
        ({"response_fields": {"token": "access_token"}}, "response_fields names 'token'; on the left, it takes the"),
        ({"response_fields": {1: "access_token"}}, "response_fields has a name that is no text; on the left"),
        ({"response_fields": {"access_token": " "}}, "response_fields has no path for access_token"),
        ({"response_fields": {"access_token": None}}, "response_fields has no path for access_token"),
        ({"lifetime_unit": "seconds"}, "lifetime_unit must be one of 's', 'ms', "),
        ({"default_lifetime": 0}, "default_lifetime must be a positive number of seconds, not 0"),
        ({"default_lifetime": True}, "default_lifetime must be a positive number of seconds, not True"),
        ({"default_lifetime": float("inf")}, "default_lifetime must be a positive number of seconds, not inf"),
        ({"grant_type": "x"}, "grant_type must be True or False, not str"),
        ({"revocation_url": "/revoke"}, "revocation_url does not begin with https://"),
        ({"alternatives": URL}, "alternatives must be URLs in a list, not str"),
        ({"alternatives": 1}, "alternatives must be URLs in a list, not int"),
        ({"alternatives": [URL, "/login"]}, "alternatives does not begin with https://"),
        ({"alternatives": [URL + "/{tenant}"]}, "alternatives has braces"),
        ({"alternatives": [URL + "?k={client_secret}"]}, "token_url "),
    ],
)
def test_bad_input(described: dict[str, Any], words: str) -> None:
    """It is named, and no value that may be a secret is shown."""
    assert problem(**described).startswith(words)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"id": "{client_id}", "key": {"is": "{client_secret}"}}', "{{client_id}}", "{ token }", "a{1}", "}x{"],
)
def test_braces_that_hold_no_name(text: str) -> None:
    """They are text as any other."""
    endpoint = TokenEndpoint(URL, credential_fields={"a": text}, credential_headers={"x": text})
    assert endpoint.credential_template == {"a": text}
    assert endpoint.credential_headers == (("x", text),)


@pytest.mark.parametrize(
    ("described", "settings", "words"),
    [
        (
            {"request_format": "json"},
            {"additional_request_data": [("a", 1), ("a", 2)]},
            "additional_request_data contains a twice; pass a list to send several values",
        ),
        (
            {"request_format": "json", "credential_fields": ("auth.id", "auth.key")},
            {"additional_request_data": {"auth": {"id": "x"}}},
            "additional_request_data contains id, where credential_fields puts credentials; keep one",
        ),
        (
            {"credential_fields": ("user", "key")},
            {"additional_request_data": {"user": "x"}},
            "additional_request_data contains user, where credential_fields puts credentials; keep one",
        ),
        (
            {"credential_headers": {"x-key": "{client_secret}"}},
            {"additional_headers": {"X-Key": "x"}},
            "additional_headers sets X-Key, which is also in credential_headers; keep one",
        ),
        (
            {"credential_headers": {"authorization": "Bearer {client_secret}"}},
            {"client_authentication": "client_secret_basic"},
            "client_authentication sets Authorization, which is also in credential_headers; keep one",
        ),
        (
            {"method": "GET"},
            {"client_authentication": "client_secret_post"},
            "client_authentication puts the secret into the query of the URL, which servers and proxies log",
        ),
        (
            {"revocation_url": "http://login.example.com/revoke"},
            {},
            "revocation_url is plain http, which would show the secret",
        ),
        (
            {"alternatives": ["http://login2.example.com/login"]},
            {},
            "alternatives is plain http, which would show the secret",
        ),
        (
            {},
            {"additional_headers": {"Authorization": "x"}},
            "additional_headers cannot set Authorization: client authentication has its own setting",
        ),
        (
            {"request_format": "json"},
            {"additional_headers": {"Content-Type": "text/plain"}},
            "additional_headers cannot set Content-Type to anything but json, which the body is",
        ),
        (
            {"request_format": "json"},
            {"additional_request_data": {"a": [float("nan")]}},
            "additional_request_data has a number for a that JSON cannot hold",
        ),
        (
            {"request_format": "json"},
            {"additional_request_data": {"a": {"b": b"x"}}},
            "additional_request_data has a value for b that JSON cannot hold",
        ),
        (
            {"request_format": "json"},
            {"additional_request_data": {"a": {1: "x"}}},
            "additional_request_data has a name in a that is no text",
        ),
    ],
)
def test_settings_that_contradict(described: dict[str, Any], settings: dict[str, Any], words: str) -> None:
    """Both are named, or what cannot be."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig(TokenEndpoint(URL, **described), "id", SECRET, **settings)
    assert str(caught.value).startswith(words)
    assert SECRET not in str(caught.value)


def test_a_list_that_holds_itself() -> None:
    """It is an error, and no endless loop."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConfigurationError, match="has a value for a that is nested too deep"):
        ClientCredentialsConfig(
            TokenEndpoint(URL, request_format="json"), "id", SECRET, additional_request_data={"a": endless}
        )


def test_data_may_hold_what_no_place_has() -> None:
    """`client_id` is a name like any other if the description says where the credentials go."""
    endpoint = TokenEndpoint(URL, credential_headers={"x-key": "{client_secret}"})
    config = ClientCredentialsConfig(endpoint, "", SECRET, additional_request_data={"client_id": lambda: "x"})
    assert [name for name, _ in config.additional_request_data] == ["client_id"]
    with pytest.raises(
        ConfigurationError, match=r"^additional_request_data contains client_id, where credential_fields"
    ):
        ClientCredentialsConfig(
            TokenEndpoint(URL, credential_fields=("client_id", "key")),
            "id",
            SECRET,
            additional_request_data=[("client_id", "x")],
        )


def test_a_described_endpoint_may_have_another_authorization() -> None:
    """The token of another auth object, for one."""
    endpoint = TokenEndpoint(URL, request_format="json", credential_fields=())
    config = ClientCredentialsConfig(endpoint, "id", additional_headers={"Authorization": lambda: "Bearer x"})
    assert [name for name, _ in config.additional_headers] == ["Authorization"]


ISSUER = Issuer("https://login.example.com/tenant1")


def test_an_issuer_in_the_place_of_its_url() -> None:
    """A value like any other; it has no URL, and a config with it neither."""
    endpoint = TokenEndpoint(ISSUER, request_format="json", revocation_url="https://login.example.com/revoke")
    assert (endpoint.url, endpoint.urls, endpoint.issuer) == (None, (), ISSUER)
    again = pickle.loads(pickle.dumps(endpoint))  # noqa: S301  # our own
    assert again == copy.deepcopy(endpoint) == endpoint
    assert hash(again) == hash(endpoint)
    assert endpoint != TokenEndpoint(**{**endpoint.arguments(), "url": Issuer("https://login.example.com/tenant2")})
    assert endpoint.arguments()["url"] == ISSUER
    assert repr(endpoint) == (
        f"TokenEndpoint({ISSUER!r}, request_format='json', revocation_url='https://login.example.com/revoke')"
    )
    config = ClientCredentialsConfig(endpoint, "abcd", "s3cret")
    assert (config.token_url, config.token_source, config.endpoint) == (None, endpoint, endpoint)
    assert (config.issuer, config.source_url) == (ISSUER, ISSUER.url)
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301  # our own
    assert repr(config) != repr(ClientCredentialsConfig(ISSUER, "abcd", "s3cret"))


def test_where_an_issuer_has_other_places() -> None:
    """The metadata names one place, so there is nothing to fail over to."""
    with pytest.raises(ConfigurationError, match="alternatives are given, and the metadata of the issuer names"):
        TokenEndpoint(ISSUER, alternatives=["https://login2.example.com/"])
    with pytest.raises(ConfigurationError, match="credential_fields puts the secret into the query"):
        TokenEndpoint(ISSUER, method="GET", credential_fields=("id", "key"))
    with pytest.raises(ConfigurationError, match=r"^token_url must be a str, not int"):
        TokenEndpoint(5)  # type: ignore[arg-type]
