"""Promise 18: no secret and no token in anything that is shown, raised, logged or pickled, whoever put it there."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oauth_cc_auth import Event, HeldOff, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, Session, each_client
from tests.contract.leaks import (
    CLIENT_ID,
    CLIENT_SECRET,
    DATA,
    HEADER,
    QUERY,
    TOKEN,
    basic_blobs,
    leaks_in,
    leaks_of,
    leaks_of_records,
    settings,
    texts_in,
)
from tests.contract.scenes import Scene, tell_everything
from tests.fake_clock import FakeClock


@pytest.fixture
def server(oauth_server: LoopbackServer) -> LoopbackServer:
    """A server that knows the client with the marked secret, and issues the marked token."""
    oauth_server.client_id, oauth_server.client_secret = CLIENT_ID, CLIENT_SECRET
    oauth_server.new_token = lambda: TOKEN
    return oauth_server


EVENTS: list[Event] = []


@pytest.fixture
def silent_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After the test: what we logged, at any level, and what we told in events holds no secret."""
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    EVENTS.clear()
    yield
    assert leaks_of_records(caplog.get_records("call")) == []
    assert leaks_in(text for event in EVENTS for text in (*texts_in(event), repr(pickle.dumps(event)))) == []


pytestmark = pytest.mark.usefixtures("silent_log")


def told(event: Event) -> None:
    EVENTS.append(event)


def auth_for(client: ClientKind, server: LoopbackServer, **more: Any) -> Any:
    auth = client.auth_class(**{**settings(server.token_url), "on_event": told, **more})
    auth._start(FakeClock())
    return auth


def failure_of(session: Session, url: str) -> TokenError:
    with pytest.raises(TokenError) as caught:
        session.request("GET", url)
    return caught.value


ECHOES = {
    "secret": CLIENT_SECRET,
    "Authorization": f"Basic {basic_blobs()[0]}",
    "blob": basic_blobs()[0],
    "header": HEADER,
    "data": DATA,
    "query": QUERY,
    "everything": f"{CLIENT_SECRET} {basic_blobs()[0]} {HEADER} {DATA} {QUERY}",
}

PLACES: dict[str, Callable[[str], Answer]] = {
    "error": lambda echo: Answer.error(f"invalid_client {echo}"),
    "only error": lambda echo: Answer.error(echo, status=401),
    "error_description": lambda echo: Answer.error("invalid_client", f"got {echo}", status=401),
    "long error_description": lambda echo: Answer.error("invalid_client", "x" * 270 + echo),
    "error_uri": lambda echo: Answer.error("invalid_request", uri=f"https://errors.example.com/{echo}"),
    "nested error": lambda echo: Answer(400, {"error": {"code": echo, "message": echo}}),
    "200 with error": lambda echo: Answer(200, {"error": "x", "error_description": echo}),
    "200 with both": lambda echo: Answer.token(TOKEN, error="x", error_description=echo),
    "server error": lambda echo: Answer.error("server_error", echo, status=503),
    "form": lambda echo: Answer(400, f"error=invalid_client&error_description={echo}"),
    "member names": lambda echo: Answer(200, {echo: 1, "token": echo}),
    "html": lambda echo: Answer(200, f"<html>{echo}</html>", content_type="text/html"),
    "text": lambda echo: Answer(200, echo),
    "bad token": lambda echo: Answer.token(echo + "\n"),
    "bound token": lambda echo: Answer.token(TOKEN, token_type="mac", mac_key=echo),
    "Location": lambda echo: Answer.redirect(f"https://elsewhere.example.com/{echo}?{echo}#{echo}"),
    "user info": lambda echo: Answer.redirect(f"//{echo}:{echo}@elsewhere.example.com/"),
    "relative Location": lambda echo: Answer.redirect(echo),
    "Content-Encoding": lambda echo: Answer(200, b"x", {"Content-Encoding": echo}),
    "Retry-After": lambda echo: Answer(429, b"", {"Retry-After": echo}),
    "status line": lambda echo: Answer.raw(echo.encode() + b"\r\n\r\n"),
    "header line": lambda echo: Answer.raw(b"HTTP/1.1 200 OK\r\n" + echo.encode() + b"\r\n\r\n"),
    "chunk size": lambda echo: Answer.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + echo.encode() + b"\r\n\r\n"
    ),
}


@each_client
@pytest.mark.parametrize("place", PLACES)
def test_what_the_endpoint_echoes_is_not_passed_on(client: ClientKind, server: LoopbackServer, place: str) -> None:
    """Wherever it puts our secrets, they end there."""
    with client.session(auth_for(client, server)) as session:
        for name, echo in ECHOES.items():
            server.token_endpoint.always(PLACES[place](echo))
            error = failure_of(session, server.api_url)
            session.auth.invalidate()
            assert leaks_of(error) == [], name


@each_client
def test_an_echo_of_the_token_in_use_is_not_passed_on(client: ClientKind, server: LoopbackServer) -> None:
    """A renewal that fails may be told about the token that it was to replace."""
    auth = auth_for(client, server)
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200
        server.revoke_all()
        server.token_endpoint.always(Answer.error("invalid_grant", f"{TOKEN} is still good"))
        error = failure_of(session, server.api_url)
    assert leaks_of(error) == []
    assert error.attempts[0].error == "invalid_grant"


