"""Promises 20 and 21: one tree of errors, whose members are also errors of the client library in use."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth import (
    Attempt,
    ConfigurationError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

BASIC_ONLY = {"client_authentication": "client_secret_basic"}


class Case(NamedTuple):
    """One way to get no token.

    Attributes:
        prepare: Causes the error. Returns the URL to request.
        error: The class of ours.
        in_requests, in_httpx: Names of the classes of the library that it must also be.
        attempts: The number of token requests that it lists.
        deadline: The deadline of the auth object, in seconds.
    """

    prepare: Callable[[LoopbackServer], str]
    error: type[TokenError]
    in_requests: str
    in_httpx: str
    attempts: int
    deadline: float = 30.0


def _answering(answer: Answer) -> Callable[[LoopbackServer], str]:
    def prepare(server: LoopbackServer) -> str:
        server.token_endpoint.always(answer)
        return server.api_url

    return prepare


def _down(server: LoopbackServer) -> str:
    server.stop()
    return server.api_url


CASES = {
    "refused": Case(
        _answering(Answer.error("invalid_scope", "no such scope", uri="https://errors.example.com/scope")),
        TokenEndpointError,
        "RequestException",
        "RequestError",
        1,
    ),
    "odd status": Case(_answering(Answer(418, "teapot")), TokenEndpointError, "RequestException", "RequestError", 1),
    "outage": Case(_answering(Answer(503)), TokenEndpointError, "RequestException", "RequestError", 3),
    "no token": Case(
        _answering(Answer(200, {"token": "x"})), InvalidTokenResponse, "RequestException", "RequestError", 1
    ),
    "dropped": Case(_answering(Answer.dropped()), TokenEndpointUnreachable, "ConnectionError", "ConnectError", 3),
    "down": Case(_down, TokenEndpointUnreachable, "ConnectionError", "ConnectError", 3),
    "slow": Case(
        _answering(Answer(200).slowed(delay=60.0)), TokenEndpointUnreachable, "Timeout", "TimeoutException", 1, 0.2
    ),
    "insecure": Case(lambda _: "http://api.example.com/x", InsecureRequestError, "RequestException", "RequestError", 0),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def library_class(client: ClientKind, case: Case) -> Any:
    return getattr(client.library, case.in_requests if client is REQUESTS else case.in_httpx)


def auth_of(client: ClientKind, server: LoopbackServer, case: Case) -> Any:
    deadline = case.deadline
    return auth_for(client, server, FakeClock(), timeout=min(10.0, deadline), deadline=deadline, **BASIC_ONLY)


def attributes(error: BaseException) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name not in ("request", "_request", "response")}


@each_client
@each_case
def test_existing_except_clauses_catch_it(client: ClientKind, oauth_server: LoopbackServer, case: Case) -> None:
    """By our class and by the library's. `.request` is the API request, and every attempt is listed."""
    library = client.library
    url = case.prepare(oauth_server)
    with (
        client.session(auth_of(client, oauth_server, case)) as session,
        pytest.raises(library_class(client, case)) as caught,
    ):
        session.request("PUT", url, headers={"X-Own": "1"})
    error: Any = caught.value
    assert isinstance(error, case.error)
    assert isinstance(error, library.RequestException if client is REQUESTS else library.RequestError)
    assert type(error).__name__ == case.error.__name__
    assert not isinstance(error, ConfigurationError)
    assert len(error.attempts) == case.attempts
    assert all(attempt.method == "client_secret_basic" for attempt in error.attempts)
    assert str(error) == error.message == error.args[0]
    assert (error.request.method, str(error.request.url)) == ("PUT", url)
    assert error.request.headers["X-Own"] == "1"
    is_timeout = isinstance(error, library.Timeout if client is REQUESTS else library.TimeoutException)
    assert is_timeout == getattr(error, "timed_out", False) == (case is CASES["slow"])


