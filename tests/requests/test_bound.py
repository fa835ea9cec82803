"""A request whose token is bound to a key, in requests: copies, pickles, repeated sending, and mocks."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import requests_mock

from oauth_cc_auth import DPoP
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import LoopbackServer
from tests.contract.test_dpop import assert_no_proof_came_twice, statuses
from tests.mocked_network import API_URL, TOKEN_URL


@pytest.fixture(name="server")
def _server(oauth_server: LoopbackServer) -> LoopbackServer:
    oauth_server.dpop = True
    return oauth_server


@pytest.fixture(name="session")
def _session(server: LoopbackServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = ClientCredentialsAuth(server.token_url, server.client_id, server.client_secret, dpop=DPoP())
        yield session


def prepared(session: requests.Session, server: LoopbackServer) -> requests.PreparedRequest:
    return session.prepare_request(requests.Request("GET", server.api_url))


def test_a_prepared_request_may_be_sent_again(session: requests.Session, server: LoopbackServer) -> None:
    """Each sending has a proof of its own, so no server takes the second for a replay."""
    request = prepared(session, server)
    for _ in range(3):
        assert session.send(request).status_code == 200
        request.headers = request.headers.copy()
    assert statuses(server.api_requests) == [200] * 3
    assert_no_proof_came_twice(server)


@pytest.mark.parametrize("as_copy", [copy.copy, copy.deepcopy, lambda request: request.copy()])
def test_copies(session: requests.Session, server: LoopbackServer, as_copy: Any) -> None:
    """They have proofs of their own, and look like what they are copies of."""
    request = prepared(session, server)
    twin = as_copy(request)
    assert (twin.url, twin.method) == (request.url, request.method)
    assert isinstance(twin, requests.PreparedRequest)
    assert [session.send(each).status_code for each in (request, twin, as_copy(twin))] == [200] * 3
    assert_no_proof_came_twice(server)


def test_a_pickle_has_no_proof(session: requests.Session, server: LoopbackServer) -> None:
    """And names the library's class."""
    response = session.get(server.api_url)
    request = pickle.loads(pickle.dumps(response)).request  # noqa: S301  # our own
    assert type(request) is requests.PreparedRequest
    assert "DPoP" not in request.headers
    assert "DPoP" in response.request.headers


def test_the_history_shows_what_was_sent(session: requests.Session, server: LoopbackServer) -> None:
    server.dpop_nonces = True
    response = session.get(server.api_url)
    (refused,) = response.history
    assert refused.request.headers["DPoP"] == server.api_requests[0].headers["DPoP"]
    assert type(refused.request) is requests.PreparedRequest


def test_another_credential_is_left_alone(session: requests.Session, server: LoopbackServer) -> None:
    """Whoever puts one in the place of ours gets no proof with it."""
    request = prepared(session, server)
    session.send(request)
    request.headers["Authorization"] = "Basic eDp5"
    assert request.copy().headers["Authorization"] == "Basic eDp5"
    assert "DPoP" not in request.copy().headers


def test_a_mock_that_has_a_request_of_its_own() -> None:
    """requests-mock gives hooks a stand-in of the request."""
    proofs: list[str] = []

    def text(request: Any, context: Any) -> str:
        proofs.append(request.headers["DPoP"])
        return "fine"

    challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "n"}
    complaint = {"status_code": 401, "headers": challenge, "text": text}
    with requests_mock.Mocker() as network:
        network.post(TOKEN_URL, json={"access_token": "one", "token_type": "DPoP", "expires_in": 3600})
        network.get(API_URL, [complaint, {"text": text}, {"text": text}])
        auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", dpop=DPoP())
        with requests.Session() as session:
            assert [session.get(API_URL, auth=auth).text for _ in range(2)] == ["fine", "fine"]
    assert len(set(proofs)) == len(proofs) == 3
