"""Promise 18 for endpoints that want the secret in the path or the query: it is in no record of any library."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest

from oauth_cc_auth import TokenEndpoint, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for

ID, SECRET = "abcd-1234", "s3cr et/56"
PLACES = ["/id-{client_id}/{client_secret}", "?key={client_secret}"]


def shown(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


def is_in(text: str) -> bool:
    return any(form in text for form in (SECRET, quote(SECRET, safe=""), quote(SECRET), SECRET.replace(" ", "+")))


@each_client
@pytest.mark.parametrize("place", PLACES, ids=["path", "query"])
def test_no_record_holds_it(
    client: ClientKind, oauth_server: LoopbackServer, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At any level, of a request that succeeds, and of one that is rejected; the URLs of others are as they were."""
    caplog.set_level(logging.DEBUG)
    endpoint = TokenEndpoint(oauth_server.token_url + place, secret_in_query=True)
    oauth_server.token_endpoint.always(Answer.token("abc"))
    with client.session(client.auth_class(endpoint, ID, SECRET)) as session:
        assert session.request("GET", f"{oauth_server.api_url}/orders").status == 200
    oauth_server.token_endpoint.always(Answer.error("invalid_client", f"bad key {SECRET}", status=401))
    with (
        client.session(client.auth_class(endpoint, ID, SECRET)) as session,
        pytest.raises(TokenError) as caught,
    ):
        session.request("GET", oauth_server.api_url)
    assert not is_in(shown(caplog))
    assert not is_in(str(caught.value))
    assert "/api/orders" in shown(caplog)
    assert "/oauth2/token" in shown(caplog)


@each_client
@pytest.mark.parametrize("place", PLACES, ids=["path", "query"])
def test_no_error_holds_it(
    client: ClientKind, oauth_server: LoopbackServer, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if the connection fails, and the library names the URL."""
    caplog.set_level(logging.DEBUG)
    endpoint = TokenEndpoint(oauth_server.token_url + place, secret_in_query=True)
    oauth_server.token_endpoint.always(Answer.dropped())
    auth = client.auth_class(endpoint, ID, SECRET, deadline=0.2)
    with client.session(auth) as session, pytest.raises(TokenError) as caught:
        session.request("GET", oauth_server.api_url)
    assert not is_in(shown(caplog))
    assert not is_in(str(caught.value))
    assert not is_in(repr(caught.value.attempts))


@each_client
def test_the_usual_request_is_logged_as_ever(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A query of an API request that looks like the secret is none of ours."""
    caplog.set_level(logging.DEBUG)
    with client.session(auth_for(client, oauth_server)) as session:
        session.request("GET", f"{oauth_server.api_url}?q={oauth_server.client_secret}")
    assert f"q={oauth_server.client_secret}" in shown(caplog)
