"""What `_requests.auth` does to a request before it is sent. No network."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from oauth_cc_auth import DPoP, InsecureRequestError, Token, TokenError
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._protocol.exchange import TransportFailure
from oauth_cc_auth.requests import ClientCredentialsAuth
from tests.fake_clock import FakeClock

TOKEN_URL, URL = "https://login.example.com/token", "https://api.example.com/orders"


def auth_with_token(life: float | None = None, **settings: Any) -> Any:
    """An auth object with the current token "one", and a clock that stands still."""
    auth: Any = ClientCredentialsAuth(TOKEN_URL, "client", "secret", **settings)
    clock = FakeClock()
    auth._start(clock)
    value = auth.config.header_value_pattern.replace("%s", "one")
    token = Token("one", expires_at=None if life is None else clock.now_wall + life)
    headers = dict(auth.config.api_headers)
    auth._source.cache.current = Lease(
        token, value, asked=clock.moment(), rules=RenewalRules(), chance=0, api_headers=headers
    )
    return auth


def prepared(auth: Any = None, url: str = URL, **options: Any) -> Any:
    return requests.Request("GET", url, auth=auth, **options).prepare()


def unusual(*_: object, **__: object) -> Any:
    raise AssertionError("not on this way")


def test_usual_request_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh token is put into its header, with the hook that belongs to it: no one is asked for anything."""
    auth = auth_with_token()
    prepared(auth)
    for name in ("_obtained", "_make_hook", "_admits_to"):
        monkeypatch.setattr(auth, name, unusual)
    request = prepared(auth)
    assert request.headers["Authorization"] == "Bearer one"
    assert request.hooks["response"] == [auth._source.cache.current.hook]
    assert type(request) is requests.PreparedRequest


