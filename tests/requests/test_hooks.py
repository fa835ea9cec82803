"""The requests adapter's hook: prepared requests, their copies, and the hooks of others."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import requests
import requests_mock

from oauth_cc_auth.requests import ClientCredentialsAuth
from tests.mocked_network import API_URL, TOKEN_URL, accepts_from


def own_hooks(request: requests.PreparedRequest) -> list[object]:
    return [hook for hook in request.hooks["response"] if type(hook).__module__.startswith("oauth_cc_auth")]


def test_history_shows_the_refusal_as_it_was(network: requests_mock.Mocker, session: requests.Session) -> None:
    """The 401 is in `history`, readable, with the request and the token that were refused."""
    network.get(API_URL, text=accepts_from("two"))
    response = session.get(API_URL)

    (refused,) = response.history
    assert (refused.status_code, refused.text) == (401, "Bearer one")
    assert refused.request.headers["Authorization"] == "Bearer one"
    assert response.request.headers["Authorization"] == "Bearer two"


def test_prepared_request_that_is_sent_by_hand(network: requests_mock.Mocker, session: requests.Session) -> None:
    """`session.send` of a prepared request renews like `session.get`."""
    network.get(API_URL, text=accepts_from("two"))
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    assert [request.method for request in network.request_history] == ["POST"]
    response = session.send(prepared)

    assert (response.status_code, response.text) == (200, "Bearer two")


def test_prepared_request_that_is_sent_again_renews_again(
    network: requests_mock.Mocker, session: requests.Session
) -> None:
    """Long after it was prepared, a request is sent once more with a token that has been refused since."""
    network.get(API_URL, text=accepts_from("two"))
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    assert session.send(prepared).text == "Bearer two"

    network.get(API_URL, text=accepts_from("three"))
    response = session.send(prepared)
    assert (response.status_code, response.text) == (200, "Bearer three")
    assert [earlier.text for earlier in response.history] == ["Bearer two"]
    assert len(own_hooks(prepared)) == 1


def test_copy_of_a_prepared_request_renews_too(network: requests_mock.Mocker, session: requests.Session) -> None:
    """Copies share their list of hooks; a token that was renewed through one is found by the other."""
    network.get(API_URL, text=accepts_from("two"))
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    copy = prepared.copy()
    assert [session.send(request).text for request in (prepared, copy, copy)] == ["Bearer two"] * 3

    assert [request.method for request in network.request_history].count("POST") == 2


def test_prepared_request_renews_again_after_a_redirect_hop_was_renewed(
    network: requests_mock.Mocker, session: requests.Session
) -> None:
    """A hop of a redirect is a copy of the request; what happens to its token must not disarm the original."""
    moved = API_URL + "/moved"
    network.get(API_URL, status_code=302, headers={"Location": moved})
    network.get(moved, text=accepts_from("two"))
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    assert session.send(prepared).text == "Bearer two"

    network.get(API_URL, text=accepts_from("two"))
    assert session.send(prepared).text == "Bearer two"


def test_copy_keeps_its_hook_when_the_original_is_prepared_again(
    network: requests_mock.Mocker, session: requests.Session
) -> None:
    """Preparing a request anew gives it a new token and a new hook; its copy goes on with the old ones."""
    auth: Any = session.auth
    network.get(API_URL, text=accepts_from("two"))
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    copy = prepared.copy()
    auth.invalidate()
    prepared.prepare_auth(auth)

    assert [session.send(request).text for request in (copy, prepared)] == ["Bearer two"] * 2


def test_hook_is_registered_at_most_once(network: requests_mock.Mocker, session: requests.Session) -> None:
    """However often a request is prepared, with the same token or a newer one."""
    auth: Any = session.auth
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    for _ in range(3):
        prepared.prepare_auth(auth)
        assert len(own_hooks(prepared)) == 1
    auth.invalidate()
    prepared.prepare_auth(auth)

    assert len(own_hooks(prepared)) == 1
    assert prepared.headers["Authorization"] == "Bearer two"


def test_hooks_of_two_auth_objects_do_not_disturb_each_other(network: requests_mock.Mocker) -> None:
    """A request may carry two tokens in two headers; nobody can tell which was refused, so both are renewed."""
    user = ClientCredentialsAuth(TOKEN_URL, "client", "secret")
    gateway = ClientCredentialsAuth(TOKEN_URL, "gateway", "secret", header_name="X-Gateway", header_value_pattern="%s")
    network.get(API_URL, text=accepts_from("three"))
    with requests.Session() as session:
        response = session.get(API_URL, auth=lambda request: gateway(user(request)))

    assert response.status_code == 200
    assert response.request.headers["Authorization"] == f"Bearer {user.get_token().access_token}"
    assert response.request.headers["X-Gateway"] == gateway.get_token().access_token
    assert response.history[0].request.headers["Authorization"] == "Bearer one"


def test_hooks_of_the_person_see_the_final_answer(network: requests_mock.Mocker, session: requests.Session) -> None:
    """A raise_for_status hook, of the session or of the request, does not stand in the way of a renewal."""
    seen: list[int] = []
    session.hooks["response"] = [lambda response, **kwargs: response.raise_for_status()]
    network.get(API_URL, text=accepts_from("two"))
    response = session.get(API_URL, hooks={"response": lambda answer, **kwargs: seen.append(answer.status_code)})
    assert (response.status_code, seen) == (200, [200])

    network.get(API_URL, status_code=401)
    with pytest.raises(requests.HTTPError, match="401"):
        session.get(API_URL)


def test_hooks_of_the_session_never_see_token_requests(
    network: requests_mock.Mocker, session: requests.Session
) -> None:
    """What logs answers of the API logs no token and no secret."""
    seen: list[str] = []
    session.hooks["response"] = [lambda response, **kwargs: seen.append(response.url)]
    network.get(API_URL, text=accepts_from("two"))
    session.get(API_URL)

    assert seen == [API_URL]


def test_response_pickles(network: requests_mock.Mocker, session: requests.Session) -> None:
    """Caches of responses pickle them with their requests; the hook stays behind."""
    network.get(API_URL, text=accepts_from("two"))
    revived = pickle.loads(pickle.dumps(session.get(API_URL)))  # noqa: S301  # what this test has just pickled

    assert (revived.status_code, revived.text, revived.history[0].status_code) == (200, "Bearer two", 401)
    assert own_hooks(revived.request) == []


class Twice(requests.Session):
    """Calls the response hooks a second time with what came of the first, as requests-cache does."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = super().send(request, **kwargs)
        return requests.hooks.dispatch_hook("response", request.hooks, response, **kwargs)


def test_second_call_of_the_hooks_is_no_second_refusal(network: requests_mock.Mocker) -> None:
    """A persistent 401 stays a 401 and costs no more requests than with other sessions; a renewal is one renewal."""
    network.get(API_URL, status_code=401)
    with Twice() as session:
        session.auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret")
        response = session.get(API_URL)
        assert (response.status_code, [earlier.status_code for earlier in response.history]) == (401, [401])
        assert [request.method for request in network.request_history] == ["POST", "GET", "POST", "GET"]

        network.get(API_URL, text=accepts_from("three"))
        assert session.get(API_URL).text == "Bearer three"


def test_refusal_out_of_a_cache_says_nothing(network: requests_mock.Mocker, session: requests.Session) -> None:
    """It was about some token of another day."""
    network.get(API_URL, status_code=401)

    def kept(response: requests.Response, **kwargs: Any) -> None:
        response.from_cache = True  # type: ignore[attr-defined]  # as requests-cache and CacheControl tell

    prepared = session.prepare_request(requests.Request("GET", API_URL))
    prepared.hooks["response"].insert(0, kept)
    assert session.send(prepared).status_code == 401
    assert [request.method for request in network.request_history] == ["POST", "GET"]
