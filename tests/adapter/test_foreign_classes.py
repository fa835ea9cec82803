"""What belongs to one library, given to another: the class, and the token_client."""

from __future__ import annotations

import pytest

from oauth_cc_auth import ConfigurationError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ALL_CLIENTS, HTTPX, HTTPX2, REQUESTS, ClientKind

TOKEN_URL = "https://login.example.com/oauth2/token"


@pytest.mark.parametrize("client", [HTTPX, HTTPX2, REQUESTS], ids=lambda kind: kind.id)
def test_token_client_of_another_library_is_an_error_at_once(client: ClientKind) -> None:
    """Found when the auth object is made, not at the first request in the night."""
    others = [kind for kind in (HTTPX, HTTPX2, REQUESTS) if kind is not client]
    clients = [getattr(kind.library, "Session", None) or kind.library.Client for kind in others]
    for wrong in (*(cls() for cls in clients), "proxy", client.library):
        with pytest.raises(ConfigurationError, match="token_client must be a "):
            client.auth_class(TOKEN_URL, "client", "secret", token_client=wrong)


@pytest.mark.parametrize("given", [REQUESTS, HTTPX, HTTPX2], ids=lambda kind: f"auth of {kind.id}")
@pytest.mark.parametrize("client", ALL_CLIENTS, ids=lambda kind: kind.id)
def test_class_of_another_library_is_a_type_error_that_names_the_module(
    client: ClientKind, given: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Whichever is passed to whichever, the message says what to import; nothing is sent."""
    auth = given.auth_class(oauth_server.token_url, "client", "secret")
    name = client.library.__name__
    with client.session() as session:
        if given.library is client.library:
            assert session.request("GET", oauth_server.api_url, auth=auth).status == 200
            return
        with pytest.raises(TypeError, match=rf"import ClientCredentialsAuth from oauth_cc_auth\.{name}$"):
            session.request("GET", oauth_server.api_url, auth=auth)

    assert oauth_server.requests == ()


@pytest.mark.parametrize("given", [REQUESTS, HTTPX, HTTPX2], ids=lambda kind: f"auth of {kind.id}")
@pytest.mark.parametrize("client", ALL_CLIENTS, ids=lambda kind: kind.id)
def test_class_of_another_library_as_the_auth_of_a_session(
    client: ClientKind, given: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The usual way to make the mistake: when the session is made. The error comes then, or with the request."""
    if given.library is client.library:
        return
    auth = given.auth_class(oauth_server.token_url, "client", "secret")
    with (
        pytest.raises(TypeError, match=rf"oauth_cc_auth\.{client.library.__name__}$"),
        client.session(auth=auth) as session,
    ):
        session.request("GET", oauth_server.api_url)
