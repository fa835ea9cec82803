"""A request whose token is bound to a key, in requests: copies, pickles, repeated sending, and mocks."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import requests_mock
from requests.structures import CaseInsensitiveDict
from urllib3.util import Retry

from oauth_cc_auth import DPoP, TokenError
from oauth_cc_auth._requests.bound import as_sent, bind
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import REQUESTS
from tests.contract.scenes import LIMIT, scene
from tests.contract.test_dpop import assert_no_proof_came_twice, claims_of, statuses
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


def test_threads_that_send_one_request(session: requests.Session, server: LoopbackServer) -> None:
    """They read one and the same object, all before the first answer is there."""
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=8))
    arrived = threading.Barrier(8)

    def wait_for_all(request: RecordedRequest) -> None:
        arrived.wait(LIMIT)

    server.api.always(wait_for_all)
    request = prepared(session, server)
    with ThreadPoolExecutor(8) as pool:
        sendings = [pool.submit(session.send, request) for _ in range(8)]
    assert [sending.result(LIMIT).status_code for sending in sendings] == [200] * 8
    assert statuses(server.api_requests) == [200] * 8
    assert_no_proof_came_twice(server)


def test_the_retries_of_urllib3(session: requests.Session, server: LoopbackServer) -> None:
    """It sends a request again below requests, and no hook sees that."""
    retries = Retry(3, status_forcelist=[503], backoff_factor=0)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    server.api.next(Answer(503), Answer(503))
    assert session.get(server.api_url).status_code == 200
    assert statuses(server.api_requests) == [503, 503, 200]
    assert_no_proof_came_twice(server)


def test_a_request_whose_answer_was_lost(session: requests.Session, server: LoopbackServer) -> None:
    """Nobody knows whether the API has seen its proof, so the next sending has another one."""
    request = prepared(session, server)
    server.api.next(Answer.dropped())
    with pytest.raises(requests.ConnectionError):
        session.send(request)
    assert session.send(request).status_code == 200
    assert_no_proof_came_twice(server)


def test_a_request_that_was_prepared_long_ago(server: LoopbackServer) -> None:
    """Its proof is made when it is sent: servers accept one for seconds or minutes."""
    with scene(REQUESTS, server, life=3600, dpop=DPoP()) as s:
        library_session: Any = s.session
        library_session = library_session._session
        request = library_session.prepare_request(requests.Request("GET", server.api_url))
        s.clock.advance(600)
        assert library_session.send(request).status_code == 200
        assert claims_of(server.api_requests[-1])["iat"] == int(s.clock.wall())


def test_a_token_that_is_renewed_while_its_request_is_sent(session: requests.Session, server: LoopbackServer) -> None:
    """What has read the older token gets a proof for that one."""
    request = prepared(session, server)
    older = request.headers["Authorization"]
    session.auth.invalidate()  # type: ignore[union-attr]  # ours
    session.auth(request)  # type: ignore[operator, misc]  # as a person may
    assert request.headers["Authorization"] != older
    request.headers["Authorization"] = older
    assert session.send(request).status_code == 200
    assert_no_proof_came_twice(server)


def test_headers_that_were_put_there_by_hand(session: requests.Session, server: LoopbackServer) -> None:
    """They are read like those that the library made, and no headers of another object are changed."""
    request = prepared(session, server)
    by_hand = dict(request.headers)
    request.headers = by_hand  # type: ignore[assignment]  # people do
    assert session.send(request).status_code == 200
    assert session.send(request).status_code == 200
    own = CaseInsensitiveDict(by_hand)
    request.headers = own
    assert session.send(request).status_code == 200
    assert (type(own), own["DPoP"]) == (CaseInsensitiveDict, by_hand["DPoP"])
    request.headers = None  # type: ignore[assignment]  # as of a request that nothing has prepared
    assert request.copy().headers is None
    assert copy.deepcopy(request).headers is None
    request.headers = {}  # type: ignore[assignment]  # as above
    session.auth(request)  # type: ignore[operator, misc]  # as a person may
    assert [session.send(request).status_code for _ in range(2)] == [200, 200]
    assert_no_proof_came_twice(server)


def test_headers_that_were_a_dict_from_the_start(session: requests.Session, server: LoopbackServer) -> None:
    request = requests.Request("GET", server.api_url).prepare()
    request.headers = {"X-Number": "17"}  # type: ignore[assignment]  # people do
    session.auth(request)  # type: ignore[operator, misc]  # as the library does
    for _ in range(2):
        assert session.send(request).status_code == 200
        assert server.api_requests[-1].headers["X-Number"] == "17"
    assert_no_proof_came_twice(server)


def test_a_proof_that_is_read_and_sent_again(session: requests.Session, server: LoopbackServer) -> None:
    """Some versions of urllib3 read the headers once, and send what they have read as often as they retry."""
    proof: Any = prepared(session, server).headers["DPoP"]
    encoded = [proof.encode("latin-1") for _ in range(3)]
    assert encoded[0].decode() == proof
    assert len(set(encoded)) == 3


def test_a_credential_that_comes_late(session: requests.Session, server: LoopbackServer) -> None:
    """Headers at hand sign nothing for what is not ours."""
    headers = prepared(session, server).headers
    headers["Authorization"] = "Basic eDp5"
    assert headers["DPoP"] == ""


def test_a_redirect_takes_what_belongs_to_the_token(server: LoopbackServer) -> None:
    """Off the origin there is neither token nor proof, nor the headers that go where the token goes."""
    auth = ClientCredentialsAuth(
        server.token_url, server.client_id, server.client_secret, dpop=DPoP(), api_headers={"X-Key": "17"}
    )
    request = auth(requests.Request("GET", server.api_url).prepare())
    assert {"X-Key", "Authorization", "DPoP"} <= set(request.headers)
    request.url = "https://elsewhere.example.com/"
    assert not {"X-Key", "Authorization", "DPoP"} & set(request.headers)
    request = auth(requests.Request("GET", server.api_url).prepare())
    request.headers["Authorization"] = "Basic eDp5"
    request.url = "https://elsewhere.example.com/"
    assert request.headers["Authorization"] == "Basic eDp5"


def test_a_proof_that_is_taken_away(session: requests.Session, server: LoopbackServer) -> None:
    """It stays away: what was sent without one is answered once with the request as it has to be."""
    request = prepared(session, server)
    del request.headers["DPoP"]
    request.headers = request.headers.copy()
    assert "DPoP" not in request.headers
    assert session.send(request).status_code == 200
    assert statuses(server.api_requests) == [401, 200]


def test_a_key_that_fails_later(monkeypatch: pytest.MonkeyPatch, oauth_server: LoopbackServer) -> None:
    """The request goes out with an empty proof, which no API takes for one."""
    auth = ClientCredentialsAuth(
        oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, dpop=DPoP()
    )
    oauth_server.dpop = True
    request = auth(requests.Request("GET", oauth_server.api_url).prepare())
    monkeypatch.setattr("oauth_cc_auth._requests.bound.proof_now", lambda *_: TokenError("no"))
    assert [request.headers["DPoP"] != "", request.headers["DPoP"]] == [True, ""]


@pytest.mark.parametrize("as_copy", [copy.copy, copy.deepcopy, lambda headers: headers.copy()])
def test_copies_of_the_headers(session: requests.Session, server: LoopbackServer, as_copy: Any) -> None:
    """Each reading of each has a proof of its own; a pickle has none."""
    headers = prepared(session, server).headers
    twin = as_copy(headers)
    assert "dpop" in twin
    assert len({headers["DPoP"], twin["dpop"], dict(twin)["DPoP"], dict(headers.items())["DPoP"]}) == 4
    assert type(pickle.loads(pickle.dumps(headers["DPoP"]))) is str  # noqa: S301  # our own
    pickled = pickle.loads(pickle.dumps(headers))  # noqa: S301  # our own
    assert (type(pickled), "DPoP" in pickled) == (CaseInsensitiveDict, False)
    assert pickled["Authorization"] == headers["Authorization"]


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


def test_a_history_before_anything_was_sent(session: requests.Session, server: LoopbackServer) -> None:
    """Some adapters answer without a look at the headers."""
    assert "DPoP" not in as_sent(prepared(session, server)).headers


def test_a_stand_in_for_a_request(server: LoopbackServer) -> None:
    """Of a mock that has never seen the real one: it holds one proof, and is sent nowhere."""

    class StandIn:
        method, url = "GET", server.api_url

        @property
        def headers(self) -> CaseInsensitiveDict[str]:
            return shown

    shown: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    auth = ClientCredentialsAuth(server.token_url, server.client_id, server.client_secret, dpop=DPoP())
    auth.prefetch()
    lease: Any = auth._policy.cache.fresh()
    assert bind(StandIn(), auth._policy, lease) is None
    assert shown["DPoP"] is shown["DPoP"]
    assert shown["DPoP"].count(".") == 2


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