@each_client
def test_an_echo_of_a_token_in_the_same_answer_is_not_passed_on(client: ClientKind, server: LoopbackServer) -> None:
    """A 2xx that carries both a token and an error is an error, and its token is still a secret."""
    answer = Answer.token(TOKEN, error="consent_required", error_description=f"{TOKEN} is of no use yet")
    server.token_endpoint.always(answer)
    with client.session(auth_for(client, server)) as session:
        error = failure_of(session, server.api_url)
    assert leaks_of(error) == []


@each_client
def test_a_success_shows_nothing_either(client: ClientKind, server: LoopbackServer) -> None:
    """Log records and reprs of auth, config and token, also where the answer echoes secrets in its members."""
    auth = auth_for(client, server)
    with client.session(auth) as session:
        for name, echo in ECHOES.items():
            server.token_endpoint.next(Answer.token(TOKEN, scope=echo, refresh_token=echo))
            auth.invalidate()
            assert session.request("GET", server.api_url).status == 200
            server.token_endpoint.next(Answer.token(TOKEN, id_token=echo, x=[echo]))
            auth.invalidate()
            token = session.get_token()
            shown = [
                repr(token),
                str(token),
                f"{token}",
                repr(auth),
                str(auth),
                repr(auth.config),
                str(auth.config),
            ]
            assert leaks_in(shown) == [], name


@each_client
def test_events_and_decisions_show_nothing(client: ClientKind, server: LoopbackServer) -> None:
    """Every kind of event and every level of the log, while the servers echo everything."""
    for echo in ECHOES.values():
        auth, clock = auth_for(client, server), FakeClock()
        auth._start(clock)
        with client.session(auth) as session:
            tell_everything(Scene(session, auth, server, clock), echo)
    kinds = {"FallbackTried", "FetchFailed", "HeldOff", "TokenObtained", "TokenRefused"}
    assert {type(event).__name__ for event in EVENTS} == kinds


@each_client
def test_the_request_of_an_exception_is_the_api_request_as_the_person_made_it(
    client: ClientKind, server: LoopbackServer
) -> None:
    """Without our header and hooks, and never the token request; also where a refused request could not be renewed."""
    auth = auth_for(client, server, header_name="X-Access-Token", header_value_pattern="%s")
    server.header_name, server.header_value_pattern = "X-Access-Token", "%s"
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200
        server.revoke_all()
        server.token_endpoint.always(Answer.error("invalid_scope", CLIENT_SECRET))
        with pytest.raises(TokenError) as caught:
            session.request("POST", server.api_url, content=b"body", headers={"Authorization": "their own"})
    request: Any = getattr(caught.value, "request")  # noqa: B009  # mypy knows the core's classes only
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
    """Its exceptions hold the token request, body and all; ours keep the reason as text."""
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
def test_what_is_pickled_of_a_live_auth_object_holds_no_token(client: ClientKind, server: LoopbackServer) -> None:
    """The client secret is in there, as documented; a token never is."""
    auth = auth_for(client, server)
    with client.session(auth) as session:
        assert session.request("GET", server.api_url).status == 200
    pickled = pickle.dumps(auth)
    assert TOKEN.encode() not in pickled
    assert json.dumps(CLIENT_SECRET)[-20:-1].encode() in pickled


@each_client
def test_secret_callables_that_raise_or_return_nonsense_are_told_without_the_value(
    client: ClientKind, server: LoopbackServer
) -> None:
    """What they returned is as secret as a usable one; their exception is told by type and place, and not kept."""

    def broken() -> str:
        raise RuntimeError(f"the vault does not like {CLIENT_SECRET}")

    for secret in (lambda: CLIENT_SECRET + "\n", lambda: CLIENT_SECRET.encode(), broken):
        with client.session(auth_for(client, server, client_secret=secret)) as session:
            error = failure_of(session, server.api_url)
        assert leaks_of(error) == []
        assert (error.__cause__, error.__context__) == (None, None)
        assert "client_secret" in str(error)
    assert "it raised RuntimeError (broken, test_secrets.py:" in str(error)


def test_the_search_finds_what_there_is_to_find(server: LoopbackServer) -> None:
    """The tests above can fail: a context, an attribute, a note and a log argument are found."""

    class Holder:
        __slots__ = ("headers",)

        def __init__(self) -> None:
            self.headers = {"a": [basic_blobs()[1].encode()]}

    error = RuntimeError("outer")
    assert leaks_of(error) == []
    error.__context__ = ValueError(CLIENT_SECRET)
    assert leaks_in(texts_in(error))
    assert leaks_in(texts_in({"x": Holder()}))
    record = logging.LogRecord("oauth_cc_auth", logging.DEBUG, "", 1, "%.0s", (TOKEN,), None)
    assert leaks_of_records([record])
    assert leaks_in(texts_in(HeldOff(token_url="", client_id=TOKEN, seconds=1, reason="failures", origin=None)))
