"""`_requests.send`: one token request, its time and what it becomes if something is odd. No network."""

from __future__ import annotations

import io
import logging
import signal
import ssl
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._http import limited_tls
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, too_slow
from oauth_cc_auth._requests import send
from oauth_cc_auth._requests.send import own_session, send_token_request

URL, LOOPBACK = "https://login.example.com/token", "http://127.0.0.1:1/token"
PROXY = "http://proxy.example.com:3128"


def token_request(url: str = URL, **settings: Any) -> TokenRequest:
    headers = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
    given: dict[str, Any] = {"headers": headers, "body": b"a=b", "method": "none", "scope": None, "secrets": ()}
    return TokenRequest(url=url, **{**given, **settings})


class Answering(BaseAdapter):
    """Does what `act` does, and knows what it was given."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act = act
        self.sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # its keywords
        self.sent.append((request, options))
        response: requests.Response = self.act()
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None: ...


def answer(status: int = 200, body: bytes = b"{}", raw: Any = None, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = raw or urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def raises(error: Exception) -> Any:
    def act() -> requests.Response:
        raise error

    return act


def session_with(act: Any, session: requests.Session | None = None) -> tuple[requests.Session, Answering]:
    session, adapter = session or requests.Session(), Answering(act)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session, adapter


def reply(act: Any, url: str = URL, *, session: requests.Session | None = None, budget: float = 60.0) -> Any:
    return send_token_request(requests, token_request(url), budget, session_with(act, session)[0])


@pytest.fixture(autouse=True)
def _proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(send, "time", clock)
    return clock


def test_what_is_sent_is_the_token_request() -> None:
    """All of it and nothing of the URL's, with the session's settings, as a stream, and within the budget."""
    session, adapter = session_with(lambda: answer(201, b"token", X_Kind="a"))
    request = token_request("https://user:word@login.example.com/token", http_method="PUT")
    assert send_token_request(requests, request, 7.5, session) == TokenResponse(201, {"x-kind": "a"}, b"token")
    ((sent, options),) = adapter.sent
    assert (sent.method, sent.url, sent.body) == ("PUT", request.url, b"a=b")
    assert dict(sent.headers) == {**dict(request.headers), "Content-Length": "3"}
    assert (options["timeout"], options["stream"], options["verify"]) == ((7.5, 7.5), True, True)
    assert options["proxies"]["https"] == PROXY


@pytest.mark.parametrize(
    ("url", "any_proxy", "has_proxy"),
    [(LOOPBACK, {}, False), (LOOPBACK, {"any_proxy": True}, True), (URL, {}, True), (URL, {"any_proxy": True}, True)],
)
def test_this_machine_is_asked_without_a_proxy(url: str, any_proxy: dict[str, bool], has_proxy: bool) -> None:
    session, adapter = session_with(answer)
    send_token_request(requests, token_request(url), 60.0, session, **any_proxy)
    assert (adapter.sent[0][1]["proxies"].get("http") == PROXY) is has_proxy


def test_a_session_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the request's certificate and a watchdog for the budget; it is closed, and takes no proxy to loopback."""
    session, adapter = session_with(answer)
    closed: list[bool] = []
    made: list[Any] = []
    monkeypatch.setattr(session, "close", lambda: closed.append(True))

    def opened(library: Any, watchdog: Watchdog, certificate: Any) -> requests.Session:
        made.append((library, certificate))
        assert 50.0 < watchdog.left <= 60.0
        return session

    monkeypatch.setattr(send, "own_session", opened)
    certificate = ClientCertificate("client.pem")
    request = token_request(LOOPBACK, certificate=certificate)
    assert send_token_request(requests, request, 60.0, None, any_proxy=True) == TokenResponse(200, {}, b"{}")
    assert (made, closed) == ([(requests, certificate)], [True])
    assert adapter.sent[0][1]["proxies"] == {}


@pytest.mark.parametrize(
    ("certificate", "cert", "password"),
    [
        (None, None, None),
        (ClientCertificate("client.pem", "key.pem", "secret"), ("client.pem", "key.pem"), "secret"),
        (ClientCertificate("client.pem"), "client.pem", ""),
    ],
)
def test_what_a_session_of_our_own_presents(certificate: Any, cert: Any, password: str | None) -> None:
    """A key without a password gets an empty one: OpenSSL would ask for it at the terminal."""
    watchdog = Watchdog(1.0)
    with own_session(requests, watchdog, certificate) as session:
        adapter = session.get_adapter(URL)
        assert adapter is session.get_adapter(LOOPBACK)
        assert type(session) is requests.Session
        assert session.cert == cert
        assert (adapter._watchdog, adapter._password) == (watchdog, password)


