"""A hostile token endpoint: the right error, limited effort, no leak, and the next request works.

Each test is one row of the table with one client.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointUnreachable, TokenError
from tests.clients import REQUESTS, ClientKind, Session, each_client
from tests.contract.leaks import leaks_of, leaks_of_records, settings
from tests.contract.raw_endpoint import STOPPED_READING, RawEndpoint, Talk, Wire
from tests.fake_clock import FakeClock
from tests.faults.bounds import HANGS, bounded
from tests.faults.rows import IMPATIENT, Fault
from tests.faults.talks import issues, replies
from tests.faults.token_table import TABLE


def token_side(does: Talk) -> Talk:
    """An endpoint that treats token requests like this, and answers 200 to any other request."""
    greets = replies(200, "hello")

    def talk(wire: Wire) -> None:
        (greets if wire.request.startswith(b"GET") else does)(wire)

    return talk


def token_requests(endpoint: RawEndpoint) -> int:
    return sum(request.startswith(b"POST ") for request in endpoint.requests)


def api_requests(endpoint: RawEndpoint) -> list[bytes]:
    return [request for request in endpoint.requests if request.startswith(b"GET ")]


def failure(session: Session, url: str) -> TokenError | None:
    """The error of a request. None if it works."""
    try:
        assert session.request("GET", url).status == 200
    except TokenError as error:
        return error
    return None


def be_patient(auth: Any) -> None:
    """Remove the short time limits: the next request must work on a busy machine too."""
    auth._source.flow.deadline = auth._source.flow.timeout = HANGS


@each_client
@pytest.mark.parametrize("row", TABLE)
def test_fault(client: ClientKind, row: str, caplog: pytest.LogCaptureFixture) -> None:
    """The result is that in the table."""
    fault, clock = TABLE[row], FakeClock()
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    with RawEndpoint(token_side(fault.does), reads_first=fault.reads_first, listens=fault.listens) as endpoint:
        auth = client.auth_class(**{**settings(endpoint.url), **fault.settings})
        auth._start(clock)
        url = endpoint.url.replace("/token", "/api")
        with client.session(auth) as session:
            with bounded(memory=fault.may_be_large):
                error = failure(session, url)
            assert endpoint.sent < STOPPED_READING
            check(client, fault, error, endpoint)
            assert sum(clock.sleeps) <= 30

            endpoint.talk, endpoint.reads_first = token_side(issues()), True
            if not fault.listens:
                endpoint.listen()
            be_patient(auth)
            clock.advance(301)  # as long as a caller without a token obeys Retry-After
            assert failure(session, url) is None
    assert b"\r\nauthorization: bearer some-token\r\n" in api_requests(endpoint)[-1].lower()
    assert leaks_of_records(caplog.get_records("call")) == []


def catchable(client: ClientKind, error: TokenError, *, in_time: bool) -> Any:
    """The exceptions in `except` clauses for the client library."""
    library, is_requests = client.library, client is REQUESTS
    if not isinstance(error, TokenEndpointUnreachable):
        return library.RequestException if is_requests else library.RequestError
    assert error.timed_out is not in_time
    if in_time:
        return library.ConnectionError if is_requests else library.ConnectError
    return library.Timeout if is_requests else library.TimeoutException


def check(client: ClientKind, fault: Fault, error: TokenError | None, endpoint: RawEndpoint) -> None:
    """Compare the error, or the token, with the row."""
    if fault.ends_in is None:
        assert error is None, error
        assert token_requests(endpoint) == fault.attempts
        return
    assert isinstance(error, fault.ends_in)
    assert isinstance(error, catchable(client, error, in_time=fault.settings is not IMPATIENT))
    assert len(error.attempts) in ({1, fault.attempts} if isinstance(fault.ends_in, tuple) else {fault.attempts})
    assert token_requests(endpoint) <= fault.attempts  # fewer if time ran out before the server read one
    assert api_requests(endpoint) == []
    assert fault.told in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 2000
    assert leaks_of(error) == []
