"""One GET: it returns what comes back, whatever it is."""

from __future__ import annotations

import gzip

import pytest

from oauth_cc_auth._cli.check.probe.get import Got, get
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TransportFailure
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import direct
from tests.contract.raw_endpoint import RawEndpoint, Wire, head

__all__ = ["direct"]


def test_an_answer(oauth_server: LoopbackServer) -> None:
    """Status, headers by lower-case name, body."""
    oauth_server.api.always(Answer(201, "body", {"X-A": "b"}), unprotected=True)
    answer = get(oauth_server.api_url, {"Authorization": "x"}, 5.0)
    assert isinstance(answer, Got)
    assert (answer.status, answer.headers["x-a"], answer.body) == (201, "b", b"body")
    (request,) = oauth_server.api_requests
    assert request.headers["Authorization"] == "x"
    assert request.headers["User-Agent"].startswith("oauth-cc-auth/")


def test_a_redirect_is_not_followed(oauth_server: LoopbackServer) -> None:
    """Its target is part of the answer."""
    oauth_server.api.always(Answer.redirect("http://[odd"))
    answer = get(oauth_server.api_url, {}, 5.0)
    assert isinstance(answer, Got)
    assert (answer.status, answer.headers["location"]) == (302, "http://[odd")
    assert len(oauth_server.requests) == 1


def test_a_compressed_answer(oauth_server: LoopbackServer) -> None:
    """Though it was not asked for."""
    oauth_server.api.always(Answer(200, gzip.compress(b"body"), {"Content-Encoding": "gzip"}), unprotected=True)
    answer = get(oauth_server.api_url, {}, 5.0)
    assert isinstance(answer, Got)
    assert answer.body == b"body"


def test_a_stream_of_events() -> None:
    """It does not end; what came in time is enough."""

    def begin(wire: Wire) -> None:
        wire.send(head("200 OK", "Content-Type: text/event-stream") + b"data: 1\n\n")
        wire.wait()

    with RawEndpoint(begin) as endpoint:
        answer = get(endpoint.url, {}, 0.2)
    assert isinstance(answer, Got)
    assert (answer.status, answer.body) == (200, b"data: 1\n\n")


def test_a_body_that_drips() -> None:
    """Each byte starts the library's time-out anew, but not ours."""

    def drip(wire: Wire) -> None:
        wire.send(head())
        wire.drip(b"x", 0.01)

    with RawEndpoint(drip) as endpoint:
        answer = get(endpoint.url, {}, 0.2)
    assert isinstance(answer, Got)
    assert set(answer.body) == {ord("x")}


def test_headers_that_drip() -> None:
    """They are bounded too; what came of them is no answer."""

    def drip(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        wire.drip(b"x", 0.01)

    with RawEndpoint(drip) as endpoint:
        late = get(endpoint.url, {}, 0.2)
    assert isinstance(late, TransportFailure)
    assert late.timed_out
    assert late.text == "it took longer than 0.2 s"


def test_headers_that_may_be_cut_off(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If time is up in the moment in which they have come, nothing tells whether they are all."""
    monkeypatch.setattr(f"{get.__module__}.Watchdog", TimeIsUp)
    late = get(oauth_server.api_url, {}, 5.0)
    assert isinstance(late, TransportFailure)
    assert late.timed_out
    assert len(oauth_server.api_requests) == 1


class TimeIsUp(Watchdog):
    """It fires too late to cut the connection."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.fired = True

    def watch(self, sock: object) -> None:
        """The answer comes all the same."""


def test_no_answer() -> None:
    """Too late, or not at all."""
    with RawEndpoint(Wire.wait) as endpoint:
        late = get(endpoint.url, {}, 0.1)
    assert isinstance(late, TransportFailure)
    assert late.timed_out
    gone = get(endpoint.url, {}, 5.0)
    assert isinstance(gone, TransportFailure)
    assert not gone.timed_out


def test_a_body_that_breaks_off() -> None:
    """The status is known, and what came of the body."""

    def break_off(wire: Wire) -> None:
        wire.send(head("403 Forbidden", "Content-Length: 10") + b"no")

    with RawEndpoint(break_off) as endpoint:
        answer = get(endpoint.url, {}, 5.0)
    assert isinstance(answer, Got)
    assert (answer.status, answer.body) == (403, b"no")