def test_secrets_in_the_url_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever urllib3 says of it while it is sent."""

    def act() -> requests.Response:
        logging.getLogger("urllib3.connectionpool").warning("POST /token?key=%s", "hidden-value")
        return answer()

    session, _ = session_with(act)
    send_token_request(requests, token_request(f"{URL}?key=hidden-value", secrets=("hidden-value",)), 60.0, session)
    assert caplog.messages
    assert "hidden-value" not in caplog.text


def test_tls_of_this_thread_keeps_to_the_time_of_the_request() -> None:
    """Sockets that limit themselves find it while the request is under way, and no longer."""
    limits: list[Watchdog | None] = []

    def answered() -> requests.Response:
        limits.append(limited_tls._current.watchdog)
        return answer()

    reply(answered)
    assert [type(limit) for limit in limits] == [Watchdog]
    assert limited_tls._current.watchdog is None


def test_the_watchdog_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came from a connection that it shut down may be half of a token, and an error says nothing."""

    class Fired(Watchdog):
        def __enter__(self) -> Watchdog:
            self.fired = True
            return self

    monkeypatch.setattr(send, "Watchdog", Fired)
    assert reply(answer, budget=4.0) == too_slow(4.0)
    assert reply(raises(ValueError("odd")), budget=4.0) == too_slow(4.0)


@pytest.mark.parametrize("error", [requests.Timeout("slow"), urllib3.exceptions.ReadTimeoutError(None, "", "slow")])  # type: ignore[arg-type]  # it has no pool
def test_time_outs(error: Exception) -> None:
    assert reply(raises(error), budget=4.0) == too_slow(4.0)


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (requests.ConnectionError("odd"), "unreachable", True),
        (requests.exceptions.ChunkedEncodingError("odd"), "connection_lost", True),
        (urllib3.exceptions.ProtocolError("odd"), "connection_lost", True),
        (ValueError("odd"), "unreachable", False),
    ],
)
def test_other_errors(error: Exception, reason: str, retryable: bool) -> None:
    failure = reply(raises(error))
    assert isinstance(failure, TransportFailure)
    assert (failure.text, failure.reason, failure.retryable) == ("odd", reason, retryable)


def test_advice_knows_the_url_and_whose_session_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = reply(raises(requests.exceptions.ChunkedEncodingError("cut off")), LOOPBACK)
    assert "https://" in str(failure.advice)
    untrusted = raises(requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "unknown issuer")))
    assert "verify of the token_client" in str(reply(untrusted).advice)
    monkeypatch.setattr(send, "own_session", lambda *args: session_with(untrusted)[0])
    own = send_token_request(requests, token_request(), 60.0, None)
    assert "pass token_client" in str(getattr(own, "advice", None))


def test_what_is_not_about_the_request_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a session of our own: an error that no transport has raised, such as a time limit."""

    class LimitError(Exception):
        pass

    limited = raises(LimitError("out of time"))
    assert reply(limited).text == "out of time"
    monkeypatch.setattr(send, "own_session", lambda *args: session_with(limited)[0])
    with pytest.raises(LimitError):
        send_token_request(requests, token_request(), 60.0, None)


def test_a_handlers_error_passes_even_if_there_was_an_answer() -> None:
    """A soft time limit that strikes while hooks run is no answer."""

    class Limited(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            super().send(request, **options)
            signal.raise_signal(signal.SIGUSR1)
            raise AssertionError("not reached")

    def handler(number: int, frame: Any) -> None:
        raise TimeoutError("time limit")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(TimeoutError, match="time limit"):
            reply(lambda: answer(503), session=Limited())
    finally:
        signal.signal(signal.SIGUSR1, before)


class Strict(requests.Session):
    """Raises for whatever it is answered, with an error that has no response."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        super().send(request, **options)
        raise RuntimeError("not fine")