@pytest.mark.parametrize("clock", ["now_wall", "now_monotonic"])
def test_token_that_is_due_is_asked_for(clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At that very moment, by the wall clock or by the monotonic one."""
    auth = auth_with_token(life=100)
    lease, readings = auth._source.cache.current, auth._policy.readings
    asked: list[Any] = []

    def obtained(request: Any) -> Any:
        asked.append(request)
        return lease

    monkeypatch.setattr(auth, "_obtained", obtained)
    prepared(auth)
    assert asked == []
    until = {"now_wall": lease.fresh_until, "now_monotonic": lease.fresh_until_monotonic}
    setattr(readings, clock, until[clock])
    request = prepared(auth)
    assert (len(asked), request.headers["Authorization"]) == (1, "Bearer one")


def test_hooks_of_others_stay_behind_ours() -> None:
    """One or many; ours is there once, also if another auth object of ours prepares the request too."""
    auth, other = auth_with_token(), auth_with_token(header_name="X-Token")
    mine, yours = (lambda response, **_: None), (lambda response, **_: None)
    request = prepared(auth, hooks={"response": [mine, yours]})
    assert request.hooks["response"][1:] == [mine, yours]
    auth(request)
    assert request.hooks["response"] == [auth._source.cache.current.hook, mine, yours]
    other(request)
    hooks = [other._source.cache.current.hook, auth._source.cache.current.hook, mine, yours]
    assert request.hooks["response"] == hooks
    request.hooks["response"] = mine  # as a program may write it
    auth(request)
    assert request.hooks["response"] == [auth._source.cache.current.hook, mine]


def test_custom_header_is_guarded() -> None:
    """It is taken off a copy that leaves the origin, and so is what goes with it."""
    for settings in ({"header_name": "X-Token"}, {"api_headers": {"X-Tenant": "7"}}):
        request = prepared(auth_with_token(**settings))
        copied = request.copy()
        copied.url = "https://foreign.example.com/"
        assert not {"X-Token", "X-Tenant"} & set(copied.headers)
        assert {"X-Token", "X-Tenant"} & set(request.headers)


def test_requests_of_another_library_are_refused() -> None:
    """The error says what to import; so does one about something that is no request at all."""
    import httpx

    auth = auth_with_token()
    with pytest.raises(
        TypeError,
        match=r"^oauth_cc_auth\.requests\.ClientCredentialsAuth was given a request of httpx: import ClientCred",
    ):
        auth(httpx.Request("GET", URL))
    for nothing in (requests.PreparedRequest(), "request"):
        with pytest.raises(TypeError, match=f"was given a {'request of requests' if nothing != 'request' else 'str'}"):
            auth(nothing)
    broken = prepared()
    broken.hooks = None
    with pytest.raises(TypeError, match="was given a request of requests"):
        auth(broken)


def test_origins_that_are_left_out_go_without_a_token() -> None:
    """As requests itself sends them: it encodes hosts that are not ASCII."""
    auth = auth_with_token(api_origins=["https://api.example.com", "https://bücher.example.com"])
    for _ in range(2):
        assert prepared(auth).headers["Authorization"] == "Bearer one"
        assert prepared(auth, "https://bücher.example.com/").headers["Authorization"] == "Bearer one"
        request = prepared(auth, "https://other.example.com/")
        assert "Authorization" not in request.headers
        assert request.hooks["response"] == []
    assert auth._policy.admitted == ("https://api.example.com/", "https://xn--bcher-kva.example.com/")


def test_plain_http_is_refused_with_the_request() -> None:
    """The error names the class whose argument would allow it, and carries the request."""
    auth = auth_with_token()
    with pytest.raises(InsecureRequestError, match="allow_insecure_http=True to ClientCredentialsAuth") as caught:
        prepared(auth, "http://api.example.com/")
    error: Any = caught.value
    assert error.request.url == "http://api.example.com/"
    permitted = auth_with_token(allow_insecure_http=True)
    assert prepared(permitted, "http://api.example.com/").headers["Authorization"] == "Bearer one"
    assert permitted._policy.admitted == ("https://", "http://api.example.com/")


def test_no_token_is_an_error_with_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the library; proxies for token requests to loopback are used only if the network may be trusted."""
    allowed: list[bool] = []

    def send(*arguments: Any, any_proxy: bool) -> Any:
        allowed.append(any_proxy)
        return TransportFailure("not sent", retryable=False)

    monkeypatch.setattr("oauth_cc_auth._requests.send.send_token_request", send)
    for insecure in (False, True):
        auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", allow_insecure_http=insecure)
        with pytest.raises(requests.RequestException, match="not sent") as caught:
            prepared(auth, headers={"X-Mine": "1"})
        request: Any = caught.value.request
        assert (request.url, request.headers["X-Mine"]) == (URL, "1")
    assert allowed == [False, True]


def test_proof_that_nothing_signs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the request, and without the token."""
    auth = auth_with_token(dpop=DPoP())
    lease = auth._source.cache.current
    monkeypatch.setattr(type(auth._source), "obtain", lambda self: lease)
    lease.fresh_until = 0.0

    def failing(request: Any, *_: object) -> Any:
        request.headers["Authorization"] = "DPoP one"
        return TokenError("the key is gone", reason="callable_failed")

    monkeypatch.setattr(auth._policy.bound, "bind", failing)
    with pytest.raises(requests.RequestException, match="the key is gone") as caught:
        prepared(auth)
    request: Any = caught.value.request
    assert (request.url, "Authorization" in request.headers) == (URL, False)


def test_subclass_whose_call_would_have_to_be_awaited() -> None:
    """requests would send its coroutine in the place of the request."""

    async def call(self: Any, r: Any) -> Any:
        return r

    base: Any = ClientCredentialsAuth
    with pytest.raises(TypeError) as caught:
        type("Mine", (base,), {"__call__": call})
    assert str(caught.value) == "Mine.__call__ must be a plain function: requests awaits nothing"
    seen: list[object] = []

    class Fine(base):  # type: ignore[misc]  # of a class known when it runs
        def __call__(self, r: Any) -> Any:
            seen.append(r)
            return super().__call__(r)

    auth = Fine(TOKEN_URL, "client", "secret")
    auth._source.cache.current = auth_with_token()._source.cache.current
    assert prepared(auth).headers["Authorization"] == "Bearer one"
    assert len(seen) == 1


def test_client_that_awaits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each token; the error names its library."""
    checks: list[Any] = []

    def is_awaited(library: Any, request: Any) -> bool:
        checks.append((library, request))
        return len(checks) > 2

    monkeypatch.setattr("oauth_cc_auth._requests.lookalikes.is_awaited", is_awaited)
    auth = auth_with_token()
    first = prepared(auth)
    assert checks == [(requests, first)]
    prepared(auth)
    assert len(checks) == 1

    auth._source.cache.current.hook = None
    prepared(auth)
    auth._source.cache.current.hook = None
    with pytest.raises(TypeError, match="serves clients that block, and this is a request of an async client"):
        prepared(auth)


def test_client_that_awaits_is_refused_each_time_if_more_goes_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a request leaves the short way anyway."""
    auth = auth_with_token(api_headers={"X-Tenant": "7"})
    assert prepared(auth).headers["X-Tenant"] == "7"
    monkeypatch.setattr("oauth_cc_auth._requests.lookalikes.is_awaited", lambda library, request: True)
    with pytest.raises(TypeError, match="serves clients that block"):
        prepared(auth)
