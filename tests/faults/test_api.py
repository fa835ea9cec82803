"""A hostile API: at most one renewal, limited effort, no leak, and the next request works.

Each test is one row of the table with one client. For redirects, see tests/contract/test_redirects.py.
"""

from __future__ import annotations

import logging
from itertools import count

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth._httpx import drain as httpx_drain
from oauth_cc_auth._requests import drain as requests_drain
from tests.clients import REQUESTS, ClientKind, Session, each_client
from tests.contract.leaks import TOKEN, leaks_of_records, settings
from tests.contract.raw_endpoint import STOPPED_READING, RawEndpoint, Talk, Wire
from tests.fake_clock import FakeClock
from tests.faults.api_table import TABLE
from tests.faults.bounds import bounded
from tests.faults.rows import ApiFault
from tests.faults.talks import issues, replies


@pytest.fixture(autouse=True)
def _short_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin waits for dripping answers. Here the limit is less than the usual second."""
    for module in (httpx_drain, requests_drain):
        monkeypatch.setattr(module, "LONGEST_DRAIN", 0.05)


def token_side() -> Talk:
    """A token endpoint whose tokens differ."""
    numbers = count(1)
    return lambda wire: issues(access_token=f"{TOKEN}{next(numbers)}")(wire)


def api_side(fault: ApiFault) -> Talk:
    """An API that treats the first token, or all tokens, like this."""
    works = replies(200, "hello")

    def talk(wire: Wire) -> None:
        (fault.does if fault.always or f"{TOKEN}1\r\n".encode() in wire.request else works)(wire)

    return talk


def outcome(client: ClientKind, session: Session, url: str) -> int | None:
    """The status of an answer, or None for an exception of the client library."""
    library = client.library
    catchable: type[Exception] = library.RequestException if client is REQUESTS else library.RequestError
    try:
        return session.request("GET", url).status
    except catchable as error:
        if isinstance(error, TokenError):
            raise
        return None


@each_client
@pytest.mark.parametrize("row", TABLE)
def test_fault(client: ClientKind, row: str, caplog: pytest.LogCaptureFixture) -> None:
    """The result is that in the table."""
    fault = TABLE[row]
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    with RawEndpoint(token_side()) as endpoint, RawEndpoint(api_side(fault), listens=fault.listens) as api:
        auth = client.auth_class(**settings(endpoint.url))
        auth._start(FakeClock())
        with client.session(auth) as session:
            with bounded(memory=fault.may_be_large):
                assert outcome(client, session, api.url) == fault.status
            assert (len(endpoint.requests), len(api.requests)) == (fault.tokens, fault.sent)
            assert api.sent < STOPPED_READING

            api.talk = replies(200, "hello")
            if not fault.listens:
                api.listen()
            assert outcome(client, session, api.url) == 200
            assert (len(endpoint.requests), len(api.requests)) == (fault.tokens, fault.sent + 1)
    assert leaks_of_records(caplog.get_records("call")) == []