@each_client
def test_get_token_raises_the_same(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Without an API request there is no `.request`. Nothing else differs."""
    for name in ("refused", "no token", "dropped"):
        case = CASES[name]
        case.prepare(oauth_server)
        with client.session(auth_of(client, oauth_server, case)) as session, pytest.raises(case.error) as caught:
            session.get_token()
        assert isinstance(caught.value, library_class(client, case))
        if client is REQUESTS:
            assert caught.value.request is None
        else:
            with pytest.raises(RuntimeError):
                _ = caught.value.request


@each_client
@each_case
def test_it_survives_pickling_and_copying(client: ClientKind, oauth_server: LoopbackServer, case: Case) -> None:
    """With equal attributes and the same classes, but without the request, which may hold a socket."""
    url = case.prepare(oauth_server)
    with client.session(auth_of(client, oauth_server, case)) as session:
        error = failure_of(session, url)
    if hasattr(error, "add_note"):  # from Python 3.11 on
        error.add_note("noted")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  # our own pickle
        assert type(again) is type(error)
        assert type(again).__mro__ == type(error).__mro__
        assert attributes(again) == attributes(error)
        assert [vars(again).get(name) for name in ("request", "_request", "response")] == [None] * 3
        assert (str(again), again.args) == (str(error), error.args)
    for copied in (copy.copy(error), copy.deepcopy(error)):
        assert (type(copied), attributes(copied)) == (type(error), attributes(error))


@each_client
def test_what_the_endpoint_said_is_in_attributes(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The message begins with the code and ends with advice."""
    case = CASES["refused"]
    url = case.prepare(oauth_server)
    with client.session(auth_of(client, oauth_server, case)) as session:
        error = failure_of(session, url)
    assert isinstance(error, TokenEndpointError)
    assert (error.status_code, error.error, error.error_description, error.error_uri) == (
        400,
        "invalid_scope",
        "no such scope",
        "https://errors.example.com/scope",
    )
    assert error.attempts == (Attempt("client_secret_basic", 400, "invalid_scope", "no such scope"),)
    assert str(error).startswith(f"invalid_scope: token endpoint {oauth_server.token_url} answered 400")
    assert "set scope" in str(error)


@each_client
def test_each_caller_gets_an_instance_of_its_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Twenty callers share one failure. None sees the traceback, notes or request of another."""
    case = CASES["refused"]
    case.prepare(oauth_server)
    with client.session(auth_of(client, oauth_server, case)) as session:
        outcomes = session.concurrently(20, oauth_server.api_url)
    errors = [outcome for outcome in outcomes if isinstance(outcome, TokenEndpointError)]
    assert len(errors) == len({id(error) for error in errors}) == 20
    assert len({type(error) for error in errors}) == 1
    assert len({id(getattr(error, "request")) for error in errors}) == 20  # noqa: B009  # the core's class has no such attribute


@each_client
def test_tracebacks_name_what_can_be_imported(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They show one exception, not a chain of several."""
    case = CASES["down"]
    url = case.prepare(oauth_server)
    with client.session(auth_of(client, oauth_server, case)) as session:
        text = "".join(traceback.format_exception(failure_of(session, url)))
    assert "\noauth_cc_auth.TokenEndpointUnreachable: token endpoint" in text
    assert "During handling" not in text
    assert "direct cause" not in text


def test_the_tree_is_the_one_in_the_documentation() -> None:
    """Every class has the parents in the drawing."""
    assert ConfigurationError.__bases__ == (ValueError,)
    assert TokenError.__bases__ == (Exception,)
    for error in (TokenEndpointUnreachable, TokenEndpointError, InvalidTokenResponse, InsecureRequestError):
        assert error.__bases__ == (TokenError,)


WORDS: dict[str, dict[str, Any]] = {
    "Okta": {"errorCode": "E0000011", "errorSummary": "the words"},
    "Apigee": {"fault": {"faultstring": "the words", "detail": {"errorcode": "x"}}},
    "FedEx": {"errors": [{"code": "NOT.AUTHORIZED.ERROR", "message": "the words"}]},
    "Zoom": {"reason": "the words", "error": "invalid_client"},
    "FastAPI": {"detail": [{"loc": ["body", "client_id"], "msg": "the words"}]},
    "msg": {"code": 40001, "msg": "the words"},
}


@each_client
@pytest.mark.parametrize("server", WORDS)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_the_words_of_the_server_are_shown(
    client: ClientKind, oauth_server: LoopbackServer, server: str, status: int
) -> None:
    """Wherever it puts them."""
    oauth_server.token_endpoint.always(Answer(status, WORDS[server]))
    with client.session(auth=auth_for(client, oauth_server)) as session:
        assert "the words" in str(failure_of(session, oauth_server.api_url))


@each_client
def test_an_error_in_renew_on_names_its_line(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its own, and not that of the library that it called."""

    def expired(status: int, headers: Any) -> bool:
        return bool(headers["X-Missing"])

    line = expired.__code__.co_firstlineno + 1
    with client.session(auth=auth_for(client, oauth_server, renew_on=expired)) as session:
        error = failure_of(session, oauth_server.api_url)
    assert f"raised KeyError (expired, test_errors.py:{line})" in str(error)
