"""`guarded`: a token in a header of its own stays on the origin that the person named."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from oauth_cc_auth._requests.guarded import guard
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import Answer, LoopbackServer

HERE, THERE, NAME, OTHER = "https://api.example.com/a", "https://other.example.com/a", "X-Token", "X-Tenant"


def guarded_request() -> requests.PreparedRequest:
    request = requests.Request("GET", HERE, headers={"Accept": "text/plain"}).prepare()
    guard(request, (NAME, OTHER))
    request.headers[NAME], request.headers[OTHER] = "s3cret", "t3nant"
    return request


def plain_copy(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request.copy()


COPIES: list[Callable[[Any], Any]] = [plain_copy, copy.copy, copy.deepcopy, lambda request: request.copy().copy()]


@pytest.mark.parametrize("copied", COPIES)
def test_copy_that_goes_elsewhere_has_no_token(copied: Callable[[Any], Any]) -> None:
    """However it was made; the original, and a copy that stays, keep theirs."""
    request = guarded_request()
    stays, leaves = copied(request), copied(request)
    stays.url, leaves.url = HERE + "/b", THERE
    assert stays.headers[NAME] == "s3cret"
    assert not {NAME, OTHER} & leaves.headers.keys()
    assert leaves.headers["Accept"] == "text/plain"
    leaves.url = HERE
    assert NAME not in leaves.headers  # what has left does not get it back
    assert request.headers[NAME] == "s3cret"


def test_it_is_what_it_was() -> None:
    """The class has the library's name, and is a subclass of the library's."""
    request = guarded_request()
    assert isinstance(request, requests.PreparedRequest)
    assert repr(request) == "<PreparedRequest [GET]>"
    assert (type(request).__module__, type(request).__qualname__) == ("requests.models", "PreparedRequest")
    request.headers = requests.structures.CaseInsensitiveDict({NAME: "again"})
    assert dict(request.headers) == {NAME: "again"}


def test_guarded_twice() -> None:
    """A request that is prepared again names its origin again."""
    request = guarded_request()
    request.url, guarded = THERE, type(request)
    guard(request, (NAME, OTHER))
    assert type(request) is guarded
    request.headers[NAME] = "s3cret"
    assert request.copy().headers[NAME] == "s3cret"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_has_no_token(protocol: int) -> None:
    """Its class is the library's, which guards nothing."""
    pickled = pickle.dumps(guarded_request(), protocol)
    assert b"s3cret" not in pickled
    assert b"oauth_cc_auth" not in pickled
    again = pickle.loads(pickled)  # noqa: S301  # made above
    assert type(again) is requests.PreparedRequest
    assert again.headers["Accept"] == "text/plain"


def auth_for(server: LoopbackServer, **settings: Any) -> ClientCredentialsAuth:
    server.header_name, server.header_value_pattern = NAME, "%s"
    return ClientCredentialsAuth(
        server.token_url, "client", "secret", header_name=NAME, header_value_pattern="%s", **settings
    )


class CopyingAdapter(HTTPAdapter):
    """Sends a copy, and so leaves the caller's request alone."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        copied = request.copy()
        copied.headers["X-Request-Id"] = "1"
        return super().send(copied, *args, **options)


def copying_hook(response: requests.Response, **kwargs: Any) -> None:
    """Some log what they see, and keep copies."""
    response.request.copy()


@pytest.mark.parametrize("adapter", [HTTPAdapter, CopyingAdapter])
@pytest.mark.parametrize("hooks", [[], [copying_hook]])
@pytest.mark.parametrize("renew_on", [None, False, lambda status, headers: status in (302, 401)])
def test_redirect_takes_no_token_along(
    oauth_server: LoopbackServer, adapter: type[HTTPAdapter], hooks: list[Any], renew_on: Any
) -> None:
    """Whatever the adapter, other hooks and `renew_on` do; a prepared request can be sent as often as one likes."""
    with LoopbackServer() as other, requests.Session() as session:
        other.api.always(Answer(200), unprotected=True)
        oauth_server.api.always(Answer.redirect(other.api_url))
        session.mount("http://", adapter())
        session.auth = auth_for(oauth_server, renew_on=renew_on)
        session.hooks["response"] = hooks
        prepared = session.prepare_request(requests.Request("GET", oauth_server.api_url))
        for _ in range(3):
            session.send(prepared)
        assert [NAME in request.headers for request in other.api_requests] == [False] * 3
        assert all(NAME in request.headers for request in oauth_server.api_requests)
        assert prepared.headers[NAME]


def test_next_request_of_a_redirect_that_is_not_followed(oauth_server: LoopbackServer) -> None:
    """`response.next` is one that the person may send."""
    oauth_server.api.always(Answer.redirect(THERE))
    response = requests.get(oauth_server.api_url, auth=auth_for(oauth_server), allow_redirects=False)
    assert response.next is not None
    assert NAME not in response.next.headers


def test_one_request_object_in_many_threads(oauth_server: LoopbackServer) -> None:
    """Their redirects are copies of one object at the same time; none breaks, and none takes the token along."""
    with LoopbackServer() as other, requests.Session() as session:
        other.api.always(Answer(200), unprotected=True)
        oauth_server.api.always(Answer.redirect(other.api_url))
        session.auth = auth_for(oauth_server)
        prepared = session.prepare_request(requests.Request("GET", oauth_server.api_url))
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: session.send(prepared).status_code, range(8)))
        assert statuses == [200] * 8
        assert not any(NAME in request.headers for request in other.api_requests)