@pytest.mark.parametrize(("status", "is_answer"), [(200, False), (399, False), (400, True), (503, True)])
def test_an_answer_that_the_session_raises_for(status: int, is_answer: bool) -> None:
    """It counts if it is an error itself."""
    replied = reply(lambda: answer(status, b"no"), session=Strict())
    if is_answer:
        assert replied == TokenResponse(status, {}, b"no")
    else:
        assert (type(replied), replied.text) == (TransportFailure, "not fine")


@pytest.mark.parametrize(("url", "is_answer"), [(URL, True), ("https://login.example.com/other", False), (None, False)])
def test_an_answer_that_the_adapter_raises_for(url: str | None, is_answer: bool) -> None:
    """The error has it, wherever it is in the chain; that of another request is no answer to this one."""
    found = None if url is None else answer(429, b"slow down")
    if found is not None:
        found.url = str(url)
    wrapped = requests.ConnectionError("wrapped")
    wrapped.__cause__ = requests.HTTPError("429", response=found)
    replied = reply(raises(wrapped))
    if is_answer:
        assert replied == TokenResponse(429, {}, b"slow down")
    else:
        assert (type(replied), replied.text, replied.retryable) == (TransportFailure, "429", True)


class Watched(io.BytesIO):
    """A body that is not urllib3's; it counts how it is read, and time goes by with each piece."""

    def __init__(self, body: bytes, clock: Clock | None = None, *seconds: float) -> None:
        super().__init__(body)
        self._clock, self._seconds = clock, list(seconds)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(-1 if size is None else size)
        if self._clock is not None and self._seconds:
            self._clock.now += self._seconds.pop(0)
        return super().read(size)


def test_a_session_is_told_to_follow_no_redirect() -> None:
    """It may be one that calls no hooks."""
    told: list[object] = []

    class Telling(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            told.append(options["allow_redirects"])
            return super().send(request, **options)

    reply(answer, session=Telling())
    assert told == [False]


def test_redirects_are_told_and_not_read() -> None:
    """With their target, under its name in lower case; and the connection is let go."""
    body = Watched(b"moved")
    assert reply(lambda: answer(307, raw=body, Location="https://other.example.com")) == TokenResponse(
        307, {"location": "https://other.example.com"}, b""
    )
    assert (body.sizes, body.closed) == ([], True)
    assert reply(lambda: answer(304)) == TokenResponse(304, {}, b"")


def test_the_body_is_read_in_pieces() -> None:
    """As large as one record of TLS, or a few; then the connection is let go."""
    body = Watched(b"x" * 100_000)
    assert reply(lambda: answer(raw=body)) == TokenResponse(200, {}, b"x" * 100_000)
    assert (body.sizes, body.closed) == ([65536] * 3, True)


@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}])
def test_a_body_that_is_decoded_already(headers: dict[str, Any]) -> None:
    assert reply(lambda: answer(raw=Watched(b"plain"), **headers)).body == b"plain"


def test_a_body_that_cannot_be_decoded() -> None:
    replied = reply(lambda: answer(200, b"no gzip", Content_Encoding="gzip"))
    assert (replied.status_code, replied.headers, replied.body) == (200, {"content-encoding": "gzip"}, b"")
    assert "gzip" in replied.problem


def test_a_body_that_there_is_not() -> None:
    """A mock may have neither a stream nor a content."""

    def act() -> requests.Response:
        response = answer()
        response.raw = None
        return response

    assert reply(act) == TokenResponse(200, {}, b"")


def test_a_body_that_ends_just_in_time(clock: Clock) -> None:
    body = b"x" * 100_000
    assert reply(lambda: answer(raw=Watched(body, clock, 4.0)), budget=4.0) == TokenResponse(200, {}, body)


def test_a_body_that_goes_on_for_too_long(clock: Clock) -> None:
    """It is not read to its end."""
    body = Watched(b"x" * 200_000, clock, 2.5, 2.5)
    assert reply(lambda: answer(raw=body), budget=4.0) == too_slow(4.0)
    assert len(body.sizes) == 2


def test_a_body_that_ends_too_late(clock: Clock) -> None:
    """It may be half of one: the end of a connection looks like this."""
    body = Watched(b"token", clock, 2.5, 2.5)
    assert reply(lambda: answer(raw=body), budget=4.0) == too_slow(4.0)
    assert len(body.sizes) == 2
