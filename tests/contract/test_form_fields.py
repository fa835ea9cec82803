"""Every field of the connector form, from the setting to the wire (sections 1 and 3 of the design)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.token_side import BASIC, POST, auth_for, basic


def sent_by(client: ClientKind, server: LoopbackServer, **settings: Any) -> RecordedRequest:
    """The only token request for one API request with these settings."""
    with client.session(auth=auth_for(client, server, **settings)) as session:
        assert session.request("GET", server.api_url).status == 200
    (request,) = server.token_requests
    return request


@each_client
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("orders:read", ["orders:read"]),
        ("orders:read orders:write", ["orders:read orders:write"]),
        ("  b   a  ", ["b a"]),
        (["b", "a c"], ["b a c"]),
        (("https://x.example/.default",), ["https://x.example/.default"]),
    ],
    ids=repr,
)
def test_scope(
    client: ClientKind, oauth_server: LoopbackServer, scope: str | Iterable[str] | None, expected: list[str]
) -> None:
    """Scopes are sent in one field, in order, separated by single spaces. Without scopes there is no field."""
    request = sent_by(client, oauth_server, scope=scope)

    assert [value for name, value in request.form if name == "scope"] == expected


@each_client
@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (None, []),
        ("https://api.example.com/mcp", ["https://api.example.com/mcp"]),
        ("https://a.example  urn:b", ["https://a.example", "urn:b"]),
        (["https://a.example", "urn:b", "https://a.example"], ["https://a.example", "urn:b"]),
    ],
    ids=repr,
)
def test_resource(
    client: ClientKind, oauth_server: LoopbackServer, resource: str | Iterable[str] | None, expected: list[str]
) -> None:
    """Each resource is a field of its own (RFC 8707 §2)."""
    request = sent_by(client, oauth_server, resource=resource)

    assert [value for name, value in request.form if name == "resource"] == expected


@each_client
def test_query_of_the_token_url_is_kept(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Byte for byte: the server decides about order, repetition, encoding and blank values."""
    query = "api-version=1.0&a=%2F&a=b+c&blank=&flag"
    request = sent_by(client, oauth_server, token_url=f"{oauth_server.token_url}?{query}")

    assert (request.path, request.query) == ("/oauth2/token", query)
    assert request.form == (("grant_type", "client_credentials"),)


@each_client
def test_grant_type_in_the_token_url_stays_there(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """SailPoint documents its URL with the grant type in it. The body contains it too."""
    request = sent_by(client, oauth_server, token_url=oauth_server.token_url + "?grant_type=client_credentials")

    assert request.query == "grant_type=client_credentials"
    assert request.form == (("grant_type", "client_credentials"),)


@each_client
@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("Authorization", "Bearer %s", "Bearer t%k"),
        ("Authorization", "Token token=%s, v=1", "Token token=t%k, v=1"),
        ("X-Access-Token", "%s", "t%k"),
        ("x-vault-token", "100% %s %d {} %%", "100% t%k %d {} %%"),
    ],
)
def test_header_of_api_requests(
    client: ClientKind, oauth_server: LoopbackServer, name: str, pattern: str, expected: str
) -> None:
    """The token is in the configured header and form, and nothing in it is treated as a format."""
    oauth_server.new_token = lambda: "t%k"
    oauth_server.header_name, oauth_server.header_value_pattern = name, pattern
    sent_by(client, oauth_server, header_name=name, header_value_pattern=pattern)

    (request,) = oauth_server.api_requests
    assert request.headers.get_all(name) == (expected,)
    assert ("Authorization" in request.headers) == (name == "Authorization")


@each_client
@pytest.mark.parametrize("name", ["Authorization", "X-Access-Token"])
def test_token_replaces_a_header_of_the_persons_own(
    client: ClientKind, oauth_server: LoopbackServer, name: str
) -> None:
    """It replaces a header of that name on the request, in any case: an API refuses two."""
    oauth_server.header_name = name
    with client.session(auth=auth_for(client, oauth_server, header_name=name)) as session:
        result = session.request("GET", oauth_server.api_url, headers={name.lower(): "of the person"})

    assert result.status == 200
    assert oauth_server.api_requests[0].headers.get_all(name) == (f"Bearer {oauth_server.issued[0]}",)


@each_client
@pytest.mark.parametrize(
    "settings",
    [
        {"grant_type": "account_credentials"},
        {"additional_request_data": {"grant_type": "account_credentials"}},
        {"grant_type": "never sent", "additional_request_data": [("grant_type", "account_credentials")]},
    ],
    ids=["custom grant type", "additional data", "both"],
)
def test_grant_type_can_be_replaced_and_is_never_sent_twice(
    client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any]
) -> None:
    """Zoom requires its own grant type, which replaces the standard one."""
    oauth_server.grant_types = ("account_credentials",)
    request = sent_by(client, oauth_server, **settings)

    assert request.form == (("grant_type", "account_credentials"),)
    assert request.body.count(b"grant_type") == 1


@each_client
def test_grant_type_may_be_restated(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The additional data of the form may repeat the standard field. It is sent once, in its usual place."""
    data = [("a", "1"), ("grant_type", "client_credentials"), ("b", "2")]
    request = sent_by(client, oauth_server, additional_request_data=data)

    assert request.form == (("grant_type", "client_credentials"), ("a", "1"), ("b", "2"))


@each_client
@pytest.mark.parametrize("method", [BASIC, POST])
def test_additional_data_stays_repeated_and_in_order(
    client: ClientKind, oauth_server: LoopbackServer, method: str
) -> None:
    """A key may repeat (RFC 8707's resource). Blank values, ints and all characters arrive unchanged."""
    data = [("resource", "https://b.example/?x=1&y"), ("ü", "€ +%"), ("resource", "a"), ("blank", ""), ("n", 7)]
    request = sent_by(
        client, oauth_server, client_authentication=method, scope="s", additional_request_data=[*data, ("none", None)]
    )

    standard = (("grant_type", "client_credentials"), ("scope", "s"))
    added = tuple((name, str(value)) for name, value in data)
    credentials = (("client_id", "client"), ("client_secret", "secret")) if method == POST else ()
    assert request.form == standard + added + credentials


@each_client
def test_additional_data_as_a_mapping(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A list as a value repeats the key. None leaves it out."""
    data = {"audience": "https://api.example.com", "resource": ["b", "a"], "unset": None}
    request = sent_by(client, oauth_server, additional_request_data=data)

    assert request.body == (
        b"grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com&resource=b&resource=a"
    )


@each_client
def test_additional_headers_go_to_the_token_endpoint_only(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """SAP Ariba requires an APIKey there. An additional header replaces the one that we would send."""
    request = sent_by(
        client, oauth_server, additional_headers=[("APIKey", "k 1"), ("accept", "text/json"), ("User-Agent", "me/1")]
    )

    sent = {name: request.headers.get_all(name) for name in ("APIKey", "Accept", "User-Agent", "Authorization")}
    assert sent == {
        "APIKey": ("k 1",),
        "Accept": ("text/json",),
        "User-Agent": ("me/1",),
        "Authorization": tuple(basic("client:secret")["Authorization"]),
    }
    api_headers = oauth_server.api_requests[0].headers
    assert ("APIKey" in api_headers, api_headers["User-Agent"] == "me/1") == (False, False)
