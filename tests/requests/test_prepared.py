"""Prepared requests of requests, kept by the person and sent more than once; and answers that nobody else can close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import requests

from oauth_cc_auth import InsecureRequestError, TokenError
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS
from tests.contract.scenes import auth_of


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """Where a redirect leads; it never issued a token."""
    with LoopbackServer() as server:
        yield server


def test_a_prepared_request_that_was_redirected_elsewhere_keeps_its_token(
    oauth_server: LoopbackServer, other: LoopbackServer
) -> None:
    """A presigned download, tried again: the API sees the token each time, the other host never."""
    oauth_server.api.always(Answer.redirect(f"{other.origin}/open"))
    with requests.Session() as session:
        session.auth = auth_of(REQUESTS, oauth_server)
        prepared = session.prepare_request(requests.Request("GET", oauth_server.api_url))
        for _ in range(3):
            response = session.send(prepared, timeout=30)
            assert response.status_code == 200
            assert "Authorization" in response.history[0].request.headers
            assert "Authorization" not in response.request.headers
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued) * 3
    assert [request.headers.get("Authorization") for request in other.requests] == [None] * 3


class Closing(requests.adapters.HTTPAdapter):
    """Keeps its responses, and counts how often each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[int] = []

    def send(self, *args: object, **kwargs: object) -> requests.Response:
        response = super().send(*args, **kwargs)  # type: ignore[arg-type]  # handed on
        number, close = len(self.closed), response.close
        self.closed.append(0)

        def counted() -> None:
            self.closed[number] += 1
            close()

        response.close = counted  # type: ignore[method-assign]  # to see it called
        return response


class PredicateError(Exception):
    """Of the person's own code."""


def refuse_to_say(status: int, headers: Mapping[str, str]) -> bool:
    raise PredicateError


def test_a_response_whose_renew_on_raises_is_closed(oauth_server: LoopbackServer) -> None:
    """The exception is all that the caller gets, so nobody else could close it."""
    adapter = Closing()
    with requests.Session() as session:
        session.mount("http://", adapter)
        session.auth = ClientCredentialsAuth(
            oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, renew_on=refuse_to_say
        )
        with pytest.raises(TokenError, match="renew_on, called with status and headers, raised PredicateError"):
            session.get(oauth_server.api_url, timeout=30, stream=True)
    assert adapter.closed == [1]


def test_an_address_that_ends_with_its_host_lets_no_other_host_through(oauth_server: LoopbackServer) -> None:
    """requests itself ends it with a slash; one set by hand may not, and then another host may begin like it."""
    auth = auth_of(REQUESTS, oauth_server)
    prepared = requests.Request("GET", oauth_server.api_url).prepare()
    for _ in range(2):
        prepared.url = "http://localhost"
        assert "Authorization" in auth(prepared).headers
        del prepared.headers["Authorization"]
        prepared.url = "http://localhost.example.com"
        with pytest.raises(InsecureRequestError):
            auth(prepared)


def test_threads_that_are_the_first_at_once_leave_one_entry(oauth_server: LoopbackServer) -> None:
    """Each has looked before any of them remembered; the room that there is belongs to other origins."""
    auth = auth_of(REQUESTS, oauth_server)
    prepared = requests.Request("GET", oauth_server.api_url).prepare()
    assert [auth._admits_to(oauth_server.api_url, prepared) for _ in range(2)] == [True, True]
    assert auth._policy.admitted == ("https://", f"{oauth_server.origin}/")
