"""Promise 18: what an exception contains instead of secrets. tests/test_leak_hunt.py searches for leaks."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.leaks import CLIENT_ID, CLIENT_SECRET, TOKEN, leaks_of, settings, texts_in
from tests.contract.token_side import failure_of
from tests.fake_clock import FakeClock


@pytest.fixture
def server(oauth_server: LoopbackServer) -> LoopbackServer:
    """A server that knows the client with the marked secret, and issues the marked token."""
    oauth_server.client_id, oauth_server.client_secret = CLIENT_ID, CLIENT_SECRET
    oauth_server.new_token = lambda: TOKEN
    return oauth_server


def auth_for(client: ClientKind, server: LoopbackServer, **more: Any) -> Any:
    auth = client.auth_class(**{**settings(server.token_url), **more})
    auth._start(FakeClock())
    return auth


@each_client
def test_the_request_of_an_exception_is_the_api_request_as_the_person_made_it(
    client: ClientKind, server: LoopbackServer
) -> None:
    """It has no header or hook of ours and is never the token request, even after a refusal without a renewal."""
    auth = auth_for(client, server, header_name="X-Access-Token", header_value_pattern="%s")
    server.header_name, server.header_value_pattern = "X-Access-Token", "%s"
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200
        server.revoke_all()
        server.token_endpoint.always(Answer.error("invalid_scope", CLIENT_SECRET))
        with pytest.raises(TokenError) as caught:
            session.request("POST", server.api_url, content=b"body", headers={"Authorization": "their own"})
    request: Any = getattr(caught.value, "request")  # noqa: B009  # mypy only knows the core's classes
    assert (request.method, str(request.url)) == ("POST", server.api_url)
    assert request.headers["Authorization"] == "their own"
    assert "X-Access-Token" not in request.headers
    if client is REQUESTS:
        assert request.hooks == {"response": []}
        assert request.body == b"body"
    else:
        assert request.content == b"body"
    assert leaks_of(caught.value) == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@each_client
def test_no_cause_and_no_context_of_the_librarys_own(client: ClientKind, server: LoopbackServer) -> None:
    """Exceptions of the library hold the token request with its body. Ours keep only the reason as text."""
    auth = auth_for(client, server)
    server.token_endpoint.always(Answer.dropped())
    with client.session(auth) as session:
        error = failure_of(session, server.api_url)
        assert (error.__cause__, error.__context__) == (None, None)
        server.stop()
        error = failure_of(session, server.api_url)
    assert (error.__cause__, error.__context__) == (None, None)
    assert leaks_of(error) == []
    assert not any("grant_type" in text for text in texts_in(error))


@each_client
def test_secret_callables_that_raise_or_return_nonsense_are_told_without_the_value(
    client: ClientKind, server: LoopbackServer
) -> None:
    """Any result is as secret as a valid one. The error names type and place of their exception without keeping it."""

    def broken() -> str:
        raise RuntimeError(f"the vault does not like {CLIENT_SECRET}")

    for secret in (lambda: CLIENT_SECRET + "\n", lambda: CLIENT_SECRET.encode(), broken):
        with client.session(auth_for(client, server, client_secret=secret)) as session:
            error = failure_of(session, server.api_url)
        assert leaks_of(error) == []
        assert (error.__cause__, error.__context__) == (None, None)
        assert "client_secret" in str(error)
    assert "it raised RuntimeError (broken, test_secrets.py:" in str(error)
